/**
 * What DNS counts, as the main thread tells it each second: totals, and rates over the last while.
 */
import { limits } from '../../core/base/limits.ts'
import { formatEndpoint } from '../../core/net/address.ts'
import type { Pool } from '../../core/steer/pool.ts'
import type {
  CountTotals,
  DomainCount,
  ServerCount,
  TimeTotals,
} from '../../messages/api-entries.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf } from '../../messages/entry.ts'

type Told = MessageOf<ProductCatalogue, 'shell.counters-read'>

/** One moment of the totals. */
export interface Moment {
  readonly atMs: number
  readonly totals: CountTotals
  readonly times: TimeTotals
}

/** Answer times, milliseconds. */
export interface ResponseTimes {
  readonly avg_ms: number
  readonly p50_ms: number
  readonly p95_ms: number
  readonly p99_ms: number
  readonly max_ms: number
}

/** What DNS counted between two readings. */
export interface LastStep {
  readonly queries: number
  readonly rcodes: Readonly<Record<string, number>>
  readonly seconds: number
}

/** Moments are kept for this long: what `response_times` speaks of. */
const KEPT_MS = 60_000

export class Rates {
  #recent: Moment[] = []
  readonly #domains = new Map<string, DomainCount>()
  readonly #servers = new Map<string, ServerCount>()

