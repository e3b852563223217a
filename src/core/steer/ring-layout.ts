/**
 * The servers of large sticky pools on rings, as plain memory: what sticky-rings.ts looks them up
 * in. It depends on their addresses, weights and regions, and never on their health.
 *
 * Each server has a place on a ring of 2^32 points. Those of one family, region and class of weight
 * lie together, in the order of the ring: an arc.
 */
import { copyOf, type Memory } from '../base/memory.ts'
import type { PoolLayout } from './pool-layout.ts'
import type { ServingPool } from './snapshot.ts'
import { mixed } from './sticky-draws.ts'

/** Pools of more servers have rings. A power of two: of as many more, all clients draw by them. */
export const RING_SERVERS = 128

// Numbers of each server on its arc: where it lies, what is drawn for it with, which it is.
export const ENTRY = 3
export const ENTRY_SEED = 1
export const ENTRY_CANDIDATE = 2

// Numbers of each arc: its first entry and how many there are; where its guides begin, and by how
// many bits a point is shifted to be the number of one.
export const ARC = 4
export const ARC_COUNT = 1
export const ARC_GUIDES = 2
export const ARC_SHIFT = 3

// Numbers of each stretch, which is one group of one family: its first arc, and how many servers
// come before its own in the order of places.
export const STRETCH = 2
export const STRETCH_RANK = 1

export interface RingLayout {
  /**
   * By pool, where its stretches begin, -1 for none: those of IPv4 by group, those of IPv6, and one
   * more that says where they end.
   */
  readonly of: Int32Array
  readonly stretches: Int32Array
  readonly arcs: Int32Array
  /** By arc, the greatest weight of an address; 1 where weights do not count. */
  readonly peaks: Float64Array
  readonly guides: Int32Array
  /** ENTRY numbers for each address at most; those of a pool begin where its addresses do. */
  readonly entries: Int32Array
  /** By address, where it lies on the ring. */
  readonly spots: Int32Array
  /** By address, its number in the order in which places are filled. */
  readonly ranks: Int32Array
}

/** Clients of a failover stick to nobody; those of a policy made of others draw in its leaves. */
const hasRings = ({ sticky, tree, policy, members }: ServingPool): boolean =>
  sticky !== undefined &&
  tree === undefined &&
  policy !== 'failover' &&
  members.length > RING_SERVERS

/**
 * Undefined where no pool is large and sticky, which then costs nothing.
 *
 * @param groupsOf how many groups the addresses of a pool fall into; 0 where it has none
 */
export function layRings(
  specs: readonly ServingPool[],
  layout: PoolLayout,
  memory: Memory,
  groupsOf: (pool: number) => number,
): RingLayout | undefined {
  if (!specs.some(hasRings)) return undefined
  const size = layout.families.length
  const builder = new Builder(layout, {
    entries: new Int32Array(memory(size * ENTRY * 4)),
    spots: new Int32Array(memory(size * 4)),
    ranks: new Int32Array(memory(size * 4)),
  })
  let base = 0
  const of = specs.map((spec, pool) => {
    const from = hasRings(spec) ? builder.lay(spec, base, Math.max(1, groupsOf(pool))) : -1
    base += spec.members.length + spec.fallback.length
    return from
  })
  const { stretches, arcs, guides, peaks, byAddress } = builder
  const lengths = new Float64Array(memory(peaks.length * 8))
  lengths.set(peaks)
  return {
    ...byAddress,
    of: copyOf(Int32Array.from(of), memory),
    stretches: copyOf(Int32Array.from(stretches), memory),
    arcs: copyOf(Int32Array.from(arcs), memory),
    guides: copyOf(Int32Array.from(guides), memory),
    peaks: lengths,
  }
}

/** The same in every process (FNV-1a), by other numbers than seeds are. */
function spotOf(bytes: Uint8Array, from: number, end: number): number {
  let hash = 0x2c1b3c6d
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return mixed(hash)
}

/** Weights within a factor of four have one arc, so that few lie on it in vain. */
const classOf = (load: number): number => Math.floor(Math.log2(load) / 2)

