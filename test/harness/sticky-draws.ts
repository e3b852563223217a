// What a client that sticks draws, said once more and simply: the whole order of all candidates.
import { ADDRESS_BYTES } from '../../src/core/steer/pool-layout.ts'
import type { Pools } from '../../src/core/steer/pools.ts'
import { spillOf } from '../../src/core/steer/words.ts'

export function mixed(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function hashOf({ layout }: Pools, address: number, start: number): number {
  let hash = start
  for (const byte of layout.bytes.subarray(address * ADDRESS_BYTES, (address + 1) * ADDRESS_BYTES))
    hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}

const drawFor = (pools: Pools, key: number, address: number): number =>
  mixed(key ^ Math.imul(hashOf(pools, address, 0x811c9dc5), 0x9e3779b1)) >>> 0

/** The higher the better, by a draw of each server. */
function scoreByDraw(pools: Pools, key: number, address: number, weight: number): number {
  return Math.log((drawFor(pools, key, address) + 0.5) / 2 ** 32) / weight
}

/** The same by rings: of the points that a server heeds, the nearest. */
function scoreByRing(pools: Pools, key: number, address: number, weight: number): number {
  const draw = drawFor(pools, key, address)
  const spot = mixed(hashOf(pools, address, 0x2c1b3c6d))
  const ways = [0, 1, 2, 3]
    .filter((point) => ((draw >>> (8 * point)) & 31) === 0)
    .map((point) => Math.abs((spot - mixed(key ^ Math.imul(point + 1, 0x7feb352d))) | 0))
  const beyond = 1 - 8 * Math.log(((mixed(draw ^ 0x68e31da4) >>> 0) + 0.5) / 2 ** 32)
  return -(ways.length > 0 ? Math.min(...ways) : beyond * 2 ** 31) / weight
}

/** Above 128 servers some clients draw by rings, from 256 on all. */
export const isByRing = (servers: number, key: number): boolean =>
  servers > 128 && (mixed(key ^ 0x3c6ef372) & 127) < servers - 128

/** The whole order of a client over a stretch, without those given before. */
export function orderOf(
  pools: Pools,
  key: number,
  from: number,
  size: number,
  even: boolean,
  before: readonly number[],
): readonly number[] {
  const scoreOf = isByRing(pools.membersOf(0), key) ? scoreByRing : scoreByDraw
  const drawn = Array.from({ length: size }, (_, at) => {
    const place = from + at
    const candidate = pools.places[place]!
    const address = pools.addressFrom(0) + candidate
    const weight = even ? pools.shares[place]! : pools.loads[place]! * pools.shares[place]!
    const other = mixed(drawFor(pools, key, address) ^ 0x5bd1e995) >>> 28
    const isFull = other < spillOf(pools.words[address]!)
    const score = scoreOf(pools, key, address, weight > 0 ? weight : 1)
    return { candidate, rank: weight > 0 ? Number(isFull) : 2, score }
  })
  drawn.sort((one, other) => one.rank - other.rank || other.score - one.score)
  const seen = new Set(before.map((candidate) => pools.firstOf(0, candidate)))
  const isNew = (first: number) => !seen.has(first) && seen.add(first) === seen
  return drawn.map((one) => one.candidate).filter((one) => isNew(pools.firstOf(0, one)))
}
