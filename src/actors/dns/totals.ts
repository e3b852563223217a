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

interface Row<T> {
  value: T
  told: boolean
}

/** Rows by key, with those that wait to be told. */
class Rows<T> {
  readonly #rows = new Map<string, Row<T>>()

  change(key: string, change: (before: T | undefined) => T): void {
    const row = this.#rows.get(key)
    if (row === undefined) this.#rows.set(key, { value: change(undefined), told: false })
    else {
      row.value = change(row.value)
      row.told = false
    }
  }

  take(most: number): T[] {
    const taken: T[] = []
    for (const row of this.#rows.values()) {
      if (taken.length >= most) break
      if (row.told) continue
      row.told = true
      taken.push(row.value)
    }
    return taken
  }

  retell(): void {
    for (const row of this.#rows.values()) row.told = false
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

  query(domain: string, rcode: string, count: number): void {
    this.#queries += count
    add(this.#byRcode, rcode, count)
    const failures = rcode === 'SERVFAIL' ? count : 0
    this.#domains.change(domain, (before) => ({
      domain,
      queries: (before?.queries ?? 0) + count,
      failures: (before?.failures ?? 0) + failures,
    }))
  }

  decision(domain: string, algorithm: string, server: string, count: number): void {
    this.#decisions += count
    add(this.#byAlgorithm, algorithm, count)
    this.#servers.change(`${domain} ${algorithm} ${server}`, (before) => ({
      domain,
      algorithm,
      server,
      answers: (before?.answers ?? 0) + count,
    }))
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
