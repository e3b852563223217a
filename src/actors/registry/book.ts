/**
 * The book the registry keeps: the fleet, and the three places every change of it goes to at once,
 * the readers' words, the disk's queues and the operator's log.
 *
 * A new configuration takes effect once its name table is compiled. Until then everything goes on
 * in the old epoch, so that a verdict never waits for a compiler.
 *
 * It decides nothing; core/health does. It owns the one timer that ends hold-downs and overrides.
 */
import { limits } from '../../core/base/limits.ts'
import type { GuardHeld, ServerEvent } from '../../core/health/events.ts'
import { type Compiled, Fleet } from '../../core/health/fleet.ts'
import type { Refusal } from '../../core/health/guard.ts'
import type { ServerRow } from '../../core/health/rows.ts'
import type { WordChange } from '../../core/steer/snapshot.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { CompileOutcome, RegistryConfig, RegistryPorts } from './contract.ts'
import { type RegistryMetrics, registryMetrics } from './metrics.ts'
import { type Notices, notices } from './notices.ts'
import { Shelf } from './shelf.ts'
import { targetsOf } from './views.ts'

/** A restarted registry outranks its predecessor, which has had fewer compilations than this. */
const EPOCHS_PER_INCARNATION = 2 ** 20
const NEVER = { dueMs: Number.POSITIVE_INFINITY, cancel: () => {} }

export type RegistryCtx = Ctx<ProductCatalogue, 'registry'>

export class Book {
  readonly fleet: Fleet
  readonly metrics: RegistryMetrics
  readonly tell: Notices
  readonly #ctx: RegistryCtx
  readonly #ports: RegistryPorts
  readonly #shelf: Shelf
  /** What is in force; what is to take its place, while that is compiled. */
  #config: RegistryConfig
  #wanted: RegistryConfig | undefined
  #isAdopting = false
  #timer = NEVER
  /** Readers hear nothing before this. */
  #speaks = false
  /** Servers whose verdict a restarted registry waits for before it speaks. */
  #awaited = new Set<string>()

  constructor(ctx: RegistryCtx, ports: RegistryPorts, config: RegistryConfig) {
    this.#ctx = ctx
    this.#ports = ports
    this.fleet = new Fleet(ctx.incarnation * EPOCHS_PER_INCARNATION, config.guard)
    this.metrics = registryMetrics(ctx.metrics, this.fleet, ports.faults)
    this.tell = notices(ctx.log, this.metrics, this.fleet)
    this.#shelf = new Shelf(this.fleet)
    this.#config = config
  }

  nowMs(): number {
    return Math.floor(this.#ctx.clock.nowMs())
  }

  /** Takes the topology with what the disk remembers, and speaks as soon as that is sensible. */
  async open(stored: ReadonlyMap<string, ServerRow>): Promise<void> {
    const config = this.#config
    const outcome = await this.#shelf.compile(this.#ports, config)
    if (outcome.code === 'failed') throw new Error(`the names do not compile: ${outcome.message}`)
    this.#shelf.take(outcome.table)
    const compiled = this.fleet.setTopology(config.topology, this.nowMs(), stored)
    // Rows of servers that are gone must not wait on disk to come back; those that the guard-rail
    // keeps are not gone.
    this.#store([...stored.keys()].filter((key) => !this.fleet.servers.has(key)))
    this.#settle(compiled)
    this.#onDue()
    // The readers still hold what the predecessor said; the prober says it again in a moment.
    if (this.#ctx.incarnation > 1) {
      this.#awaited = new Set(this.fleet.servers.keys())
      if (this.#awaited.size > 0) {
        this.#ctx.clock.after(limits.registrySettleMs.default, () => this.#speak())
        return
      }
    }
    this.#speak()
  }

  /** Resolves when this or a later configuration is in force. */
  async reconfigure(config: RegistryConfig): Promise<void> {
    this.#wanted = config
    if (this.#isAdopting) return
    this.#isAdopting = true
    for (;;) {
      const next: RegistryConfig | undefined = this.#wanted
      if (next === undefined) break
      this.#wanted = undefined
      const outcome = this.#servesAlready(next) ? undefined : this.#shelf.compile(this.#ports, next)
      this.#adopt(next, outcome instanceof Promise ? await outcome : outcome)
    }
    this.#isAdopting = false
  }

  #servesAlready({ contentHash, guard }: RegistryConfig): boolean {
    const held = this.#config
    return (
      contentHash === held.contentHash &&
      guard.enabled === held.guard.enabled &&
      guard.maxWithdrawnShare === held.guard.maxWithdrawnShare
    )
  }

  #adopt(config: RegistryConfig, outcome: CompileOutcome | undefined): void {
    if (outcome === undefined) {
      this.#ctx.log.info('the configuration serves what is served already')
      return
    }
    if (outcome.code === 'failed') {
      const error = `the names do not compile: ${outcome.message}`
      this.#ctx.log.error('the configuration was not taken over', { error })
      return
    }
    this.#config = config
    this.#shelf.take(outcome.table)
    this.fleet.guard = config.guard
    this.#settle(this.fleet.setTopology(config.topology, this.nowMs()))
    this.#wakeAt(this.fleet.nextDueMs())
  }

