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
import { reconcile } from '../../core/config/overlay/reconcile.ts'
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
   * Takes the edit that another overwatch made, or its end; returns what is to be in force, and
   * undefined where it changes nothing here.
   * @param isKnown it was heard before, and what stands against it was said then
   */
  learn(
    key: string,
    entry: OverlayEntry | undefined,
    isKnown: boolean,
  ): RegistryConfig | undefined {
    const ground = this.#ground
    const known = this.entries.get(key)
    if (entry === undefined) this.#overruled.drop(key)
    if (ground === undefined || !isNews(known, entry)) return
    if (entry !== undefined && this.#overruled.has(entry)) return
    const wanted = new Map(this.entries)
    if (entry === undefined) wanted.delete(key)
    else wanted.set(key, entry)
    const why = entry && this.#whyNot(ground, entry)
    if (why !== undefined) {
      const fields = { object: key, reason: why }
      if (!isKnown) this.#ctx.log.warn('an edit of another overwatch is not taken', fields)
      return
    }
    const { entries, changes } = reconcile(ground.base, wanted)
    for (const { field, why: reason } of isKnown ? [] : changes) {
      const fields = { object: key, field, by: entry?.by, reason }
      this.#ctx.log.warn('the file stands against an edit of another overwatch', fields)
    }
    // What the file declares is the file's; a key of which it says something else may be behind.
    if (changes.some((one) => one.field === '' && !one.entry.owned && one.entry === entry))
      this.#overruled.add(entry!)
    if (!isNews(known, entries.get(key))) return
    this.#keep(entries)
    // What the file overruled just now stays out when the file goes on.
    if (entries.has(key)) this.#overruled.drop(key)
    this.#revision = Math.max(this.#revision, entry?.revision ?? 0)
    const compiled = compileOverlay(ground.base, entries, ground.compiled)
    return this.#stand({ ...ground, compiled })
  }

  /** Why an edit that fits another node's file does not fit this one's; undefined when it does. */
  #whyNot({ given, compiled }: Ground, { kind, id, owned, deleted }: OverlayEntry) {
    if (this.entries.size >= limits.objectsMax.default && !this.entries.has(entryKey(kind, id)))
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
