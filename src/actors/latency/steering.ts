/**
 * Keeps the rows that answers are made from in step with the merged table.
 *
 * What changed in the table is told to the compiler of each name (core/latency/compile.ts); rows
 * are compiled when something changed or a slot began, and published when they are other rows than
 * before. Compiling many networks takes a while, so the pause after it is longer in proportion.
 */
import { limits } from '../../core/base/limits.ts'
import { sharedMemory } from '../../core/base/memory.ts'
import { type Measured, ServiceCompiler } from '../../core/latency/compile.ts'
import { type Ground, groundOf, type SteeredService } from '../../core/latency/ground.ts'
import {
  decodeCatchments,
  encodeCatchments,
  fitting,
  type KeptCatchments,
} from '../../core/latency/kept-catchments.ts'
import type { LatencyTable } from '../../core/latency/table.ts'
import type { AskerRow } from '../../core/dns/askers.ts'
import { parseAddress } from '../../core/net/address.ts'
import type { RouteParts, ServiceRoutes } from '../../core/steer/routes.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import type { LatencyPorts, OverwatchLatency } from './contract.ts'

type Stand = MessageOf<ProductCatalogue, 'registry.ground-set'>

/** Of what was learned of resolvers before a restart, as of the rows. */
const KEPT_TRUST = 0.25

export class Steering {
  readonly #ctx: Ctx<ProductCatalogue, 'latency'>
  readonly #ports: LatencyPorts
  readonly #table: LatencyTable
  readonly #touched = new Set<number>()
  readonly #finds: boolean
  readonly #path: string
  #exploration: number
  #dividedMs: number
  /** By name that is not steered now, who was behind resolvers, and how much of it counts. */
  readonly #kept = new Map<string, { readonly one: KeptCatchments; readonly trust: number }>()
  /** It was divided anew since it was saved. */
  #isNews = false
  #saving: Promise<void> = Promise.resolve()
  #stand: Stand | undefined
  #ground: Ground | undefined
  #compilers = new Map<string, ServiceCompiler>()
  /** The same by what agents call their service. */
  #measured = new Map<string, ServiceCompiler[]>()
  #routes: RouteParts | undefined
  #slot = -1
  /** Of the monotonic clock. */
  #compileFromMs = Number.NEGATIVE_INFINITY
  #cancels: readonly Cancel[] = []

  constructor(
    ctx: Ctx<ProductCatalogue, 'latency'>,
    ports: LatencyPorts,
    config: OverwatchLatency,
    table: LatencyTable,
  ) {
    this.#ctx = ctx
    this.#ports = ports
    this.#table = table
    this.#finds = config.catchments
    this.#path = config.catchmentsPath
    this.#exploration = config.exploration
    this.#dividedMs = ctx.clock.monotonicMs()
    table.changedEntry = (entry) => void this.#touched.add(entry)
  }

  async start(): Promise<void> {
    await this.#restore()
    const every = (ms: number, run: () => void) => this.#ctx.clock.every(ms, ms, run)
    this.#cancels = [
      every(limits.latencyPublishMs.default, () => this.#tick()),
      every(limits.latencySaveMs.default, () => void this.#save()),
    ]
  }

  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel()
    await this.#save()
  }

