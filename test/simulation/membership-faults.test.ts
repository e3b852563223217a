/**
 * Goal: no slow node and no bad network kills anybody, and a partition heals by itself.
 * Method: as in membership.test.ts, with a network or a node that misbehaves for minutes.
 */
import { describe, expect, test } from 'vitest'
import type { GossipWorld, SimulatedNode } from '../harness/gossip-world.ts'
import { grownCluster, record, sharedCluster, told } from '../harness/gossip-cluster.ts'

const FULL = process.env['OPENGSLB_FULL'] === '1'
const SIZE = FULL ? 1_000 : 100
const MINUTES = 60_000

/** Stands still for 3 s, goes on for about 2 s, again and again. */
function stallRepeatedly(world: GossipWorld, node: SimulatedNode, untilMs: number): void {
  if (world.nowMs >= untilMs) return
  world.stall(node, 3_000)
  world.after(5_000 + world.random.next() * 500, () => stallRepeatedly(world, node, untilMs))
}

const cluster = sharedCluster(SIZE, { seed: 6, loss: 0.02 })

describe('a cluster', { timeout: 20 * MINUTES }, () => {
  test('declares nobody dead while one node stands still for 3 s over and over', () => {
    for (const [size, seed] of [
      [2, 1],
      [3, 2],
      [3, 3],
      [5, 4],
      [8, 5],
      [SIZE, 0],
    ] as const) {
      const world = seed === 0 ? cluster() : grownCluster(size, { seed, loss: 0.02 }).world
      const slow = world.nodes[size >> 1]!
      const seen = record(world, ['failed', 'suspected', 'refuted'])
      stallRepeatedly(world, slow, world.nowMs + 3 * MINUTES)
      world.runFor(3 * MINUTES + 10_000)
      const of = (kind: string) => seen.filter(({ event }) => event.kind === kind)
      expect(told(of('failed'))).toEqual([])
      // It was not for want of suspicion: the slow node was accused, and it answered.
      const refuted = of('refuted').filter(({ by }) => by === slow).length
      expect(refuted).toBeGreaterThan(0)
      expect(world.runUntil(() => world.agreed(), MINUTES)).toBe(true)
      const bySlow = of('suspected').filter(({ by }) => by === slow).length
      print(`slow node among ${size}, 3 min: refuted ${refuted} times, itself accused ${bySlow}`)
    }
  })

  test('declares nobody dead while a tenth of all packets is lost', () => {
    const world = cluster()
    const { loss, delayMs } = world
    world.loss = 0.1
    world.delayMs = [1, 150]
    const seen = record(world, ['failed', 'suspected'])
    world.runFor(2 * MINUTES)
    expect(told(seen.filter(({ event }) => event.kind === 'failed'))).toEqual([])
    print(
      `10 % loss, up to 150 ms delay, ${SIZE} nodes, 2 min: no death, ${seen.length} suspicions`,
    )
    world.loss = loss
    world.delayMs = delayMs
  })

  for (const [what, share, lastsMs] of [
    ['short', 0.4, 20_000],
    ['of a tenth', 0.1, 40_000],
    ['long', 0.4, 240_000],
    ['of one node', 0, 240_000],
  ] as const) {
    test(`heals by itself after a partition: ${what}`, () => {
      const world = cluster()
      const edge = Math.max(1, SIZE * share)
      world.partition((index) => (index < edge ? 1 : 2))
      world.runFor(lastsMs)
      const sides = world.nodes.map(({ membership }) => membership.counts.alive)
      if (lastsMs > 100_000) {
        // Each side has given up the other, the dead are no longer gossiped to.
        // One alone doubts itself before it doubts so many others (Lifeguard, section IV-A).
        if (edge > 1) expect(sides[0]).toBe(edge)
        expect(sides.at(-1)).toBe(SIZE - edge)
      }
      const healMs = world.nowMs
      world.heal()
      expect(world.runUntil(() => world.agreed(), 5 * MINUTES)).toBe(true)
      print(
        `partition ${what}, ${lastsMs / 1_000} s, ${edge} of ${SIZE} nodes apart: ` +
          `healed in ${Math.round(world.nowMs - healMs)} ms`,
      )
      // And it stays healed.
      const seen = record(world, ['failed'])
      world.runFor(30_000)
      expect(told(seen)).toEqual([])
    })
  }
})

const print = (line: string) => process.stdout.write(`  ${line}\n`)
