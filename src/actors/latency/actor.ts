/**
 * The latency actor: round-trip times as clients have them.
 *
 * On an agent it learns them of the kernel and reports them by client network; on an overwatch it
 * merges the reports of all agents. It reads, keeps time and moves rows; what a sample is, and what
 * rows say together, is decided in core/latency.
 */
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { defineActor } from '../define.ts'
import { Collector } from './collector.ts'
import type { AgentLatency, LatencyConfig, LatencyPorts } from './contract.ts'
import { Merging } from './merging.ts'
import { Steering } from './steering.ts'
import { type AgentCounts, agentMetrics, overwatchMetrics } from './metrics.ts'

type LatencyCtx = Ctx<ProductCatalogue, 'latency'>

export const latency = defineActor(
  'latency',
  async (ctx, ports: LatencyPorts, first: LatencyConfig) => {
    const agent = first.mode === 'agent' ? new Learning(ctx, ports, first) : undefined
    const { merging, steering } = first.mode === 'overwatch' ? onOverwatch(ctx, ports, first) : none
    await merging?.start()
    await steering?.start()
    return {
      receive: {
        'gossip.latency-reported': (message) => merging?.reported(message),
        'gossip.latency-record-learned': (record) => merging?.learned(record),
        'registry.ground-set': (message) => steering?.stand(message),
        'dns.askers-counted': ({ rows }) => steering?.asked(rows),
        'api.explain-latency': (order) => steering?.explain(order) ?? {},
        'api.list-latency': (order) => merging?.list(order) ?? nothing,
        'api.add-latency': (order) =>
          merging?.add(order) ?? { outcome: 'refused', message: 'an agent measures for itself' },
      },
      onPeerStarted: (peer) => {
        if (peer === 'registry') steering?.sayAgain()
        merging?.sayAgain(peer)
      },
      onReconfigured: (next: LatencyConfig) => {
        if (next.mode === 'agent') agent?.configure(next)
        else {
          merging?.configure(next)
          steering?.configure(next)
        }
      },
      onStop: async () => {
        agent?.stop()
        await steering?.stop()
        await merging?.stop()
      },
    }
  },
)

const none = { merging: undefined, steering: undefined }
const nothing = { entries: [], total: 0, subnets: 0 }

function onOverwatch(
  ctx: LatencyCtx,
  ports: LatencyPorts,
  config: Extract<LatencyConfig, { mode: 'overwatch' }>,
) {
  const counts = overwatchMetrics(ctx.metrics, () => {
    const { entries, rows, evicted, pruned, changes } = merging.table
    const { resolvers, networks: networksBehind } = steering.catchments()
    const behind = { resolvers, networksBehind }
    return { entries: entries.count, rows: rows.count, evicted, pruned, changes, ...behind }
  })
  const merging: Merging = new Merging(ctx, ports, config, counts)
  const steering = new Steering(ctx, ports, config, merging.table)
  return { merging, steering }
}

/** A collector while learning is switched on and the system tells round-trip times. */
class Learning {
  readonly #ctx: LatencyCtx
  readonly #ports: LatencyPorts
  readonly #counts: AgentCounts
  #collector: Collector | undefined

  constructor(ctx: LatencyCtx, ports: LatencyPorts, config: AgentLatency) {
    this.#ctx = ctx
    this.#ports = ports
    this.#counts = agentMetrics(ctx.metrics, () => {
      const subnets = this.#collector?.subnets
      if (subnets === undefined) return undefined
      return { tracked: subnets.size, evicted: subnets.evicted, pruned: subnets.pruned }
    })
    this.configure(config)
  }

  configure(config: AgentLatency): void {
    if (!config.enabled) this.stop()
    else if (this.#collector !== undefined) this.#collector.configure(config)
    else this.#begin(config)
  }

  #begin(config: AgentLatency): void {
    const { log } = this.#ctx
    const tcp = this.#ports.openTcp()
    if (!tcp.ok) {
      this.#counts.errors('capability')
      log.warn('latency learning is off: no round-trip times here', { why: tcp.error })
      return
    }
    const { endsHeard } = tcp.value
    if (!endsHeard.ok) {
      this.#counts.errors('capability')
      const why = endsHeard.error
      log.warn('latency of short connections is not learned: their end is not told', { why })
    }
    const ports = [...new Set(config.backends.map(({ port }) => port))]
    log.info('latency learning began', { ports, ends: endsHeard.ok })
    this.#collector = new Collector(this.#ctx, tcp.value, config, this.#counts)
    this.#collector.start()
  }

  stop(): void {
    this.#collector?.stop()
    this.#collector = undefined
  }
}