  /** Other names are steered, or clients are elsewhere: what is known is told again. */
  stand(next: Stand): void {
    if (next.version === this.#stand?.version) return
    const isPlace = next.geo !== this.#stand?.geo
    this.#stand = next
    if (isPlace) this.#ground = undefined
    if (next.services.length > 0) this.#ground ??= groundOf(next.geo)
    const ground = this.#ground
    const before = this.#compilers
    this.#compilers = new Map()
    const fresh = new Set<string>()
    for (const service of ground === undefined ? [] : next.services) {
      const known = before.get(service.name)
      const isSame = !isPlace && JSON.stringify(known?.service) === JSON.stringify(service)
      if (!isSame) fresh.add(service.name)
      const own = isSame ? known! : this.#compiler(ground!, service, known)
      this.#compilers.set(service.name, own)
    }
    for (const [name, compiler] of before)
      if (!this.#compilers.has(name))
        this.#kept.set(name, { one: compiler.keptCatchments(), trust: 1 })
    this.#measured = new Map()
    for (const compiler of this.#compilers.values()) {
      const { name, measured = name } = compiler.service
      this.#measured.set(measured, [...(this.#measured.get(measured) ?? []), compiler])
    }
    if (fresh.size > 0) this.#tell(this.#table.used(), fresh)
    this.#slot = -1
    this.#compileFromMs = Number.NEGATIVE_INFINITY
    this.#tick()
  }

  /** Of what can change while it runs. */
  configure({ exploration }: OverwatchLatency): void {
    if (exploration === this.#exploration) return
    this.#exploration = exploration
    this.#slot = -1
    this.#tick()
  }

  /** A new one, which knows who is behind resolvers as the one before it did. */
  #compiler(ground: Ground, service: SteeredService, before: ServiceCompiler | undefined) {
    const made = new ServiceCompiler(ground, service)
    const kept = this.#kept.get(service.name)
    this.#kept.delete(service.name)
    if (before !== undefined) made.restoreCatchments(before.keptCatchments())
    else if (kept !== undefined) made.restoreCatchments(kept.one, kept.trust)
    return made
  }

  /** A reader holds nothing yet. */
  sayAgain(): void {
    if (this.#routes !== undefined) this.#publish(this.#routes)
  }

  /** Resolvers were told regions, and nothing of whom they ask for. */
  asked(rows: readonly AskerRow[]): void {
    if (!this.#finds) return
    for (const [name, network, region, answers] of rows) {
      const address = parseAddress(network)
      if (!address.ok) continue
      for (const compiler of this.#measured.get(name) ?? [])
        compiler.asked(address.value.bytes, region, answers)
    }
  }

  /** Resolvers of whose clients nothing is told, and networks known behind them. */
  catchments(): { readonly resolvers: number; readonly networks: number } {
    let [resolvers, networks] = [0, 0]
    for (const compiler of this.#compilers.values()) {
      const one = compiler.catchments()
      resolvers += one.resolvers
      networks += one.networks
    }
    return { resolvers, networks }
  }

  explain(order: MessageOf<ProductCatalogue, 'api.explain-latency'>): Explained {
    const address = parseAddress(order.client)
    if (!address.ok) return {}
    const compiler = this.#compilers.get(order.service)
    const view = compiler?.describe(address.value.bytes, this.#ctx.clock.nowMs())
    return view === undefined ? {} : { view }
  }

  /** @param only names that are told what was known before they were there */
  #tell(entries: Iterable<number>, only?: ReadonlySet<string>): void {
    const nowMs = this.#ctx.clock.nowMs()
    const news = new Map<string, Measured[]>()
    for (const entry of entries) {
      const service = this.#table.nameOfService(entry)
      const compilers = service === undefined ? undefined : this.#measured.get(service)
      if (compilers === undefined) continue
      const one = this.#table.measured(entry, nowMs)
      for (const { service: of } of compilers) {
        if (only !== undefined && !only.has(of.name)) continue
        const list = news.get(of.name) ?? []
        if (list.length === 0) news.set(of.name, list)
        list.push(one)
      }
    }
    const isHistory = only !== undefined
    for (const [service, list] of news) this.#compilers.get(service)!.take(list, isHistory)
  }

  #tick(): void {
    const { clock } = this.#ctx
    if (this.#stand === undefined || clock.monotonicMs() < this.#compileFromMs) return
    const slot = Math.floor(clock.nowMs() / limits.latencySlotMs.default)
    if (slot === this.#slot && this.#touched.size === 0) return
    const fromMs = clock.monotonicMs()
    this.#slot = slot
    this.#tell(this.#touched)
    this.#touched.clear()
    this.#divide(fromMs)
    const services = [...this.#compilers.values()].flatMap((compiler) => {
      const budget = compiler.service.sticky ? 0 : this.#exploration
      return compiler.compile(clock.nowMs(), slot, budget, sharedMemory) ?? []
    })
    const tookMs = clock.monotonicMs() - fromMs
    const { latencyCompileMs, latencyCompileFactor } = limits
    const pauseMs = Math.max(latencyCompileMs.default, tookMs * latencyCompileFactor.default)
    this.#compileFromMs = fromMs + tookMs + pauseMs
    if (areSame(services, this.#routes?.services ?? [])) return
    // Later than what this actor said before it was started again.
    const version = Math.max(Math.floor(clock.nowMs()), (this.#routes?.version ?? 0) + 1)
    this.#routes = { version, slot, services }
    this.#publish(this.#routes)
  }

  #divide(nowMs: number): void {
    if (!this.#finds || nowMs - this.#dividedMs < limits.latencyCatchmentMs.default) return
    this.#dividedMs = nowMs
    for (const compiler of this.#compilers.values()) compiler.divide()
    this.#isNews = true
  }

  async #restore(): Promise<void> {
    const path = this.#path
    if (path === '') return
    const found = await this.#ports.load(path)
    if (found === 'absent') return
    const kept = found === 'unreadable' ? undefined : decodeCatchments(found)
    if (kept === undefined || !kept.ok) {
      const why = kept === undefined ? 'cannot be read' : kept.error
      const aside = (await this.#ports.setAside(path)) ?? 'it could not be set aside'
      this.#ctx.log.warn('who is behind resolvers is lost', { path, why, kept: aside })
      return
    }
    for (const one of kept.value) this.#kept.set(one.name, { one, trust: KEPT_TRUST })
  }

  /** One at a time. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write())
    return this.#saving
  }

  async #write(): Promise<void> {
    const path = this.#path
    if (path === '' || !this.#isNews) return
    this.#isNews = false
    const steered = [...this.#compilers.values()].map((compiler) => compiler.keptCatchments())
    const all = [...steered, ...[...this.#kept.values()].map(({ one }) => one)]
    if (await this.#ports.save(path, encodeCatchments(fitting(all)))) return
    this.#isNews = true
    this.#ctx.log.warn('who is behind resolvers could not be written', { path })
  }

  #publish(parts: RouteParts): void {
    this.#ctx.publish('latency.rows-set', { version: parts.version, parts })
  }
}

type Explained = ReplyOf<ProductCatalogue, 'api.explain-latency'>

/** Whether the same clients get the same answers by both. */
function areSame(one: readonly ServiceRoutes[], other: readonly ServiceRoutes[]): boolean {
  return (
    one.length === other.length &&
    one.every((routes, at) => {
      const held = other[at]!
      const columns = (of: ServiceRoutes) => [
        ...[of.ranking, of.shares, of.exploring],
        ...[of.map.v4.starts, of.map.v4.values, of.map.v6.starts, of.map.v6.values],
      ]
      return (
        routes.name === held.name &&
        routes.regions.join() === held.regions.join() &&
        columns(routes).every((column, index) => isSame(column, columns(held)[index]!))
      )
    })
  )
}

function isSame(one: ArrayLike<number>, other: ArrayLike<number>): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}
