/**
 * What the API makes and edits: the overlay over the configuration, its place on disk, and the
 * configuration that follows from both.
 *
 * The registry is its single writer. The file comes from main, at the start and with each reload;
 * whatever it has changed since an edit of the same key wins, with a line in the log. What the
 * rules are is in core/config/overlay.
 */
import { limits } from '../../core/base/limits.ts'
import { sharedMemory } from '../../core/base/memory.ts'
import { type Base, baseOf } from '../../core/config/overlay/base.ts'
import { type CompiledOverlay, compileOverlay } from '../../core/config/overlay/compile.ts'
import {
  type OverlayContent,
  overlayContent,
  recordsAgainst,
  withTaken,
} from '../../core/config/overlay/content.ts'
import type { Edited } from '../../core/config/overlay/edit.ts'
import {
  type Entries,
  entryKey,
  type ObjectKind,
  type OverlayEntry,
  parseEntry,
} from '../../core/config/overlay/entry.ts'
import { type GivenWay, reconcile } from '../../core/config/overlay/reconcile.ts'
import { differences, idsOf, type ObjectView, viewOf } from '../../core/config/overlay/views.ts'
import { geoConfigOf } from '../../core/config/geography.ts'
import { domainNames, zoneNames } from '../../core/config/names.ts'
import { serviceDefaults } from '../../core/config/topology.ts'
import type { Gauge } from '../../kernel/metrics.ts'
import type { RegistryCtx } from './book.ts'
import type { DeclaredConfig, ObjectStore, RegistryConfig } from './contract.ts'
import { Overruled } from './overruled.ts'

/** What edits stand on; made anew with each file. */
export interface Ground {
  readonly declared: DeclaredConfig
  readonly base: Base
  /** As main gave it. */
  readonly given: RegistryConfig
  readonly compiled: CompiledOverlay
  /** As it is in force. */
  readonly content: OverlayContent
}

/** What another overwatch told of one object. */
export interface LearnedEdit {
  readonly key: string
  /** Absent where it is as the file has it again. */
  readonly entry: OverlayEntry | undefined
  /** It was heard before, and what stands against it was said then. */
  readonly isKnown: boolean
}

/** Whether an entry says something else than the one that is known. */
const isNews = (known: OverlayEntry | undefined, entry: OverlayEntry | undefined): boolean =>
  JSON.stringify(known) !== JSON.stringify(entry)

export class Objects {
  readonly #ctx: RegistryCtx
  readonly #store: ObjectStore
  readonly #overruled: Overruled
  entries: Entries = new Map()
  /** Of the newest edit there ever was. */
  #revision = 0
  #ground: Ground | undefined
  /** Grows with every change of the overlay in this process. */
  #generation = 0
  #toldLevel = false
  readonly #count: Gauge

