/**
 * What all DNS threads counted since the process started, for those who show rates.
 *
 * The rows of domains and servers may be many, so they are told in parts: those that grew since
 * they were told last. Each row carries its total, so hearing one twice changes nothing.
 */
import { BUCKETS } from './counts.ts'

export interface DomainRow {
  readonly domain: string
  readonly queries: number
  readonly failures: number
}

export interface ServerRow {
  readonly domain: string
  readonly algorithm: string
  readonly server: string
  readonly answers: number
}

type Changing<T> = { -readonly [K in keyof T]: T[K] }

/** A row as it is kept: who holds it changes it, and what is told is a copy. */
export interface Kept<T> {
  readonly value: Changing<T>
  told: boolean
}

/** Rows by key, with those that wait to be told. */
class Rows<T extends object> {
  readonly #rows: Kept<T>[] = []
  readonly #byKey = new Map<string, Kept<T>>()
  /** Where the next telling goes on, so that rows that always grow keep none from being told. */
  #next = 0

  /** The row of a key, made on first use. */
  of(key: string, make: () => T): Kept<T> {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const row: Kept<T> = { value: make(), told: false }
    this.#byKey.set(key, row)
    this.#rows.push(row)
    return row
  }

  take(most: number): T[] {
    const rows = this.#rows
    const taken: T[] = []
    for (let passed = 0; passed < rows.length && taken.length < most; passed++) {
      const row = rows[this.#next]!
      this.#next = this.#next + 1 < rows.length ? this.#next + 1 : 0
      if (row.told) continue
      row.told = true
      taken.push({ ...row.value })
    }
    return taken
  }

  retell(): void {
    for (const row of this.#rows) row.told = false
  }
}

type Tally = Record<string, number>

const add = (tally: Tally, name: string, count: number) => {
  tally[name] = (tally[name] ?? 0) + count
}

export class DnsTotals {
  #queries = 0
  #decisions = 0
  #sumSeconds = 0
  readonly #counts = Array.from({ length: BUCKETS.length + 1 }, () => 0)
  readonly #byRcode: Tally = {}
  readonly #byTransport: Tally = {}
  readonly #byOutcome: Tally = {}
  readonly #byAlgorithm: Tally = {}
  readonly #domains = new Rows<DomainRow>()
  readonly #servers = new Rows<ServerRow>()

  domain(domain: string): Kept<DomainRow> {
    return this.#domains.of(domain, () => ({ domain, queries: 0, failures: 0 }))
  }

  server(domain: string, algorithm: string, server: string): Kept<ServerRow> {
    const make = () => ({ domain, algorithm, server, answers: 0 })
    return this.#servers.of(`${domain} ${algorithm} ${server}`, make)
  }

  queried(row: Kept<DomainRow>, rcode: string, count: number): void {
    this.#queries += count
    add(this.#byRcode, rcode, count)
    row.value.queries += count
    if (rcode === 'SERVFAIL') row.value.failures += count
    row.told = false
  }

  decided(row: Kept<ServerRow>, count: number): void {
    this.#decisions += count
    add(this.#byAlgorithm, row.value.algorithm, count)
    row.value.answers += count
    row.told = false
  }

  outcome(reason: string, count: number): void {
    add(this.#byOutcome, reason, count)
  }

  transport(name: string, count: number): void {
    add(this.#byTransport, name, count)
  }

  times(counts: readonly number[], sumSeconds: number): void {
    for (const [bucket, count] of counts.entries()) this.#counts[bucket]! += count
    this.#sumSeconds += sumSeconds
  }

  /** The totals, and at most so many rows of each kind that were not told yet. */
  take(mostRows: number) {
    return {
      totals: {
        queries: this.#queries,
        byRcode: { ...this.#byRcode },
        byTransport: { ...this.#byTransport },
        byOutcome: { ...this.#byOutcome },
        decisions: this.#decisions,
        byAlgorithm: { ...this.#byAlgorithm },
      },
      times: { bounds: BUCKETS, counts: [...this.#counts], sumSeconds: this.#sumSeconds },
      domains: this.#domains.take(mostRows),
      servers: this.#servers.take(mostRows),
    }
  }

  /** Every row is told again. */
  retell(): void {
    this.#domains.retell()
    this.#servers.retell()
  }
}
