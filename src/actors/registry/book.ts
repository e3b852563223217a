/**
 * The book the registry keeps: the fleet, and the three places every change of it goes to at once,
 * the readers' words, the disk's queues and the operator's log.
 *
 * It decides nothing; core/health does. It owns the one timer that ends hold-downs and overrides.
 * Words change in the turn of their cause. What makes a new epoch is in effect once its name table
 * is compiled; until then all goes on in the old one, so that a verdict never waits for a compiler.
 */
import { limits } from '../../core/base/limits.ts'
import { isSame } from '../../core/base/same.ts'
import type { Chorus } from '../../core/health/chorus.ts'
import { declaredTopology } from '../../core/health/declared.ts'
import type { GuardedChange, ServerEvent } from '../../core/health/events.ts'
import type { GeoParts } from '../../core/geo/parts.ts'
import { type Compiled, Fleet } from '../../core/health/fleet.ts'
import type { Refusal } from '../../core/health/guard.ts'
import type { ServerRow } from '../../core/health/rows.ts'
import type { WordChange } from '../../core/steer/snapshot.ts'
import type { FleetTopology } from '../../core/steer/topology.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import { askStored, servesSame, type Shortfall, shortfallOf } from './acknowledged.ts'
import { Apexes, type KeysSet } from './apexes.ts'
import type { Chronicle } from './chronicle.ts'
import type { CompileOutcome, RegistryConfig, RegistryPorts } from './contract.ts'
import { Crowds } from './crowds.ts'
import { Eases } from './eases.ts'
import { FeedRecorder } from './feed.ts'
import { recordCompiled, recordWords } from './feed-changes.ts'
import { Geography } from './geography.ts'
import { heldBack } from './held-back.ts'
import { Learned } from './learned.ts'
import { type RegistryMetrics, registryMetrics } from './metrics.ts'
import { StoredNames } from './names.ts'
import { type Notices, notices } from './notices.ts'
import { Opening } from './opening.ts'
import { CompilePace } from './pace.ts'
import type { Press } from './press.ts'
import { pressOf, tellIssued } from './press-world.ts'
import { Sharing } from './sharing.ts'
import { Shelf } from './shelf.ts'
import { Targets } from './targets.ts'
import { Told } from './told.ts'
import { CheckTimes } from './times.ts'
import { noteVoices } from './voices.ts'

/** A restarted registry outranks its predecessor, which has had fewer compilations than this. */
const EPOCHS_PER_INCARNATION = 2 ** 20
const NEVER = { dueMs: Number.POSITIVE_INFINITY, cancel: () => {} }

export type RegistryCtx = Ctx<ProductCatalogue, 'registry'>

export class Book {
  readonly fleet: Fleet
  readonly chorus: Chorus
  readonly sharing: Sharing
  readonly told: Told
  readonly metrics: RegistryMetrics
  readonly tell: Notices
  readonly feed: FeedRecorder
  readonly learned: Learned
  readonly times: CheckTimes
  readonly crowds: Crowds
  readonly targets: Targets
  readonly #eases: Eases
  readonly #ctx: RegistryCtx
  readonly #ports: RegistryPorts
  readonly #shelf: Shelf
  readonly geography: Geography
  readonly names: StoredNames
  readonly chronicle: Chronicle
  readonly press: Press
  /** What stands at the apexes of signed zones. */
  readonly #apexes = new Apexes()
  readonly #opening: Opening
  /** What is in force; what is to take its place. */
  #config: RegistryConfig
  #wanted: RegistryConfig | undefined
  /** Why the last configuration is not in force. */
  fault: string | undefined
  /** Servers that an operator took out although they serve. */
  readonly #letGo = new Set<string>()
  /** An epoch is being made; another is to follow it. */
  #isRenewing = false
  #isAgain = false
  #renewal: Promise<void> = Promise.resolve()
  readonly #pace: CompilePace
  /** Called after each change of what is declared. */
  onCompiled: (compiled: Compiled) => void = () => {}
  #timer = NEVER
  /** Servers whose verdict a restarted registry awaits before it speaks. */
  #awaited = new Set<string>()

