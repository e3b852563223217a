/**
 * Tells agents which of their backends overwatches drain, and which are to make another key.
 *
 * The whole list goes out when it changes, twice more within a second, and again with each sign of
 * life of an agent that has drains or had some lately: a lost datagram costs a fifth of a second.
 */
import { type OrderedDrain, writeOrders } from '../../core/gossip/app/orders.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { DrainForAgent } from '../../messages/drain-entries.ts'

/** When a list that changed is said again: losses come in bursts, so the two are apart. */
const AGAIN_MS = [200, 900]

/** For so long an agent is still told that it has no drains any more. */
const LIFTED_FOR_MS = 60_000

/** For so long an agent is asked for another key. */
const ROTATE_FOR_MS = 60_000

interface Rotation {
  /** The key that is to go. */
  readonly fingerprint: string
  readonly untilMs: number
}

interface Told {
  readonly drains: readonly OrderedDrain[]
  readonly sinceMs: number
}

export class Orders {
  readonly #byAgent = new Map<string, Told>()
  readonly #rotations = new Map<string, Rotation>()
  readonly #clock: Clock
  readonly #overwatch: string
  readonly #boot: number
  readonly #send: (agentId: string, octets: Uint8Array) => void
  readonly #pinned: (agentId: string) => string | undefined
  #turn = 0

  constructor(
    clock: Clock,
    overwatch: string,
    boot: number,
    send: (agentId: string, octets: Uint8Array) => void,
    /** The fingerprint an agent is known by. */
    pinned: (agentId: string) => string | undefined,
  ) {
    this.#clock = clock
    this.#overwatch = overwatch
    this.#boot = boot
    this.#send = send
    this.#pinned = pinned
  }

  set({ drains }: { readonly drains: readonly DrainForAgent[] }): void {
    const wanted = new Map<string, OrderedDrain[]>()
    for (const { agentId, backend, drain } of drains) {
      const list = wanted.get(agentId) ?? []
      list.push({ backend, drain })
      wanted.set(agentId, list)
    }
    const sinceMs = this.#clock.nowMs()
    for (const agentId of new Set([...wanted.keys(), ...this.#byAgent.keys()])) {
      const list = wanted.get(agentId) ?? []
      if (JSON.stringify(list) === JSON.stringify(this.#byAgent.get(agentId)?.drains)) continue
      const told = { drains: list, sinceMs }
      this.#byAgent.set(agentId, told)
      this.#sayThrice(agentId, () => this.#byAgent.get(agentId) === told)
    }
  }

  /** Asks an agent for another key in the place of this one. */
  rotate(agentId: string, fingerprint: string): void {
    const asked = { fingerprint, untilMs: this.#clock.nowMs() + ROTATE_FOR_MS }
    this.#rotations.set(agentId, asked)
    this.#sayThrice(agentId, () => this.#rotations.get(agentId) === asked)
  }

  #sayThrice(agentId: string, holds: () => boolean): void {
    this.heard(agentId)
    for (const afterMs of AGAIN_MS)
      this.#clock.after(afterMs, () => {
        if (holds()) this.heard(agentId)
      })
  }

  /** The key that is still to go; undefined once another is pinned, or after a minute. */
  #rotationOf(agentId: string): string | undefined {
    const asked = this.#rotations.get(agentId)
    if (asked === undefined) return undefined
    const isOver =
      this.#pinned(agentId) !== asked.fingerprint || this.#clock.nowMs() > asked.untilMs
    if (!isOver) return asked.fingerprint
    this.#rotations.delete(agentId)
    return undefined
  }

  /** An agent gave a sign of life. */
  heard(agentId: string): void {
    const told = this.#byAgent.get(agentId)
    const fingerprint = this.#rotationOf(agentId)
    if (told === undefined && fingerprint === undefined) return
    const drains = told?.drains ?? []
    const isOld = told !== undefined && this.#clock.nowMs() - told.sinceMs > LIFTED_FOR_MS
    if (isOld && drains.length === 0) this.#byAgent.delete(agentId)
    else {
      const head = { overwatch: this.#overwatch, overwatchBoot: this.#boot, turn: ++this.#turn }
      const rotate = fingerprint === undefined ? {} : { rotate: fingerprint }
      this.#send(agentId, writeOrders({ ...head, agentId, drains, ...rotate }))
    }
  }
}
