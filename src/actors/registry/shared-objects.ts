/**
 * What the API makes and edits on one node of a cluster, known to all of them.
 *
 * An edit is told as a record (core/config/overlay/shared.ts) in the turn in which it takes effect,
 * and its operator is answered once a quorum has stored it. Edits of other nodes that come together
 * make one epoch: a node that starts may learn of thousands.
 */
import { limits } from '../../core/base/limits.ts'
import {
  editBody,
  OBJECT_RECORD,
  type SharedEdit,
  sharedEdit,
} from '../../core/config/overlay/shared.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Book } from './book.ts'
import { leavingOf } from './edits.ts'
import type { Objects } from './objects.ts'

export class SharedObjects {
  readonly #clock: Pick<Clock, 'after'>
  readonly #book: Book
  readonly #objects: Objects
  readonly #isShared: boolean
  readonly #learned = new Map<string, SharedEdit>()
  #cancel: (() => void) | undefined

  /** @param isShared false: edits are of this node alone, and those of others are left */
  constructor(clock: Pick<Clock, 'after'>, book: Book, objects: Objects, isShared: boolean) {
    this.#clock = clock
    this.#book = book
    this.#objects = objects
    this.#isShared = isShared
  }

  /** Tells what became of these edits. */
  tell(keys: readonly string[]): void {
    if (!this.#isShared) return
    for (const key of keys) this.#tell(key)
  }

  /** Edits of before there were others are theirs too. */
  tellUnsaid(): void {
    if (!this.#isShared) return
    for (const [key, { updatedAtMs }] of this.#objects.entries) {
      const said = this.#book.sharing.get(OBJECT_RECORD, key)
      if ((said?.stamp ?? 0) < updatedAtMs) this.#tell(key, updatedAtMs)
    }
  }

  /** Another node tells of an edit. */
  learned(record: SharedRecord): void {
    const edit = this.#isShared ? sharedEdit(record) : undefined
    if (edit === undefined) return
    this.#learned.set(edit.key, edit)
    this.#cancel ??= this.#clock.after(limits.sharedEditsMs.default, () => this.#take())
  }

  close(): void {
    this.#cancel?.()
  }

  #tell(id: string, stamp?: number): void {
    const { sharing } = this.#book
    const nowMs = this.#book.nowMs()
    const entry = this.#objects.entries.get(id)
    const keepUntilMs = entry === undefined ? nowMs + limits.peerTombstoneMs.default : 0
    const at = stamp === undefined ? {} : { stamp }
    sharing.tell({ kind: OBJECT_RECORD, id, body: editBody(entry), keepUntilMs, ...at }, nowMs)
  }

  #take(): void {
    this.#cancel = undefined
    const edits = [...this.#learned.values()]
    this.#learned.clear()
    const before = this.#objects.ground?.content.topology
    const config = this.#objects.learn(edits)
    if (config === undefined || before === undefined) return
    const { tell, feed } = this.#book
    for (const { key, entry } of edits) {
      const slash = key.indexOf('/')
      const [kind, id] = [key.slice(0, slash), key.slice(slash + 1)]
      const action = entry === undefined ? 'delete' : 'patch'
      const by = entry?.by ?? ''
      tell.edited(action, { kind, id, by, of: 'another node' })
      feed.record('config.edited', {}, { kind, id, action, by })
    }
    // The guard-rail of the node that was asked has looked at it.
    void this.#book.reconfigure(config, leavingOf(before, config.topology))
  }
}
