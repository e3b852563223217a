/**
 * Counters of the dns actor: typed arrays that a query increments, emptied into the metrics when
 * they are read.
 *
 * The label `domain` is a steered name, else the apex of its zone, else "other": never a name that
 * a client made up.
 */
import type { Exchange } from '../../core/dns/exchange.ts'
import type { Serving } from '../../core/dns/serving.ts'
import { rcodeName, typeName, types } from '../../core/dns/types.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import type { Counter, Gauge, Histogram, Metrics } from '../../kernel/metrics.ts'
import type { FrontCounts } from './contract.ts'

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

/** The rcodes this server sends fit in 17 slots: 0-15 and BADVERS. */
const STATUS_SLOTS = 17

const BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1]
const OTHER = 'other'

export class DnsMeters {
  readonly #queries: Counter
  readonly #refused: Counter
  readonly #decisions: Counter
  readonly #seconds: Histogram
  readonly #connections: Gauge
  readonly #dropped: Counter
  readonly #shed: Counter
  #told: FrontCounts = { tcpConnections: 0, repliesDropped: 0, connectionsShed: 0 }

  // By domain: the pools, then the zones, then "other".
  #serving: Serving | undefined
  #pools = 0
  #domains = 1
  #touched = new Uint8Array(1)
  #counts = new Uint32Array(TYPE_SLOTS * STATUS_SLOTS)
  /** First counter of each pool in `chosen`. */
  #chosenFrom = new Int32Array(1)
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
    this.#connections = metrics.gauge({
      name: 'opengslb_dns_tcp_connections',
      help: 'Open TCP connections.',
    })
    this.#dropped = metrics.counter({
      name: 'opengslb_dns_replies_dropped_total',
      help: 'Replies not sent because the socket was full.',
    })
    this.#shed = metrics.counter({
      name: 'opengslb_dns_tcp_connections_shed_total',
      help: 'TCP connections refused or closed because a cap was reached.',
    })
  }

  /** Counts one reply. */
  count(x: Exchange): void {
    const domain = this.#domainOf(x)
    const type = x.qtype < SLOT_OF_TYPE.length ? SLOT_OF_TYPE[x.qtype]! : TYPES.length
    this.#counts[(domain * TYPE_SLOTS + type) * STATUS_SLOTS + x.rcode]!++
    this.#touched[domain] = 1
    if (x.chosen === 0) return
    const from = this.#chosenFrom[x.pool]!
    for (let rank = 0; rank < x.chosen; rank++) this.#chosen[from + x.choice[rank]!]!++
  }

  time(x: Exchange, seconds: number): void {
    const domain = this.#nameOf(this.#domainOf(x))
    this.#seconds.observe(seconds, { domain, status: rcodeName(x.rcode) })
  }

  /** Names the counters after what is served from now on; call `drain` before. */
  rename(serving: Serving): void {
    this.#serving = serving
    this.#pools = serving.pools.length
    this.#domains = this.#pools + serving.table.zones.length + 1
    this.#touched = new Uint8Array(this.#domains)
    this.#counts = new Uint32Array(this.#domains * TYPE_SLOTS * STATUS_SLOTS)
    this.#chosenFrom = new Int32Array(this.#pools + 1)
    for (const [index, { pool }] of serving.pools.entries())
      this.#chosenFrom[index + 1] = this.#chosenFrom[index]! + pool.addresses.length
    this.#chosen = new Uint32Array(this.#chosenFrom[this.#pools]!)
  }

  /** Empties the counters into the metrics. */
  drain(front: FrontCounts): void {
    for (let domain = 0; domain < this.#domains; domain++) {
      if (this.#touched[domain] === 0) continue
      this.#touched[domain] = 0
      this.#drainQueries(domain)
      if (domain < this.#pools) this.#drainDecisions(domain)
    }
    this.#connections.set(front.tcpConnections)
    this.#dropped.add(front.repliesDropped - this.#told.repliesDropped)
    this.#shed.add(front.connectionsShed - this.#told.connectionsShed)
    this.#told = front
  }

  #drainQueries(domain: number): void {
    const name = this.#nameOf(domain)
    const from = domain * TYPE_SLOTS * STATUS_SLOTS
    for (let slot = 0; slot < TYPE_SLOTS * STATUS_SLOTS; slot++) {
      const count = this.#counts[from + slot]!
      if (count === 0) continue
      this.#counts[from + slot] = 0
      const known = TYPES[Math.floor(slot / STATUS_SLOTS)]
      const status = rcodeName(slot % STATUS_SLOTS)
      const type = known === undefined ? OTHER : typeName(known)
      this.#queries.add(count, { domain: name, type, status })
      if (status === 'REFUSED') this.#refused.add(count)
    }
  }

  #drainDecisions(index: number): void {
    const { pool } = this.#serving!.pools[index]!
    const { spec } = pool
    const from = this.#chosenFrom[index]!
    for (let candidate = 0; candidate < pool.addresses.length; candidate++) {
      const count = this.#chosen[from + candidate]!
      if (count === 0) continue
      this.#chosen[from + candidate] = 0
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
    if (domain < this.#pools) return serving.pools[domain]!.pool.spec.name
    return serving.table.zones[domain - this.#pools]!.apex
  }
}
