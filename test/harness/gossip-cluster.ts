/**
 * Simulated clusters that have found together, and what is said while something happens to them.
 */
import type { MembershipEvent } from '../../src/core/gossip/swim/outputs.ts'
import { GossipWorld, type GossipWorldOptions, type SimulatedNode } from './gossip-world.ts'

export interface Seen {
  readonly atMs: number
  readonly by: SimulatedNode
  readonly event: MembershipEvent
}

/** Nodes that join within a second, and how long they took to agree; undefined: they did not. */
export function grownCluster(
  size: number,
  options: GossipWorldOptions,
  limitMs = 180_000,
): { world: GossipWorld; tookMs: number | undefined } {
  const world = new GossipWorld(options)
  const seed = world.add()
  for (let index = 1; index < size; index++) {
    const node = world.add()
    world.after(world.random.next() * 1_000, () => world.join(node, seed))
  }
  const startMs = world.nowMs
  const agreed = world.runUntil(() => world.agreed(), limitMs)
  return { world, tookMs: agreed ? world.nowMs - startMs : undefined }
}

/** Keeps the events of some kinds from now on. */
export function record(world: GossipWorld, kinds: readonly MembershipEvent['kind'][]): Seen[] {
  const seen: Seen[] = []
  const wanted = new Set(kinds)
  world.watch = (by, event, atMs) => {
    if (wanted.has(event.kind)) seen.push({ atMs, by, event })
  }
  return seen
}

export const about = (seen: readonly Seen[], name: string, kind: MembershipEvent['kind']) =>
  seen.filter(({ event }) => event.kind === kind && 'member' in event && event.member.name === name)

/** `node-3 failed node-7 at 1234 ms`, for messages of failing tests. */
export const told = (seen: readonly Seen[]): string[] =>
  seen.map(({ atMs, by, event }) => {
    const whom = 'member' in event ? ` ${event.member.name}` : ''
    return `${by.name} ${event.kind}${whom} at ${Math.round(atMs)} ms`
  })
