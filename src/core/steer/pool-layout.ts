/**
 * Pools as plain memory: all that is known of their servers but the health words.
 *
 * It never changes once made, so all threads that answer read the same one. Everything is numbered
 * by address: those of a pool lie together, the servers in the order of the configuration, then the
 * fallback addresses.
 */
import { type Memory, ownMemory } from '../base/memory.ts'
import { parseAddress } from '../net/address.ts'
import type { GeoLabel } from '../geo/parts.ts'
import { type ComposedLayout, layComposed } from './composed-layout.ts'
import { readsClient } from './policy-tree.ts'
import { layRings, type RingLayout } from './ring-layout.ts'
import type { ServingPool } from './snapshot.ts'
import type { Policy, WhenAllDown } from './topology.ts'

/** Numbers of each pool in `fixed`. */
export const FIXED = 16
/** Index of the turn counters. */
export const FIXED_SLOT = 0
/** Which families the pool has addresses of: FAMILY_4, FAMILY_6. */
export const FIXED_FAMILIES = 1
/** Where its addresses begin. */
export const FIXED_FROM = 2
/** How many of its addresses are of IPv4. */
export const FIXED_COUNT4 = 3
export const FIXED_MEMBERS = 4
export const FIXED_FALLBACKS = 5
/** Index in `policies`. */
export const FIXED_POLICY = 6
export const FIXED_ANSWERS = 7
/** Index in `allDownModes`. */
export const FIXED_ALL_DOWN = 8
export const FIXED_TTL = 9
/** Where its table in `ordinals` begins. */
export const FIXED_ORDINALS = 10
/** How many groups its addresses fall into; 0 where the policy does not read the client. */
export const FIXED_GROUPS = 11
/** 1: clients never leave their region. */
export const FIXED_FENCED = 12
/** Where the numbers of its groups begin, of all pools together (placing.ts). */
export const FIXED_SEGMENTS = 13
/** Bits that tell sticky clients apart: of IPv4, then from bit 8 of IPv6; 0 where none stick. */
export const FIXED_STICKY = 14
/** 32 bits of its name. */
export const FIXED_KEY = 15

export const FAMILY_4 = 1
export const FAMILY_6 = 2

/** Octets set aside for an address. */
export const ADDRESS_BYTES = 16

export const policies: readonly Policy[] = [
  'round-robin',
  'weighted',
  'failover',
  'geolocation',
  'latency',
  'learned_latency',
  'composed',
]
export const allDownModes: readonly WhenAllDown[] = [
  'servfail',
  'last_healthy',
  'all',
  'nodata',
  'fallback',
]

export interface PoolLayout {
  /** FIXED numbers for each pool. */
  readonly fixed: Int32Array
  /** By address. */
  readonly weights: Uint32Array
  /**
   * By address, the first candidate of the pool that has the same one: servers on several ports of
   * an address are one candidate, because an answer cannot tell them apart.
   */
  readonly firsts: Int32Array
  /** By address: 4, 6, or 0 for what is no address. */
  readonly families: Uint8Array
  /** ADDRESS_BYTES for each address. */
  readonly bytes: Uint8Array
  /** By address, what clients that stick draw for it with (sticky.ts); 0 where none do. */
  readonly seeds: Int32Array
  /** By address, the number of its region; -1 for none. */
  readonly regions: Int32Array
  /** Candidates of each pool by group, the order of the configuration within. */
  readonly order: Int32Array
  /** By address, the group it falls into, counted in its pool. */
  readonly groups: Int32Array
  /** For each pool with groups: by number of a region its group, or -1. */
  readonly ordinals: Int32Array
  /** Of large pools whose clients stick; absent where there is none. */
  readonly rings?: RingLayout
  /** Policies made of others; absent where there is none. */
  readonly composed?: ComposedLayout
}

/** Pools whose answers depend on where the client is. */
export const readsPlace = ({ policy, tree }: Pick<ServingPool, 'policy' | 'tree'>): boolean =>
  tree === undefined ? isPlaced({ policy }) : readsClient(tree)

/** Pools whose candidates are grouped by region. */
const isPlaced = ({ policy }: Pick<ServingPool, 'policy'>): boolean =>
  policy === 'geolocation' || policy === 'learned_latency'

/**
 * @param regions names of regions by number, as the client map counts them
 * @param labels what is told of its classes
 */
