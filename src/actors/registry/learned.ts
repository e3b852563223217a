/**
 * What the registry has to do with learned latency: it says which names are steered by it and where
 * clients are, and hands the rows that come back to those who answer.
 */
import { latencyPolicyLimits } from '../../core/base/limits/latency-policy.ts'
import type { GeoParts } from '../../core/geo/parts.ts'
import type { Fleet } from '../../core/health/fleet.ts'
import type { SteeredService } from '../../core/latency/ground.ts'
import type { RouteParts } from '../../core/steer/routes.ts'
import { leavesOf, type PolicyNode, routesNameOf } from '../../core/steer/policy-tree.ts'
import type { MemberSpec, PoolSpec } from '../../core/steer/topology.ts'
import type { RegistryCtx } from './book.ts'

/** Rows of learned latency hold each region of a pool once, and no more than this. */
const REGIONS_MAX = latencyPolicyLimits.latencyRegionsMax.default
const NAMES_SHOWN = 10

/** Of a service that no domain describes: what `latency_config` has by default. */
const DEFAULTS = { maxLatencyMs: 500, minSamples: 3 }

export class Learned {
  readonly #ctx: RegistryCtx
  #routes: RouteParts | undefined
  #geo: GeoParts | undefined
  #services: readonly SteeredService[] = []
  #version = 0

  constructor(ctx: RegistryCtx) {
    this.#ctx = ctx
  }

  /** A topology is in force. */
  compiled({ pools }: Fleet, geo: GeoParts | undefined): void {
    const all = pools.flatMap(({ spec }) => servicesOf(spec))
    const services = all.filter(({ regions }) => regions.length <= REGIONS_MAX)
    const isSame = JSON.stringify(services) === JSON.stringify(this.#services)
    if (isSame && (geo === this.#geo || services.length === 0)) return
    this.#geo = geo
    this.#services = services
    const left = all.filter((one) => !services.includes(one)).map(({ name }) => name)
    if (left.length > 0)
      this.#ctx.log.warn('names with too many regions go by geography, not by learned latency', {
        ...{ names: left.slice(0, NAMES_SHOWN), count: left.length, most: REGIONS_MAX },
      })
    this.sayGround()
  }

  /** Rows came; those who answer get them at once. */
  routed(parts: RouteParts): void {
    const last = this.#routes?.version ?? 0
    // Who answers takes later ones only, and the clock by which their author numbers them after a
    // restart may have been set back.
    this.#routes = parts.version < last ? { ...parts, version: last + 1 } : parts
    this.sayRoutes()
  }

  sayRoutes(): void {
    const parts = this.#routes
    if (parts !== undefined)
      this.#ctx.publish('registry.routes-set', { version: parts.version, parts })
  }

  sayGround(): void {
    if (this.#geo === undefined) return
    // A restarted registry must not say a number that its predecessor said.
    this.#version = Math.max(this.#version + 1, Math.floor(this.#ctx.clock.nowMs()))
    const [geo, services] = [this.#geo, this.#services]
    this.#ctx.publish('registry.ground-set', { version: this.#version, geo, services })
  }
}

/** Behind a geofence nothing that is learned could decide. */
function servicesOf(spec: PoolSpec): SteeredService[] {
  const { name, policy, geofence, tree, members } = spec
  if (tree !== undefined) return partsOf(spec, tree)
  if (policy !== 'learned_latency' || geofence === 'strict') return []
  return serviceOf(spec, name, members)
}

/** Each leaf that goes by it compares its own regions; those of equal regions share rows. */
function partsOf(spec: PoolSpec, tree: PolicyNode): SteeredService[] {
  const parts = new Map<string, SteeredService>()
  for (const { node, members } of leavesOf(tree, spec.members)) {
    if (node.algorithm !== 'learned_latency') continue
    const name = routesNameOf(spec.name, node)
    const own = members.map((at) => spec.members[at]!)
    for (const service of serviceOf(spec, name, own))
      parts.set(name, name === spec.name ? service : { ...service, measured: spec.name })
  }
  return [...parts.values()]
}

function serviceOf(
  { latency, sticky }: PoolSpec,
  name: string,
  members: readonly MemberSpec[],
): SteeredService[] {
  const { maxLatencyMs, minSamples } = latency ?? DEFAULTS
  const regions = [...new Set(members.map(({ region }) => region))].filter((one) => one !== '')
  if (regions.length === 0) return []
  const service = { name, regions, maxLatencyMs, minSamples }
  return [sticky === undefined ? service : { ...service, sticky: true }]
}