/** Candidates of a number, so that a place on the ring and one of them fit 53 bits. */
const CANDIDATES = 0x2_0000

class Builder {
  readonly stretches: number[] = []
  readonly arcs: number[] = []
  readonly guides: number[] = []
  readonly peaks: number[] = []
  readonly byAddress: Pick<RingLayout, 'entries' | 'spots' | 'ranks'>
  readonly #layout: PoolLayout

  constructor(layout: PoolLayout, byAddress: Pick<RingLayout, 'entries' | 'spots' | 'ranks'>) {
    this.#layout = layout
    this.byAddress = byAddress
  }

  /** Of a pool whose addresses begin at `base`; returns where its stretches begin. */
  lay(spec: ServingPool, base: number, count: number): number {
    const { families, bytes, groups } = this.#layout
    const { spots, ranks } = this.byAddress
    const octets = bytes.length / families.length
    for (let at = base; at < base + spec.members.length + spec.fallback.length; at++)
      spots[at] = spotOf(bytes, at * octets, (at + 1) * octets)
    const loads = this.#loadsOf(spec, base)
    const members: number[][] = Array.from({ length: 2 * count }, () => [])
    for (let member = 0; member < spec.members.length; member++) {
      const at = base + member
      if (families[at] === 0) continue
      members[groups[at]! + (families[at] === 6 ? count : 0)]!.push(member)
    }
    const from = this.stretches.length
    let [entry, rank] = [base, 0]
    for (const stretch of members) {
      this.stretches.push(this.peaks.length, rank)
      for (const member of stretch) ranks[base + member] = rank++
      for (const arc of arcsOf(stretch, loads)) {
        this.#arc(base, entry, arc)
        this.peaks.push(arc.reduce((most, member) => Math.max(most, loads[member]!), 0))
        entry += arc.length
      }
    }
    this.stretches.push(this.peaks.length, rank)
    return from
  }

  /** By server, the weights of all on its address, who are one candidate. */
  #loadsOf({ policy, members }: ServingPool, base: number): Float64Array {
    const { weights, firsts } = this.#layout
    const loads = new Float64Array(members.length)
    for (let at = 0; at < loads.length; at++) loads[firsts[base + at]!]! += weights[base + at]!
    for (let at = loads.length - 1; at >= 0; at--) loads[at] = loads[firsts[base + at]!]!
    return policy === 'round-robin' ? loads.map((load) => Math.min(load, 1)) : loads
  }

  #arc(base: number, entry: number, members: readonly number[]): void {
    const { entries, spots } = this.byAddress
    const sorted = new Float64Array(members.length)
    for (const [at, member] of members.entries())
      sorted[at] = (spots[base + member]! >>> 0) * CANDIDATES + member
    sorted.sort()
    const bits = Math.max(1, Math.floor(Math.log2(members.length)))
    this.arcs.push(entry, members.length, this.guides.length, 32 - bits)
    const part = CANDIDATES * 2 ** (32 - bits)
    let at = 0
    for (let guide = 0; guide < 2 ** bits; guide++) {
      while (at < sorted.length && sorted[at]! < guide * part) at++
      this.guides.push(entry + at)
    }
    for (const [number, packed] of sorted.entries()) {
      const member = packed % CANDIDATES
      const to = (entry + number) * ENTRY
      entries[to] = spots[base + member]!
      entries[to + ENTRY_SEED] = this.#layout.seeds[base + member]!
      entries[to + ENTRY_CANDIDATE] = member
    }
  }
}

/** Servers by class of weight; those without any lie on none. */
function arcsOf(members: readonly number[], loads: Float64Array): number[][] {
  const arcs = new Map<number, number[]>()
  for (const member of members) {
    if (loads[member] === 0) continue
    const key = classOf(loads[member]!)
    const arc = arcs.get(key)
    if (arc === undefined) arcs.set(key, [member])
    else arc.push(member)
  }
  return [...arcs.values()]
}
