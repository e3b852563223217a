/**
 * Checksums of the words of large pools, which samples tell in place of the words.
 *
 * A hundred samples a second of a pool of 10,000 servers would read four megabytes of words; they
 * change less often than that, so a checksum is kept until one does.
 */
import { crcOfWords } from '../base/crc32.ts'
import type { Pools } from '../steer/pools.ts'

interface Known {
  readonly stamp: number
  readonly crc: number
}

export class PoolCrcs {
  #pools: Pools | undefined
  /** By pool; only large ones are asked for, so that there are few. */
  #known = new Map<number, Known>()

  /** CRC-32 of the words of a pool, unsigned. */
  of(pools: Pools, pool: number): number {
    if (pools !== this.#pools) {
      this.#pools = pools
      this.#known = new Map()
    }
    const stamp = pools.stamps[pool]!
    const known = this.#known.get(pool)
    if (known?.stamp === stamp) return known.crc
    const crc = crcOfWords(pools.words, pools.addressFrom(pool), pools.membersOf(pool))
    this.#known.set(pool, { stamp, crc })
    return crc
  }
}