  take({ atMs, totals, times, domains, servers }: Told): void {
    const most = limits.apiListItems.default
    // A restart of the process ends this thread too, so totals fall only when a clock was set back.
    this.#recent = this.#recent.filter((one) => one.atMs < atMs && atMs - one.atMs <= KEPT_MS)
    this.#recent.push({ atMs, totals, times })
    // Names that are served no more keep their rows; past the limit all are told anew anyway.
    if (this.#domains.size > most) this.#domains.clear()
    if (this.#servers.size > most) this.#servers.clear()
    for (const row of domains) this.#domains.set(row.domain, row)
    for (const row of servers)
      this.#servers.set(`${row.domain} ${row.algorithm} ${row.server}`, row)
  }

  /** What came since the moment before the latest; undefined where there are not two. */
  lastStep(): LastStep | undefined {
    const [before, latest] = this.#recent.slice(-2)
    if (before === undefined || latest === undefined) return undefined
    const { byRcode, queries } = latest.totals
    const grown = Object.entries(byRcode).map(
      ([rcode, count]) => [rcode, count - (before.totals.byRcode[rcode] ?? 0)] as const,
    )
    return {
      queries: queries - before.totals.queries,
      rcodes: Object.fromEntries(grown.filter(([, count]) => count > 0)),
      seconds: (latest.atMs - before.atMs) / 1_000,
    }
  }

  get latest(): Moment | undefined {
    return this.#recent.at(-1)
  }

  get domains(): Iterable<DomainCount> {
    return this.#domains.values()
  }

  get servers(): Iterable<ServerCount> {
    return this.#servers.values()
  }

  /** The oldest moment that is no older than so long; undefined where there are not two. */
  before(withinMs: number): Moment | undefined {
    const { latest } = this
    if (latest === undefined) return undefined
    const old = this.#recent.find(({ atMs }) => latest.atMs - atMs <= withinMs)
    return old === latest ? undefined : old
  }

  /** Queries a second, over the last ten. */
  queriesPerSecond(): number {
    const from = this.before(limits.rateOverMs.default)
    return from === undefined ? 0 : perSecond(from, this.latest!, ({ queries }) => queries)
  }

  /** Percent of the replies of the last minute that were SERVFAIL. */
  errorPercent(): number {
    const { latest } = this
    return latest === undefined ? 0 : errorPercent(this.before(KEPT_MS), latest)
  }

  /** Over the last minute, or since the start where nothing was timed in it. */
  responseTimes(): ResponseTimes {
    const { latest } = this
    if (latest === undefined) return timesOf([], [], 0)
    const of = (from: Moment | undefined) => timesBetween(from, latest)
    const recent = of(this.before(KEPT_MS))
    return recent.max_ms === 0 ? of(undefined) : recent
  }
}

export function perSecond(from: Moment, to: Moment, read: (totals: CountTotals) => number): number {
  const seconds = (to.atMs - from.atMs) / 1_000
  return seconds <= 0 ? 0 : Math.max(0, read(to.totals) - read(from.totals)) / seconds
}

export function errorPercent(from: Moment | undefined, to: Moment): number {
  const failed = (moment: Moment | undefined) => moment?.totals.byRcode['SERVFAIL'] ?? 0
  const replies = to.totals.queries - (from?.totals.queries ?? 0)
  return replies <= 0 ? 0 : ((failed(to) - failed(from)) / replies) * 100
}

export function timesBetween(from: Moment | undefined, to: Moment): ResponseTimes {
  const counts = to.times.counts.map((count, at) => count - (from?.times.counts[at] ?? 0))
  return timesOf(to.times.bounds, counts, to.times.sumSeconds - (from?.times.sumSeconds ?? 0))
}

/** Percentiles are read off buckets, evenly within one; the mean is exact. */
function timesOf(bounds: readonly number[], counts: readonly number[], sum: number): ResponseTimes {
  const total = counts.reduce((all, count) => all + count, 0)
  const at = (share: number) => rounded(quantile(bounds, counts, total * share) * 1_000)
  return {
    avg_ms: total === 0 ? 0 : rounded((sum / total) * 1_000),
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    max_ms: at(1),
  }
}

/** To the tenth of a microsecond. */
const rounded = (ms: number) => Math.round(ms * 10_000) / 10_000

function quantile(bounds: readonly number[], counts: readonly number[], rank: number): number {
  let below = 0
  for (const [bucket, count] of counts.entries()) {
    if (count === 0) continue
    const low = bucket === 0 ? 0 : bounds[bucket - 1]!
    const high = bounds[bucket] ?? low
    if (below + count >= rank) return low + ((high - low) * (rank - below)) / count
    below += count
  }
  return 0
}

/** Answers given so far with servers of each region. */
export const answersByRegion = (pools: readonly Pool[], servers: Iterable<ServerCount>) =>
  answersBy(pools, servers, ({ region }) => region)

/** Answers given so far with each server, by its key; of servers that are in a pool now. */
export const answersByBackend = (pools: readonly Pool[], servers: Iterable<ServerCount>) =>
  answersBy(pools, servers, ({ key }) => key)

function answersBy(
  pools: readonly Pool[],
  servers: Iterable<ServerCount>,
  of: (member: Pool['spec']['members'][number]) => string,
): Map<string, number> {
  const names = new Map<string, string>()
  for (const { spec } of pools)
    for (const member of spec.members)
      names.set(`${spec.name} ${formatEndpoint(member.address, member.port)}`, of(member))
  const answers = new Map<string, number>()
  for (const { domain, server, answers: count } of servers) {
    const name = names.get(`${domain} ${server}`)
    if (name !== undefined) answers.set(name, (answers.get(name) ?? 0) + count)
  }
  return answers
}

/** Answers of `failover` names by another server than the first of the list. */
export function failedOver(pools: readonly Pool[], servers: Iterable<ServerCount>): number {
  const firsts = new Map<string, Set<string>>()
  for (const { spec } of pools) {
    if (spec.policy !== 'failover') continue
    const first = (isSix: boolean) =>
      spec.members.find(({ address }) => address.includes(':') === isSix)
    const own = [first(false), first(true)].flatMap((member) =>
      member === undefined ? [] : [formatEndpoint(member.address, member.port)],
    )
    firsts.set(spec.name, new Set(own))
  }
  let count = 0
  for (const { domain, server, answers } of servers)
    if (firsts.get(domain)?.has(server) === false) count += answers
  return count
}
