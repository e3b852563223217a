/**
 * Tells agents which of their backends overwatches drain.
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

interface Told {
  readonly drains: readonly OrderedDrain[]
  readonly sinceMs: number
}

export class Orders {
  readonly #byAgent = new Map<string, Told>()
  readonly #clock: Clock
  readonly #overwatch: string
  readonly #boot: number
  readonly #send: (agentId: string, octets: Uint8Array) => void
  #turn = 0

  constructor(
    clock: Clock,
    overwatch: string,
    boot: number,
    send: (agentId: string, octets: Uint8Array) => void,
  ) {
    this.#clock = clock
    this.#overwatch = overwatch
    this.#boot = boot
    this.#send = send
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
      this.heard(agentId)
      for (const afterMs of AGAIN_MS)
        this.#clock.after(afterMs, () => {
          if (this.#byAgent.get(agentId) === told) this.heard(agentId)
        })
    }
  }

  /** An agent gave a sign of life. */
  heard(agentId: string): void {
    const told = this.#byAgent.get(agentId)
    if (told === undefined) return
    const over = told.drains.length === 0 && this.#clock.nowMs() - told.sinceMs > LIFTED_FOR_MS
    if (over) this.#byAgent.delete(agentId)
    else {
      const head = { overwatch: this.#overwatch, overwatchBoot: this.#boot, turn: ++this.#turn }
      this.#send(agentId, writeOrders({ ...head, agentId, drains: told.drains }))
    }
  }
}
