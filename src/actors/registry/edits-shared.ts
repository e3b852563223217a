/**
 * Edits of operators among overwatches: what is made, edited or deleted by the API of one is so on
 * all of them, as overrides and drains are; through gossip among those that answer each by itself,
 * through the store of a cluster among its nodes, whose operator is answered once a quorum has it.
 *
 * Each node lays an edit over its own file, by the rules of its own edits: where the file says
 * something else of a key than the file under the edit did, the file wins on that node, and on no
 * other. An edit that another node let pass its guard-rail passes here. Edits that come together
 * make one epoch: a node that starts may learn of thousands. What is told while sharing is off is
 * kept for others, and taken in once it is on; what is edited here meanwhile has its place among
 * those edits from the start, so that nothing older takes it back that day.
 */
import { limits } from '../../core/base/limits.ts'
import { keyOfEntry, type OverlayEntry } from '../../core/config/overlay/entry.ts'
import {
  bodyOfEntry,
  entryOfRecord,
  isShared,
  namedBy,
  SHARED_EDIT,
} from '../../core/config/overlay/shared.ts'
import { EditClock } from '../../core/gossip/peers/edit-clock.ts'
import type { SharedRecord } from '../../core/gossip/peers/record.ts'
import type { Book, RegistryCtx } from './book.ts'
import { EDIT_CLOCK_KEY, type Kept, keptTime } from '../../core/health/kept.ts'
import type { RegistryConfig, SharedStore } from './contract.ts'
import { leavingOf } from './edits.ts'
import type { LearnedEdit, Objects } from './objects.ts'

interface EditsWorld {
  readonly ctx: RegistryCtx
  readonly store: SharedStore
  readonly book: Book
  readonly objects: Objects
  /** Nodes of a cluster share edits whatever is configured of peering. */
  readonly config: Pick<RegistryConfig, 'isClustered'>
}

interface Learned {
  readonly record: SharedRecord
  /** It was heard before, and what stands against it was said then. */
  readonly isKnown: boolean
}

export class SharedEdits {
  readonly #ctx: RegistryCtx
  readonly #book: Book
  readonly #objects: Objects
  readonly #isClustered: boolean
  readonly #clock = new EditClock()
  readonly #store: SharedStore
  /** Whether the others were told what was edited before. */
  #isTold = false
  /** What was learned and not yet taken in, by key; `isKnown` of those that were news before. */
  readonly #learned = new Map<string, Learned>()
  #cancel: (() => void) | undefined

  /** @param kept what is known through the start: the latest stamp, and every record */
  constructor({ ctx, store, book, objects, config }: EditsWorld, kept: Kept) {
    this.#ctx = ctx
    this.#store = store
    this.#book = book
    this.#objects = objects
    this.#isClustered = config.isClustered === true
    this.#clock.restore(kept.editStamp)
    for (const record of kept.records) this.#saw(record)
  }

  /** Whether the configuration wants edits to be shared. */
  get isOn(): boolean {
    if (this.#isClustered) return true
    return this.#objects.ground?.declared.config.overwatch.peering.sync.api_edits === true
  }

  /** Tells the others of edits made here, by the keys of their entries. */
  tell(keys: readonly string[]): void {
    const nowMs = this.#book.nowMs()
    for (const key of keys) this.#tell(key, nowMs)
  }

  /**
   * Brings both sides together, at the start and after a reload: what was edited before anything
   * was shared is told, and what others told meanwhile is taken in.
   */
  async meet(): Promise<void> {
    const wasTold = this.#isTold
    this.#isTold = this.isOn
    if (!this.isOn) return
    if (!wasTold) this.#book.sharing.tellOwn(SHARED_EDIT)
    const nowMs = this.#book.nowMs()
    for (const entry of this.#objects.entries.values()) {
      const record = this.#recordOf(keyOfEntry(entry))
      if (isShared(entry, this.#isClustered) && entry.updatedAtMs > (record?.stamp ?? 0))
        this.#tell(keyOfEntry(entry), nowMs)
    }
    for (const record of this.#book.sharing.records())
      if (record.kind === SHARED_EDIT) this.#learned.set(record.id, { record, isKnown: true })
    await this.#take()
  }

  /** Another overwatch told of an edit, which the ledger found to be news. */
  learned(record: SharedRecord): void {
    this.#saw(record)
    this.#learned.set(record.id, { record, isKnown: false })
    const waitMs = limits.sharedEditsMs.default
    this.#cancel ??= this.#ctx.clock.after(waitMs, () => void this.#take())
  }

  /** Tells everything that is shared again, to one who keeps nothing. */
  tellAll(): void {
    this.#book.sharing.tellAll(this.isOn ? undefined : SHARED_EDIT)
  }

  close(): void {
    this.#cancel?.()
  }

  /** Takes in what was learned; all of it is one configuration. */
  async #take(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    const learned = [...this.#learned.values()]
    this.#learned.clear()
    const before = this.#objects.ground?.content.topology
    if (!this.isOn || before === undefined) return
    const edits = learned.flatMap((one) => this.#editOf(one) ?? [])
    const told = new Map(edits.map((one) => [one.key, one]))
    const config = this.#objects.learn(edits, (key, known) => {
      const { record, entry } = told.get(key)!
      this.#noted(record, known, entry)
    })
    if (config === undefined) return
    const { topology } = this.#objects.ground!.content
    await this.#book.reconfigure(config, leavingOf(before, topology))
  }

  /** Undefined for what is none. */
  #editOf({ record, isKnown }: Learned): (LearnedEdit & Pick<Learned, 'record'>) | undefined {
    const isGone = record.body.length === 0
    const entry = isGone ? undefined : entryOfRecord(record, this.#isClustered)
    if (isGone || entry !== undefined) return { key: record.id, entry, isKnown, record }
    this.#book.metrics.learned('malformed-object')
    return undefined
  }

  #recordOf(key: string): SharedRecord | undefined {
    return this.#book.sharing.get(SHARED_EDIT, key)
  }

  #tell(key: string, nowMs: number): void {
    const entry = this.#objects.entries.get(key)
    const known = this.#recordOf(key)
    const isGone = entry === undefined
    if (
      isGone ? known === undefined || known.body.length === 0 : !isShared(entry, this.#isClustered)
    )
      return
    const stamp = this.#clock.next(nowMs, known?.stamp ?? 0)
    this.#store.put(EDIT_CLOCK_KEY, keptTime(this.#clock.highest))
    this.#book.sharing.tell(
      {
        ...{ kind: SHARED_EDIT, id: key, body: bodyOfEntry(entry), stamp },
        keepUntilMs: isGone ? nowMs + limits.peerTombstoneMs.default : 0,
        isQuiet: !this.isOn,
      },
      nowMs,
    )
  }

  #saw({ kind, stamp }: SharedRecord): void {
    if (kind === SHARED_EDIT) this.#clock.saw(stamp, this.#book.nowMs())
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
