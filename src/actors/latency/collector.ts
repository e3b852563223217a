/**
 * The agent's half: readings of the kernel's TCP table become averages by client network, and those
 * become reports.
 *
 * Streams carry readings, windows and pages; samples do not travel in them, as an event each would
 * cost more than the reading. A reading is folded into the tables of core/latency as a whole. While
 * a report is going out in its pages no other is begun: what it would hold waits.
 */
import {
  concatMap,
  delay,
  exhaustMap,
  from,
  interval,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  reduce,
  type Subscription,
  window,
} from 'rxjs'
import { limits } from '../../core/base/limits.ts'
import type { TcpRows } from '../../core/health/clients-rows.ts'
import { Names } from '../../core/latency/names.ts'
import { type ReportPage, Reports } from '../../core/latency/report.ts'
import { Sockets } from '../../core/latency/sockets.ts'
import { Subnets } from '../../core/latency/subnets.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { AgentLatency, TcpTimes } from './contract.ts'
import type { AgentCounts } from './metrics.ts'
import { schedulerOn } from './scheduler.ts'

type LatencyCtx = Ctx<ProductCatalogue, 'latency'>

/** What a stretch of time brought. */
interface Window {
  readonly samples: number
  readonly missed: number
}

const NOTHING: Window = { samples: 0, missed: 0 }

const add = (one: Window, two: Window): Window => ({
  samples: one.samples + two.samples,
  missed: one.missed + two.missed,
})

export class Collector {
  readonly #ctx: LatencyCtx
  readonly #counts: AgentCounts
  readonly #tcp: TcpTimes
  readonly #services = new Names(limits.latencyServicesMax.default)
  readonly #sockets: Sockets
  readonly #reports = new Reports()
  #subnets: Subnets
  #config: AgentLatency
  #ports = new Uint32Array(0)
  #servicesOf = new Map<number, readonly number[]>()
  #streams: Subscription | undefined
  #failing = false

  constructor(ctx: LatencyCtx, tcp: TcpTimes, config: AgentLatency, counts: AgentCounts) {
    this.#ctx = ctx
    this.#tcp = tcp
    this.#config = config
    this.#counts = counts
    this.#sockets = new Sockets(seedOf(ctx))
    this.#subnets = new Subnets(config.subnets, seedOf(ctx))
    this.#configureBackends()
  }

  get subnets(): Subnets {
    return this.#subnets
  }

  start(): void {
    const { pollMs, reportMs, minAgeMs, ttlMs } = this.#config
    const scheduler = schedulerOn(this.#ctx.clock)
    const polls = interval(pollMs, scheduler).pipe(map(() => this.#poll(minAgeMs)))
    const ends = interval(limits.latencyEndsMs.default, scheduler).pipe(map(() => this.#ended()))
    const windows = merge(polls, ends).pipe(
      window(interval(reportMs, scheduler)),
      mergeMap((each) => each.pipe(reduce(add, NOTHING))),
    )
    const reports = windows.pipe(exhaustMap((seen) => this.#report(seen, scheduler)))
    this.#streams = reports.subscribe((page) => this.#tell(page))
    this.#streams.add(
      interval(limits.latencyPruneMs.default, scheduler).subscribe(() =>
        this.#subnets.prune(this.#ctx.clock.nowMs(), ttlMs),
      ),
    )
  }

  /** What was learned stays, unless it is grouped in another way. */
  configure(config: AgentLatency): void {
    const before = this.#config.subnets
    const { alpha, ...grouping } = config.subnets
    const isRegrouped = Object.entries(grouping).some(
      ([key, value]) => before[key as keyof typeof grouping] !== value,
    )
    this.#config = config
    if (isRegrouped) this.#subnets = new Subnets(config.subnets, seedOf(this.#ctx))
    else this.#subnets.setAlpha(alpha)
    this.#configureBackends()
    this.#streams?.unsubscribe()
    this.start()
  }

  stop(): void {
    this.#streams?.unsubscribe()
    this.#tcp.close()
  }

  #configureBackends(): void {
    const byPort = new Map<number, Set<number>>()
    for (const { service, port } of this.#config.backends) {
      const number = this.#services.of(service)
      if (number >= 0) byPort.set(port, (byPort.get(port) ?? new Set()).add(number))
    }
    this.#servicesOf = new Map([...byPort].map(([port, services]) => [port, [...services]]))
    this.#ports = Uint32Array.from(byPort.keys())
    this.#subnets.retain(new Set([...this.#servicesOf.values()].flat()))
  }

  /** Ends first: what ends between the two readings was then seen open, or is told next time. */
  #poll(minAgeMs: number): Window {
    const { clock } = this.#ctx
    const ended = this.#ended()
    const startMs = clock.monotonicMs()
    const rows = this.#tcp.open(this.#ports)
    if (rows === undefined) {
      this.#counts.errors('poll')
      if (!this.#failing) this.#ctx.log.warn('latency: the TCP table cannot be read')
      this.#failing = true
      return ended
    }
    this.#failing = false
    const opened = this.#fold((nowMs, take) => this.#sockets.look(rows, nowMs, minAgeMs, take))
    this.#counts.polled((clock.monotonicMs() - startMs) / 1_000)
    return add(ended, opened)
  }

  #ended(): Window {
    let seen = NOTHING
    for (let round = 0; round < limits.latencyEndsRounds.default; round++) {
      const { rows, missed, more } = this.#tcp.ended(this.#ports)
      if (rows.count > 0) seen = add(seen, this.#foldEnds(rows))
      if (missed) {
        this.#counts.dropped()
        seen = add(seen, { samples: 0, missed: 1 })
      }
      if (!more) break
    }
    return seen
  }

  #foldEnds(rows: TcpRows): Window {
    return this.#fold((nowMs, take) => this.#sockets.ended(rows, nowMs, take))
  }

  #fold(read: (nowMs: number, take: Parameters<Sockets['ended']>[2]) => void): Window {
    const nowMs = this.#ctx.clock.nowMs()
    let samples = 0
    read(nowMs, (port, family, bytes, at, rttUs, counts) => {
      this.#counts.rtt(rttUs / 1e6, counts)
      samples += counts
      for (const service of this.#servicesOf.get(port) ?? [])
        this.#subnets.add(service, family, bytes, at, rttUs / 1_000, counts, nowMs)
    })
    return { samples, missed: 0 }
  }

  #report(seen: Window, scheduler: ReturnType<typeof schedulerOn>): Observable<ReportPage> {
    const pages = this.#reports.take(this.#subnets, this.#config.minSamples)
    const networks = pages.reduce((sum, { rows }) => sum + rows.length, 0)
    const { samples, missed } = seen
    const fields = { networks, tracked: this.#subnets.size, samples, pages: pages.length }
    const note = missed === 0 ? {} : { missed }
    if (networks > 0) this.#ctx.log.info('latency report', { ...fields, ...note })
    else this.#ctx.log.debug('latency report: nothing new', { ...fields, ...note })
    const pause = limits.latencyPageMs.default
    return from(pages).pipe(
      concatMap((page, index) => (index === 0 ? of(page) : of(page).pipe(delay(pause, scheduler)))),
    )
  }

  #tell({ service, rows }: ReportPage): void {
    this.#counts.reported()
    this.#ctx.publish('latency.rows-measured', { service: this.#services.name(service), rows })
  }
}

const seedOf = ({ random }: LatencyCtx): number => random.below(0x1_0000_0000)
