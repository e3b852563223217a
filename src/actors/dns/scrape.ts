/**
 * Reads on the main thread what the DNS threads count.
 *
 * The memory outlives the thread that counts in it: it is read once more when the thread has ended
 * or serves something else. What was read is added to ordinary counters, so that a sum never falls.
 */
import { limits } from '../../core/base/limits.ts'
import { cookieStates } from '../../core/dns/cookie.ts'
import { type PoolLabels, readLabels } from '../../core/dns/labels.ts'
import { outcomes } from '../../core/dns/outcomes.ts'
import { rcodeName, typeName } from '../../core/dns/types.ts'
import { textOf } from '../../core/base/memory.ts'
import type { Counter, Histogram, Labels, Metrics } from '../../kernel/metrics.ts'
import { BUCKETS, Growth, takeCounts, takeTimes } from './counts.ts'
import {
  type PlacedMeters,
  placedMeters,
  readingOfPlaces,
  readingOfRoutes,
  type RoutedMeters,
  routedMeters,
} from './scrape-places.ts'
import {
  COOKIES,
  DROPPED,
  type EpochCounts,
  HELD,
  KINDS,
  SHED,
  SLIPPED,
  STATUS_SLOTS,
  TCP,
  type ThreadTallies,
  TYPES,
  UDP,
} from './tallies.ts'
import { DnsTotals } from './totals.ts'

const OTHER = 'other'

/** One piece of memory, which is read again and again. */
type Reading = () => void

/** What all receivers and senders counted since the process started. */
export interface SocketLosses {
  readonly sendFaults: number
  readonly kernelDrops: number
  /** Times that waiting for queries ended in an error. */
  readonly pollFaults: number
}

interface LoanKey {
  readonly name: string
  readonly incarnation: number
  readonly loan: number
}

const keyOf = ({ name, incarnation, loan }: LoanKey) => `${name} ${incarnation} ${loan}`

export class DnsScrape {
  readonly #totals = new DnsTotals()
  readonly #meters: Meters
  readonly #readings = new Map<string, Reading>()
  readonly #readSockets: Reading

  /** @param losses what the native sockets counted, all of them together */
  constructor(metrics: Metrics, losses: () => SocketLosses = () => NO_LOSSES) {
    this.#meters = metersOf(metrics)
    const { dropped, kernelDrops, pollFaults } = this.#meters
    let told = NO_LOSSES
    this.#readSockets = () => {
      const now = losses()
      dropped.add(now.sendFaults - told.sendFaults)
      kernelDrops.add(now.kernelDrops - told.kernelDrops)
      pollFaults.add(now.pollFaults - told.pollFaults)
      told = now
    }
    metrics.onCollect(() => this.read())
  }

  lent(key: LoanKey, memory: unknown): void {
    const counted = memory as ThreadTallies | EpochCounts | { readonly kind: '' }
    if (counted.kind === 'dns-thread')
      this.#readings.set(keyOf(key), readingOfThread(this.#meters, this.#totals, counted))
    if (counted.kind === 'dns-epoch')
      this.#readings.set(keyOf(key), readingOfEpoch(this.#meters, this.#totals, counted))
  }

  returned(key: LoanKey): void {
    this.#readings.get(keyOf(key))?.()
    this.#readings.delete(keyOf(key))
  }

  /** What was counted till now, with the rows that grew since this was called, or with all. */
  counts(all: boolean) {
    this.read()
    if (all) this.#totals.retell()
    return this.#totals.take(limits.countsRows.default)
  }

  /** Words have 32 bits: to be called every few minutes at least. */
  read(): void {
    this.#readSockets()
    for (const reading of this.#readings.values()) reading()
  }
}

const NO_LOSSES: SocketLosses = { sendFaults: 0, kernelDrops: 0, pollFaults: 0 }

interface Meters {
  readonly queries: Counter
  readonly refused: Counter
  readonly decisions: Counter
  readonly placed: PlacedMeters
  readonly routed: RoutedMeters
  readonly seconds: Histogram
  readonly outcomes: Counter
  readonly transports: Counter
  readonly cookies: Counter
  readonly limited: Counter
  readonly dropped: Counter
  readonly shed: Counter
  readonly kernelDrops: Counter
  readonly pollFaults: Counter
}

