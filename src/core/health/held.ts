/**
 * What the guard-rail holds, from one compilation of the pools to the next: since when, and what
 * began or ended with the latest. It decides nothing; holds.ts does.
 */
import { limits } from '../base/limits.ts'
import type { GuardHeld, GuardReleased } from './events.ts'
import { type Held, sentenceOf } from './holds.ts'
import type { PoolState } from './pool-state.ts'

export interface HoldChanges {
  readonly guard: readonly (GuardHeld | GuardReleased)[]
  /** Servers that began or ceased to be guests. */
  readonly turned: readonly string[]
}

interface Entry {
  readonly keys: readonly string[]
  readonly sinceMs: number
}

const some = (keys: readonly string[]) => keys.slice(0, limits.eventKeysMax.default)
const without = (keys: readonly string[], others: readonly string[]) => {
  const left = new Set(others)
  return keys.filter((key) => !left.has(key))
}

export class HeldPools {
  #entries = new Map<string, Entry>()

  /** When this process began to hold something of the pool. */
  sinceMs(pool: string): number {
    return this.#entries.get(pool)?.sinceMs ?? 0
  }

  /** @param whyOf the reasons of a pool that holds guests */
  note(
    pools: readonly PoolState[],
    whyOf: (pool: PoolState) => readonly Held[],
    atMs: number,
  ): HoldChanges {
    const before = this.#entries
    this.#entries = new Map()
    const guard: (GuardHeld | GuardReleased)[] = []
    const turned: string[] = []
    for (const state of pools) {
      const pool = state.spec.name
      const keys = state.hold.guests.map((guest) => guest.key)
      if (keys.length === 0) continue
      const old = before.get(pool)
      this.#entries.set(pool, { keys, sinceMs: old?.sinceMs ?? atMs })
      const added = without(keys, old?.keys ?? [])
      if (added.length === 0) continue
      const reason = sentenceOf(whyOf(state))
      guard.push({ kind: 'guard-held', pool, change: 'reload', keys: some(added), reason, atMs })
      turned.push(...added)
    }
    for (const [pool, { keys }] of before) {
      const gone = without(keys, this.#entries.get(pool)?.keys ?? [])
      if (gone.length === 0) continue
      guard.push({ kind: 'guard-released', pool, keys: some(gone), atMs })
      turned.push(...gone)
    }
    return { guard, turned }
  }
}