  constructor(ctx: RegistryCtx, store: ObjectStore) {
    this.#ctx = ctx
    this.#store = store
    this.#overruled = new Overruled(store)
    this.#count = ctx.metrics.gauge({
      name: 'opengslb_config_edits',
      help: 'Objects that the API made or edited beside the file.',
      labels: ['state'],
    })
  }

  /** Takes what the disk remembers, before the first configuration. */
  restore(stored: ReadonlyMap<string, unknown>): void {
    const entries = new Map<string, NonNullable<ReturnType<typeof parseEntry>>>()
    for (const [key, value] of stored) {
      if (this.#overruled.restore(key, value)) continue
      const entry = parseEntry(value)
      if (entry === undefined) this.#ctx.log.warn('an edit on disk is unreadable', { object: key })
      else entries.set(key, entry)
    }
    this.entries = entries
    for (const { revision } of entries.values()) this.#revision = Math.max(this.#revision, revision)
  }

  /** What edits stand on; undefined where nothing can be edited. */
  get ground(): Ground | undefined {
    return this.#ground
  }

  get nextRevision(): number {
    return this.#revision + 1
  }

  /** Takes a file from main; returns what is to be in force. */
  adopt(given: RegistryConfig): RegistryConfig {
    const { declared } = given
    if (declared === undefined) return given
    const bare = baseOf(declared.config)
    const { entries, changes } = reconcile(bare, this.entries)
    for (const { entry, field, why } of changes) {
      const { kind, id, by } = entry
      this.#ctx.log.warn('the file takes the place of an edit', { kind, id, field, why, by })
      this.#overruled.add(entry)
    }
    if (changes.length > 0) this.#keep(entries)
    const base = withTaken(bare, entries, given)
    const compiled = compileOverlay(base, this.entries)
    for (const [object, { field, message }] of compiled.aside)
      this.#ctx.log.warn('an edit does not fit the file and is set aside', {
        object,
        reason: `${field} ${message}`.trim(),
      })
    return this.#stand({ declared, base, given, compiled })
  }

  /**
   * Takes an edit that was found good; returns what is to be in force.
   * @param content what it makes of what is served
   */
  take({ entries, compiled, touched }: Edited, content: OverlayContent): RegistryConfig {
    this.#keep(entries)
    for (const key of touched) this.#overruled.drop(key)
    this.#revision++
    return this.#stand({ ...this.#ground!, compiled }, content)
  }

  /**
   * Takes edits that another overwatch made, or their ends; returns what is to be in force, and
   * undefined where they change nothing here. They are laid over the file together, as thousands
   * may come at once, and one look at all of it costs what a look after each of them would.
   * @param onTaken told the key of each that changes something, and the entry before it
   */
  learn(
    edits: readonly LearnedEdit[],
    onTaken: (key: string, before: OverlayEntry | undefined) => void,
  ): RegistryConfig | undefined {
    const ground = this.#ground
    if (ground === undefined) return
    const wanted = new Map(this.entries)
    const news = edits.filter((one) => this.#takeUp(ground, wanted, one))
    if (news.length === 0) return
    const { entries, changes } = reconcile(ground.base, wanted)
    const silent = new Set(news.filter(({ isKnown }) => isKnown).map(({ key }) => key))
    for (const change of changes) this.#standsAgainst(change, silent)
    const taken = news.filter(({ key }) => isNews(this.entries.get(key), entries.get(key)))
    if (taken.length === 0) return
    for (const { key } of taken) onTaken(key, this.entries.get(key))
    this.#keep(entries)
    for (const { key, entry } of taken) {
      // What the file overruled just now stays out when the file goes on.
      if (entries.has(key)) this.#overruled.drop(key)
      this.#revision = Math.max(this.#revision, entry?.revision ?? 0)
    }
    const compiled = compileOverlay(ground.base, entries, ground.compiled)
    return this.#stand({ ...ground, compiled })
  }

  /** Lays an edit of another overwatch among those wanted; whether it is news. */
  #takeUp(
    ground: Ground,
    wanted: Map<string, OverlayEntry>,
    { key, entry, isKnown }: LearnedEdit,
  ): boolean {
    if (entry === undefined) this.#overruled.drop(key)
    if (!isNews(wanted.get(key), entry)) return false
    if (entry !== undefined && this.#overruled.has(entry)) return false
    const reason = entry && this.#whyNot(ground, entry, wanted)
    if (reason !== undefined) {
      const fields = { object: key, reason }
      if (!isKnown) this.#ctx.log.warn('an edit of another overwatch is not taken', fields)
      return false
    }
    if (entry === undefined) wanted.delete(key)
    else wanted.set(key, entry)
    return true
  }

  #standsAgainst({ entry, field, why }: GivenWay, silent: ReadonlySet<string>): void {
    const { kind, id, by, owned } = entry
    const object = entryKey(kind, id)
    const fields = { object, field, by, reason: why }
    if (!silent.has(object))
      this.#ctx.log.warn('the file stands against an edit of another overwatch', fields)
    // What the file declares is the file's; a key of which it says something else may be behind.
    if (field === '' && !owned) this.#overruled.add(entry)
  }

  /** Why an edit that fits another node's file does not fit this one's; undefined when it does. */
  #whyNot(
    { given, compiled }: Ground,
    { kind, id, owned, deleted }: OverlayEntry,
    { size }: Entries,
  ): string | undefined {
    if (size >= limits.objectsMax.default && !this.entries.has(entryKey(kind, id)))
      return `there are ${limits.objectsMax.default} edits already`
    if (owned || deleted) return
    return recordsAgainst({ kind, id }, compiled.applied.config, given)
  }

  /** What would be served with these edits. */
  contentOf({ declared, given }: Pick<Ground, 'declared' | 'given'>, compiled: CompiledOverlay) {
    const { topology, zones } = given
    const before = this.#ground
    const former = before && {
      applied: before.compiled.applied,
      pools: before.content.topology.pools,
    }
    return overlayContent(compiled, { topology, zones }, declared.serial, sharedMemory, former)
  }

  list(kind: ObjectKind, id: string | undefined): readonly ObjectView[] {
    const ground = this.#ground
    if (ground === undefined) return []
    const { base, compiled } = ground
    const ids = id === undefined ? idsOf(base, this.entries, kind) : [id]
    return ids
      .map((one) => viewOf(base, this.entries, compiled, kind, one))
      .filter((view) => view !== undefined)
  }

  differences() {
    const ground = this.#ground
    return ground === undefined ? [] : differences(this.entries, ground.compiled)
  }

  /** Says how much is to be logged, where the API ever said something of it. */
  publishLogLevel(): void {
    const level = this.#ground?.compiled.applied.logLevel
    const isEdited = this.entries.has('setting/logging')
    if (level === undefined || (!isEdited && !this.#toldLevel)) return
    this.#toldLevel = isEdited
    this.#ctx.publish('registry.log-level-set', { level })
  }

  #stand(without: Omit<Ground, 'content'>, known?: OverlayContent): RegistryConfig {
    const { given, compiled } = without
    const isBare = this.entries.size === 0
    const content = isBare ? given : (known ?? this.contentOf(without, compiled))
    this.#ground = { ...without, content }
    this.publishLogLevel()
    const { size } = compiled.aside
    this.#count.set(this.entries.size - size, { state: 'in-force' })
    this.#count.set(size, { state: 'set-aside' })
    if (isBare) return given
    const { config, withheld } = compiled.applied
    const { agents } = given
    const roll = {
      ...agents.chorus.roll,
      domains: [...domainNames(config)],
      zones: [...zoneNames(config)],
      withheld: [...withheld],
    }
    return {
      ...given,
      topology: content.topology,
      zones: content.zones,
      ...(given.geo === undefined ? {} : { geo: geoConfigOf(config) }),
      contentHash: `${given.contentHash}.${this.#generation}`,
      agents: {
        ...agents,
        chorus: { ...agents.chorus, roll },
        service: serviceDefaults(config),
      },
    }
  }

  /** Puts the difference to what is kept on its way to the disk. */
  #keep(entries: Entries): void {
    for (const key of this.entries.keys()) if (!entries.has(key)) this.#store.remove(key)
    for (const [key, entry] of entries)
      if (this.entries.get(key) !== entry) this.#store.put(key, entry)
    this.entries = entries
    this.#generation++
  }
}
