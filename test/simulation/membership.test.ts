/**
 * Goal: membership spreads, finds failures and sees leaves as SWIM and Lifeguard predict.
 * Method: whole clusters on a virtual clock, over a network that loses and delays packets by seed.
 * OPENGSLB_FULL=1 makes them 1,000 nodes. Each test prints its figures.
 */
import { describe, expect, test } from 'vitest'
import { profiles, suspicionBounds } from '../../src/core/gossip/swim/settings.ts'
import { about, grownCluster, record, sharedCluster, told } from '../harness/gossip-cluster.ts'
import type { GossipWorld } from '../harness/gossip-world.ts'

const FULL = process.env['OPENGSLB_FULL'] === '1'
const SIZE = FULL ? 1_000 : 100
const SIZES = FULL ? [32, 100, 316, 1_000] : [16, 32, 100]
const MINUTES = 60_000
const { gossipIntervalMs, retransmitMult } = profiles.lan

/** Gossip rounds until all know a newcomer that asks one random member. */
function roundsToKnow(world: GossipWorld): number {
  const seed = world.nodes[world.random.below(world.nodes.length)]!
  const startMs = world.nowMs
  world.join(world.add(), seed)
  expect(world.runUntil(() => world.agreed(), MINUTES, 10)).toBe(true)
  return (world.nowMs - startMs) / gossipIntervalMs
}

const cluster = sharedCluster(SIZE, { seed: 7, loss: 0.02 })

describe('a cluster', { timeout: 20 * MINUTES }, () => {
  test('knows a newcomer after a number of gossip rounds that grows as the logarithm', () => {
    const lines: string[] = []
    for (const size of SIZES) {
      const { world, tookMs } = grownCluster(size, { seed: size, loss: 0.02 })
      expect(tookMs).toBeDefined()
      // The news of the start must be told before that of a newcomer can be measured alone.
      expect(world.runUntil(() => quiet(world), 2 * MINUTES)).toBe(true)
      const runs = [1, 2, 3, 4, 5].map(() => roundsToKnow(world)).sort((a, b) => a - b)
      const expected = Math.log(size) / Math.log(4)
      lines.push(
        `${size} nodes: all joined at once ${tookMs} ms; one newcomer known after ` +
          `${runs[2]!.toFixed(1)} rounds (worst ${runs[4]!.toFixed(1)}, log4 n ${expected.toFixed(1)})`,
      )
      // Each member that knows tells three others a round; the last few are found at random.
      expect(runs[2]).toBeLessThan(2 * expected + 3)
      expect(runs[4]).toBeLessThan(4 * Math.ceil(Math.log10(size + 1)) * retransmitMult)
    }
    print('newcomers', lines)
  })

  test('finds a crashed node within the bounds of Lifeguard, and every member agrees', () => {
    const world = cluster()
    const lines: string[] = []
    for (let turn = 1; turn <= 5; turn++) {
      const victim = world.nodes[turn * 7]!
      const seen = record(world, ['suspected', 'failed'])
      const crashMs = world.nowMs
      world.crash(victim)
      expect(world.runUntil(() => world.agreed(), 3 * MINUTES)).toBe(true)
      const failed = about(seen, victim.name, 'failed')
      const [first] = about(seen, victim.name, 'suspected')
      const { minMs, maxMs } = suspicionBounds(profiles.lan, SIZE)
      expect(told(seen.filter(({ event }) => event.kind === 'failed'))).toEqual(told(failed))
      expect(failed).toHaveLength(world.nodes.filter(({ down }) => !down).length)
      const suspectedMs = first!.atMs
      const firstMs = failed[0]!.atMs - suspectedMs
      const lastMs = failed.at(-1)!.atMs - suspectedMs
      // SWIM, section 3.2: some member probes it within e/(e-1) intervals on average.
      expect(suspectedMs - crashMs).toBeLessThan(10_000)
      expect(firstMs).toBeGreaterThanOrEqual(minMs)
      expect(lastMs).toBeLessThanOrEqual(maxMs)
      lines.push(
        `${SIZE} nodes: suspected after ${Math.round(suspectedMs - crashMs)} ms, failed ` +
          `${Math.round(firstMs)} to ${Math.round(lastMs)} ms later (bounds ${minMs} to ${maxMs})`,
      )
    }
    print('failures', lines)
  })

  test('sees one that leaves as left, and nobody suspects it', () => {
    const world = cluster()
    const others = world.nodes.filter(({ down }) => !down).length - 1
    const leaver = world.nodes[5]!
    const seen = record(world, ['suspected', 'failed', 'left', 'leave-told'])
    const startMs = world.nowMs
    world.act(leaver, () => leaver.membership.leave(world.nowMs))
    const isTold = () => seen.some(({ event }) => event.kind === 'leave-told')
    expect(world.runUntil(isTold, MINUTES, 10)).toBe(true)
    const toldMs = world.nowMs - startMs
    world.crash(leaver)
    expect(world.runUntil(() => world.agreed(), MINUTES, 10)).toBe(true)
    const knownMs = world.nowMs - startMs
    world.runFor(30_000)
    const left = about(seen, leaver.name, 'left')
    expect(left.filter(({ by }) => by !== leaver)).toHaveLength(others)
    expect(told(seen.filter(({ event }) => /failed|suspected/.test(event.kind)))).toEqual([])
    print('leaving', [`${SIZE} nodes: told after ${toldMs} ms, known by all after ${knownMs} ms`])
  })

  test('takes a node back that restarts with the same name and address', () => {
    const world = cluster()
    const node = world.nodes[9]!
    for (const afterMs of [500, 60_000]) {
      world.crash(node)
      world.runFor(afterMs)
      const startMs = world.nowMs
      world.restart(node)
      world.join(node, world.nodes[0]!)
      expect(world.runUntil(() => world.agreed(), 3 * MINUTES)).toBe(true)
      print('restart', [`after ${afterMs} ms: all agree in ${world.nowMs - startMs} ms`])
    }
  })
})

/** Whether nobody has anything left to tell. */
const quiet = (world: GossipWorld) =>
  world.nodes.every(({ down, membership }) => down || membership.counts.newsWaiting === 0)

const print = (what: string, lines: readonly string[]) =>
  process.stdout.write(`${lines.map((line) => `  ${what}: ${line}`).join('\n')}\n`)
