// Goal: the checksum a sample tells of a large pool is that of its words as they are. Method:
// random words set one after another in two sets of pools; each answer is compared with the CRC-32
// of the octets.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from '../../../../src/core/base/crc32.ts'
import { PoolCrcs } from '../../../../src/core/dns/pool-crcs.ts'
import type { Pools } from '../../../../src/core/steer/pools.ts'
import { DOWN, poolOf, UP, WAS_UP } from '../../../harness/pools.ts'

const servers = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ address: `192.0.2.${at + 1}` }))

const poolsOf = (count: number): Pools => poolOf(servers(count)).pools

function octetsOf(pools: Pools, pool: number): Uint8Array {
  const from = pools.addressFrom(pool)
  const words = pools.words.slice(from, from + pools.membersOf(pool))
  const view = new DataView(new ArrayBuffer(words.length * 4))
  for (const [at, word] of words.entries()) view.setUint32(at * 4, word)
  return new Uint8Array(view.buffer)
}

const step = fc.record({
  set: fc.integer({ min: 0, max: 1 }),
  member: fc.integer({ min: 0, max: 39 }),
  word: fc.constantFrom(undefined, UP, DOWN, WAS_UP),
})

test('a checksum is that of the words as they are', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const sets = [poolsOf(40), poolsOf(40)]
      const crcs = new PoolCrcs()
      for (const { set, member, word } of steps) {
        const pools = sets[set]!
        if (word !== undefined) pools.setWord(0, member, word)
        expect(crcs.of(pools, 0)).toBe(crc32(octetsOf(pools, 0)))
      }
    }),
  )
})
