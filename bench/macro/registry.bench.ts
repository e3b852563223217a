/**
 * The registry with 10,000 servers: how long a start takes, a change of one verdict, and a burst of
 * changes of all of them, with the real files underneath.
 *
 * The peer is the same registry with 100 servers, in the same run: a verdict must not cost more for
 * the servers that it does not concern.
 */
import { contentOf } from '../../src/actors/registry/ports-content.ts'
import { agentsDefaults } from '../../src/actors/registry/contract.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { registry } from '../../src/actors/registry/actor.ts'
import { openPorts } from '../../src/actors/registry/ports.ts'
import type { PoolSpec } from '../../src/core/steer/topology.ts'
import { fakeCtx, recordingLog } from '../../test/harness/ctx.ts'
import { poolOf, topologyOf } from '../../test/unit/core/health/sample.ts'
import { report, sized } from '../support/report.ts'

const many = sized(10_000, 1_000)
const few = 100
const singles = sized(200, 50)

const addresses = (count: number) =>
  Array.from({ length: count }, (_, index) => `10.0.${index >> 8}.${index & 255}`)

interface Figures {
  readonly restartMs: number
  readonly burstMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

async function measure(pools: readonly PoolSpec[]): Promise<Figures> {
  const dataDir = await mkdtemp(join(tmpdir(), 'opengslb-bench-'))
  const config = {
    ...contentOf(topologyOf(...pools), 0),
    hashSeed: 7,
    dataDir,
    guard: { enabled: true, maxWithdrawnShare: 0.5 },
    eventLog: { retentionMs: 86_400_000, maxBytes: 1e9 },
    agents: agentsDefaults,
  }
  const keys = pools.flatMap((pool) => pool.members.map((member) => member.key))
  const start = async () => {
    const startedMs = performance.now()
    const world = fakeCtx('registry', { incarnation: 1 })
    const ports = await openPorts(config, { log: recordingLog([]) })
    const { receive } = await registry.start(world.ctx, ports, config)
    return { world, ports, receive, tookMs: performance.now() - startedMs }
  }
  const { world, ports, receive } = await start()
  const say = (target: string, verdict: 'up' | 'down') => {
    world.clock.advance(1)
    const atMs = world.clock.nowMs()
    const startedMs = performance.now()
    receive['prober.verdict-changed']({ target, verdict, atMs, reason: '' })
    return performance.now() - startedMs
  }
  const burst = (verdict: 'up' | 'down') => keys.reduce((sum, key) => sum + say(key, verdict), 0)
  const bursts = [burst('up')]
  const each = Array.from({ length: singles }, (_, turn) => say(keys[turn % keys.length]!, 'down'))
  each.sort((one, other) => one - other)
  bursts.push(burst('down'), burst('up'))
  await ports.store.flush()
  await ports.close()
  const restarted = await start()
  await restarted.ports.close()
  await rm(dataDir, { recursive: true, force: true })
  return {
    restartMs: restarted.tookMs,
    burstMs: Math.min(...bursts),
    p50Ms: each[Math.floor(singles / 2)]!,
    p99Ms: each[Math.floor(singles * 0.99) - 1]!,
  }
}

const onePool = (count: number, spec: Partial<PoolSpec> = {}) => [
  poolOf('app', addresses(count), spec),
]
const small = await measure(onePool(few))
const flat = await measure(onePool(many))
const failover = await measure(onePool(many, { policy: 'failover', holdDownMs: 30_000 }))
const worst = Math.max(flat.burstMs, failover.burstMs)

report(
  'registry',
  {
    servers: many,
    'restart: restore, compile, publish (ms)': flat.restartMs,
    'one verdict, median (ms)': flat.p50Ms,
    'one verdict, p99 (ms)': flat.p99Ms,
    [`one verdict, median, ${few} servers (ms)`]: small.p50Ms,
    'all verdicts in a burst (ms)': flat.burstMs,
    'the same in a failover pool with hold-down (ms)': failover.burstMs,
  },
  {
    holds: flat.restartMs < 1_000 && flat.p50Ms < 1 && worst < 1_000,
    sentence: `${many} servers restart in ${flat.restartMs.toFixed(0)} ms, all verdicts change in ${worst.toFixed(0)} ms`,
  },
)
