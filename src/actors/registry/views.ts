/**
 * The forms in which others get the state of the registry.
 */
import { limits } from '../../core/base/limits.ts'
import type { Fleet, Server } from '../../core/health/fleet.ts'
import type { PoolState } from '../../core/health/pool-state.ts'
import { layersOf } from '../../core/health/precedence.ts'
import { voicesOf } from '../../core/health/server.ts'
import type { ServingPool } from '../../core/steer/snapshot.ts'
import type { MemberSpec, PoolSpec } from '../../core/steer/topology.ts'
import type { Hearing } from '../../messages/agent-views.ts'
import type { BackendView, HoldView } from '../../messages/views.ts'
import type { Book } from './book.ts'

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
  ...(spec.geofence === undefined ? {} : { geofence: spec.geofence }),
  ...(spec.tree === undefined ? {} : { tree: spec.tree }),
  ...(spec.sticky === undefined ? {} : { sticky: spec.sticky }),
  members: members.map(servingMember),
})

/** Pools as readers get them; one that goes on is the very object of before. */
export class ServedPools {
  readonly #slots = new Slots(limits.poolsMax.default)
  #held: ReadonlyMap<PoolState, ServingPool> = new Map()

  of({ pools }: Fleet): readonly ServingPool[] {
    this.#slots.retain(new Set(pools.map(({ spec }) => spec.name)))
    const held = this.#held
    const made = pools.map((state): [PoolState, ServingPool] => {
      const { spec, members } = state
      const [slot, known] = [this.#slots.of(spec.name), held.get(state)]
      return [state, known?.slot === slot ? known : servingPool(spec, members, slot)]
    })
    this.#held = new Map(made)
    return made.map(([, pool]) => pool)
  }
}

/**
 * Every server to check, those that the guard-rail keeps among them.
 * @param validates whether servers of agents are checked
 * @param timed keys of those whose checks' times matter
 */
export const targetsOf = (
  fleet: Fleet,
  validates: boolean,
  timed: ReadonlySet<string> = new Set(),
) =>
  [...fleet.servers.values()]
    .filter(({ spec }) => validates || spec.source !== 'agent')
    .map(({ spec, health }) => ({
      member: spec,
      lastVerdict: health.verdict,
      ...(timed.has(spec.key) ? { timed: true } : {}),
    }))

const isServing = (fleet: Fleet, server: Server) =>
  server.places.some((place) => fleet.pools[place.pool]!.isServing(place.member))

export const holdViews = (fleet: Fleet): readonly HoldView[] =>
  fleet.held().map(({ pool, ...held }) => ({ domain: pool, ...held }))

/** The place where the guard-rail keeps it, or its weight. */
const guestPlace = (fleet: Fleet, server: Server) =>
  server.places.find((place) => fleet.pools[place.pool]!.isGuest(place.member))

function hearingOf({ fleet, chorus }: Book, server: Server, withLayers: boolean): Hearing {
  const { key } = server.spec
  const voice = chorus.voiceOf(key)
  const drain = chorus.drainOf(key)
  const place = server.places[0]
  const vitals = voice && chorus.roll.vitalsOf(voice.agentId)
  const { agentId = '', healthy, reason = '', silent = false, lastSeenMs = 0 } = voice ?? {}
  const agent = {
    ...{ agentId, reason, silent, lastSeenMs },
    ...(healthy === undefined ? {} : { healthy }),
    ...(vitals === undefined ? {} : { vitals }),
  }
  return {
    ...(voice === undefined ? {} : { agent }),
    ...(drain === undefined ? {} : { drain }),
    peers: chorus.votes.on(key),
    doubted: chorus.isDoubted(key),
    share: place === undefined ? server.share : fleet.pools[place.pool]!.shareOf(place.member),
    ...(withLayers ? { layers: layersOf(voicesOf(server, chorus)) } : {}),
  }
}

export function backendView(book: Book, server: Server, withLayers = false): BackendView {
  const { fleet } = book
  const { spec, health, judged } = server
  const { key, service, address, port, region, source } = spec
  const guest = guestPlace(fleet, server)
  const { weight } = guest === undefined ? spec : fleet.pools[guest.pool]!.members[guest.member]!
  const isBled = server.places.some(({ pool, member }) => fleet.pools[pool]!.isBled(member))
  const seen = health.verdict !== 'unknown'
  return {
    ...{ key, service, address, port, weight, region, source },
    status: isBled ? 'draining' : judged.status,
    cause: guest !== undefined ? 'guard-rail' : isBled ? 'predictive' : judged.cause,
    serving: isServing(fleet, server),
    sinceMs: server.sinceMs,
    verdict: health.verdict,
    ...(seen ? { verdictAtMs: health.verdictAtMs, verdictReason: health.verdictReason } : {}),
    restored: server.restored,
    hearing: hearingOf(book, server, withLayers),
    ...(health.override === undefined ? {} : { override: health.override }),
  }
}
