/**
 * Seeds are joined for ever: at start, and whenever nobody at a seed's address is a member.
 *
 * Names are resolved again at each attempt. Attempts back off with jitter; in between a datagram a
 * second asks whether somebody is there again, which costs next to nothing, and an answer leads to
 * an attempt at once.
 */
import { limits } from '../../core/base/limits.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { GossipPorts, Ticking } from './contract.ts'
import { placeOf } from './members.ts'

export interface Seeds {
  /** What is wanted now, `host:port`; may change from call to call. */
  wanted(attempt: number): readonly string[]
  /** Whether a member is at this place. */
  isJoined(place: string): boolean
  join(endpoints: readonly Endpoint[]): void
  /** Asks whether anybody is there. */
  ping(endpoint: Endpoint): void
}

export class Rejoin {
  readonly #here: Ticking
  readonly #ports: Pick<GossipPorts, 'resolve'>
  readonly #seeds: Seeds
  #attempt = 0
  #cancel: Cancel = () => {}
  #cancelPings: Cancel = () => {}
  #missing: readonly Endpoint[] = []
  #running = false
  #stopped = false

  constructor(here: Ticking, ports: Pick<GossipPorts, 'resolve'>, seeds: Seeds) {
    this.#here = here
    this.#ports = ports
    this.#seeds = seeds
  }

  start(): void {
    const { clock, random } = this.#here
    const everyMs = limits.gossipPingMs.default
    this.#cancelPings = clock.every(everyMs, random.below(everyMs), () => this.#ask())
    void this.#try()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
    this.#cancelPings()
  }

  /** Somebody left or failed, or answered: look again soon. */
  hasten(): void {
    if (this.#stopped || this.#running) return
    this.#attempt = 0
    this.#plan(0)
  }

  #ask(): void {
    for (const endpoint of this.#missing)
      if (!this.#seeds.isJoined(placeOf(endpoint))) this.#seeds.ping(endpoint)
  }

  async #try(): Promise<void> {
    this.#running = true
    const wanted = this.#seeds.wanted(this.#attempt).slice(0, limits.gossipSeeds.default)
    const found = await Promise.all(wanted.map((seed) => this.#ports.resolve(seed)))
    this.#running = false
    if (this.#stopped) return
    // A seed of several addresses is joined when one of them is.
    const absent = found.filter((addresses) => !addresses.some((one) => this.#isJoined(one)))
    this.#missing = absent.flat().slice(0, limits.gossipSeeds.default)
    this.#seeds.join(this.#missing)
    const unresolved = found.some((addresses) => addresses.length === 0)
    const done = this.#missing.length === 0 && !unresolved
    this.#attempt = done ? 0 : this.#attempt + 1
    this.#plan(done ? limits.gossipRejoinMsMax.default : this.#backoffMs())
  }

  #isJoined(endpoint: Endpoint): boolean {
    return this.#seeds.isJoined(placeOf(endpoint))
  }

  #backoffMs(): number {
    const baseMs = limits.gossipRejoinMs.default * 2 ** Math.min(this.#attempt - 1, 16)
    const mostMs = Math.min(baseMs, limits.gossipRejoinMsMax.default)
    return mostMs * (0.75 + this.#here.random.next() * 0.25)
  }

  #plan(afterMs: number): void {
    this.#cancel()
    this.#cancel = this.#here.clock.after(afterMs, () => void this.#try())
  }
}
