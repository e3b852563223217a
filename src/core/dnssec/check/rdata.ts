/**
 * Record data in canonical form, for checking: which octets are names that fold.
 *
 * RFC 4034 section 6.2 lists the types; RFC 6840 section 5.1 takes NSEC off the list. HINFO is on
 * it by an error of the text: it has no names.
 */
import { type Labels, readName, writeName } from './wire.ts'

/** How data begins: a number is octets to keep, `n` a name, `s` a counted string. */
const SHAPES = new Map<number, string>([
  [2, 'n'],
  [3, 'n'],
  [4, 'n'],
  [5, 'n'],
  [6, 'nn'],
  [7, 'n'],
  [8, 'n'],
  [9, 'n'],
  [12, 'n'],
  [14, 'nn'],
  [15, '2n'],
  [17, 'nn'],
  [18, '2n'],
  [21, '2n'],
  [26, '2nn'],
  [33, '222n'],
  [35, '22sssn'],
  [36, '2n'],
  [39, 'n'],
])

/** A6: the length of the prefix says how long the suffix is, and whether a name follows. */
function shapeOf(type: number, rdata: Uint8Array): string | undefined {
  if (type !== 38) return SHAPES.get(type)
  const prefix = rdata[0] ?? 255
  if (prefix > 128) return undefined
  return `1${'1'.repeat(Math.ceil((128 - prefix) / 8))}${prefix === 0 ? '' : 'n'}`
}

/** The data with the names that fold in lower case; undefined when it is not of its type. */
export function plainData(type: number, rdata: Uint8Array): Uint8Array | undefined {
  const shape = shapeOf(type, rdata)
  if (shape === undefined) return rdata
  const out: number[] = []
  let at = 0
  for (const part of shape) {
    if (part === 'n') {
      const name: { readonly labels: Labels; readonly end: number } | undefined = readName(
        rdata,
        at,
      )
      if (name === undefined) return undefined
      out.push(...writeName(name.labels))
      at = name.end
      continue
    }
    const length = part === 's' ? 1 + (rdata[at] ?? 0) : Number(part)
    if (at + length > rdata.length) return undefined
    out.push(...rdata.subarray(at, at + length))
    at += length
  }
  out.push(...rdata.subarray(at))
  return new Uint8Array(out)
}

/** RFC 4034 section 6.3: as strings of unsigned octets, aligned left. */
export function dataOrder(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; ; at++) {
    if (at === a.length || at === b.length) return a.length - b.length
    const difference = a[at]! - b[at]!
    if (difference !== 0) return difference
  }
}
