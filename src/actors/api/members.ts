/**
 * Who is in the gossip cluster, as the gossip actor said: a list, and what changed since.
 */
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf } from '../../messages/entry.ts'
import type { MemberView } from '../../messages/agent-views.ts'

export class Members {
  /** Unix milliseconds; undefined before the gossip actor said anything. */
  setAtMs: number | undefined
  readonly #members = new Map<string, MemberView>()
  #turn = 0

  set({ members, turn }: MessageOf<ProductCatalogue, 'gossip.members-set'>, atMs: number): void {
    this.setAtMs = atMs
    this.#turn = turn
    this.#members.clear()
    for (const member of members) this.#members.set(member.name, member)
  }

  change(
    { name, member, turn }: MessageOf<ProductCatalogue, 'gossip.member-changed'>,
    atMs: number,
  ): void {
    // A restarted gossip actor counts anew, and says its whole list first.
    if (turn <= this.#turn) return
    this.setAtMs = atMs
    if (member === undefined) this.#members.delete(name)
    else this.#members.set(name, member)
  }

  get list(): readonly MemberView[] {
    return [...this.#members.values()]
  }

  get liveOverwatches(): readonly string[] {
    return this.list
      .filter(({ role, state }) => role === 'overwatch' && state === 'alive')
      .map(({ name }) => name)
      .sort()
  }

  find(name: string): MemberView | undefined {
    return this.#members.get(name)
  }
}
