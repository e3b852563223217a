/**
 * What overwatches declared for the backends of this agent: the lists of all of them together.
 *
 * Each overwatch replaces its own list; the list of one that is no member any more is dropped.
 */
import { limits } from '../../core/base/limits.ts'
import type { OrderedDrain, Orders } from '../../core/gossip/app/orders.ts'

interface Heard {
  readonly boot: number
  readonly turn: number
  readonly drains: readonly OrderedDrain[]
}

export class OrdersHeard {
  readonly #agentId: string
  readonly #changed: (drains: readonly OrderedDrain[]) => void
  readonly #byOverwatch = new Map<string, Heard>()
  #said = '[]'

  constructor(agentId: string, changed: (drains: readonly OrderedDrain[]) => void) {
    this.#agentId = agentId
    this.#changed = changed
  }

  take({ overwatch, overwatchBoot: boot, turn, agentId, drains }: Orders): void {
    if (agentId !== this.#agentId) return
    const before = this.#byOverwatch.get(overwatch)
    if (before === undefined && this.#byOverwatch.size >= limits.reportOverwatches.default) return
    const overtaken =
      before !== undefined && (boot < before.boot || (boot === before.boot && turn <= before.turn))
    if (overtaken) return
    this.#byOverwatch.set(overwatch, { boot, turn, drains })
    this.#say()
  }

  retain(overwatches: ReadonlySet<string>): void {
    for (const name of this.#byOverwatch.keys())
      if (!overwatches.has(name)) this.#byOverwatch.delete(name)
    this.#say()
  }

  sayAgain(): void {
    this.#changed(this.#all())
  }

  #say(): void {
    const drains = this.#all()
    const text = JSON.stringify(drains)
    if (text === this.#said) return
    this.#said = text
    this.#changed(drains)
  }

  #all(): readonly OrderedDrain[] {
    const byId = new Map<string, OrderedDrain>()
    for (const { drains } of this.#byOverwatch.values())
      for (const one of drains) byId.set(`${one.backend} ${one.drain.id}`, one)
    return [...byId.keys()].sort().map((id) => byId.get(id)!)
  }
}
