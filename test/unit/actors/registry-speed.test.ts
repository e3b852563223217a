// Goal: 10,000 servers start, change one by one and change all at once within the times stated.
// The bounds have room for a busy machine; the figures measured are printed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { registry } from '../../../src/actors/registry/actor.ts'
import { openPorts } from '../../../src/actors/registry/ports.ts'
import type { PoolSpec } from '../../../src/core/steer/topology.ts'
import { fakeCtx, recordingLog } from '../../harness/ctx.ts'
import { keyOf, poolOf, topologyOf } from '../core/health/sample.ts'

const SERVERS = 10_000
const addressOf = (index: number) => `10.0.${index >> 8}.${index & 255}`
const all = Array.from({ length: SERVERS }, (_, index) => addressOf(index))

const shapes: [string, PoolSpec[]][] = [
  ['one pool of 10,000', [poolOf('app', all)]],
  [
    '1,000 pools of 10',
    Array.from({ length: 1_000 }, (_, pool) =>
      poolOf(`app${pool}`, all.slice(pool * 10, pool * 10 + 10)),
    ),
  ],
  [
    'one failover pool of 10,000 with hold-down',
    [poolOf('app', all, { policy: 'failover', holdDownMs: 30_000 })],
  ],
]

test.each(shapes)('%s', async (title, pools) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'speed-'))
  const guard = { enabled: true, maxWithdrawnShare: 0.5 }
  const eventLog = { retentionMs: 86_400_000, maxBytes: 1e9 }
  const config = { topology: topologyOf(...pools), dataDir, guard, eventLog }
  const keys = pools.flatMap((pool) => pool.members.map((member) => member.key))
  expect(keys[0]).toBe(keyOf(pools[0]!.name, all[0]!))

  async function start(incarnation: number) {
    const startedMs = performance.now()
    const world = fakeCtx('registry', { incarnation })
    const ports = await openPorts(config, { log: recordingLog([]) })
    const { receive } = await registry.start(world.ctx, ports, config)
    return { world, ports, tookMs: performance.now() - startedMs, receive }
  }

  const { world, ports, receive } = await start(1)
  const say = (key: string, verdict: 'up' | 'down') => {
    world.clock.advance(1)
    const atMs = world.clock.nowMs()
    receive['prober.verdict-changed']({ target: key, verdict, atMs, reason: '' })
  }
  const burst = (verdict: 'up' | 'down') => {
    const startedMs = performance.now()
    for (const key of keys) say(key, verdict)
    return performance.now() - startedMs
  }
  const upMs = burst('up')
  const singles: number[] = []
  for (let turn = 0; turn < 200; turn++) {
    const startedMs = performance.now()
    const before = world.published.length
    say(keys[turn * 7]!, 'down')
    singles.push(performance.now() - startedMs)
    expect(world.published.length).toBeGreaterThan(before)
  }
  singles.sort((a, b) => a - b)
  const downMs = burst('down')
  const againMs = burst('up')
  const flushedMs = performance.now()
  expect(await ports.store.flush()).toBe('committed')
  const commitMs = performance.now() - flushedMs
  await ports.close()

  const restarted = await start(1)
  const [, snapshot] = restarted.world.published.find(([id]) => id === 'registry.snapshot-set')!
  expect((snapshot as { words: number[][] }).words.flat()).toHaveLength(SERVERS)
  await restarted.ports.close()
  await rm(dataDir, { recursive: true, force: true })

  const figures = { upMs, downMs, againMs, commitMs, restartMs: restarted.tookMs }
  const single = { p50: singles[100]!.toFixed(3), p99: singles[198]!.toFixed(3) }
  const rounded = Object.entries(figures).map(([name, ms]) => `${name} ${ms.toFixed(0)}`)
  process.stdout.write(
    `${title}: ${rounded.join(', ')}; one verdict ms ${JSON.stringify(single)}\n`,
  )
  expect(restarted.tookMs).toBeLessThan(1_000)
  expect(singles[100]).toBeLessThan(1)
  for (const ms of [upMs, downMs, againMs]) expect(ms).toBeLessThan(1_000)
})
