/**
 * What DNS threads counted of servers that clients stick to: what becomes levels in their words.
 *
 * What counts mean is decided in core/health/crowding.ts, for the servers of one family that share
 * clients: those of a region where the policy goes by place, otherwise all of the name.
 */
import { limits } from '../../core/base/limits.ts'
import { settleCrowd } from '../../core/health/crowding.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import type { PoolState } from '../../core/health/pool-state.ts'
import { readsClient } from '../../core/steer/policy-tree.ts'
import type { WordChange } from '../../core/steer/snapshot.ts'
import type { MessageOf } from '../../messages/entry.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { RegistryCtx } from './book.ts'

interface Group {
  readonly pool: number
  readonly places: readonly number[]
  readonly keys: readonly string[]
  readonly counts: Float64Array
  readonly levels: Uint8Array
}

export class Crowds {
  readonly #ctx: RegistryCtx
  readonly #fleet: Fleet
  #groups: readonly Group[] = []
  /** By pool and member, the group and the place in it. */
  #byPlace = new Map<string, readonly [Group, number]>()
  #settleFromMs = 0

  constructor(ctx: RegistryCtx, fleet: Fleet) {
    this.#ctx = ctx
    this.#fleet = fleet
    const spill = ctx.metrics.gauge({
      name: 'opengslb_backend_sticky_passed_on_ratio',
      help: 'Part of the clients that stick to a server that it passes on, being full.',
      labels: ['domain', 'server'],
    })
    ctx.metrics.onCollect(() => {
      spill.reset()
      for (const { pool, keys, levels } of this.#groups)
        for (const [at, server] of keys.entries())
          spill.set(levels[at]! / 16, { domain: fleet.pools[pool]?.spec.name ?? '', server })
    })
  }

  /** A topology is in force; levels of servers that stay are kept. */
  compiled(): void {
    const before = new Map(
      this.#groups.flatMap(({ keys, levels }) => keys.map((key, at) => [key, levels[at]!])),
    )
    this.#groups = this.#fleet.pools.flatMap(groupsOf)
    this.#byPlace = new Map()
    for (const group of this.#groups) {
      for (const [at, place] of group.places.entries()) {
        group.levels[at] = before.get(group.keys[at]!) ?? 0
        this.#byPlace.set(`${group.pool} ${place}`, [group, at])
      }
      this.#tell(group)
    }
    this.#settleFromMs = this.#ctx.clock.monotonicMs() + limits.stickySettleMs.default
  }

  /** Answers were counted; returns the words that follow. */
  counted({
    epoch,
    rows,
  }: MessageOf<ProductCatalogue, 'dns.loads-counted'>): readonly WordChange[] {
    if (epoch !== this.#fleet.epoch) return []
    for (const [pool, member, count] of rows) {
      const found = this.#byPlace.get(`${pool} ${member}`)
      if (found !== undefined && count > 0) found[0].counts[found[1]]! += count
    }
    const nowMs = this.#ctx.clock.monotonicMs()
    if (nowMs < this.#settleFromMs) return []
    this.#settleFromMs = nowMs + limits.stickySettleMs.default
    const touched = this.#groups.filter((group) => this.#settle(group))
    return this.#fleet.takeLevels(touched.map(({ pool }) => pool))
  }

  #settle(group: Group): boolean {
    const state = this.#fleet.pools[group.pool]
    const { sticky } = state?.spec ?? {}
    if (state === undefined || sticky === undefined) return false
    const isEven = state.spec.policy === 'round-robin'
    const weights = group.places.map((place) =>
      state.isServing(place)
        ? state.shareOf(place) * (isEven ? 1 : state.members[place]!.weight)
        : 0,
    )
    const { balance } = sticky
    const changed = settleCrowd({ counts: group.counts, weights, balance }, group.levels)
    group.counts.fill(0)
    if (!changed) return false
    this.#tell(group)
    const full = group.keys.filter((_, at) => group.levels[at]! > 0)
    this.#ctx.log.info('sticky clients are passed on', { domain: state.spec.name, servers: full })
    return true
  }

  #tell({ pool, places, levels }: Group): void {
    const state = this.#fleet.pools[pool]
    for (const [at, place] of places.entries()) state?.setSpill(place, levels[at]!)
  }
}

/** Servers of a family between which clients may be moved. */
function groupsOf(state: PoolState, pool: number): Group[] {
  const { sticky, policy, tree } = state.spec
  if (sticky === undefined || policy === 'failover') return []
  const isPlaced =
    tree === undefined
      ? policy === 'geolocation' || policy === 'learned_latency'
      : readsClient(tree)
  const groups = new Map<string, number[]>()
  for (const [place, { family, region }] of state.members.entries()) {
    const name = isPlaced ? `${family} ${region}` : String(family)
    groups.set(name, [...(groups.get(name) ?? []), place])
  }
  return [...groups.values()].map((places) => ({
    ...{ pool, places, keys: places.map((place) => state.members[place]!.key) },
    counts: new Float64Array(places.length),
    levels: new Uint8Array(places.length),
  }))
}
