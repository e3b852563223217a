/**
 * The guard-rail on a reload: which servers that the new configuration does without go on serving.
 *
 * A pool keeps them, as its guests, for two reasons. Nobody else serves: then they stay until a
 * declared server of their address family does. Or so many leave at once that the rest could not
 * carry the load, and some of the new ones are unknown yet: then they stay until enough serve or
 * every new one has its first verdict. That few servers are declared at all is the operator's word
 * and holds nothing. A server of weight 0 serves nobody, so it counts for neither.
 *
 * It holds back an order of the configuration, never a verdict: a guest that is down is not
 * answered. A guest that an operator forces unhealthy is let go for good.
 */
import type { Family } from '../net/address.ts'
import type { MemberSpec, PoolSpec } from '../steer/topology.ts'
import type { Judgement } from './precedence.ts'

export const families = [4, 6] as const

/** Why guests stay, in the order in which it is looked at. */
export type HoldReason = 'no-servers' | 'no-weight' | 'unknown' | 'down' | 'share'

/** What a pool was before a reload. */
export interface FormerPool {
  readonly members: readonly FormerMember[]
  /** Servers that served of each family; where it holds guests, when it began to. */
  readonly served: Readonly<Record<Family, number>>
}

export interface FormerMember {
  readonly member: MemberSpec
  readonly serving: boolean
  readonly guest: boolean
}

export interface Hold {
  /** Servers as the configuration had them; some may be declared still, with weight 0. */
  readonly guests: readonly MemberSpec[]
  readonly served: Readonly<Record<Family, number>>
}

export const NO_HOLD: Hold = { guests: [], served: { 4: 0, 6: 0 } }

/** One family of one pool that is held, for those who look at it. */
export interface Held {
  readonly pool: string
  readonly family: Family
  readonly reason: HoldReason
  readonly keys: readonly string[]
}

type Judge = (key: string) => Judgement

const hasWeight = (member: MemberSpec) => member.weight > 0

/** What an agent declared leaves when the agent says so, the last of a pool too. */
const isAgents = (member: MemberSpec) => member.source === 'agent'

/** Forced out: the operator has said what shall become of it. */
const isLetGo = ({ cause, serving }: Judgement) => cause === 'override' && !serving

/** Why guests of a family would have to stay; undefined when they may go. */
function reasonOf(
  declared: readonly MemberSpec[],
  family: Family,
  served: number,
  maxShare: number,
  judgementOf: Judge,
): HoldReason | undefined {
  const mine = declared.filter((member) => member.family === family)
  const able = mine.filter(hasWeight).map((member) => judgementOf(member.key))
  const serving = able.filter((judged) => judged.serving).length
  const awaitsVerdict = able.some((judged) => judged.status === 'unknown')
  if (serving === 0) {
    if (mine.length === 0) return 'no-servers'
    if (able.length === 0) return 'no-weight'
    return awaitsVerdict ? 'unknown' : 'down'
  }
  return awaitsVerdict && (served - serving) / served > maxShare ? 'share' : undefined
}

/** Pools as they were, without servers that an operator let go although they served. */
export function lettingGo(
  formerOf: (spec: PoolSpec) => FormerPool | undefined,
  keys: ReadonlySet<string>,
): (spec: PoolSpec) => FormerPool | undefined {
  if (keys.size === 0) return formerOf
  return (spec) => {
    const former = formerOf(spec)
    return (
      former && { ...former, members: former.members.filter((one) => !keys.has(one.member.key)) }
    )
  }
}

/** What a pool must keep of what it was. */
export function holdOf(
  former: FormerPool | undefined,
  next: PoolSpec,
  maxShare: number,
  judgementOf: Judge,
): Hold {
  if (former === undefined) return NO_HOLD
  const declared = new Set(next.members.filter(hasWeight).map((member) => member.key))
  const leaving = former.members
    .filter((one) => one.serving || (one.guest && !isLetGo(judgementOf(one.member.key))))
    .map((one) => one.member)
    .filter((member) => hasWeight(member) && !declared.has(member.key) && !isAgents(member))
  if (leaving.length === 0) return NO_HOLD
  const { served } = former
  const held = families.filter(
    (family) =>
      leaving.some((member) => member.family === family) &&
      reasonOf(next.members, family, served[family], maxShare, judgementOf) !== undefined,
  )
  return { guests: leaving.filter((member) => held.includes(member.family)), served }
}

/** The families of a pool whose guests are still needed, with the reason as of now. */
export function heldOf(
  spec: PoolSpec,
  { guests, served }: Hold,
  maxShare: number,
  judgementOf: Judge,
): readonly Held[] {
  return families.flatMap((family) => {
    const keys = guests.filter((guest) => guest.family === family).map((guest) => guest.key)
    if (keys.length === 0) return []
    const reason = reasonOf(spec.members, family, served[family], maxShare, judgementOf)
    return reason === undefined ? [] : [{ pool: spec.name, family, reason, keys }]
  })
}

/** Whether some guest of a pool may go. */
export function isOver(spec: PoolSpec, hold: Hold, maxShare: number, judgementOf: Judge): boolean {
  if (hold.guests.some((guest) => isLetGo(judgementOf(guest.key)))) return true
  const needed = heldOf(spec, hold, maxShare, judgementOf)
  return hold.guests.some((guest) => !needed.some(({ family }) => family === guest.family))
}

const BECAUSE: Readonly<Record<HoldReason, string>> = {
  'no-servers': 'the configuration gives it no IPv# server any more',
  'no-weight': 'all its IPv# servers have weight 0',
  unknown: 'nothing is known yet of its new IPv# servers',
  down: 'its new IPv# servers are down',
  share: 'too few of its new IPv# servers are known to serve',
}

/** One sentence for the operator. */
export const sentenceOf = (held: readonly Held[]): string =>
  held.map(({ family, reason }) => BECAUSE[reason].replace('#', String(family))).join(', and ')
