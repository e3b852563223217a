/**
 * Reads on the main thread what the DNS threads count.
 *
 * The memory outlives the thread that counts in it: it is read once more when the thread has ended
 * or serves something else. What was read is added to ordinary counters, so that a sum never falls.
 */
import { limits } from '../../core/base/limits.ts'
import { cookieStates } from '../../core/dns/cookie.ts'
import { outcomes } from '../../core/dns/outcomes.ts'
import type { Counter, Labels, Metrics } from '../../kernel/metrics.ts'
import { BUCKETS, Growth } from './counts.ts'
import { type EpochMeters, type Reading, readingOfEpoch } from './scrape-epoch.ts'
import { placedMeters, routedMeters } from './scrape-places.ts'
import {
  COOKIES,
  DROPPED,
  type EpochCounts,
  HELD,
  SHED,
  SLIPPED,
  TCP,
  type ThreadTallies,
  UDP,
} from './tallies.ts'
import { DnsTotals } from './totals.ts'

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
  readonly #readSockets: () => void

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
    const reading = this.#readings.get(keyOf(key))
    reading?.total()
    reading?.meter()
    this.#readings.delete(keyOf(key))
  }

  /** What was counted till now, with the rows that grew since this was called, or with all. */
  counts(all: boolean) {
    for (const { total } of this.#readings.values()) total()
    if (all) this.#totals.retell()
    return this.#totals.take(limits.countsRows.default)
  }

  /** Words have 32 bits: to be called every few minutes at least. */
  read(): void {
    this.#readSockets()
    for (const { total, meter } of this.#readings.values()) {
      total()
      meter()
    }
  }
}

const NO_LOSSES: SocketLosses = { sendFaults: 0, kernelDrops: 0, pollFaults: 0 }

interface Meters extends EpochMeters {
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

/** The metric that the growth of a tally goes to. */
type Sink = readonly [number, Counter, Labels]

function readingOfThread(meters: Meters, totals: DnsTotals, { tallies }: ThreadTallies): Reading {
  const metered = new Growth(tallies)
  const totalled = new Growth(tallies)
  const sinks: readonly Sink[] = [
    ...outcomes.map((reason, at): Sink => [at, meters.outcomes, { reason }]),
    [UDP, meters.transports, { transport: 'udp' }],
    [TCP, meters.transports, { transport: 'tcp' }],
    ...cookieStates.map((cookie, at): Sink => [COOKIES + at, meters.cookies, { cookie }]),
    [SLIPPED, meters.limited, { action: 'slipped' }],
    [HELD, meters.limited, { action: 'dropped' }],
    [SHED, meters.shed, {}],
    [DROPPED, meters.dropped, {}],
  ]
  const total = (at: number, add: (count: number) => void) => {
    const count = totalled.take(at)
    if (count !== 0) add(count)
  }
  return {
    total: () => {
      for (const [at, reason] of outcomes.entries())
        total(at, (count) => totals.outcome(reason, count))
      total(UDP, (count) => totals.transport('udp', count))
      total(TCP, (count) => totals.transport('tcp', count))
    },
    meter: () => {
      for (const [at, counter, labels] of sinks) {
        const count = metered.take(at)
        if (count !== 0) counter.add(count, labels)
      }
    },
  }
}
