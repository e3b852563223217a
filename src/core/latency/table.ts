/**
 * What an overwatch knows of round-trip times: the word of every agent, and what all of them say
 * together, by client network, service and region.
 *
 * A row is what one agent last said of one network; a later word of the same agent replaces it, by
 * when it was observed and not by when it came. An entry merges the rows of a region. A row weighs
 * as much as it has samples (up to a bound), less where its times vary much, half as much for each
 * half-life of its age, and a quarter while it only comes from before a restart. Where a word lies
 * far outside of what the same agent said before, the path is another: the samples before
 * that count no more, so the weight starts again. Time is an argument. Both tables are bounded, and
 * give up what was silent longest.
 */
import { limits } from '../base/limits.ts'
import type { Prefix } from '../net/address.ts'
import { Names } from './names.ts'
import { PREFIX_WORDS, prefixOf, prefixText, writePrefixOf } from './prefix-key.ts'
import { grown, Slots } from './slots.ts'

/** The word of one agent on one network. */
export interface Heard {
  readonly prefix: Prefix
  readonly service: string
  readonly region: string
  /** Name of the agent, or `api`. */
  readonly source: string
  readonly rttMs: number
  /** Standard deviation; absent where the agent does not say. */
  readonly deviationMs?: number
  readonly minMs?: number
  /** Since the agent began to count. */
  readonly samples: number
  /** When the last sample was taken, Unix milliseconds. */
  readonly observedMs: number
}

/** Where a word comes from: an agent, another overwatch, or a file from before a restart. */
export type Way = 'agent' | 'peer' | 'file'

/** What all agents of a region say together. */
export interface LearnedEntry {
  readonly subnet: string
  readonly service: string
  readonly region: string
  readonly rttMs: number
  readonly deviationMs: number
  readonly minMs: number
  readonly samples: number
  /** Samples, decayed and discounted: how far to trust the figure. */
  readonly weight: number
  readonly observedMs: number
  readonly sources: readonly string[]
}

export type TakeOutcome = 'taken' | 'older' | 'changed' | 'refused'

/** Service and region in one word, then the source. */
const PLACE_AT = PREFIX_WORDS
const SOURCE_AT = PREFIX_WORDS + 1

const MEAN = 0
const DEVIATION = 1
const MIN = 2
const FIGURES = 3

/** Weight of a row that only comes from before a restart. */
const PRIOR_WEIGHT = 0.25

export class LatencyTable {
  readonly services = new Names(limits.latencyServicesMax.default)
  readonly regions = new Names(limits.latencyServicesMax.default)
  readonly sources = new Names(limits.latencySourcesMax.default)
  readonly entries: Slots
  readonly rows: Slots
  pruned = 0
  changes = 0
  /** Grows with every change. */
  version = 0
  /** By entry: its first row, or -1. */
  #head = new Int32Array(0)
  /** By row: its entry, and the rows before and after it there, or -1. */
  #entry = new Int32Array(0)
  #next = new Int32Array(0)
  #before = new Int32Array(0)
  #figures = new Float32Array(0)
  #samples = new Float64Array(0)
  /** Samples that are counted no more. */
  #base = new Float64Array(0)
  #observedMs = new Float64Array(0)
  #prior = new Uint8Array(0)
  /** 1 where an agent told it here. */
  #own = new Uint8Array(0)
  /** How many rows each source has. */
  readonly #rowsOf = new Map<number, number>()
  /** Called with each row that an agent told here. */
  changedRow: (row: number) => void = () => {}
  /** Called with each entry of which something else is said. */
  changedEntry: (entry: number) => void = () => {}