function metersOf(metrics: Metrics): Meters {
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    metrics.counter({ name, help, labels })
  return {
    queries: counter(
      'opengslb_dns_queries_total',
      'Replies sent, by steered name or zone, type and rcode.',
      ['domain', 'type', 'status'],
    ),
    refused: counter('opengslb_dns_refused_total', 'Replies with rcode REFUSED.'),
    decisions: counter(
      'opengslb_routing_decisions_total',
      'Servers put into answers, by steered name, algorithm and server.',
      ['domain', 'algorithm', 'server'],
    ),
    placed: placedMeters(metrics),
    routed: routedMeters(metrics),
    seconds: metrics.histogram({
      name: 'opengslb_dns_query_duration_seconds',
      help: 'Time from parsing to the finished reply; one query in 64 is timed.',
      labels: ['domain', 'status'],
      buckets: BUCKETS,
    }),
    outcomes: counter('opengslb_dns_outcomes_total', 'Queries by what came of them.', ['reason']),
    transports: counter('opengslb_dns_transport_queries_total', 'Queries by transport.', [
      'transport',
    ]),
    cookies: counter('opengslb_dns_cookies_total', 'Queries by the state of their DNS cookie.', [
      'cookie',
    ]),
    limited: counter(
      'opengslb_dns_rate_limited_total',
      'Replies held back by rate limiting: dropped, or slipped (sent truncated).',
      ['action'],
    ),
    dropped: counter(
      'opengslb_dns_replies_dropped_total',
      'Replies not sent because the socket was full.',
    ),
    shed: counter(
      'opengslb_dns_tcp_connections_shed_total',
      'TCP connections refused or closed because a cap was reached.',
    ),
    kernelDrops: counter(
      'opengslb_dns_kernel_drops_total',
      'Queries the kernel dropped because nobody read them in time; native front only.',
    ),
    pollFaults: counter(
      'opengslb_dns_socket_faults_total',
      'Errors of a socket that queries are waited for on; native front only.',
    ),
  }
}

/** Where the growth of a tally goes. */
type Sink = readonly [number, Counter, Labels, ((count: number) => void)?]

function readingOfThread(meters: Meters, totals: DnsTotals, { tallies }: ThreadTallies): Reading {
  const grown = new Growth(tallies)
  const viaUdp = (count: number) => totals.transport('udp', count)
  const viaTcp = (count: number) => totals.transport('tcp', count)
  const sinks: readonly Sink[] = [
    ...outcomes.map((reason, at): Sink => {
      return [at, meters.outcomes, { reason }, (count) => totals.outcome(reason, count)]
    }),
    [UDP, meters.transports, { transport: 'udp' }, viaUdp],
    [TCP, meters.transports, { transport: 'tcp' }, viaTcp],
    ...cookieStates.map((cookie, at) => [COOKIES + at, meters.cookies, { cookie }] as const),
    [SLIPPED, meters.limited, { action: 'slipped' }],
    [HELD, meters.limited, { action: 'dropped' }],
    [SHED, meters.shed, {}],
    [DROPPED, meters.dropped, {}],
  ]
  return () => {
    for (const [at, counter, labels, total] of sinks) {
      const count = grown.take(at)
      if (count === 0) continue
      counter.add(count, labels)
      total?.(count)
    }
  }
}

/** The names behind the numbers, looked up when something was counted. */
class Names {
  readonly #memory: EpochCounts
  #pools: readonly PoolLabels[] | undefined
  #domains: readonly string[] | undefined

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
}

function readingOfEpoch(meters: Meters, totals: DnsTotals, memory: EpochCounts): Reading {
  const names = new Names(memory)
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
      const domain = names.domain(Math.floor(key / KINDS))
      meters.queries.add(count, { domain, type, status })
      totals.query(domain, status, count)
      if (status === 'REFUSED') meters.refused.add(count)
    })
    takeTimes(times, (key, counts, sum) => {
      const domain = names.domain(Math.floor(key / KINDS))
      meters.seconds.addAll(counts, sum, { domain, status: rcodeName(key % KINDS) })
      totals.times(counts, sum)
    })
    takeChosen(names, chosen, (count, { name, policy }, server) => {
      meters.decisions.add(count, { domain: name, algorithm: policy, server })
      totals.decision(name, policy, server, count)
    })
  }
}

function takeChosen(
  names: Names,
  chosen: Growth,
  take: (count: number, pool: PoolLabels, server: string) => void,
): void {
  let pool = 0
  let from = 0
  for (let address = 0; address < chosen.words.length; address++) {
    const count = chosen.take(address)
    if (count === 0) continue
    while (address >= from + names.pools[pool]!.servers.length)
      from += names.pools[pool++]!.servers.length
    const labels = names.pools[pool]!
    take(count, labels, labels.servers[address - from]!)
  }
}
