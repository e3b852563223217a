/**
 * Reads what a DNS thread counts while it serves an epoch, for two readers: the totals, which are
 * told each second, and the metrics, which wait until somebody scrapes.
 *
 * Each keeps what it saw last. Rows of ten thousand servers grow in a busy second, so what a number
 * stands for is looked up once and then kept beside it.
 */
import { textOf } from '../../core/base/memory.ts'
import { type PoolLabels, readLabels } from '../../core/dns/labels.ts'
import { rcodeName, typeName } from '../../core/dns/types.ts'
import type { Counter, Histogram } from '../../kernel/metrics.ts'
import { Growth, takeCounts, takeTimes } from './counts.ts'
import {
  type PlacedMeters,
  readingOfPlaces,
  readingOfRoutes,
  type RoutedMeters,
} from './scrape-places.ts'
import { type EpochCounts, KINDS, STATUS_SLOTS, TYPES } from './tallies.ts'
import type { DnsTotals, DomainRow, Kept, ServerRow } from './totals.ts'

/** One piece of memory, which is read again and again. */
export interface Reading {
  /** Adds to the totals what came since it was called last. */
  readonly total: () => void
  /** Adds the same to the metrics. */
  readonly meter: () => void
}

export interface EpochMeters {
  readonly queries: Counter
  readonly refused: Counter
  readonly decisions: Counter
  readonly placed: PlacedMeters
  readonly routed: RoutedMeters
  readonly seconds: Histogram
}

const OTHER = 'other'

export function readingOfEpoch(
  meters: EpochMeters,
  totals: DnsTotals,
  memory: EpochCounts,
): Reading {
  const names = new Names(memory)
  return { total: totalling(totals, memory, names), meter: metering(meters, memory, names) }
}

/** The names behind the numbers, looked up when something was counted. */
class Names {
  readonly #memory: EpochCounts
  #pools: readonly PoolLabels[] | undefined
  #domains: readonly string[] | undefined
  /** The pool of each address. */
  #poolOf: Int32Array | undefined
  /** The first address of each pool. */
  #firstOf = new Int32Array(0)

  constructor(memory: EpochCounts) {
    this.#memory = memory
  }

  get pools(): readonly PoolLabels[] {
    const { labels } = this.#memory
    this.#pools ??= labels.length === 0 ? [] : readLabels(labels)
    return this.#pools
  }

  domain(number: number): string {
    const { apexes } = this.#memory
    this.#domains ??= [
      ...this.pools.map(({ name }) => name),
      ...(apexes.length === 0 ? [] : textOf(apexes).split('\n')),
    ]
    return this.#domains[number] ?? OTHER
  }

  /** Whom an answer with this address is counted for. */
  server(address: number): Pick<ServerRow, 'domain' | 'algorithm' | 'server'> {
    this.#poolOf ??= this.#placed()
    const pool = this.#poolOf[address]!
    const { name, policy, servers } = this.pools[pool]!
    return { domain: name, algorithm: policy, server: servers[address - this.#firstOf[pool]!]! }
  }

  #placed(): Int32Array {
    const poolOf = new Int32Array(this.#memory.chosen.length)
    this.#firstOf = new Int32Array(this.pools.length)
    let from = 0
    for (const [pool, { servers }] of this.pools.entries()) {
      this.#firstOf[pool] = from
      poolOf.fill(pool, from, from + servers.length)
      from += servers.length
    }
    return poolOf
  }
}

const domainOf = (names: Names, key: number): string => names.domain(Math.floor(key / KINDS))

function totalling(totals: DnsTotals, memory: EpochCounts, names: Names): () => void {
  const queries = new Growth(memory.queries)
  const times = new Growth(memory.times)
  const chosen = new Growth(memory.chosen)
  const kinds = new Map<number, readonly [row: Kept<DomainRow>, status: string]>()
  const servers: (Kept<ServerRow> | undefined)[] = []
  const kindOf = (key: number) => {
    const kind = [totals.domain(domainOf(names, key)), rcodeName(key % STATUS_SLOTS)] as const
    kinds.set(key, kind)
    return kind
  }
  const serverOf = (address: number) => {
    const { domain, algorithm, server } = names.server(address)
    const row = totals.server(domain, algorithm, server)
    servers[address] = row
    return row
  }
  return () => {
    takeCounts(queries, (key, count) => {
      const [row, status] = kinds.get(key) ?? kindOf(key)
      totals.queried(row, status, count)
    })
    takeTimes(times, (_, counts, sum) => totals.times(counts, sum))
    const addresses = memory.chosen.length
    for (let address = 0; address < addresses; address++) {
      const count = chosen.take(address)
      if (count !== 0) totals.decided(servers[address] ?? serverOf(address), count)
    }
  }
}

function metering(meters: EpochMeters, memory: EpochCounts, names: Names): () => void {
  const queries = new Growth(memory.queries)
  const times = new Growth(memory.times)
  const chosen = new Growth(memory.chosen)
  const placed = readingOfPlaces(meters.placed, memory, (number) => names.domain(number))
  const routed = readingOfRoutes(meters.routed, memory, (number) => names.domain(number))
  return () => {
    placed()
    routed()
    takeCounts(queries, (key, count) => {
      const kind = key % KINDS
      const known = TYPES[Math.floor(kind / STATUS_SLOTS)]
      const status = rcodeName(kind % STATUS_SLOTS)
      const type = known === undefined ? OTHER : typeName(known)
      meters.queries.add(count, { domain: domainOf(names, key), type, status })
      if (status === 'REFUSED') meters.refused.add(count)
    })
    takeTimes(times, (key, counts, sum) => {
      const labels = { domain: domainOf(names, key), status: rcodeName(key % KINDS) }
      meters.seconds.addAll(counts, sum, labels)
    })
    const addresses = memory.chosen.length
    for (let address = 0; address < addresses; address++) {
      const count = chosen.take(address)
      if (count !== 0) meters.decisions.add(count, names.server(address))
    }
  }
}