  constructor(
    seed: number,
    entriesMax: number = limits.latencyEntriesMax.default,
    rowsMax: number = limits.latencyRowsMax.default,
  ) {
    this.entries = new Slots(PREFIX_WORDS + 1, entriesMax, seed, (entry) => this.#empty(entry))
    this.rows = new Slots(PREFIX_WORDS + 2, rowsMax, seed, (row) => this.#detach(row))
  }

  get evicted(): number {
    return this.entries.evicted + this.rows.evicted
  }

  /** Takes a word. */
  take(heard: Heard, nowMs: number, way: Way = 'agent'): TakeOutcome {
    const service = this.services.of(heard.service)
    const region = this.regions.of(heard.region)
    const source = this.sources.of(heard.source)
    if (service < 0 || region < 0 || source < 0 || !isSound(heard)) return 'refused'
    const observedMs = Math.min(heard.observedMs, nowMs)
    if (nowMs - observedMs > limits.latencyRowMs.default) return 'refused'
    const { key } = this.rows
    writePrefixOf(key, 0, heard.prefix)
    key[PLACE_AT] = (service << 16) | region
    key[SOURCE_AT] = source
    const known = this.rows.find()
    if (known >= 0 && !this.#isNews(known, observedMs, way)) return 'older'
    if (known < 0 && (this.#rowsOf.get(source) ?? 0) >= limits.latencySourceRows.default)
      return 'refused'
    const isChange = known >= 0 && this.#isOutside(known, heard)
    const row = known >= 0 ? this.rows.put() : this.#made()
    if (known >= 0) {
      this.entries.key.set(this.rows.key.subarray(0, PLACE_AT + 1))
      this.entries.put()
    }
    this.#write(row, heard, observedMs, isChange, known < 0)
    this.#prior[row] = way === 'file' ? 1 : 0
    this.#own[row] = way === 'agent' ? 1 : 0
    this.version++
    this.changedEntry(this.#entry[row]!)
    if (way === 'agent') this.changedRow(row)
    if (isChange) this.changes++
    return isChange ? 'changed' : 'taken'
  }

  /** Of an agent the same word again is news too: it lives. */
  #isNews(row: number, observedMs: number, way: Way): boolean {
    const heldMs = this.#observedMs[row]!
    if (way === 'agent') return observedMs >= heldMs
    return way === 'peer' && observedMs > heldMs
  }

  /** A row for the key that lies in `rows.key`, in its entry. */
  #made(): number {
    const row = this.rows.put()
    if (this.#prior.length < this.rows.capacity) this.#growRows(this.rows.capacity)
    this.entries.key.set(this.rows.key.subarray(0, PLACE_AT + 1))
    const entry = this.entries.put()
    if (this.#head.length < this.entries.capacity)
      this.#head = grown(this.#head, new Int32Array(this.entries.capacity))
    const first = this.entries.isFresh ? -1 : this.#head[entry]!
    this.#countRow(row, 1)
    this.#entry[row] = entry
    this.#next[row] = first
    this.#before[row] = -1
    if (first >= 0) this.#before[first] = row
    this.#head[entry] = row
    return row
  }

  #write(row: number, heard: Heard, observedMs: number, isChange: boolean, isNew: boolean): void {
    const from = row * FIGURES
    const { rttMs, samples } = heard
    // An agent that was started again counts from nothing.
    const isRestart = isNew || samples < this.#samples[row]!
    if (isRestart) this.#base[row] = 0
    else if (isChange) this.#base[row] = Math.min(this.#samples[row]!, samples - 1)
    this.#figures[from + MEAN] = rttMs
    // Without a word on it a tenth is as likely as anything.
    this.#figures[from + DEVIATION] = heard.deviationMs ?? rttMs / 10
    this.#figures[from + MIN] = heard.minMs ?? rttMs
    this.#samples[row] = samples
    this.#observedMs[row] = observedMs
  }

  /** Four deviations, and enough to matter to anybody. */
  #isOutside(row: number, { rttMs }: Heard): boolean {
    const mean = this.#figures[row * FIGURES + MEAN]!
    const deviation = this.#figures[row * FIGURES + DEVIATION]!
    return Math.abs(rttMs - mean) > Math.max(4 * deviation, mean / 4, 2)
  }

  #weightOf(row: number, nowMs: number): number {
    const { latencySamplesTrusted: most, latencyHalfLifeMs: halfLife } = limits
    const samples = Math.min(most.default, this.#samples[row]! - this.#base[row]!)
    const mean = this.#figures[row * FIGURES + MEAN]!
    const spread = mean > 0 ? this.#figures[row * FIGURES + DEVIATION]! / mean : 0
    const ageMs = Math.max(0, nowMs - this.#observedMs[row]!)
    const prior = this.#prior[row] === 1 ? PRIOR_WEIGHT : 1
    return (prior * samples * 2 ** (-ageMs / halfLife.default)) / (1 + spread * spread)
  }

  /** What all rows of an entry say together, in `into`; the rows are at most one for each agent. */
  merge(entry: number, nowMs: number, into: Merged): Merged {
    let weight = 0
    let sum = 0
    let squares = 0
    into.samples = 0
    into.observedMs = 0
    into.minMs = Number.POSITIVE_INFINITY
    for (let row = this.#head[entry]!; row >= 0; row = this.#next[row]!) {
      const mean = this.#figures[row * FIGURES + MEAN]!
      const deviation = this.#figures[row * FIGURES + DEVIATION]!
      const own = this.#weightOf(row, nowMs)
      weight += own
      sum += own * mean
      squares += own * (deviation * deviation + mean * mean)
      into.samples += this.#samples[row]!
      into.observedMs = Math.max(into.observedMs, this.#observedMs[row]!)
      into.minMs = Math.min(into.minMs, this.#figures[row * FIGURES + MIN]!)
    }
    into.weight = weight
    into.rttMs = weight > 0 ? sum / weight : into.minMs
    const variance = weight > 0 ? squares / weight - into.rttMs * into.rttMs : 0
    into.deviationMs = Math.sqrt(Math.max(0, variance))
    return into
  }

  serviceOf(entry: number): number {
    return this.entries.word(entry, PLACE_AT) >>> 16
  }

  regionOf(entry: number): number {
    return this.entries.word(entry, PLACE_AT) & 0xffff
  }

  /** Numbers of all entries. */
  *used(): Iterable<number> {
    for (let entry = 0; entry < this.entries.high; entry++)
      if (this.entries.isUsed(entry)) yield entry
  }

  /** The service of an entry; undefined when the entry is gone. */
  nameOfService(entry: number): string | undefined {
    return this.entries.isUsed(entry) ? this.services.name(this.serviceOf(entry)) : undefined
  }

  /** What all agents say together in an entry. */
  measured(entry: number, nowMs: number): Merged & { prefix: Prefix; region: string } {
    const prefix = prefixOf(this.entries, entry, 0)
    return {
      ...this.merge(entry, nowMs, merged()),
      prefix,
      region: this.regions.name(this.regionOf(entry)),
    }
  }

  /** Every entry; decoded one at a time. */
  *learned(nowMs: number): Iterable<LearnedEntry> {
    for (let entry = 0; entry < this.entries.high; entry++) {
      if (!this.entries.isUsed(entry)) continue
      const sources: string[] = []
      for (let row = this.#head[entry]!; row >= 0; row = this.#next[row]!)
        sources.push(this.sources.name(this.rows.word(row, SOURCE_AT)))
      yield {
        subnet: prefixText(this.entries, entry, 0),
        service: this.services.name(this.serviceOf(entry)),
        region: this.regions.name(this.regionOf(entry)),
        ...this.merge(entry, nowMs, merged()),
        sources: sources.sort(),
      }
    }
  }

  /** Rows from `from` on and before `to`; `own` for those that agents told here alone. */
  *heard(from = 0, to: number = this.rows.high, own = false): Iterable<Heard> {
    const end = Math.min(to, this.rows.high)
    for (let row = from; row < end; row++)
      if (this.rows.isUsed(row) && (!own || this.#own[row] === 1)) yield this.#rowOf(row)
  }

  #rowOf(row: number): Heard {
    const place = this.rows.word(row, PLACE_AT)
    const from = row * FIGURES
    return {
      prefix: prefixOf(this.rows, row, 0),
      service: this.services.name(place >>> 16),
      region: this.regions.name(place & 0xffff),
      source: this.sources.name(this.rows.word(row, SOURCE_AT)),
      rttMs: this.#figures[from + MEAN]!,
      deviationMs: this.#figures[from + DEVIATION]!,
      minMs: this.#figures[from + MIN]!,
      samples: this.#samples[row]!,
      observedMs: this.#observedMs[row]!,
    }
  }

  /** Forgets rows without a sample for too long, and entries that have none left. */
  prune(nowMs: number): void {
    for (let row = 0; row < this.rows.high; row++) {
      if (!this.rows.isUsed(row)) continue
      if (nowMs - this.#observedMs[row]! <= limits.latencyRowMs.default) continue
      this.#detach(row)
      this.rows.remove(row)
      this.pruned++
      this.version++
    }
  }

  /** Client networks there is an entry for. */
  subnetCount(): number {
    const seen = new Set<string>()
    for (let entry = 0; entry < this.entries.high; entry++) {
      if (!this.entries.isUsed(entry)) continue
      const words = [0, 1, 2, 3, 4].map((at) => this.entries.word(entry, at))
      seen.add(String.fromCharCode(...words.flatMap((word) => [word >>> 16, word & 0xffff])))
    }
    return seen.size
  }

  /** Takes a row out of its entry, which goes with its last one. */
  #detach(row: number): void {
    this.#countRow(row, -1)
    const entry = this.#entry[row]!
    const next = this.#next[row]!
    const before = this.#before[row]!
    if (before >= 0) this.#next[before] = next
    else this.#head[entry] = next
    if (next >= 0) this.#before[next] = before
    if (this.#head[entry]! < 0) this.entries.remove(entry)
  }

  /** An entry is given up: so are its rows. */
  #empty(entry: number): void {
    for (let row = this.#head[entry]!; row >= 0; ) {
      const next = this.#next[row]!
      this.#countRow(row, -1)
      this.rows.remove(row)
      row = next
    }
    this.#head[entry] = -1
  }

  #countRow(row: number, by: number): void {
    const source = this.rows.word(row, SOURCE_AT)
    this.#rowsOf.set(source, (this.#rowsOf.get(source) ?? 0) + by)
  }

  #growRows(capacity: number): void {
    this.#entry = grown(this.#entry, new Int32Array(capacity))
    this.#next = grown(this.#next, new Int32Array(capacity))
    this.#before = grown(this.#before, new Int32Array(capacity))
    this.#figures = grown(this.#figures, new Float32Array(capacity * FIGURES))
    this.#samples = grown(this.#samples, new Float64Array(capacity))
    this.#base = grown(this.#base, new Float64Array(capacity))
    this.#observedMs = grown(this.#observedMs, new Float64Array(capacity))
    this.#prior = grown(this.#prior, new Uint8Array(capacity))
    this.#own = grown(this.#own, new Uint8Array(capacity))
  }
}

export interface Merged {
  rttMs: number
  deviationMs: number
  minMs: number
  samples: number
  weight: number
  observedMs: number
}

export const merged = (): Merged => ({
  ...{ rttMs: 0, deviationMs: 0, minMs: 0, samples: 0, weight: 0, observedMs: 0 },
})

/** Networks wider than these say nothing of a client: a mistake, or an attempt on everybody. */
const SHORTEST = { 4: 8, 6: 16 } as const

function isSound({ prefix, rttMs, samples, deviationMs = 0, minMs = 0, observedMs }: Heard) {
  const isTime = (ms: number) => ms >= 0 && ms <= limits.latencyRttMsMax.default
  return (
    prefix.length >= SHORTEST[prefix.address.family] &&
    [rttMs, deviationMs, minMs].every(isTime) &&
    Number.isSafeInteger(samples) &&
    samples >= 1 &&
    Number.isFinite(observedMs)
  )
}
