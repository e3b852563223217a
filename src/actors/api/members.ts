/**
 * Who is in the gossip cluster, as the gossip actor said last.
 */
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf } from '../../messages/entry.ts'
import type { MemberView } from '../../messages/agent-views.ts'

export class Members {
  /** Unix milliseconds; undefined before the gossip actor said anything. */
  setAtMs: number | undefined
  #members: readonly MemberView[] = []
  #liveOverwatches: readonly string[] = []

  set(
    { members, liveOverwatches }: MessageOf<ProductCatalogue, 'gossip.members-set'>,
    atMs: number,
  ) {
    this.setAtMs = atMs
    this.#members = members
    this.#liveOverwatches = liveOverwatches
  }

  get list(): readonly MemberView[] {
    return this.#members
  }

  get liveOverwatches(): readonly string[] {
    return this.#liveOverwatches
  }

  find(name: string): MemberView | undefined {
    return this.#members.find((member) => member.name === name)
  }
}
