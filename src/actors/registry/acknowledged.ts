/** Two questions the book asks: is a configuration news, and is what was written safe. */
import { limits } from '../../core/base/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { RegistryCtx } from './book.ts'
import type { CommitOutcome, RegistryConfig } from './contract.ts'

/** Whether two configurations serve the same, by the same rules. */
export function servesSame(held: RegistryConfig, next: RegistryConfig): boolean {
  const rules = ({ guard, agents, geo, signedZones = [] }: RegistryConfig) =>
    JSON.stringify([guard, agents, geo, signedZones])
  return next.contentHash === held.contentHash && rules(next) === rules(held)
}

/** Whether all of it reached the disk before an operator's patience ended. */
export function inTime(
  clock: Pick<Clock, 'after'>,
  writes: readonly Promise<CommitOutcome>[],
): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(limits.persistAckMs.default, () => resolve(false))
    void Promise.all(writes).then((outcomes) => {
      cancel()
      resolve(outcomes.every((outcome) => outcome === 'committed'))
    })
  })
}

/** What an order that is in force still lacks. */
export interface Shortfall {
  /** Whether a quorum has stored it; true where this node is alone. */
  readonly isStored: boolean
  /** For the operator: empty when it lacks nothing. */
  readonly note: string
}

/** What an operator is answered of an order that is in force. */
export function acknowledged(message: string, { isStored, note }: Shortfall) {
  const outcome = isStored ? ('done' as const) : ('not-stored' as const)
  return note === '' ? { outcome, message } : { outcome, message: `${message} (${note})`, note }
}

/**
 * Asks, in the turn in which records were told, whether a quorum stores them: of two orders that
 * wait at once each hears of its own. Undefined where this node is alone.
 */
export const askStored = (ctx: RegistryCtx, isClustered: boolean) =>
  isClustered
    ? ctx.ask('registry.await-stored', {}, limits.clusterWriteMs.default + CALL_MS)
    : undefined

/** Waits for the disk, and in cluster mode for the cluster, no longer than an operator does. */
export async function shortfallOf(
  ctx: RegistryCtx,
  writes: readonly Promise<CommitOutcome>[],
  stored: ReturnType<typeof askStored>,
): Promise<Shortfall> {
  const isOnDisk = await inTime(ctx.clock, writes)
  const reply = await stored
  if (reply !== undefined && !(reply.ok && reply.value.stored)) {
    const why = reply.ok ? reply.value.why : undefined
    const rest = why === undefined ? ' yet' : `: ${why}`
    return { isStored: false, note: `in force here, and not stored by the cluster${rest}` }
  }
  return { isStored: true, note: isOnDisk ? '' : 'in force, but not on disk yet' }
}

/** What the way there and back may take. */
const CALL_MS = 200
