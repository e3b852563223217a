/**
 * How long checks take, of pools whose policy is `latency`: what becomes levels in the words of
 * their servers.
 *
 * What times mean is decided in core/latency/active.ts, for each pool and family apart. Levels are
 * looked at again whenever times come or a server of the pool comes or goes, in the same turn, so
 * that the fastest of those that serve always leads.
 */
import type { Fleet } from '../../core/health/fleet.ts'
import type { PoolState } from '../../core/health/pool-state.ts'
import { ActiveLatency, activeSettings } from '../../core/latency/active.ts'
import { leavesOf } from '../../core/steer/policy-tree.ts'
import type { WordChange } from '../../core/steer/snapshot.ts'
import { LEVEL_BITS } from '../../core/steer/words.ts'
import { counterOf } from '../../kernel/metrics-alias.ts'
import type { RegistryCtx } from './book.ts'

const FAMILIES = [4, 6] as const

/** The servers of one family of one pool. */
interface Group {
  readonly pool: number
  readonly name: string
  /** By server of the group, its place in the pool. */
  readonly places: readonly number[]
  readonly keys: readonly string[]
  readonly active: ActiveLatency
  /** The server that leads; -1 for none. */
  lead: number
}

/** Servers of a pool whose times are compared with each other. */
interface TimedPart {
  readonly path: string
  readonly members: readonly number[]
}

function timedParts({ spec, members }: PoolState): TimedPart[] {
  if (spec.policy === 'latency') return [{ path: '', members: [...members.keys()] }]
  if (spec.tree === undefined) return []
  return leavesOf(spec.tree, members).flatMap((leaf, at) =>
    leaf.node.algorithm === 'latency' ? [{ path: `#${at}`, members: leaf.members }] : [],
  )
}

export class CheckTimes {
  readonly #ctx: RegistryCtx
  readonly #fleet: Fleet
  readonly #rejected
  #groups: readonly Group[] = []
  #byKey = new Map<string, (readonly [Group, number])[]>()

  constructor(ctx: RegistryCtx, fleet: Fleet) {
    this.#ctx = ctx
    this.#fleet = fleet
    this.#rejected = counterOf(ctx.metrics, {
      names: ['opengslb_routing_latency_rejected_total', 'opengslb_latency_rejection'],
      help: 'Times that a server was passed over when times came: no_data, above_threshold.',
      labels: ['domain', 'server', 'reason'],
    })
    this.#showTimes()
  }

  /** Keys of the servers whose times matter. */
  get wanted(): ReadonlySet<string> {
    return new Set(this.#byKey.keys())
  }

  /** A topology is in force; what is known of servers that stay is kept. */
  compiled(): void {
    const before = new Map(this.#groups.map((group) => [group.name, group]))
    this.#groups = this.#fleet.pools.flatMap((state, pool) =>
      timedParts(state).flatMap((part) => this.#groupsOf(state, pool, part, before)),
    )
    this.#byKey = new Map()
    for (const group of this.#groups)
      for (const [at, key] of group.keys.entries())
        this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), [group, at]])
    for (const group of this.#groups) this.#level(group)
  }

  /** Checks passed and took so long; returns the words that follow. */
  measured(rows: readonly (readonly [string, number])[]): readonly WordChange[] {
    const touched = new Set<Group>()
    for (const [key, ms] of rows)
      for (const [group, at] of this.#byKey.get(key) ?? []) {
        group.active.sample(at, ms)
        touched.add(group)
      }
    for (const group of touched) {
      this.#level(group)
      this.#count(group)
    }
    return this.#fleet.takeLevels([...touched].map(({ pool }) => pool))
  }

  /** Words of these pools changed: others may lead now. */
  turned(words: readonly WordChange[]): readonly WordChange[] {
    if (this.#groups.length === 0 || words.length === 0) return []
    const pools = new Set(words.map(({ pool }) => pool))
    const touched = this.#groups.filter(({ pool }) => pools.has(pool))
    for (const group of touched) this.#level(group)
    return this.#fleet.takeLevels(touched.map(({ pool }) => pool))
  }

  #groupsOf(
    state: PoolState,
    pool: number,
    part: TimedPart,
    before: ReadonlyMap<string, Group>,
  ): Group[] {
    const { name, latency } = state.spec
    return FAMILIES.flatMap((family) => {
      const places = part.members.filter((at) => state.members[at]!.family === family)
      if (places.length === 0) return []
      const keys = places.map((at) => state.members[at]!.key)
      const full = `${name}${part.path}/IPv${family}`
      const old = before.get(full)
      const active = new ActiveLatency(keys.length, activeSettings(latency))
      const from = keys.map((key) => old?.keys.indexOf(key) ?? -1)
      if (old !== undefined) active.inherit(old.active, from)
      const lead = old === undefined || old.lead < 0 ? -1 : from.indexOf(old.lead)
      return [{ pool, name: full, places, keys, active, lead }]
    })
  }

  #level(group: Group): void {
    const state = this.#fleet.pools[group.pool]
    if (state === undefined) return
    const open = group.places.map((at) => (state.isServing(at) ? 1 : 0))
    const before = group.lead
    const told = group.active.shares(open, this.#ctx.clock.monotonicMs())
    group.lead = told.lead
    for (const [at, place] of group.places.entries()) {
      const share = told.shares[at]!
      const level = share === 0 ? 0 : Math.max(1, Math.round((share * LEVEL_BITS) / 1_000))
      state.setLevel(place, level)
    }
    if (told.lead >= 0 && told.lead !== before)
      this.#ctx.log.info('latency leader changed', {
        ...{ domain: state.spec.name, server: group.keys[told.lead]! },
        ...{ ms: Math.round(group.active.msOf(told.lead)! * 100) / 100, reason: told.reason },
      })
  }

  #count({ pool, active, keys, lead }: Group): void {
    const state = this.#fleet.pools[pool]
    if (state === undefined || lead < 0) return
    const { maxLatencyMs } = activeSettings(state.spec.latency)
    for (const [at, server] of keys.entries()) {
      const ms = active.msOf(at)
      const reason =
        ms === undefined ? 'no_data' : ms > maxLatencyMs ? 'above_threshold' : undefined
      if (reason !== undefined) this.#rejected.add(1, { domain: state.spec.name, server, reason })
    }
  }

  #showTimes(): void {
    const { metrics } = this.#ctx
    const gauge = (name: string, help: string, labels: readonly string[]) =>
      metrics.gauge({ name, help, labels })
    const smoothed = gauge(
      'opengslb_backend_smoothed_latency_ms',
      'Smoothed time of the checks of a server, of pools steered by latency.',
      ['service', 'address'],
    )
    const samples = gauge('opengslb_backend_latency_samples', 'Checks behind that time.', [
      'service',
      'address',
    ])
    const selected = gauge(
      'opengslb_routing_latency_selected_ms',
      'Smoothed time of the server that leads.',
      ['domain', 'server'],
    )
    metrics.onCollect(() => {
      for (const one of [smoothed, samples, selected]) one.reset()
      for (const { pool, places, keys, active, lead } of this.#groups) {
        const state = this.#fleet.pools[pool]
        if (state === undefined) continue
        for (const [at, place] of places.entries()) {
          const { service, address } = state.members[place]!
          samples.set(active.samplesOf(at), { service, address })
          if (active.samplesOf(at) > 0) smoothed.set(active.meanOf(at), { service, address })
        }
        if (lead >= 0)
          selected.set(active.meanOf(lead), { domain: state.spec.name, server: keys[lead]! })
      }
    })
  }
}
