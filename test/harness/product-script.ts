/** What happens to a simulated product, drawn from a seed. */
import type { Random } from '../../src/core/base/random.ts'
import type { CheckSpec } from '../../src/core/steer/topology.ts'
import type { CommitMoment } from './product-disk.ts'
import type { ActorName, Mood, Product } from './product-world.ts'
import type { Boundary, KillPlan } from './world.ts'

export const ADDRESSES = [
  '192.0.2.1',
  '192.0.2.2',
  '192.0.2.3',
  '192.0.2.4',
  '192.0.2.5',
  '192.0.2.9',
  '2001:db8::1',
] as const

export const KEYS = ['rr.example.com:192.0.2.1:80', 'shared:192.0.2.9:80'] as const

const MOODS: readonly Mood[] = ['up', 'up', 'up', 'down', 'silent', 'sick']

export const oneOf = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!

export const drawThresholds = (random: Random): Partial<CheckSpec> => ({
  failureThreshold: 1 + random.below(3),
  successThreshold: 1 + random.below(3),
})

export const drawMoods = (random: Random): Record<string, Mood> =>
  Object.fromEntries(ADDRESSES.map((address) => [address, oneOf(random, MOODS)]))

export interface Turn {
  readonly afterMs: number
  readonly address: string
  readonly mood: Mood
}

/** Servers that turn after up to so long each; short turns cross no threshold. */
export const drawTurns = (random: Random, count: number, afterMsMax: number): Turn[] =>
  Array.from({ length: count }, () => ({
    afterMs: random.below(afterMsMax),
    address: oneOf(random, ADDRESSES),
    mood: oneOf(random, MOODS),
  }))

/** Where an actor is to be ended; `now`: between two messages, timers and all. */
export type KillWhere = KillPlan['where'] | CommitMoment | 'now'

export interface ProductKill {
  readonly name: ActorName
  readonly where: KillWhere
  readonly nth: number
}

const COMMITS: readonly CommitMoment[] = ['unwritten', 'unacknowledged']

/** Boundaries that come up for an actor: only some have handlers that wait. */
const WHERE: Readonly<Record<ActorName, readonly KillWhere[]>> = {
  registry: ['any', 'message', 'handler', 'now', ...COMMITS, ...COMMITS],
  dns: ['any', 'batch', 'now'],
  prober: ['any', 'now'],
  api: ['any', 'batch', 'handler', 'now'],
  shell: ['now'],
}

export function drawKill(random: Random, name: ActorName): ProductKill {
  const where = oneOf(random, WHERE[name])
  // Batches of several messages and commits are rare.
  const isRare = where === 'batch' || COMMITS.some((moment) => moment === where)
  return { name, where, nth: 1 + random.below(isRare ? 2 : 4) }
}

export function armKill({ disk, world }: Product, { name, where, nth }: ProductKill): void {
  let left = nth
  if (where === 'now') world.kill(name)
  else if (where === 'unwritten' || where === 'unacknowledged')
    disk.onCommit = (moment) => {
      if (moment === where && --left === 0) world.kill(name)
    }
  else world.killAt({ name, where, nth })
}

/** Forgets a kill whose boundary did not come. */
export function disarmKill({ disk, world }: Product): void {
  disk.onCommit = () => {}
  world.killAt({ name: 'nobody', where: 'any', nth: 1 })
}

export const addKills = (
  sum: Record<Boundary, number>,
  { killed }: { readonly killed: Readonly<Record<Boundary, number>> },
): void => {
  for (const where of ['message', 'batch', 'handler'] as const) sum[where] += killed[where]
}
