/**
 * One server as the fleet knows it, and how all that is said of it becomes a judgement.
 */
import type { MemberSpec } from '../steer/topology.ts'
import type { ServerEvent } from './events.ts'
import { foldServer, type ServerHealth, UNKNOWN_HEALTH } from './fold.ts'
import { type Judgement, judge, type Voices } from './precedence.ts'
import type { ServerRow } from './rows.ts'

/** Who speaks of servers beside checks and operators (chorus.ts). */
export interface Others {
  voicesOf(spec: MemberSpec): Partial<Voices>
  /** Thousandths of its weight that a server asks for, 0-1000. */
  shareOf(spec: MemberSpec): number
  /** What another overwatch ordered for a server before it came. */
  orderOn(key: string): ServerEvent | undefined
}

export const NOBODY_ELSE: Others = {
  voicesOf: () => ({}),
  shareOf: () => 1000,
  orderOn: () => undefined,
}

/** One server as the fleet knows it. Its fields change in place; copy what must not. */
export interface Server {
  spec: MemberSpec
  health: ServerHealth
  /** Nothing of this process has confirmed what was read from disk. */
  restored: boolean
  judged: Judgement
  /** Thousandths of its weight that it asks for. */
  share: number
  sinceMs: number
  recoveredAtMs: number
  /** It is in the topology; otherwise the guard-rail keeps it. */
  declared: boolean
  places: { readonly pool: number; readonly member: number }[]
}

/** All voices on a server. */
export const voicesOf = (
  { spec, health, restored }: Pick<Server, 'spec' | 'health' | 'restored'>,
  others: Others,
): Voices => ({
  override: health.override,
  verdict: health.verdict,
  restored,
  ...others.voicesOf(spec),
})

export const judgementOf = (
  server: Pick<Server, 'spec' | 'health' | 'restored'>,
  others: Others,
): Judgement => judge(voicesOf(server, others))

/** Where a server is not to be checked, what checks said once does not wait to be true again. */
const forgotten = (health: ServerHealth, said: Partial<Voices>): ServerHealth =>
  said.verdict !== 'unknown' || health.verdict === 'unknown'
    ? health
    : { ...health, verdict: 'unknown', verdictAtMs: 0, verdictReason: '' }

/** The same for a server of the fleet, which forgets what does not count any more. */
export function judgeAnew(server: Server, others: Others): Judgement {
  server.health = forgotten(server.health, others.voicesOf(server.spec))
  return judgementOf(server, others)
}

/** An operator who forces a server healthy has it take its whole weight. */
export const shareOf = (spec: MemberSpec, judged: Judgement, others: Others): number =>
  judged.cause === 'override' ? 1000 : others.shareOf(spec)

/** A server that was not there before. */
export function serverOf(
  spec: MemberSpec,
  row: ServerRow | undefined,
  others: Others,
  nowMs: number,
): Server {
  const known = forgotten(row?.health ?? UNKNOWN_HEALTH, others.voicesOf(spec))
  const order = others.orderOn(spec.key)
  const health = order === undefined ? known : foldServer(known, order)
  const restored = health.verdict !== 'unknown'
  const judged = judgementOf({ spec, health, restored }, others)
  const same = row !== undefined && row.status === judged.status
  return {
    spec,
    health,
    restored,
    judged,
    share: shareOf(spec, judged, others),
    sinceMs: same ? row.sinceMs : nowMs,
    recoveredAtMs: row?.recoveredAtMs ?? 0,
    declared: true,
    places: [],
  }
}
