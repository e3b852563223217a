/**
 * What DNS threads counted of servers that clients stick to: what becomes levels in their words.
 *
 * What counts mean is decided in core/health/crowding.ts, for the servers of one family that share
 * clients: those of a region where the policy goes by place, otherwise all of the name, or of the
 * leaf of a policy made of others. Ports of one address are one server to a client, who is given
 * addresses, and their answers are counted at one of them.
 */
import { limits } from '../../core/base/limits.ts'
import { settleCrowd } from '../../core/health/crowding.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import type { PoolState } from '../../core/health/pool-state.ts'
import { leavesOf } from '../../core/steer/policy-tree.ts'
import type { WordChange } from '../../core/steer/snapshot.ts'
import type { MessageOf } from '../../messages/entry.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'
import type { RegistryCtx } from './book.ts'

interface Group {
  readonly pool: number
  /** How one of them is chosen. */
  readonly algorithm: string
  /** By address, the servers there. */
  readonly places: readonly (readonly number[])[]
  readonly keys: readonly (readonly string[])[]
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
        for (const [at, servers] of keys.entries())
          for (const server of servers)
            spill.set(levels[at]! / 16, { domain: fleet.pools[pool]?.spec.name ?? '', server })
    })
  }

  /** A topology is in force; levels of servers that stay are kept. */
  compiled(): void {
    const before = new Map(
      this.#groups.flatMap(({ keys, levels }) =>
        keys.flatMap((servers, at) => servers.map((key) => [key, levels[at]!] as const)),
      ),
    )
    this.#groups = this.#fleet.pools.flatMap(groupsOf)
    this.#byPlace = new Map()
    for (const group of this.#groups) {
      for (const [at, places] of group.places.entries()) {
        group.levels[at] = Math.max(0, ...group.keys[at]!.map((key) => before.get(key) ?? 0))
        for (const place of places) this.#byPlace.set(`${group.pool} ${place}`, [group, at])
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
    const weights = weightsOf(group, state)
    const { balance } = sticky
    const changed = settleCrowd({ counts: group.counts, weights, balance }, group.levels)
    group.counts.fill(0)
    if (!changed) return false
    this.#tell(group)
    const full = group.keys.filter((_, at) => group.levels[at]! > 0).flat()
    this.#ctx.log.info('sticky clients are passed on', { domain: state.spec.name, servers: full })
    return true
  }

  #tell({ pool, places, levels }: Group): void {
    const state = this.#fleet.pools[pool]
    for (const [at, ports] of places.entries())
      for (const place of ports) state?.setSpill(place, levels[at]!)
  }
}

/** By address, what clients draw for it with; 0 where nothing there serves. */
function weightsOf({ algorithm, places }: Group, state: PoolState): number[] {
  const isTimed =
    algorithm === 'latency' &&
    places.flat().some((place) => state.isServing(place) && state.levels[place]! > 0)
  const shareOf = (place: number) => {
    if (!state.isServing(place)) return 0
    return state.shareOf(place) * (isTimed ? state.levels[place]! : 1)
  }
  return places.map((ports) =>
    algorithm === 'round-robin'
      ? Math.max(...ports.map(shareOf))
      : ports.reduce((sum, place) => sum + shareOf(place) * state.members[place]!.weight, 0),
  )
}

/** What chooses among servers, and which: the policy, or the leaves of one made of others. */
function partsOf({ spec, members }: PoolState) {
  if (spec.tree === undefined) return [{ algorithm: spec.policy, members: [...members.keys()] }]
  const seen = new Set<number>()
  return leavesOf(spec.tree, members).map(({ node, members: all }) => {
    // Answers are not counted by leaf: one that stands in several belongs to the first.
    const own = all.filter((member) => !seen.has(member))
    for (const member of own) seen.add(member)
    return { algorithm: node.algorithm as string, members: own }
  })
}

/** Servers of a family between which clients may be moved. */
function groupsOf(state: PoolState, pool: number): Group[] {
  if (state.spec.sticky === undefined) return []
  return partsOf(state).flatMap(({ algorithm, members }) => {
    if (algorithm === 'failover') return []
    const isPlaced = algorithm === 'geolocation' || algorithm === 'learned_latency'
    const groups = new Map<string, Map<string, number[]>>()
    for (const place of members) {
      const { family, region, address } = state.members[place]!
      const name = isPlaced ? `${family} ${region}` : String(family)
      const group = groups.get(name) ?? new Map<string, number[]>()
      groups.set(name, group.set(address, [...(group.get(address) ?? []), place]))
    }
    return [...groups.values()].map((group) => {
      const places = [...group.values()]
      return {
        ...{ pool, algorithm, places },
        keys: places.map((ports) => ports.map((place) => state.members[place]!.key)),
        counts: new Float64Array(places.length),
        levels: new Uint8Array(places.length),
      }
    })
  })
}
