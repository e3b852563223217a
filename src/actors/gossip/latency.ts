/**
 * Learned round-trip times on their way through gossip: from agents to the latency actor, and in
 * the records that overwatches share.
 *
 * An agent is believed only on services it has backends of, and those are admitted by their token.
 */
import type { ReceiverOutput } from '../../core/gossip/app/outputs.ts'
import type { Ledger } from '../../core/gossip/peers/ledger.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import type { Ctx } from '../../kernel/actor.ts'
import { Paced } from '../../kernel/paced.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { KnownAgents } from './agents-known.ts'

type Told = Extract<ReceiverOutput, { kind: 'latency' }>

export class LatencyWay {
  readonly #ctx: Ctx<ProductCatalogue, 'gossip'>
  readonly #agents: KnownAgents
  readonly #ledger: () => Ledger
  readonly #again: Paced

  constructor(ctx: Ctx<ProductCatalogue, 'gossip'>, agents: KnownAgents, ledger: () => Ledger) {
    this.#ctx = ctx
    this.#agents = agents
    this.#ledger = ledger
    this.#again = new Paced(ctx.clock, () => ctx.fill('gossip.latency-record-learned'))
  }

  reported({ agentId, region, service, rows }: Told): void {
    const backends = this.#agents.heard.get(agentId)?.report.backends ?? []
    const own = new Set(backends.map((backend) => backend.service))
    // The older documents' form is of the agent as a whole.
    const services = service === undefined ? [...own] : own.has(service) ? [service] : []
    if (services.length === 0 || rows.length === 0) return
    this.#ctx.publish('gossip.latency-reported', { agentId, region, services, rows })
  }

  /** True when the record was one of rows, which are not the registry's. */
  takes(record: SharedRecord): boolean {
    if (record.kind !== 'latency') return false
    this.#ctx.publish('gossip.latency-record-learned', record)
    return true
  }

  /** The latency actor holds nothing of what was learned of others. */
  sayAgain(): void {
    this.#again.run(this.#everything())
  }

  *#everything(): Generator<boolean> {
    for (const record of this.#ledger().records()) yield this.takes(record)
  }
}
