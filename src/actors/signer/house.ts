/**
 * Everything of one signer: keys, the desk they are used at, and whom it is told.
 *
 * The ring says what is to change of keys; here it is stored, then told. Of several changes that
 * come while the disk is busy the last is stored once.
 */
import { limits } from '../../core/base/limits.ts'
import { FIXED, FIXED_TTL } from '../../core/steer/pool-layout.ts'
import { tagOfKey } from '../../core/dnssec/dnskey.ts'
import { startDecision } from '../../core/dnssec/sync/start.ts'
import type { RingOutcome, TurnSettings } from '../../core/dnssec/sync/types.ts'
import type { RollEvent } from '../../core/dnssec/roll/types.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { SignerConfig, SignerPorts } from './contract.ts'
import { Apart } from './apart.ts'
import { Desk, type Draft } from './desk.ts'
import { noteHeld, takenImports } from './imports.ts'
import { Keys, type KeysSet, type ServedVersion } from './keys.ts'
import { type SignerMetrics, signerMetrics } from './metrics.ts'
import { noteRenamed, noteRoll } from './notices.ts'
import { Online } from './online.ts'
import { Orders } from './orders.ts'
import { Saving } from './saving.ts'
import { newSyncer } from './sharing.ts'
import { Steady } from './steady.ts'
import type { Syncer } from './syncer.ts'
import { keyViews, zoneViews } from './views.ts'
import { Watcher } from './watcher.ts'
import { ZoneQueue } from './zone-queue.ts'

export type SignerCtx = Ctx<ProductCatalogue, 'signer'>

const nameOf = (versions: readonly ServedVersion[]): string => JSON.stringify(versions)

export class House {
  readonly desk: Desk
  readonly keys: Keys
  readonly syncer: Syncer
  readonly orders: Orders
  readonly apart: Apart
  readonly #watcher: Watcher
  readonly #online: Online
  readonly #ctx: SignerCtx
  readonly #ports: SignerPorts
  readonly #metrics: SignerMetrics
  #config: SignerConfig
  /** What stands at the apexes, as it was told last. */
  #set: KeysSet = { version: '', zones: [] }
  /** What the last job with keys of now was begun with. */
  #begun: readonly ServedVersion[] = []
  readonly #saving: Saving
  #stopTurns: () => void = () => {}
  /** Until peers were asked for newer keys than those on disk. */
  #isWaiting = false
  /** Versions that peers were told to be served here. */
  #servedName = ''
  readonly #queue = new ZoneQueue()
  readonly #steady: Steady
  #isClosed = false
  /** Keys were laid down that cannot be read: zones without any wait for them. */
  #isUnread = false
  /** Zones of which keys were laid down that cannot be taken: they begin none of their own. */
  #held: ReadonlySet<string> = new Set()
  /** Why keys on disk were not read. */
  #fault = ''

