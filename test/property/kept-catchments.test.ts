/**
 * Goal: who is behind resolvers is read from a file as it was written, and a file that is cut,
 * changed or random is refused or read in part, and never throws. Method: random catchments, and
 * their octets damaged with and without a right checksum.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/core/base/crc32.ts'
import {
  decodeCatchments,
  encodeCatchments,
  type KeptCatchments,
} from '../../src/core/latency/kept-catchments.ts'
import { addressOf } from '../../src/core/net/address.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
// The first octet tells an address of IPv6 from one of IPv4 written as such.
const address = fc.oneof(
  bytes(4),
  bytes(16).map((own) => Uint8Array.of(0x20, ...own.subarray(1))),
)
const connections = fc.integer({ min: 1, max: 4_000 }).map((tenths) => Math.fround(tenths / 10))

const catchments: fc.Arbitrary<KeptCatchments> = fc
  .record({ name: fc.string({ maxLength: 40 }), resolvers: fc.array(address, { maxLength: 5 }) })
  .chain(({ name, resolvers }) => {
    const part = fc.tuple(fc.nat({ max: Math.max(0, resolvers.length - 1) }), connections)
    const parts = resolvers.length === 0 ? fc.constant([]) : fc.array(part, { maxLength: 4 })
    const divided = fc.record({ own: connections, parts })
    const network = fc
      .tuple(address, fc.nat({ max: 32 }), divided)
      .map(([own, length, one]) => [{ address: addressOf(own), length }, one] as const)
    return fc.record({
      ...{ name: fc.constant(name), resolvers: fc.constant(resolvers) },
      networks: fc.array(network, { maxLength: 8 }),
    })
  })
const all = fc.array(catchments, { maxLength: 4 })

function sealed(octets: Uint8Array): Uint8Array {
  const end = octets.length - 4
  new DataView(octets.buffer).setUint32(end, crc32(octets.subarray(0, end)), true)
  return octets
}

describe('who is behind resolvers', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(all, (written) => {
        expect(decodeCatchments(encodeCatchments(written))).toEqual({ ok: true, value: written })
      }),
    )
  })

  test('is refused where the file is damaged or cut', () => {
    fc.assert(
      fc.property(all, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, where, flip) => {
        const octets = encodeCatchments(written)
        const at = where % octets.length
        expect(decodeCatchments(octets.slice(0, at)).ok).toBe(false)
        octets[at]! ^= flip
        expect(decodeCatchments(octets).ok).toBe(false)
      }),
    )
  })

  test('is bounded by the file, and names no resolver that is not there', () => {
    fc.assert(
      fc.property(all, fc.array(fc.tuple(fc.nat(), fc.nat(255))), (written, changes) => {
        const octets = encodeCatchments(written)
        for (const [where, value] of changes) octets[4 + (where % (octets.length - 4))] = value
        const read = decodeCatchments(sealed(octets))
        for (const { resolvers, networks } of read.ok ? read.value : [])
          for (const [{ address: own, length }, { parts }] of networks) {
            expect(length).toBeLessThanOrEqual(own.bytes.length * 8)
            for (const [resolver, count] of parts) {
              expect(resolver).toBeLessThan(resolvers.length)
              expect(count).toBeGreaterThan(0)
            }
          }
      }),
    )
  })

  test('of random octets is nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(decodeCatchments(octets).ok).toBe(false)
      }),
    )
  })
})
