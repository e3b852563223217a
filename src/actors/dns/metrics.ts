/**
 * Counters of the dns actor: typed arrays that a query increments, emptied into the metrics when
 * they are read.
 *
 * The label `domain` is a steered name, else the apex of its zone, else "other": never a name that
 * a client made up.
 */
import { cookieStates } from '../../core/dns/cookie.ts'
import type { Exchange } from '../../core/dns/exchange.ts'
import { NOT_A_QUERY, outcomeOf, outcomes } from '../../core/dns/outcomes.ts'
import { HOLD, SLIP } from '../../core/dns/response-rate.ts'
import type { Serving } from '../../core/dns/serving.ts'
import { rcodeName, rcodes, typeName, types } from '../../core/dns/types.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import type { Counter, Histogram, Labels, Metrics } from '../../kernel/metrics.ts'
import type { FrontCounts } from './contract.ts'
import { KeyedCounts, Samples } from './counts.ts'
import { FrontMeters } from './metrics-front.ts'

/** Types told apart; the rest counts as "other". */
const TYPES = [
  types.A,
  types.AAAA,
  types.NS,
  types.CNAME,
  types.SOA,
  types.PTR,
  types.MX,
  types.TXT,
  types.SRV,
  types.DS,
  types.DNSKEY,
  types.SVCB,
  types.HTTPS,
  types.ANY,
  types.CAA,
] as const
const TYPE_SLOTS = TYPES.length + 1
/** The slot of each type number up to the largest told apart. */
const SLOT_OF_TYPE = new Uint8Array(types.CAA + 1).fill(TYPES.length)
for (const [slot, type] of TYPES.entries()) SLOT_OF_TYPE[type] = slot

/** The rcodes this server sends: 0-15, BADVERS and BADCOOKIE. */
const STATUS_SLOTS = rcodes.BADCOOKIE + 1
/** Pairs of type and rcode. */
const KINDS = TYPE_SLOTS * STATUS_SLOTS

const BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1]
const OTHER = 'other'
/** Times kept between two looks at the metrics; past it they are handed on at once. */
const SAMPLES = 1_024
/** Kinds of answers a domain usually gives. */
const KINDS_USUAL = 2

// Tallies of what needs no domain: outcomes, transports, cookies, fates.
const UDP = outcomes.length
const TCP = UDP + 1
const COOKIES = TCP + 1
const SLIPPED = COOKIES + cookieStates.length
const HELD = SLIPPED + 1
const TALLIES = HELD + 1

export class DnsMeters {
  readonly #queries: Counter
  readonly #refused: Counter
  readonly #decisions: Counter
  readonly #seconds: Histogram
  readonly #front: FrontMeters
  readonly #outcomes: Counter
  readonly #transports: Counter
  readonly #cookies: Counter
  readonly #limited: Counter
  readonly #tallies = new Uint32Array(TALLIES)
  readonly #samples = new Samples(SAMPLES)

  // By domain: the pools, then the zones, then "other".
  #serving: Serving | undefined
  #pools = 0
  #domains = 1
  #counts = new KeyedCounts(KINDS_USUAL)
  /** Servers answered, by address index. */
  #chosen = new Uint32Array(0)

