/**
 * Counters of the dns actor: memory that a query increments and the main thread reads.
 *
 * It is lent to the main thread before anything is counted in it, so that the end of this thread
 * loses no count. The label `domain` is a steered name, else the apex of its zone, else "other":
 * never a name that a client made up.
 */
import { sharedMemory } from '../../core/base/memory.ts'
import { limits } from '../../core/base/limits.ts'
import { readGeoNames } from '../../core/geo/parts.ts'
import type { Exchange } from '../../core/dns/exchange.ts'
import { NOT_A_QUERY, outcomeOf } from '../../core/dns/outcomes.ts'
import { HOLD, SLIP } from '../../core/dns/response-rate.ts'
import type { Serving } from '../../core/dns/serving.ts'
import { FIXED, FIXED_STICKY, type PoolLayout } from '../../core/steer/pool-layout.ts'
import { noteTally, notedTally } from '../../core/steer/client-cache.ts'
import type { Gauge, Metrics } from '../../kernel/metrics.ts'
import type { FrontCounts, Lost } from './contract.ts'
import { KeyedCounts, KeyedTimes, ListedCounts, keyedWords, TIMES_WORDS } from './counts.ts'
import { Moves } from './moves.ts'
import { type MayTell, RoutedCounts, type RoutingNews } from './routed.ts'
import {
  COOKIES,
  DROPPED,
  type EpochCounts,
  HELD,
  KINDS,
  ROUTED_KINDS,
  SHED,
  SLIPPED,
  SLOT_OF_TYPE,
  STATUS_SLOTS,
  TALLIES,
  TCP,
  type ThreadTallies,
  TYPES,
  UDP,
} from './tallies.ts'

/** Kinds of answers a domain usually gives. */
const KINDS_USUAL = 2

/** Shows memory to who reads it; what is returned ends that. */
export type Lend = (memory: ThreadTallies | EpochCounts) => () => void

const wordsIn = (count: number): Int32Array => new Int32Array(sharedMemory(count * 4))
const NO_TEXT = new Uint8Array(0)
/** Keys are kept plus one, as 32 bits. */
const KEY_MAX = 2 ** 31 - 1

/** Whether the answers of some pool depend on where clients are. */
const mayRead = ({ ordinals, composed }: PoolLayout): boolean =>
  ordinals.length > 0 || composed !== undefined

export class DnsMeters {
  readonly #lend: Lend
  readonly #connections: Gauge
  readonly #front: Gauge
  readonly #tallies = wordsIn(TALLIES)

  #serving: Serving | undefined
  #pools = 0
  #domains = 1
  #counts!: KeyedCounts
  #times!: KeyedTimes
  #chosen!: Int32Array
  /** By address, answers told of clients that stick. */
  #loads = new Map<number, number>()
  #placed!: ListedCounts
  #routed!: RoutedCounts
  readonly #moves = new Moves()
  /** What was not told yet of the epoch before. */
  #newsBefore: RoutingNews[] = []
  /** Labels and regions of where clients are; 0 where nothing is known of it. */
  #labels = 0
  #regions = 0
  #giveBack: () => void = () => {}

