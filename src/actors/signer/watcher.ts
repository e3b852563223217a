/**
 * Looks at the parents of the zones whose keys wait for their DS.
 *
 * Only the node that leads a zone looks, and it looks one zone after another: a parent with many of
 * our zones is not asked about all of them at once.
 */
import { limits } from '../../core/base/limits.ts'
import { type ServerAnswer, lookOf } from '../../core/dnssec/parent/look.ts'
import { isParentAwaited } from '../../core/dnssec/roll/status.ts'
import type { KeyRing } from '../../core/dnssec/sync/ring.ts'
import type { RingOutcome } from '../../core/dnssec/sync/types.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { SignerPorts } from './contract.ts'

export interface WatchWorld {
  readonly clock: Clock
  readonly ring: KeyRing
  readonly crypto: SignerPorts['crypto']
  ask(zone: string): Promise<readonly ServerAnswer[]>
  changed(outcome: RingOutcome): Promise<void>
}

/** A settled zone is looked at seldom: somebody may change its DS by hand. */
const SETTLED_POLLS = 12

export class Watcher {
  readonly #world: WatchWorld
  #intervalMs: number
  #stop: () => void = () => {}
  #isLooking = false
  #rounds = 0
  #isClosed = false

  constructor(world: WatchWorld, intervalMs: number) {
    this.#world = world
    this.#intervalMs = intervalMs
  }

  /** From now on; 0 asks nobody. */
  start(intervalMs = this.#intervalMs): void {
    this.#stop()
    this.#intervalMs = intervalMs
    if (intervalMs <= 0 || this.#isClosed) return
    const firstMs = Math.min(intervalMs, limits.syncStartWaitMs.default)
    this.#stop = this.#world.clock.every(intervalMs, firstMs, () => void this.look())
  }

  /** One look at each zone that this node leads and that waits for its parent. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const isRare = this.#rounds++ % SETTLED_POLLS === 0
    for (const { state } of this.#world.ring.bundles()) {
      if (this.#isClosed) break
      const zone = this.#world.ring.zone(state.zone)
      if (zone?.isLed && (isRare || isParentAwaited(state))) await this.#lookAt(state.zone)
    }
    this.#isLooking = false
  }

  async #lookAt(zone: string): Promise<void> {
    const { ring, clock, crypto } = this.#world
    const answers = await this.#world.ask(zone)
    const keys = ring.zone(zone)?.bundle?.keys ?? []
    const nowSeconds = Math.floor(clock.nowMs() / 1_000)
    const look = lookOf(zone, answers, keys, crypto, nowSeconds)
    if (look !== undefined) await this.#world.changed(ring.look(zone, look))
  }

  close(): void {
    this.#isClosed = true
    this.#stop()
  }
}