  constructor(metrics: Metrics) {
    this.#queries = metrics.counter({
      name: 'opengslb_dns_queries_total',
      help: 'Replies sent, by steered name or zone, type and rcode.',
      labels: ['domain', 'type', 'status'],
    })
    this.#refused = metrics.counter({
      name: 'opengslb_dns_refused_total',
      help: 'Replies with rcode REFUSED.',
    })
    this.#decisions = metrics.counter({
      name: 'opengslb_routing_decisions_total',
      help: 'Servers put into answers, by steered name, algorithm and server.',
      labels: ['domain', 'algorithm', 'server'],
    })
    this.#seconds = metrics.histogram({
      name: 'opengslb_dns_query_duration_seconds',
      help: 'Time from parsing to the finished reply; one query in 64 is timed.',
      labels: ['domain', 'status'],
      buckets: BUCKETS,
    })
    this.#outcomes = metrics.counter({
      name: 'opengslb_dns_outcomes_total',
      help: 'Queries by what came of them.',
      labels: ['reason'],
    })
    this.#transports = metrics.counter({
      name: 'opengslb_dns_transport_queries_total',
      help: 'Queries by transport.',
      labels: ['transport'],
    })
    this.#cookies = metrics.counter({
      name: 'opengslb_dns_cookies_total',
      help: 'Queries by the state of their DNS cookie.',
      labels: ['cookie'],
    })
    this.#limited = metrics.counter({
      name: 'opengslb_dns_rate_limited_total',
      help: 'Replies held back by rate limiting: dropped, or slipped (sent truncated).',
      labels: ['action'],
    })
    this.#front = new FrontMeters(metrics)
  }

  tellFront(front: string): void {
    this.#front.tell(front)
  }

  /** Counts one query, whose reply has `written` octets; 0: none was sent. */
  count(x: Exchange, written: number): void {
    const tallies = this.#tallies
    if (written === 0 && x.fate !== HOLD) {
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
    const key = this.#domainOf(x) * KINDS + kindOf(x)
    if (!this.#counts.add(key)) this.#addToFull(key)
    if (x.chosen > 0) this.#countChosen(x)
  }

  #countChosen(x: Exchange): void {
    const from = this.#serving!.pools.addressFrom(x.pool)
    for (let rank = 0; rank < x.chosen; rank++) this.#chosen[from + x.choice[rank]!]!++
  }

  #addToFull(key: number): void {
    this.#drainQueries()
    this.#counts.clear()
    this.#counts.add(key)
  }

  time(x: Exchange, seconds: number): void {
    if (this.#samples.full) this.#drainSamples()
    this.#samples.add(this.#domainOf(x) * KINDS + x.rcode, seconds)
  }

  /** Names the counters after what is served from now on; call `drain` before. */
  rename(serving: Serving): void {
    this.#serving = serving
    this.#pools = serving.pools.specs.length
    this.#domains = this.#pools + serving.table.zones.length + 1
    this.#counts = new KeyedCounts(this.#domains * KINDS_USUAL)
    this.#chosen = new Uint32Array(serving.pools.addressCount)
  }

  /** Empties the counters into the metrics. */
  drain(front: FrontCounts): void {
    this.#drainQueries()
    this.#drainSamples()
    this.#drainTallies()
    for (let pool = 0; pool < this.#pools; pool++) this.#drainDecisions(pool)
    this.#front.drain(front)
  }

  #drainQueries(): void {
    this.#counts.drain((key, count) => {
      const kind = key % KINDS
      const known = TYPES[Math.floor(kind / STATUS_SLOTS)]
      const status = rcodeName(kind % STATUS_SLOTS)
      const type = known === undefined ? OTHER : typeName(known)
      const domain = this.#nameOf(Math.floor(key / KINDS))
      this.#queries.add(count, { domain, type, status })
      if (status === 'REFUSED') this.#refused.add(count)
    })
  }

  #drainSamples(): void {
    this.#samples.drain((key, seconds) => {
      const domain = this.#nameOf(Math.floor(key / KINDS))
      this.#seconds.observe(seconds, { domain, status: rcodeName(key % KINDS) })
    })
  }

  #drainTallies(): void {
    const take = (at: number, counter: Counter, labels: Labels) => {
      if (this.#tallies[at] !== 0) counter.add(this.#tallies[at]!, labels)
      this.#tallies[at] = 0
    }
    for (const [at, reason] of outcomes.entries()) take(at, this.#outcomes, { reason })
    take(UDP, this.#transports, { transport: 'udp' })
    take(TCP, this.#transports, { transport: 'tcp' })
    for (const [at, cookie] of cookieStates.entries()) take(COOKIES + at, this.#cookies, { cookie })
    take(SLIPPED, this.#limited, { action: 'slipped' })
    take(HELD, this.#limited, { action: 'dropped' })
  }

  #drainDecisions(index: number): void {
    const { pools } = this.#serving!
    const from = pools.addressFrom(index)
    const size = pools.sizeOf(index)
    for (let candidate = 0; candidate < size; candidate++) {
      const count = this.#chosen[from + candidate]!
      if (count === 0) continue
      this.#chosen[from + candidate] = 0
      const spec = pools.specs[index]!
      const member = spec.members[candidate]
      const server =
        member === undefined
          ? (spec.fallback[candidate - spec.members.length] ?? OTHER)
          : formatEndpoint(member.address, member.port)
      this.#decisions.add(count, { domain: spec.name, algorithm: spec.policy, server })
    }
  }

  #domainOf(x: Exchange): number {
    if (x.pool >= 0) return x.pool
    return x.zone >= 0 ? this.#pools + x.zone : this.#domains - 1
  }

  #nameOf(domain: number): string {
    const serving = this.#serving
    if (serving === undefined || domain === this.#domains - 1) return OTHER
    if (domain < this.#pools) return serving.pools.specs[domain]!.name
    return serving.table.zones[domain - this.#pools]!.apex
  }
}

/** The pair of type and rcode. */
function kindOf(x: Exchange): number {
  const type = x.qtype < SLOT_OF_TYPE.length ? SLOT_OF_TYPE[x.qtype]! : TYPES.length
  return type * STATUS_SLOTS + x.rcode
}