  /** Folds an event of a server that is known; everyone concerned hears of it in this turn. */
  fold(event: ServerEvent): void {
    const change = this.fleet.apply(event, this.nowMs())
    if (change === undefined) return
    if (change.compiled === undefined) this.#publishWords(change.words)
    if (change.folded) this.#ports.log.append(event)
    this.#store(change.stale)
    this.tell.changed(change)
    if (change.compiled !== undefined) this.#settle(change.compiled)
    this.#wakeAt(change.dueMs)
    if (event.kind === 'verdict-changed') this.#heard(event.key)
  }

  /** Records that an order was held back. */
  hold(refusal: Refusal): void {
    const keys = refusal.keys.slice(0, limits.eventKeysMax.default)
    const atMs = this.nowMs()
    const event: GuardHeld = {
      kind: 'guard-held',
      pool: refusal.pool,
      change: 'override',
      keys,
      reason: refusal.message,
      atMs,
    }
    this.#ports.log.append(event)
    this.tell.guard(event)
  }

  publishSnapshot(): void {
    if (this.#speaks) this.#ctx.publish('registry.snapshot-set', this.#shelf.snapshot())
  }

  publishServing(): void {
    if (this.#speaks) this.#ctx.publish('registry.serving-set', this.#shelf.serving())
  }

  publishTargets(): void {
    this.#ctx.publish('registry.targets-set', { targets: targetsOf(this.fleet) })
  }

  /** Whether what is queued reached the disk before an operator's patience ended. */
  isDurable(): Promise<boolean> {
    const writes = Promise.all([this.#ports.store.flush(), this.#ports.log.flush()])
    return new Promise((resolve) => {
      const cancel = this.#ctx.clock.after(limits.persistAckMs.default, () => resolve(false))
      void writes.then((outcomes) => {
        cancel()
        resolve(outcomes.every((outcome) => outcome === 'committed'))
      })
    })
  }

  async close(): Promise<void> {
    this.#timer.cancel()
    await Promise.all([this.#ports.store.flush(), this.#ports.log.flush()])
  }

  #speak(): void {
    if (this.#speaks) return
    this.#speaks = true
    this.publishServing()
    this.publishSnapshot()
  }

  #heard(key: string): void {
    if (this.#awaited.delete(key) && this.#awaited.size === 0) this.#speak()
  }

  #publishWords(words: readonly WordChange[]): void {
    if (!this.#speaks) return
    for (const word of words) this.#ctx.publish('registry.word-changed', word)
  }

  #store(keys: Iterable<string>): void {
    for (const key of keys) {
      const server = this.fleet.servers.get(key)
      if (server === undefined) this.#ports.store.remove(key)
      else this.#ports.store.put(key, this.fleet.rowOf(server))
    }
  }

  /** Makes a compiled topology known. */
  #settle(compiled: Compiled): void {
    this.#store(compiled.removed)
    this.#store(compiled.stale)
    for (const event of compiled.guard) {
      this.#ports.log.append(event)
      this.tell.guard(event)
    }
    this.publishServing()
    this.publishSnapshot()
    this.publishTargets()
    this.#ctx.log.info('topology compiled', {
      epoch: this.fleet.epoch,
      domains: this.fleet.pools.length,
      backends: this.fleet.servers.size,
    })
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
      const setAtMs = server.health.override!.atMs
      const key = server.spec.key
      this.fold({ kind: 'override-expired', key, setAtMs, atMs: this.nowMs() })
      this.metrics.overrideChanged(server.spec.service, 'expire')
      this.tell.override('override expired', server, {})
    }
    const { words, stale } = this.fleet.tick(this.nowMs())
    this.#publishWords(words)
    this.#store(stale)
    this.#wakeAt(this.fleet.nextDueMs())
  }
}
