/**
 * The chain of denial of one zone of a compiled table, and for each of its names the places of the
 * chain that a proof about it needs.
 */
import { wireNameLength } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import { FAMILY_4, FAMILY_6, FIXED, FIXED_ALL_DOWN, FIXED_FAMILIES } from '../steer/pool-layout.ts'
import { allDownModes, type PoolLayout } from '../steer/pool-layout.ts'
import { NONE } from '../zone/table.ts'
import { typeBitmap } from './bitmap.ts'
import type { Hashes } from './crypto.ts'
import type { DenialChain, DenialRecord } from './denial.ts'
import { nsecChain } from './nsec.ts'
import { nsec3Chain } from './nsec3.ts'
import { labelCount, orderOf, wildcardOrder } from './order.ts'
import { HOLDS_NOTHING, type TableName, ownedIn, typesOf } from './serving-names.ts'
import type { Denial } from './serving-plan.ts'
import { type ZoneName, zoneNames } from './zone-names.ts'

/** The places of the chain that a name needs, and whether the first is its own. */
export interface NodePlaces {
  readonly node: number
  readonly entry: number
  readonly isOwn: boolean
  /** Of the node's name. */
  readonly labels: number
  readonly wildcard: number
  readonly from: number
  readonly to: number
}

/** A record like one of the chain that leaves out a family which no server of the pool answers. */
export interface NoDataRecord {
  readonly pool: number
  readonly family: 4 | 6
  readonly record: DenialRecord
  /** That of the chain it stands for. */
  readonly place: number
}

export interface ZoneChain {
  readonly type: number
  readonly records: readonly DenialRecord[]
  /** NSEC3: hashes in the order of the chain; else empty. */
  readonly hashes: readonly Uint8Array[]
  readonly nodes: readonly NodePlaces[]
  readonly noData: readonly NoDataRecord[]
  /** By zone served below, the place of its name. */
  readonly children: ReadonlyMap<number, number>
}

/** RFC 5155 section 5: what SHA-1 gives. */
const HASH_BYTES = 20

const isNothing = (held: readonly number[]): boolean =>
  held.length === 1 && held[0] === HOLDS_NOTHING[0]

/** A name that holds nothing has an NSEC with nothing else in it, and the NSEC3 of an empty one. */
const plainNames = (names: readonly ZoneName[], kind: Denial['kind']): ZoneName[] =>
  names.map((name) =>
    isNothing(name.types) ? { ...name, types: [], kind: kind === 'nsec' ? 'data' : 'empty' } : name,
  )

/** The first place whose order is not below `order`. */
function lowerBound(orders: readonly string[], order: string): number {
  let [low, high] = [0, orders.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (orders[middle]! < order) low = middle + 1
    else high = middle
  }
  return low
}

/** Finds for each name what its denials need. */
function placesOf(
  names: readonly TableName[],
  chain: DenialChain,
  orders: readonly string[],
): NodePlaces[] {
  const isNsec = chain.type === types.NSEC
  return names.map(({ node, owner }) => {
    const order = orderOf(owner)
    const entry = chain.prove('nodata', order)[0]!
    return {
      node,
      entry,
      // An empty name lies in the gap of another's NSEC.
      isOwn: !isNsec || orders[entry] === order,
      labels: labelCount(owner),
      wildcard: chain.prove('nodata', wildcardOrder(order)).at(-1)!,
      // What lies below a name starts with its order and the lowest character there is.
      from: isNsec ? lowerBound(orders, `${order}\0`) : 0,
      to: isNsec ? lowerBound(orders, `${order}\u0001`) : 0,
    }
  })
}

/** Octets of the data before the list of types. */
function headBytes(type: number, rdata: Uint8Array): number {
  if (type === types.NSEC) return wireNameLength(rdata, 0)
  // RFC 5155 section 3.2: four octets, the salt and the next hash, each with its length.
  const hashAt = 5 + rdata[4]!
  return hashAt + 1 + rdata[hashAt]!
}

/** RFC 4034 section 4.1.2: the same record with other types. */
export function withTypes(type: number, rdata: Uint8Array, held: readonly number[]): Uint8Array {
  const head = rdata.subarray(0, headBytes(type, rdata))
  const marks = type === types.NSEC ? [types.RRSIG, types.NSEC] : [types.RRSIG]
  const bitmap = typeBitmap([...held, ...marks])
  const out = new Uint8Array(head.length + bitmap.length)
  out.set(head)
  out.set(bitmap, head.length)
  return out
}

/**
 * A pool with servers of both families answers "no such record" of one while only the other serves,
 * and some pools answer it of any. The chain lists what the pool may answer, so such a denial takes
 * a record of its own; it is used for that family alone and denies nothing that is answered.
 */
function noDataOf(
  name: TableName,
  place: NodePlaces,
  chain: DenialChain,
  pools: PoolLayout,
): NoDataRecord[] {
  if (name.pool === NONE) return []
  const row = name.pool * FIXED
  const families = pools.fixed[row + FIXED_FAMILIES]!
  const isEverEmpty = allDownModes[pools.fixed[row + FIXED_ALL_DOWN]!] === 'nodata'
  if (families !== (FAMILY_4 | FAMILY_6) && !isEverEmpty) return []
  const held = typesOf(name, pools)
  const { owner, rdata } = chain.records[place.entry]!
  return ([4, 6] as const).flatMap((family) => {
    const type = family === 6 ? types.AAAA : types.A
    if ((families & (family === 6 ? FAMILY_6 : FAMILY_4)) === 0) return []
    const left = held.filter((one) => one !== type)
    const record = { owner, rdata: withTypes(chain.type, rdata, left) }
    return [{ pool: name.pool, family, record, place: place.entry }]
  })
}

/** RFC 4648 section 7: the hash that the first label of an NSEC3's owner stands for. */
function hashIn(owner: Uint8Array): Uint8Array {
  const hash = new Uint8Array(HASH_BYTES)
  for (let bit = 0; bit < HASH_BYTES * 8; bit++) {
    const char = owner[1 + Math.floor(bit / 5)]!
    // Digits first, then the letters from `a`.
    const value = char < 0x61 ? char - 0x30 : char - 0x57
    if (((value >> (4 - (bit % 5))) & 1) !== 0) hash[bit >> 3]! |= 0x80 >> (bit & 7)
  }
  return hash
}

export function zoneChain(
  zone: number,
  apex: Uint8Array,
  names: readonly TableName[],
  pools: PoolLayout,
  denial: Denial,
  hashes: Pick<Hashes, 'sha1'>,
): ZoneChain {
  const named = plainNames(zoneNames(apex, ownedIn(zone, names, pools)), denial.kind)
  const isNsec = denial.kind === 'nsec'
  const chain = isNsec ? nsecChain(named) : nsec3Chain(apex, named, denial, hashes)
  const orders = named.filter(({ kind }) => kind !== 'empty').map(({ order }) => order)
  const own = names.filter((name) => name.zone === zone)
  const nodes = placesOf(own, chain, orders)
  const children = new Map(
    names
      .filter(({ isApex, dsZone, zone: of }) => isApex && dsZone === zone && of !== zone)
      .map((child) => [child.zone, chain.prove('nodata', orderOf(child.owner))[0]!]),
  )
  return {
    type: chain.type,
    records: chain.records,
    hashes: isNsec ? [] : chain.records.map(({ owner }) => hashIn(owner)),
    nodes,
    noData: own.flatMap((name, at) => noDataOf(name, nodes[at]!, chain, pools)),
    children,
  }
}
