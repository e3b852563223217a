/**
 * Whether a member was removed, told also where the answer to the order was lost.
 */
import type { RaftMember } from '../../core/cluster/gateway.ts'

export interface Removal {
  /** Orders it; false where no good answer came, though it may have been done. */
  readonly remove: (id: string) => Promise<boolean>
  /** The members as the own etcd lists them; undefined where it does not say. */
  readonly members: () => Promise<readonly RaftMember[] | undefined>
  /** Of the member of this node: whether another one no longer lists it. */
  readonly isMissed: (id: string) => Promise<boolean>
}

/**
 * An etcd that is removed ends, and may do so before it has said so. The others also tell it that
 * it was removed, and then it ends before it has heard of it from the log: what it lists itself is
 * of before, and does not count.
 */
export async function removed(of: Removal, id: string, isSelf: boolean): Promise<boolean> {
  if (await of.remove(id)) return true
  if (isSelf) return await of.isMissed(id)
  const members = await of.members()
  return members?.every((member) => member.id !== id) === true
}