export function layPools(
  specs: readonly ServingPool[],
  memory: Memory = ownMemory,
  regions: readonly string[] = [],
  labels: readonly GeoLabel[] = [],
): PoolLayout {
  const size = specs.reduce((sum, spec) => sum + spec.members.length + spec.fallback.length, 0)
  const placed = regions.length === 0 ? 0 : specs.filter(isPlaced).length
  const layout: PoolLayout = {
    fixed: new Int32Array(memory(specs.length * FIXED * 4)),
    weights: new Uint32Array(memory(size * 4)),
    firsts: new Int32Array(memory(size * 4)),
    families: new Uint8Array(memory(size)),
    bytes: new Uint8Array(memory(size * ADDRESS_BYTES)),
    seeds: new Int32Array(memory(size * 4)),
    regions: new Int32Array(memory(size * 4)).fill(-1),
    order: new Int32Array(memory(size * 4)),
    groups: new Int32Array(memory(size * 4)),
    ordinals: new Int32Array(memory(placed * regions.length * 4)).fill(-1),
  }
  const numbers = new Map(regions.map((name, number) => [name, number]))
  let from = 0
  let [ordinals, segments] = [0, 0]
  for (const [pool, spec] of specs.entries()) {
    layPool(layout, pool, spec, from)
    for (const [at, { region }] of spec.members.entries())
      layout.regions[from + at] = numbers.get(region) ?? -1
    const row = pool * FIXED
    layout.fixed[row + FIXED_FENCED] = isPlaced(spec) && spec.geofence === 'strict' ? 1 : 0
    if (placed > 0 && isPlaced(spec)) {
      layout.fixed[row + FIXED_ORDINALS] = ordinals
      layout.fixed[row + FIXED_SEGMENTS] = segments
      segments += segmentNumbers(layGroups(layout, pool, spec, from))
      ordinals += regions.length
    }
    from += spec.members.length + spec.fallback.length
  }
  const groupsOf = (pool: number) => layout.fixed[pool * FIXED + FIXED_GROUPS]!
  const rings = layRings(specs, layout, memory, groupsOf)
  const composed = layComposed(specs, memory, regions, labels, layPools)
  const whole = rings === undefined ? layout : { ...layout, rings }
  return composed === undefined ? whole : { ...whole, composed }
}

/**
 * Numbers that a pool keeps of its groups: for each family where each group begins and one more,
 * then on what basis each is filled.
 */
export const segmentNumbers = (groups: number): number => 2 * (2 * groups + 1)

/** Groups the candidates by region; the last group holds those that no region is known of. */
function layGroups(layout: PoolLayout, pool: number, spec: ServingPool, from: number): number {
  const { fixed, regions, ordinals, order, groups } = layout
  const table = fixed[pool * FIXED + FIXED_ORDINALS]!
  const size = spec.members.length + spec.fallback.length
  let count = 0
  for (let address = from; address < from + spec.members.length; address++) {
    const region = regions[address]!
    if (region >= 0 && ordinals[table + region] === -1) ordinals[table + region] = count++
  }
  for (let address = from; address < from + size; address++) {
    const region = regions[address]!
    groups[address] = region < 0 ? count : ordinals[table + region]!
  }
  const sorted = Array.from({ length: size }, (_, candidate) => candidate)
  sorted.sort((one, other) => groups[from + one]! - groups[from + other]! || one - other)
  order.set(sorted, from)
  fixed[pool * FIXED + FIXED_GROUPS] = count + 1
  return count + 1
}

/** The same in every process (FNV-1a). */
function seedOfName(name: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash
}

/** Of the octets set aside for an address, the same in every process (FNV-1a), spread once more. */
function seedOf(bytes: Uint8Array, address: number): number {
  let hash = 0x811c9dc5
  const end = (address + 1) * ADDRESS_BYTES
  for (let at = address * ADDRESS_BYTES; at < end; at++)
    hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return Math.imul(hash, 0x9e3779b1)
}

function layPool(layout: PoolLayout, pool: number, spec: ServingPool, from: number): void {
  const { members, fallback } = spec
  const firsts = new Map<string, number>()
  let families = 0
  let count4 = 0
  for (let candidate = 0; candidate < members.length + fallback.length; candidate++) {
    const member = members[candidate]
    const parsed = parseAddress(member?.address ?? fallback[candidate - members.length]!)
    const at = from + candidate
    layout.weights[at] = member?.weight ?? 1
    layout.firsts[at] = candidate
    if (!parsed.ok) continue
    const { family, bytes, text } = parsed.value
    layout.families[at] = family
    layout.bytes.set(bytes, at * ADDRESS_BYTES)
    if (spec.sticky !== undefined) layout.seeds[at] = seedOf(layout.bytes, at)
    const first = firsts.get(text)
    if (first === undefined) firsts.set(text, candidate)
    else layout.firsts[at] = first
    families |= family === 6 ? FAMILY_6 : FAMILY_4
    if (family === 4) count4++
  }
  const row = pool * FIXED
  const { fixed } = layout
  fixed[row + FIXED_SLOT] = spec.slot
  fixed[row + FIXED_FAMILIES] = families
  fixed[row + FIXED_FROM] = from
  fixed[row + FIXED_COUNT4] = count4
  fixed[row + FIXED_MEMBERS] = members.length
  fixed[row + FIXED_FALLBACKS] = fallback.length
  fixed[row + FIXED_POLICY] = policies.indexOf(spec.policy)
  fixed[row + FIXED_ANSWERS] = spec.answers
  fixed[row + FIXED_ALL_DOWN] = allDownModes.indexOf(spec.whenAllDown)
  fixed[row + FIXED_TTL] = Math.max(0, spec.ttlSeconds)
  const { sticky } = spec
  fixed[row + FIXED_STICKY] = sticky === undefined ? 0 : sticky.bits4 | (sticky.bits6 << 8)
  fixed[row + FIXED_KEY] = sticky === undefined ? 0 : seedOfName(spec.name)
}

/** The words of all pools by address; a fallback address has none. */
export function layWords(
  specs: readonly ServingPool[],
  words: readonly ArrayLike<number>[],
): Uint32Array {
  const size = specs.reduce((sum, spec) => sum + spec.members.length + spec.fallback.length, 0)
  const laid = new Uint32Array(size)
  let from = 0
  for (const [pool, { members, fallback }] of specs.entries()) {
    laid.set(Array.prototype.slice.call(words[pool] ?? [], 0, members.length), from)
    from += members.length + fallback.length
  }
  return laid
}
