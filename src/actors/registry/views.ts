/**
 * The forms in which others get the state of the registry.
 */
import type { Fleet, Server } from '../../core/health/fleet.ts'
import type { ServingPool } from '../../core/steer/snapshot.ts'
import type { MemberSpec, PoolSpec } from '../../core/steer/topology.ts'
import type { BackendView, HoldView } from '../../messages/views.ts'

/** Turn counters by pool name; a name keeps its slot while the registry lives. */
export class Slots {
  readonly #byName = new Map<string, number>()
  readonly #most: number
  #next = 0

  /** @param most size of the shared table; past it names share slots, and so turns */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * A restarted registry gives slots in the order of the topology, which is the old order unless
   * reloads changed it; a name with another slot goes on from another turn, and nothing worse.
   */
  of(name: string): number {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const slot = this.#next++ % this.#most
    this.#byName.set(name, slot)
    return slot
  }

  /** Forgets names that are gone once there are more of them than slots. */
  retain(names: ReadonlySet<string>): void {
    if (this.#byName.size <= this.#most) return
    for (const name of this.#byName.keys()) if (!names.has(name)) this.#byName.delete(name)
  }
}

const servingMember = ({ key, address, port, region, weight }: MemberSpec) => ({
  key,
  address,
  port,
  region,
  weight,
})

const servingPool = (
  spec: PoolSpec,
  members: readonly MemberSpec[],
  slot: number,
): ServingPool => ({
  name: spec.name,
  zone: spec.zone,
  ttlSeconds: spec.ttlSeconds,
  policy: spec.policy,
  answers: spec.answers,
  whenAllDown: spec.whenAllDown,
  fallback: spec.fallback,
  slot,
  members: members.map(servingMember),
})

export function servingPools(fleet: Fleet, slots: Slots): readonly ServingPool[] {
  slots.retain(new Set(fleet.pools.map((pool) => pool.spec.name)))
  return fleet.pools.map(({ spec, members }) => servingPool(spec, members, slots.of(spec.name)))
}

/** Every server to check, those that the guard-rail keeps among them. */
export const targetsOf = (fleet: Fleet) =>
  [...fleet.servers.values()].map(({ spec, health }) => ({
    member: spec,
    lastVerdict: health.verdict,
  }))

const isServing = (fleet: Fleet, server: Server) =>
  server.places.some((place) => fleet.pools[place.pool]!.isServing(place.member))

export const holdViews = (fleet: Fleet): readonly HoldView[] =>
  fleet.held().map(({ pool, ...held }) => ({ domain: pool, ...held }))

/** The place where the guard-rail keeps it, or its weight. */
const guestPlace = (fleet: Fleet, server: Server) =>
  server.places.find((place) => fleet.pools[place.pool]!.isGuest(place.member))

export function backendView(fleet: Fleet, server: Server): BackendView {
  const { spec, health, judged } = server
  const { key, service, address, port, region, source } = spec
  const guest = guestPlace(fleet, server)
  const { weight } = guest === undefined ? spec : fleet.pools[guest.pool]!.members[guest.member]!
  const seen = health.verdict !== 'unknown'
  return {
    ...{ key, service, address, port, weight, region, source },
    status: judged.status,
    cause: guest === undefined ? judged.cause : 'guard-rail',
    serving: isServing(fleet, server),
    sinceMs: server.sinceMs,
    verdict: health.verdict,
    ...(seen ? { verdictAtMs: health.verdictAtMs, verdictReason: health.verdictReason } : {}),
    restored: server.restored,
    ...(health.override === undefined ? {} : { override: health.override }),
  }
}
