/**
 * The labels right below each name of a chain, as numbers that a search compares at once.
 *
 * A number stands for the first six octets of a label, which a double holds whole, so it orders as
 * the labels do (RFC 4034 section 6.1) but for those that begin alike: among them octets decide
 * (core/dns/signatures.ts). Each label counts once however many names lie below it, and each name
 * has one end, so that it all takes 24 octets for each name of a zone at most.
 */
import { foldWord } from '../dns/hash.ts'
import { labelStarts } from './order.ts'

const KEY_OCTETS = 6
const TWO_OCTETS = 65_536
/** Comes after every label. */
const BEHIND_ALL = Number.POSITIVE_INFINITY

/** The number of the label whose length lies at `at`. Reads nothing behind the label. */
export function labelKeyAt(view: DataView, at: number): number {
  const length = view.getUint8(at)
  if (length >= KEY_OCTETS) {
    const first = foldWord(view.getInt32(at + 1)) >>> 0
    return first * TWO_OCTETS + (foldWord(view.getUint16(at + 5)) & 0xffff)
  }
  let key = 0
  for (let octet = 1; octet <= length; octet++)
    key = key * 256 + (foldWord(view.getUint8(at + octet)) & 0xff)
  for (let octet = length; octet < KEY_OCTETS; octet++) key *= 256
  return key
}

/** Numbers, and the places of the chain where the names of each begin. */
export class LabelKeys {
  readonly keys: number[] = []
  readonly places: number[] = []

  /**
   * Adds the labels right below a name of so many labels, of the owners that lie below it; returns
   * where its numbers begin and end. Behind them stands one that comes after every label.
   * @param base of the first owner's place in the chain
   */
  add(owners: readonly Uint8Array[], labels: number, base: number): readonly [number, number] {
    const first = this.keys.length
    let last = ''
    for (const [at, owner] of owners.entries()) {
      const starts = labelStarts(owner)
      const from = starts[starts.length - labels - 1]!
      const label = String.fromCharCode(...owner.subarray(from, from + 1 + owner[from]!))
      if (at > 0 && label === last) continue
      last = label
      this.keys.push(labelKeyAt(new DataView(owner.buffer, owner.byteOffset), from))
      this.places.push(base + at)
    }
    const end = this.keys.length
    this.keys.push(BEHIND_ALL)
    this.places.push(base + owners.length)
    return [first, end]
  }
}