  constructor(ctx: SignerCtx, ports: SignerPorts, config: SignerConfig, keys: Keys) {
    this.#ctx = ctx
    this.#ports = ports
    this.#config = config
    this.keys = keys
    this.#online = new Online(ctx, ports)
    this.#steady = new Steady(ctx.clock, keys.ring.bundles().length === 0)
    this.#metrics = signerMetrics(ctx.metrics, () => this.#levels())
    this.syncer = newSyncer({
      ...{ ctx, ports, ring: keys.ring, metrics: this.#metrics, config },
      changed: (outcome) => this.changed([outcome]),
    })
    this.orders = new Orders({
      ...{ log: ctx.log, clock: ctx.clock, keys, syncer: this.syncer },
      keySync: () => this.#config.keySync,
      settings: () => this.#turnSettings(),
      changed: (outcomes) => this.changed(outcomes),
      turn: (names) => this.#turn(names),
    })
    const isAlone = () => {
      const { enabled, zones, keySync } = this.#config
      return enabled && zones.length > 0 && keySync.isEnabled && !this.syncer.hasPeers
    }
    this.apart = new Apart({ log: ctx.log, node: keys.ring.node, isAlone })
    this.#saving = new Saving({
      write: () => keys.save(),
      saved: () => this.tellKeys(),
      failed: () => ctx.log.error('keys cannot be written: nothing of them changes until they can'),
    })
    this.#watcher = new Watcher(
      {
        ...{ clock: ctx.clock, ring: keys.ring, crypto: ports.crypto },
        // What the parent shows is timed too.
        ask: async (zone) => (this.#isSteady() ? ports.askParent(zone, this.#config.parent) : []),
        changed: async (outcome) => void (await this.changed([outcome])),
      },
      config.parent.pollMs,
    )
    this.desk = new Desk({
      ...{ clock: ctx.clock, incarnation: ctx.incarnation, ports },
      keys: () => {
        this.#begun = keys.versions()
        return { plans: keys.plans(), versions: this.#begun }
      },
      keysVersion: () => this.#set.version,
      onSigned: (epoch, version, signed, { versions }) => {
        ctx.publish('signer.serving-signed', { epoch, version, signed })
        keys.served(versions)
        this.#tellServed(versions)
      },
      onRefused: (epoch, reason) => this.#refused(epoch, reason),
      onDone: ({ made, kept, madeIn }, tookMs) => {
        for (const [zone, count] of madeIn) this.#metrics.signed(zone, count)
        this.#metrics.took(tookMs / 1_000)
        for (const { zone } of this.#config.zones) this.#metrics.operation(zone, 'success')
        ctx.log.info('signed', { made, kept, ms: Math.round(tookMs) })
      },
    })
  }

  /** Rejects where keys lie that are needed and cannot be had. */
  static async open(ctx: SignerCtx, ports: SignerPorts, config: SignerConfig): Promise<House> {
    const loaded = await ports.loadKeys()
    if (loaded.code === 'failed' && config.enabled) throw new Error(loaded.message)
    const stored = loaded.code === 'loaded' ? loaded.content : { keys: [], rolls: [] }
    const house = new House(ctx, ports, config, new Keys(ports, config, stored))
    if (loaded.code === 'failed') house.#fault = loaded.message
    noteRenamed(ctx, house.keys.ring, stored)
    if (config.enabled) await house.#start()
    await house.changed([house.keys.atStart])
    return house
  }

  async #start(): Promise<void> {
    await this.desk.restore()
    await this.#takeImports()
    if (!(await this.#provide()))
      throw new Error('overwatch.data_dir: the keys of DNSSEC cannot be written')
    this.#watcher.start()
    if (this.syncer.asks) this.#askPeers()
    const { folder, zones } = this.#config
    if (folder === '' && zones.length > 0)
      this.#ctx.log.warn('keys live in memory alone: a parent with a DS needs overwatch.data_dir')
    this.tellKeys()
    this.#takeTurns()
  }

  async configure(next: SignerConfig): Promise<void> {
    const isNew = next.enabled && !this.#config.enabled
    if (isNew && this.#fault !== '') {
      // Nothing may be made in the place of keys that are there and do not open.
      this.#ctx.log.error('zones cannot be signed: keys do not open', { reason: this.#fault })
      return
    }
    this.#config = next
    const before = new Set(this.keys.ring.names())
    void this.changed([this.keys.configure(next)])
    if (!next.enabled) {
      this.syncer.nudge()
      return
    }
    this.syncer.configure(next.keySync)
    this.apart.note()
    this.syncer.nudge()
    // Keys of a zone that was away are old ones, if others rolled them meanwhile.
    const isBack = next.zones.some(({ zone }) => !before.has(zone) && this.keys.of(zone))
    if (isBack && this.syncer.hasPeers) this.#askPeers()
    this.#watcher.start(next.parent.pollMs)
    if (isNew) await this.desk.restore()
    await this.#takeImports()
    await this.#provide()
    this.tellKeys()
    this.#takeTurns()
  }

  draft(draft: Draft): void {
    const { fixed } = draft.parts.pools
    let longest = 0
    for (let row = 0; row < fixed.length; row += FIXED)
      longest = Math.max(longest, fixed[row + FIXED_TTL]!)
    this.keys.notePoolTtl(longest)
    this.desk.draft(draft)
  }

  /** Says what stands at the apexes by the disk; where it is what it was, other keys may sign. */
  tellKeys(): void {
    if (this.#isWaiting) return
    this.#set = this.keys.tell()
    this.#ctx.publish('signer.keys-set', this.#set)
    this.#online.tell(this.#config, this.keys.plans())
    if (nameOf(this.keys.versions()) !== nameOf(this.#begun)) this.desk.rework()
  }

  /** Takes what the ring changed: stored, then told. False when the disk refused it. */
  async changed(outcomes: readonly RingOutcome[]): Promise<boolean> {
    const told = outcomes.flatMap(({ events }) => events)
    for (const event of told) this.#note(event)
    if (outcomes.every(({ changed }) => changed.length === 0)) return true
    this.#saving.changed()
    const isKept = await this.#saving.store()
    if (isKept) this.syncer.nudge()
    return isKept
  }

  list(asked: string | undefined) {
    const { enabled, zones } = this.#config
    const names = zones
      .map(({ zone }) => zone)
      .filter((one) => asked === undefined || one === asked)
    return {
      enabled: enabled && zones.length > 0,
      keys: keyViews(this.keys, names, this.#ports.crypto),
      zones: zoneViews(this.keys, this.#config, names, (zone) => this.#isHeld(zone)),
      sync: this.syncer.view(),
    }
  }

  nowSeconds(): number {
    return Math.floor(this.#ctx.clock.nowMs() / 1_000)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopTurns()
    this.#watcher.close()
    await this.syncer.close()
    await this.#saving.close()
    await this.desk.close()
  }

  /** A node with keys signs once it knows of newer ones, or that nobody says so in time. */
  #askPeers(): void {
    this.#isWaiting = true
    const go = () => {
      if (!this.#isWaiting || this.#isClosed) return
      this.#isWaiting = false
      cancel()
      this.tellKeys()
    }
    const waitMs = Math.min(this.#config.keySync.timeoutMs, limits.syncStartWaitMs.default)
    const cancel = this.#ctx.clock.after(waitMs, go)
    if (this.syncer.asks) void this.syncer.poll().then(go)
  }

  #takeoverMs(pollMs: number): number {
    const { syncTakeoverPolls: polls, syncTakeoverMs: least } = limits
    // In a cluster it is known each second who is alive.
    const eachMs = this.#config.isClustered === true ? 0 : pollMs
    return Math.max(polls.default * eachMs, least.default)
  }

  /** Peers that wait for what DNS threads answer with here are told soon. */
  #tellServed(versions: readonly ServedVersion[]): void {
    const name = nameOf(versions)
    if (name !== this.#servedName) this.syncer.nudge()
    this.#servedName = name
  }

  /** Keys for zones that have none; false when they cannot be kept. */
  async #provide(): Promise<boolean> {
    const { keySync } = this.#config
    if (this.syncer.isBlind || this.#isUnread) return true
    const waitedMs = this.#steady.upMs()
    const bare = this.keys.ring.bare().filter((zone) => !this.#held.has(zone))
    const decided = bare.map((zone) => {
      const peers = this.syncer.hasPeers ? this.syncer.startingPeers(zone) : []
      return {
        zone,
        decision: startDecision(this.keys.ring.node, peers, waitedMs, keySync.timeoutMs),
      }
    })
    const begin = (decision: string, isProvisional: boolean) => {
      const zones = decided.filter((each) => each.decision === decision).map(({ zone }) => zone)
      return this.keys.begin(zones, this.nowSeconds(), isProvisional)
    }
    const outcomes = [...begin('begin', false), ...begin('begin-in-doubt', true)]
    return outcomes.length === 0 ? true : this.changed(outcomes)
  }

  /** Keys that an operator laid down; taken for zones that have none. */
  async #takeImports(): Promise<void> {
    const taken = await takenImports(this.#ports, this.#ctx.log, this.nowSeconds())
    const { keys, held, isUnread } = taken
    this.#isUnread = isUnread
    this.#held = held
    const bare = new Set(this.keys.ring.bare())
    noteHeld(
      this.#ctx.log,
      [...bare].filter((zone) => this.#isHeld(zone)),
    )
    if (isUnread || keys.length === 0) return
    for (const { zone } of keys)
      if (!bare.has(zone))
        this.#ctx.log.error('keys are not taken: the zone has some, or is not signed', { zone })
    const zones = [...new Set(keys.map(({ zone }) => zone))].filter((zone) => bare.has(zone))
    if (zones.length === 0) return
    if (await this.changed(this.keys.begin(zones, this.nowSeconds(), false, keys)))
      await this.#ports.dropImports(zones)
  }

  #isHeld(zone: string): boolean {
    return this.#isUnread || this.#held.has(zone)
  }

  #takeTurns(): void {
    this.#stopTurns()
    const everyMs = limits.rollTurnMs.default
    this.#stopTurns = this.#ctx.clock.every(everyMs, everyMs, () => this.#turn())
  }

  #turn(zones: readonly string[] = this.#queue.next(this.#config.zones)): void {
    // No step is taken after one that a crash would lose.
    if (this.#saving.hasFailed) return void this.#retry()
    const outcome = this.keys.ring.turn(this.#turnSettings(), zones)
    if (this.keys.ring.bare().length > 0) void this.#provide().then(() => this.tellKeys())
    void this.changed([outcome])
  }

  /** A step that a wrong clock made seem due is not taken back when the clock is set. */
  #isSteady(): boolean {
    const marginMs = this.#config.roll.safetySeconds * 1_000
    return this.#steady.forMs() >= Math.min(limits.rollSteadyMs.default, marginMs)
  }

  #turnSettings(): TurnSettings {
    const { pollMs, forgetAfterMs } = this.#config.keySync
    return {
      nowSeconds: this.nowSeconds(),
      startedSeconds: this.nowSeconds() - Math.floor(this.#steady.upMs() / 1_000),
      takeoverSeconds: this.#takeoverMs(pollMs) / 1_000,
      patienceSeconds: forgetAfterMs / 1_000,
      unheard: [...this.syncer.unheard, ...this.apart.names],
      isTimeUnsure: !this.#isSteady(),
      isAlone: !this.syncer.hasPeers,
    }
  }

  async #retry(): Promise<void> {
    if (await this.#saving.retry()) this.syncer.nudge()
  }

  #refused(epoch: number, reason: string): void {
    this.#ctx.publish('signer.serving-refused', { epoch, reason })
    if (reason === '') return
    for (const { zone } of this.#config.zones) this.#metrics.operation(zone, 'failure')
    this.#ctx.log.error('what was signed does not hold: it is not served', { epoch, reason })
  }

  #note(event: RollEvent): void {
    this.#metrics.step(event.zone, event.kind)
    noteRoll(this.#ctx, event)
  }

  #levels() {
    const { enabled, zones } = this.#config
    const now = this.nowSeconds()
    const held = zones.flatMap(({ zone }) => [...(this.keys.of(zone)?.keys.values() ?? [])])
    return {
      enabled: enabled && zones.length > 0,
      zones: enabled ? zones.length : 0,
      signatures: this.desk.size,
      refreshInSeconds: this.desk.dueSeconds - now,
      keys: held.map((key) => ({
        zone: key.zone,
        keyTag: tagOfKey(key),
        ageSeconds: Math.max(0, now - (key.times.created ?? now)),
      })),
    }
  }
}