  constructor(metrics: Metrics, lend: Lend) {
    this.#lend = lend
    this.#connections = metrics.gauge({
      name: 'opengslb_dns_tcp_connections',
      help: 'Open TCP connections.',
    })
    this.#front = metrics.gauge({
      name: 'opengslb_dns_front_info',
      help: '1 for the socket path in use: native or dgram.',
      labels: ['front'],
      merge: 'max',
    })
    lend({ kind: 'dns-thread', tallies: this.#tallies })
    this.#begin(0, NO_TEXT, NO_TEXT, NO_TEXT)
  }

  /** Says which path UDP queries take. */
  tellFront(front: string): void {
    this.#front.set(1, { front })
  }

  tellConnections({ tcpConnections }: FrontCounts): void {
    this.#connections.set(tcpConnections)
  }

  /** Counts one query, whose reply has `written` octets; 0: none was sent. */
  count(x: Exchange, written: number): void {
    const tallies = this.#tallies
    if (written === 0 && x.fate < HOLD) {
      tallies[NOT_A_QUERY]!++
      return
    }
    tallies[outcomeOf(x)]!++
    tallies[x.tcp ? TCP : UDP]!++
    tallies[COOKIES + x.cookieState]!++
    if (x.fate === SLIP) tallies[SLIPPED]!++
    if (x.fate === HOLD) {
      tallies[HELD]!++
      return
    }
    if (written === 0) return
    const kind = kindOf(x)
    if (!this.#counts.add(this.#domainOf(x) * KINDS + kind))
      this.#counts.addAnyway((this.#domains - 1) * KINDS + kind)
    if (x.chosen > 0) this.#countChosen(x)
    if (x.pool >= 0) this.#routed.count(x)
    // Of a reply without its answer nothing was chosen.
    if (x.place >= 0 && x.fate !== SLIP) this.#countPlaced(x)
  }

  /** By what is told of the client's class, and the region of the first answer. */
  #countPlaced(x: Exchange): void {
    const { pools } = this.#serving!
    // Of a client that one group answers alone, it is what it was the last time.
    const known = x.chosen === 1 ? notedTally(pools.cache) : -1
    if (known >= 0) {
      this.#placed.addAt(known)
      return
    }
    const label = pools.geo!.labelNumber(x.place)
    const address = pools.addressFrom(x.pool) + x.choice[0]!
    const region = x.chosen > 0 ? pools.layout.regions[address]! : -1
    const step = this.#regions + 1
    const key = (x.pool * this.#labels + label) * step + (region < 0 ? this.#regions : region)
    if (key < KEY_MAX) noteTally(pools.cache, this.#placed.add(key))
  }

  #countChosen(x: Exchange): void {
    const from = this.#serving!.pools.addressFrom(x.pool)
    for (let rank = 0; rank < x.chosen; rank++) this.#chosen[from + x.choice[rank]!]!++
  }

  time(x: Exchange, seconds: number): void {
    if (!this.#times.add(this.#domainOf(x) * KINDS + x.rcode, seconds))
      this.#times.addAnyway((this.#domains - 1) * KINDS + x.rcode, seconds)
  }

  /** Decisions by learned latency since the last call: clients that moved, some of each name. */
  *routingNews(mayTell: MayTell): Iterable<RoutingNews> {
    yield* this.#newsBefore.splice(0)
    yield* this.#routed.news(mayTell)
  }

  /** Clients that moved and are not among them, for want of room. */
  movesLeftOut(): number {
    return this.#moves.takeLeftOut()
  }

  /** Answers since the last call, by pool and server, of pools whose clients stick. */
  takeLoads(most: number): [number, number, number][] {
    const pools = this.#serving?.pools
    const rows: [number, number, number][] = []
    if (pools === undefined) return rows
    for (let pool = 0; pool < pools.count && rows.length < most; pool++) {
      if (pools.layout.fixed[pool * FIXED + FIXED_STICKY] === 0) continue
      const from = pools.addressFrom(pool)
      for (let member = 0; member < pools.membersOf(pool) && rows.length < most; member++) {
        const answers = this.#chosen[from + member]! - (this.#loads.get(from + member) ?? 0)
        if (answers === 0) continue
        this.#loads.set(from + member, this.#chosen[from + member]!)
        rows.push([pool, member, answers >>> 0])
      }
    }
    return rows
  }

  /** Counts what the sockets lost. */
  lost(what: Lost): void {
    this.#tallies[what === 'connection' ? SHED : DROPPED]!++
  }

  /** Counts from now on by the numbers of what is served now. */
  rename(serving: Serving): void {
    const { pools, table, parts } = serving
    this.#newsBefore.push(...this.#routed.moved())
    this.#serving = serving
    this.#pools = pools.count
    this.#domains = pools.count + table.zones.length + 1
    const names = parts.geo && readGeoNames(parts.geo.labels)
    const isRead = names !== undefined && mayRead(parts.pools)
    this.#labels = isRead ? names.labels.length : 0
    this.#regions = isRead ? names.regions.length : 0
    const geo = isRead ? parts.geo!.labels : NO_TEXT
    this.#begin(pools.addressCount, parts.labels, parts.table.apexes, geo)
  }

  #begin(addresses: number, labels: Uint8Array, apexes: Uint8Array, geo: Uint8Array): void {
    const keys = this.#domains * KINDS_USUAL
    const queries = wordsIn(keyedWords(keys, limits.countedKinds.default))
    const times = wordsIn(TIMES_WORDS)
    this.#chosen = wordsIn(addresses)
    this.#loads = new Map()
    this.#counts = new KeyedCounts(queries)
    this.#times = new KeyedTimes(times)
    const placed = wordsIn(
      geo.length === 0 ? 0 : keyedWords(this.#labels * KINDS_USUAL, limits.countedKinds.default),
    )
    if (geo.length > 0) this.#placed = new ListedCounts(placed)
    const giveBack = this.#giveBack
    const chosen = this.#chosen
    const routed = wordsIn(this.#pools * ROUTED_KINDS)
    this.#routed = new RoutedCounts(routed, this.#serving, this.#moves)
    const counted = { queries, times, chosen, placed, routed, geo, labels, apexes }
    this.#giveBack = this.#lend({ kind: 'dns-epoch', ...counted })
    giveBack()
  }

  #domainOf(x: Exchange): number {
    if (x.pool >= 0) return x.pool
    return x.zone >= 0 ? this.#pools + x.zone : this.#domains - 1
  }
}

/** The pair of type and rcode. */
function kindOf(x: Exchange): number {
  const type = x.qtype < SLOT_OF_TYPE.length ? SLOT_OF_TYPE[x.qtype]! : TYPES.length
  return type * STATUS_SLOTS + x.rcode
}
