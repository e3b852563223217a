/**
 * Edits of operators among overwatches that answer each by itself: what is made, edited or deleted
 * by the API of one is so on all of them, through gossip as overrides and drains are.
 *
 * Each node lays an edit over its own file, by the rules of its own edits: where the file says
 * something else of a key than the file under the edit did, the file wins on that node, and on no
 * other. An edit that another node let pass its guard-rail passes here. What is told while sharing
 * is off is kept for others, and taken in once it is on.
 */
import { limits } from '../../core/base/limits.ts'
import { keyOfEntry, type OverlayEntry } from '../../core/config/overlay/entry.ts'
import {
  bodyOfEntry,
  entryOfRecord,
  isSharedKind,
  namedBy,
  SHARED_EDIT,
} from '../../core/config/overlay/shared.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import type { Book, RegistryCtx } from './book.ts'
import { leavingOf } from './edits.ts'
import type { Objects } from './objects.ts'

export class SharedEdits {
  readonly #ctx: RegistryCtx
  readonly #book: Book
  readonly #objects: Objects

  constructor(ctx: RegistryCtx, book: Book, objects: Objects) {
    this.#ctx = ctx
    this.#book = book
    this.#objects = objects
  }

  /** Whether the configuration wants edits to be shared. */
  get isOn(): boolean {
    return this.#objects.ground?.declared.config.overwatch.peering.sync.api_edits === true
  }

  /** Tells the others of edits made here, by the keys of their entries. */
  tell(keys: readonly string[]): void {
    if (!this.isOn) return
    const nowMs = this.#book.nowMs()
    for (const key of keys) this.#tell(key, nowMs)
  }

  /**
   * Brings both sides together, at the start and after a reload: what was edited before anything
   * was shared is told, and what others told meanwhile is taken in.
   */
  async meet(): Promise<void> {
    if (!this.isOn) return
    const nowMs = this.#book.nowMs()
    for (const entry of this.#objects.entries.values()) {
      const record = this.#recordOf(keyOfEntry(entry))
      if (isSharedKind(entry.kind) && entry.updatedAtMs > (record?.stamp ?? 0))
        this.#tell(keyOfEntry(entry), nowMs)
    }
    for (const record of this.#book.sharing.records())
      if (record.kind === SHARED_EDIT) await this.learned(record, true)
  }

  /**
   * Takes in what another overwatch told, and the ledger found to be news.
   * @param isKnown it was news before
   */
  async learned(record: SharedRecord, isKnown = false): Promise<void> {
    const { ground } = this.#objects
    if (!this.isOn || ground === undefined) return
    const isGone = record.body.length === 0
    const entry = isGone ? undefined : entryOfRecord(record)
    if (!isGone && entry === undefined) {
      this.#book.metrics.learned('malformed-object')
      return
    }
    const known = this.#objects.entries.get(record.id)
    const config = this.#objects.learn(record.id, entry, isKnown)
    if (config === undefined) return
    const { topology } = this.#objects.ground!.content
    this.#noted(record, known, entry)
    await this.#book.reconfigure(config, leavingOf(ground.content.topology, topology))
  }

  #recordOf(key: string): SharedRecord | undefined {
    return this.#book.sharing.get(SHARED_EDIT, key)
  }

  #tell(key: string, nowMs: number): void {
    const entry = this.#objects.entries.get(key)
    const known = this.#recordOf(key)
    const isGone = entry === undefined
    if (isGone ? known === undefined || known.body.length === 0 : !isSharedKind(entry.kind)) return
    this.#book.sharing.tell(
      {
        ...{ kind: SHARED_EDIT, id: key, body: bodyOfEntry(entry) },
        stamp: Math.max(entry?.updatedAtMs ?? nowMs, (known?.stamp ?? 0) + 1),
        keepUntilMs: isGone ? nowMs + limits.peerTombstoneMs.default : 0,
      },
      nowMs,
    )
  }

  #noted(
    { id: key, origin }: SharedRecord,
    known: OverlayEntry | undefined,
    entry: OverlayEntry | undefined,
  ): void {
    const { kind, id } = namedBy(key)
    const isDeleted = entry === undefined || entry.deleted
    const action = isDeleted ? 'delete' : known === undefined && !entry.owned ? 'create' : 'patch'
    const by = entry?.by ?? ''
    this.#ctx.log.info('edit of another overwatch', { action, kind, id, by, from: origin })
    this.#book.feed.record('config.edited', {}, { kind, id, action, by, from: origin })
  }
}
