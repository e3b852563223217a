/**
 * How hard the machines of a pool work, as their agents say, becomes shares of its servers: under
 * `capacity: { by: cpu }`.
 *
 * What readings mean is decided in core/health/gradient.ts, for the servers of one family; the
 * floor of the pool and what an agent itself asks for hold besides.
 */
import { limits } from '../../core/base/limits.ts'
import type { Chorus } from '../../core/health/chorus.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import { settleEases } from '../../core/health/gradient.ts'
import type { PoolState } from '../../core/health/pool-state.ts'
import type { WordChange } from '../../core/steer/snapshot.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { RegistryCtx } from './book.ts'

interface Group {
  readonly pool: number
  readonly places: readonly number[]
  readonly keys: readonly string[]
  readonly eases: Uint16Array
}

const WHOLE = 1_000
const FAMILIES = [4, 6] as const

/** What the world gives it: the voices of agents, and where words go. */
export interface EasesParts {
  readonly fleet: Fleet
  readonly chorus: Chorus
  readonly say: (words: readonly WordChange[]) => void
}

export class Eases {
  readonly #ctx: RegistryCtx
  readonly #parts: EasesParts
  #groups: readonly Group[] = []
  #cancel: Cancel | undefined

  constructor(ctx: RegistryCtx, parts: EasesParts) {
    this.#ctx = ctx
    this.#parts = parts
    const share = ctx.metrics.gauge({
      name: 'opengslb_backend_capacity_share_ratio',
      help: 'Part of its share that a server keeps, by how hard its machine works.',
      labels: ['domain', 'server'],
    })
    ctx.metrics.onCollect(() => {
      share.reset()
      for (const { pool, keys, eases } of this.#groups)
        for (const [at, server] of keys.entries()) {
          const domain = parts.fleet.pools[pool]?.spec.name ?? ''
          share.set(eases[at]! / WHOLE, { domain, server })
        }
    })
  }

  /** A topology is in force; eases of servers that stay are kept. */
  compiled(): void {
    const before = new Map(
      this.#groups.flatMap(({ keys, eases }) => keys.map((key, at) => [key, eases[at]!])),
    )
    this.#groups = this.#parts.fleet.pools.flatMap(groupsOf)
    for (const group of this.#groups) {
      for (const [at, key] of group.keys.entries()) group.eases[at] = before.get(key) ?? WHOLE
      this.#tell(group)
    }
    const isWanted = this.#groups.length > 0
    if (isWanted === (this.#cancel !== undefined)) return
    this.#cancel?.()
    const everyMs = limits.easeSettleMs.default
    const tick = () => this.#tick()
    this.#cancel = isWanted ? this.#ctx.clock.every(everyMs, everyMs, tick) : undefined
  }

  #tick(): void {
    const touched = this.#groups.filter((group) => this.#settle(group))
    if (touched.length === 0) return
    this.#parts.say(this.#parts.fleet.takeLevels(touched.map(({ pool }) => pool)))
  }

  #settle(group: Group): boolean {
    const state = this.#parts.fleet.pools[group.pool]
    const { capacity } = state?.spec ?? {}
    if (state === undefined || capacity === undefined) return false
    const { places, keys, eases } = group
    const used = keys.map((key) => this.#usedBy(key))
    const weights = places.map((place) =>
      state.isServing(place) ? state.members[place]!.weight : 0,
    )
    if (!settleEases({ used, weights }, capacity, eases)) return false
    this.#tell(group)
    return true
  }

  /** Of its machine, 0-1, as long as its agent is heard. */
  #usedBy(key: string): number | undefined {
    const { chorus } = this.#parts
    const voice = chorus.voiceOf(key)
    if (voice === undefined || voice.silent) return undefined
    const percent = chorus.roll.vitalsOf(voice.agentId)?.cpuPercent
    return percent === undefined ? undefined : Math.min(1, Math.max(0, percent / 100))
  }

  #tell({ pool, places, eases }: Group): void {
    const state = this.#parts.fleet.pools[pool]
    for (const [at, place] of places.entries()) state?.setEase(place, eases[at]!)
  }
}

/** Servers of a family whose machines are compared. */
function groupsOf(state: PoolState, pool: number): Group[] {
  if (state.spec.capacity === undefined) return []
  return FAMILIES.flatMap((family) => {
    const places = [...state.members.keys()].filter((at) => state.members[at]!.family === family)
    if (places.length < 2) return []
    const keys = places.map((place) => state.members[place]!.key)
    return [{ pool, places, keys, eases: new Uint16Array(places.length).fill(WHOLE) }]
  })
}