  constructor(ctx: RegistryCtx, ports: RegistryPorts, config: RegistryConfig, chorus: Chorus) {
    this.#ctx = ctx
    this.#ports = ports
    this.#config = config
    this.chorus = chorus
    this.#pace = new CompilePace(ctx.clock)
    this.sharing = new Sharing(ctx, ports, chorus.settings.self)
    this.told = new Told(this.sharing, chorus)
    this.fleet = new Fleet(ctx.incarnation * EPOCHS_PER_INCARNATION, config.guard, chorus)
    const { fleet, sharing } = this
    const nowMs = () => this.nowMs()
    const counted = { fleet, chorus, sharing, nowMs, faults: ports.faults }
    this.metrics = registryMetrics(ctx.metrics, counted)
    this.feed = new FeedRecorder({
      ...{ log: ports.feed, metrics: ctx.metrics, nowMs },
      publish: (told) => ctx.publish('registry.events-recorded', told),
    })
    this.tell = notices(ctx.log, this.metrics, this.fleet, this.feed)
    this.#shelf = new Shelf(this.fleet)
    this.learned = new Learned(ctx)
    this.times = new CheckTimes(ctx, this.fleet)
    this.crowds = new Crowds(ctx, this.fleet)
    this.targets = new Targets(ctx, this)
    this.geography = new Geography(ctx, ports.geographer, this.feed, () => void this.#renew())
    this.names = new StoredNames(ports.shared)
    const { press, chronicle } = pressOf(ctx, ports, this.feed, () => this.#issued())
    this.press = press
    this.#eases = new Eases(ctx, { fleet, chorus, say: (words) => press.words(words) })
    this.chronicle = chronicle
    this.chronicle.configured(config)
    this.#opening = new Opening(ctx, this.#apexes.signing(config), () => this.publishTargets())
  }

  nowMs(): number {
    return Math.floor(this.#ctx.clock.nowMs())
  }

  /** Takes the topology with what the disk remembers, and speaks as soon as that is sensible. */
  async open(stored: ReadonlyMap<string, ServerRow>): Promise<void> {
    const topology = this.#topologyOf(this.#config)
    // Without keys nothing of it can be served, and with them it is compiled anew.
    if (this.#apexes.signing(this.#config) !== 'not-yet') await this.#compileFirst(topology)
    const compiled = this.fleet.setTopology(topology, this.nowMs(), stored)
    // Rows of servers that are gone must not come back from disk; the guard-rail's are not gone.
    this.#store([...stored.keys()].filter((key) => !this.fleet.servers.has(key)))
    this.#settle(compiled, true)
    this.#onDue()
    // The readers still hold what the predecessor said; the prober says it again in a moment.
    if (this.#ctx.incarnation > 1) {
      this.#awaited = new Set(this.fleet.servers.keys())
      if (this.#awaited.size > 0) {
        this.#ctx.clock.after(limits.registrySettleMs.default, () => this.press.speak())
        return
      }
    }
    this.press.speak()
  }

  async #compileFirst(topology: FleetTopology): Promise<void> {
    const outcome = await this.#shelf.compile(this.#ports, this.#config, topology, this.#apexes)
    if (outcome.code === 'failed') throw new Error(`the names do not compile: ${outcome.message}`)
    const geo = await this.geography.make(this.#config, topology)
    this.#shelf.take(outcome.table, this.#config, topology, geo)
  }

  /**
   * Resolves when this or a later configuration is in force.
   * @param letGo servers that the guard-rail need not keep
   */
  async reconfigure(config: RegistryConfig, letGo: Iterable<string> = []): Promise<void> {
    this.#wanted = config
    for (const key of letGo) this.#letGo.add(key)
    await this.#renew()
  }

  /** Servers that orders take out which are accepted and not in force yet. */
  get leaving(): ReadonlySet<string> {
    return this.#letGo
  }

  /** Takes what the signer says of its keys; what they change at the apexes makes an epoch. */
  setKeys(keys: KeysSet): void {
    void (this.#apexes.take(keys) ? this.#renew() : this.press.keysAgain())
  }

  /** Takes what agents declare into the topology, now or in a moment. */
  declare(): void {
    this.#pace.soon(() => void this.#renew())
  }

  /** Makes the next epoch. Resolves when everything that was asked for until then is in force. */
  #renew(): Promise<void> {
    this.#isAgain = true
    if (!this.#isRenewing) this.#renewal = this.#renewAll()
    return this.#renewal
  }

  async #renewAll(): Promise<void> {
    this.#isRenewing = true
    while (this.#isAgain) {
      this.#isAgain = false
      const config = this.#wanted ?? this.#config
      this.#wanted = undefined
      if (config !== this.#config && servesSame(this.#config, config)) {
        this.#ctx.log.info('the configuration serves what is served already')
        continue
      }
      this.chorus.configure(config.agents.chorus)
      const topology = this.#topologyOf(config)
      const outcome = this.#shelf.compile(this.#ports, config, topology, this.#apexes)
      const geo = this.geography.make(config, topology)
      const table = outcome instanceof Promise ? await outcome : outcome
      this.#adopt(config, topology, table, geo instanceof Promise ? await geo : geo)
    }
    this.#isRenewing = false
  }

  #adopt(
    config: RegistryConfig,
    topology: FleetTopology,
    outcome: CompileOutcome,
    geo: GeoParts | undefined,
  ): void {
    this.fault = undefined
    if (outcome.code === 'failed') {
      this.fault = `the names do not compile: ${outcome.message}`
      this.tell.notTaken(this.fault)
      this.chorus.configure(this.#config.agents.chorus)
      if (this.#wanted === undefined) this.#letGo.clear()
      return
    }
    const fromMs = this.#ctx.clock.monotonicMs()
    const isNew = config !== this.#config
    const isOtherwise = !isSame(config.agents.chorus, this.#config.agents.chorus)
    this.#config = config
    if (isNew) this.chronicle.configured(config)
    this.#shelf.take(outcome.table, config, topology, geo)
    this.fleet.guard = config.guard
    if (isOtherwise) this.rejudge(this.fleet.servers.keys())
    this.#settle(this.fleet.setTopology(topology, this.nowMs(), undefined, this.#letGo))
    // Those of a configuration that waits behind this one are still to go.
    if (this.#wanted === undefined) this.#letGo.clear()
    this.#wakeAt(this.fleet.nextDueMs())
    this.#pace.began(fromMs)
  }

  /** Servers of which something else is said; everyone concerned hears of it in this turn. */
  rejudge(keys: Iterable<string>): void {
    const all = [...keys]
    if (all.length === 0) return
    const { turned, words, stale, compiled } = this.fleet.rejudge(all, this.nowMs())
    this.#publishWords(words, compiled)
    this.#store(stale)
    for (const change of turned) this.tell.changed(change)
    noteVoices(this, all)
    if (compiled !== undefined) this.#settle(compiled)
    this.#wakeAt(this.fleet.nextDueMs())
  }

  /** Folds an event of a server that is known; everyone concerned hears of it in this turn. */
  fold(event: ServerEvent): void {
    const isVerdict = event.kind === 'verdict-changed'
    const isAnswer = isVerdict && this.chorus.answered(event.key, event.atMs)
    const change = this.fleet.apply(event, this.nowMs())
    if (change === undefined) return
    this.#publishWords(change.words, change.compiled)
    if (change.folded) this.#ports.log.append(event)
    this.#store(change.stale)
    this.tell.changed(change)
    if (change.compiled !== undefined) this.#settle(change.compiled)
    this.#wakeAt(change.dueMs)
    if (isAnswer && !change.folded) this.rejudge([event.key])
    if (isVerdict) {
      this.told.verdict(event.key, event.verdict, event.atMs, this.nowMs())
      this.#heard(event.key)
    }
    noteVoices(this, [event.key])
  }

  /** Records that a change was held back. */
  hold(refusal: Refusal, change: GuardedChange): void {
    const event = heldBack(refusal, change, this.nowMs())
    this.#ports.log.append(event)
    this.tell.guard(event)
  }

  #issued(): void {
    this.learned.sayRoutes()
    this.#opening.over()
    if (this.#config.isClustered === true) tellIssued(this.#ctx, this.press)
  }

  /** Everything that those who answer need. */
  publishServing(): void {
    this.press.publishServing()
    this.learned.sayRoutes()
  }

  publishTargets(): void {
    if (this.#opening.isOver) this.targets.tell()
  }

  /** What an order lacks of being safe, once an operator's patience ends. */
  readonly shortfall = (stored = this.askStored()): Promise<Shortfall> =>
    shortfallOf(this.#ctx, this.#flushes(), stored)
  readonly askStored = () => askStored(this.#ctx, this.#config.isClustered === true)

  async close(): Promise<void> {
    this.#timer.cancel()
    this.#opening.close()
    this.press.close()
    await Promise.all([...this.#flushes(), this.#ports.feed.flush()])
  }

  #flushes() {
    const { store, log, shared, objects } = this.#ports
    return [store.flush(), log.flush(), shared.flush(), objects.flush()]
  }

  /** What a configuration declares, with what agents add. */
  #topologyOf({ topology, agents }: RegistryConfig): FleetTopology {
    const claims = this.chorus.roll.claims()
    const { roll } = agents.chorus
    const names = new Set(claims.map(({ name }) => name))
    for (const { name } of topology.pools) names.delete(name)
    const zones = new Set(roll.zones)
    const kept = this.names.note(names, zones, roll.removeAfterMs, this.nowMs())
    this.#wakeAt(this.names.nextDueMs())
    return declaredTopology(topology, roll.zones, claims, agents.service, agents.validation, kept)
  }

  #heard(key: string): void {
    if (this.#awaited.delete(key) && this.#awaited.size === 0) this.press.speak()
  }

  /** @param compiled it made other places since, and tells the rest */
  #publishWords(words: readonly WordChange[], compiled?: Compiled): void {
    if (compiled === undefined) recordWords(this.feed, this.fleet, words)
    this.press.words(words)
    if (compiled === undefined) this.press.words(this.times.turned(words))
  }

  /** Checks took so long. */
  timed(rows: readonly (readonly [string, number])[]): void {
    this.press.words(this.times.measured(rows))
  }

  #store(keys: Iterable<string>): void {
    for (const key of keys) {
      const one = this.fleet.servers.get(key)
      if (one === undefined) this.#ports.store.remove(key)
      else this.#ports.store.put(key, this.fleet.rowOf(one))
    }
  }

  /** Makes a compiled topology known. */
  #settle(compiled: Compiled, isFirst = false): void {
    this.#store(compiled.removed)
    this.#store(compiled.stale)
    for (const event of compiled.guard) {
      this.#ports.log.append(event)
      this.tell.guard(event)
    }
    for (const key of compiled.removed) this.told.forget(key, this.nowMs())
    recordCompiled(this.feed, this.fleet, compiled, isFirst)
    this.times.compiled()
    this.crowds.compiled()
    this.#eases.compiled()
    // What was just set belongs to the words of this epoch.
    this.fleet.takeLevels([...this.fleet.pools.keys()])
    const made = this.#shelf.made(this.#config, this.#apexes)
    if (made === undefined) this.press.expect(this.fleet.epoch)
    else this.press.offer(made)
    this.publishTargets()
    this.onCompiled(compiled)
    this.learned.compiled(this.fleet, this.#shelf.geo)
    const { epoch, pools, servers } = this.fleet
    this.tell.compiled({ epoch, domains: pools.length, backends: servers.size })
    this.rejudge(compiled.resourced ?? [])
  }

  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timer.dueMs) return
    this.#timer.cancel()
    // A far end is looked at again from time to time, because the clock may be set meanwhile.
    const delayMs = Math.min(limits.dueTimerMsMax.default, Math.max(1, dueMs - this.nowMs()))
    this.#timer = { dueMs, cancel: this.#ctx.clock.after(delayMs, () => this.#onDue()) }
  }

  #onDue(): void {
    this.#timer = NEVER
    for (const server of this.fleet.expired(this.nowMs())) {
      const { key } = server.spec
      const setAtMs = server.health.override!.atMs
      this.fold({ kind: 'override-expired', key, setAtMs, atMs: this.nowMs() })
      this.metrics.overrideChanged(server.spec.service, 'expire')
      this.tell.override('override expired', server, {})
      this.told.override(server, this.nowMs())
    }
    const { words, stale } = this.fleet.tick(this.nowMs())
    this.#publishWords(words)
    this.#store(stale)
    if (this.names.nextDueMs() <= this.nowMs()) this.declare()
    else this.#wakeAt(this.names.nextDueMs())
    this.#wakeAt(this.fleet.nextDueMs())
  }
}
