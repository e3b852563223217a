// Goal: the map says of every address what a plain longest-prefix search says, and its scope is the
// widest prefix in which all addresses have the same class: never wider, never narrower.
// Method: prefixes crowded into a corner of the space, so that they nest and touch, against a model
// that looks at every prefix and every address of the corner; changes of a layer merged into an old
// map must give the map made from scratch.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../src/core/base/memory.ts'
import { ClientMap, clientMapParts } from '../../src/core/net/client-map.ts'
import { type Prefixes, type Ranges, rangesOf, uniform } from '../../src/core/net/ranges.ts'
import { differenceOf, mergeRanges, remergeRanges } from '../../src/core/net/ranges-merge.ts'

/** Addresses of the corner differ in these bits only. */
const CORNER_BITS = 9
const runs = process.env['OPENGSLB_FULL'] === '1' ? 5_000 : 60

interface Space {
  readonly family: 4 | 6
  /** Where the corner's bits lie. */
  readonly from: number
}

const spaces: readonly Space[] = [
  { family: 4, from: 0 },
  { family: 4, from: 15 },
  { family: 4, from: 23 },
  { family: 6, from: 0 },
  { family: 6, from: 28 },
  { family: 6, from: 60 },
  { family: 6, from: 119 },
]

interface Row {
  readonly corner: number
  readonly bits: number
  readonly value: number
}

const rows = fc.array(
  fc.record({
    corner: fc.nat(2 ** CORNER_BITS - 1),
    bits: fc.nat(CORNER_BITS),
    value: fc.nat(3),
  }),
  { maxLength: 24 },
)

/** The address whose corner bits are these; all bits before are ones, all after `fill`. */
function bytesOf({ family, from }: Space, corner: number, fill = 0): Uint8Array {
  const bits = family === 4 ? 32 : 128
  const bytes = new Uint8Array(bits / 8)
  for (let bit = 0; bit < bits; bit++) {
    const place = bit - from
    const isCorner = place >= 0 && place < CORNER_BITS
    const one = isCorner ? (corner >> (CORNER_BITS - 1 - place)) & 1 : place < 0 ? 1 : fill
    if (one === 1) bytes[bit >> 3]! |= 128 >> (bit & 7)
  }
  return bytes
}

function prefixesOf(space: Space, list: readonly Row[]): Prefixes {
  const words = space.family === 4 ? 1 : 4
  const starts = new Uint32Array(list.length * words)
  const lengths = new Uint8Array(list.length)
  const values = new Int32Array(list.length)
  for (const [at, { corner, bits, value }] of list.entries()) {
    const masked = corner & ~(2 ** (CORNER_BITS - bits) - 1)
    const view = new DataView(bytesOf(space, masked).buffer)
    for (let word = 0; word < words; word++) starts[at * words + word] = view.getUint32(word * 4)
    lengths[at] = space.from + bits
    values[at] = value
  }
  return { words, starts, lengths, values }
}

/** The longest match, of equals the last; -1 for none. */
function naive(list: readonly Row[], corner: number): number {
  let best: Row | undefined
  for (const row of list) {
    const isIn = row.corner >> (CORNER_BITS - row.bits) === corner >> (CORNER_BITS - row.bits)
    if (isIn && (best === undefined || row.bits >= best.bits)) best = row
  }
  return best?.value ?? -1
}

function mapOf(space: Space, ranges: Ranges): ClientMap {
  const none = uniform(space.family === 4 ? 4 : 1, 0)
  const other = { ...none, words: space.family === 4 ? 4 : 1 } as Ranges
  const [v4, v6] = space.family === 4 ? [ranges, other] : [other, ranges]
  return new ClientMap(clientMapParts(v4, v6, ownMemory))
}

const all = Array.from({ length: 2 ** CORNER_BITS }, (_, corner) => corner)

for (const space of spaces) {
  const name = `IPv${space.family}, corner at bit ${space.from}`

  describe(name, () => {
    test('every address has the class of its longest prefix', () => {
      fc.assert(
        fc.property(rows, (list) => {
          const map = mapOf(space, rangesOf(prefixesOf(space, list), -1))
          for (const corner of all)
            for (const fill of [0, 1])
              expect(map.classOf(space.family, bytesOf(space, corner, fill))).toBe(
                naive(list, corner),
              )
        }),
        { numRuns: runs },
      )
    })

    test('the scope is the widest prefix of one class', () => {
      fc.assert(
        fc.property(rows, (list) => {
          const map = mapOf(space, rangesOf(prefixesOf(space, list), -1))
          const classes = all.map((corner) => naive(list, corner))
          for (const corner of all) {
            map.classOf(space.family, bytesOf(space, corner))
            let bits = CORNER_BITS
            const isOne = (wide: number) => {
              const low = corner & ~(2 ** (CORNER_BITS - wide) - 1)
              const block = classes.slice(low, low + 2 ** (CORNER_BITS - wide))
              return block.every((value) => value === block[0])
            }
            while (bits > 0 && isOne(bits - 1)) bits--
            // A corner of one class: how far it goes on is up to what lies around the corner.
            if (bits === 0) expect(map.scope).toBeLessThanOrEqual(space.from)
            else expect(map.scope).toBe(space.from + bits)
          }
        }),
        { numRuns: runs },
      )
    })

    test('a change merged into an old table gives the table made from scratch', () => {
      const combine = (values: Int32Array) => values[0]! * 10 + values[1]!
      fc.assert(
        fc.property(rows, rows, rows, (fixed, before, after) => {
          const layer = (list: readonly Row[]) => rangesOf(prefixesOf(space, list), -1)
          const [one, old, young] = [layer(fixed), layer(before), layer(after)]
          const merged = mergeRanges([one, old], combine)
          const dirty = differenceOf(old, young)
          const again = remergeRanges(merged, [one, young], combine, dirty)
          expect(again).toEqual(mergeRanges([one, young], combine))
        }),
        { numRuns: runs },
      )
    })
  })
}
