// Goal: a search among numbers finds the gap that a search among labels finds (RFC 4034 section
// 6.1), also where labels begin alike, are of any octets, or lie at several depths.
// Method: numbers of labels drawn at random are compared as an independent comparison orders them,
// and the numbers of a zone's owners are searched for the labels they were made of.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nameToWire } from '../../../../src/core/dns/names.ts'
import { LabelKeys, labelKeyAt } from '../../../../src/core/dnssec/label-keys.ts'
import { compareOctets } from '../../../../src/core/dnssec/order.ts'

const octet = fc.oneof(fc.constantFrom(0, 0x40, 0x41, 0x5a, 0x5b, 0x61, 0x7a, 0xff), fc.nat(255))
const label = fc
  .uint8Array({ minLength: 1, maxLength: 10 })
  .chain((drawn) => fc.array(octet, { minLength: drawn.length, maxLength: drawn.length }))

/** The number of a label that lies behind another octet and ends its memory. */
function keyOf(octets: readonly number[]): number {
  const bytes = Uint8Array.of(0xff, octets.length, ...octets)
  return labelKeyAt(new DataView(bytes.buffer), 1)
}

const lower = (octets: readonly number[]): Uint8Array =>
  Uint8Array.from(octets, (one) => (one >= 0x41 && one <= 0x5a ? one + 0x20 : one))

test('numbers order as labels do, and are equal only where six octets are', () => {
  fc.assert(
    fc.property(label, label, (left, right) => {
      const [a, b] = [keyOf(left), keyOf(right)]
      const [low, high] = [lower(left), lower(right)]
      const order = Math.sign(compareOctets(low, high))
      if (a !== b) expect(Math.sign(a - b)).toBe(order)
      else {
        const six = (octets: Uint8Array) =>
          Uint8Array.from({ length: 6 }, (_, at) => octets[at] ?? 0)
        expect(six(low)).toEqual(six(high))
      }
      expect(Number.isSafeInteger(a)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

const wire = (name: string): Uint8Array => {
  const made = nameToWire(name)
  if (!made.ok) throw new Error(name)
  return made.value
}

test('each label below a name counts once, and behind them stands an end', () => {
  const keys = new LabelKeys()
  const owners = [
    'a.z.org',
    'x.a.z.org',
    'y.x.a.z.org',
    'abcdefg.z.org',
    'abcdefh.z.org',
    'b.z.org',
  ]
  const rows = keys.add(owners.map(wire), 2, 10)
  expect(rows).toEqual([0, 4])
  expect(keys.places).toEqual([10, 13, 14, 15, 16])
  expect(keys.keys[1]).toBe(keys.keys[2])
  expect(keys.keys[4]).toBe(Number.POSITIVE_INFINITY)
  expect(keys.add([], 3, 16)).toEqual([5, 5])
  expect(keys.places[5]).toBe(16)
})
