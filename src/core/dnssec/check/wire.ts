/**
 * Records as octets, read for checking.
 *
 * The law of this folder: nothing here uses what the signer uses to bring names, data or keys into
 * their canonical form, to order or to hash them. Everything is written anew from the wire form, so
 * that a fault of the signer cannot hide in a fault of its own examiner. Octets are read within
 * their bounds and never trusted.
 */
import { type Result, fail, ok } from '../../base/result.ts'

/** A record as it travels, uncompressed. */
export interface WireRecord {
  readonly owner: Uint8Array
  readonly type: number
  readonly class: number
  readonly ttlSeconds: number
  readonly rdata: Uint8Array
}

/** The labels of a name from the left, without the root, a character an octet, in lower case. */
export type Labels = readonly string[]

export const IN = 1
const LABEL_MAX = 63
const NAME_MAX = 255

/** ASCII letters alone have a case (RFC 4343). */
const lower = (octet: number): number => (octet > 64 && octet < 91 ? octet + 32 : octet)

/** The name that begins at `from` and where it ends; undefined when none is there. */
export function readName(
  octets: Uint8Array,
  from = 0,
): { readonly labels: Labels; readonly end: number } | undefined {
  const labels: string[] = []
  let at = from
  for (;;) {
    const length = octets[at]
    if (length === undefined || length > LABEL_MAX || at - from >= NAME_MAX) return undefined
    at += 1
    if (length === 0) return { labels, end: at }
    if (at + length > octets.length) return undefined
    let label = ''
    for (const octet of octets.subarray(at, at + length)) label += String.fromCharCode(lower(octet))
    labels.push(label)
    at += length
  }
}

/** The labels of octets that are one name and nothing else. */
export function wholeName(octets: Uint8Array): Labels | undefined {
  const read = readName(octets)
  return read !== undefined && read.end === octets.length ? read.labels : undefined
}

/** A name as octets again. */
export function writeName(labels: Labels): number[] {
  const out: number[] = []
  for (const label of labels) {
    out.push(label.length)
    for (let at = 0; at < label.length; at++) out.push(label.charCodeAt(at))
  }
  out.push(0)
  return out
}

export const sameName = (a: Labels, b: Labels): boolean =>
  a.length === b.length && a.every((label, at) => label === b[at])

/** Whether `name` is `zone` or lies below it. */
export const isWithin = (name: Labels, zone: Labels): boolean =>
  name.length >= zone.length && sameName(name.slice(name.length - zone.length), zone)

/** RFC 4034 section 6.1: the order of names, label by label from the right. */
export function nameOrder(a: Labels, b: Labels): number {
  for (let back = 1; back <= a.length && back <= b.length; back++) {
    const [left, right] = [a[a.length - back]!, b[b.length - back]!]
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length - b.length
}

/** The longest name that both lie at or below. */
export function commonAncestor(a: Labels, b: Labels): Labels {
  let shared = 0
  while (
    shared < a.length &&
    shared < b.length &&
    a[a.length - 1 - shared] === b[b.length - 1 - shared]
  )
    shared += 1
  return a.slice(a.length - shared)
}

export const number16 = (octets: Uint8Array, at: number): number =>
  octets[at]! * 256 + octets[at + 1]!

export const number32 = (octets: Uint8Array, at: number): number =>
  number16(octets, at) * 65_536 + number16(octets, at + 2)

/** Uncompressed records one after another, at most `recordsMax`. */
export function readRecords(
  octets: Uint8Array,
  recordsMax: number,
): Result<readonly WireRecord[], 'cut-short' | 'too-many'> {
  const records: WireRecord[] = []
  for (let at = 0; at < octets.length; ) {
    if (records.length === recordsMax) return fail('too-many')
    const name = readName(octets, at)
    if (name === undefined || name.end + 10 > octets.length) return fail('cut-short')
    const fixed = name.end
    const end = fixed + 10 + number16(octets, fixed + 8)
    if (end > octets.length) return fail('cut-short')
    records.push({
      owner: octets.slice(at, fixed),
      type: number16(octets, fixed),
      class: number16(octets, fixed + 2),
      ttlSeconds: number32(octets, fixed + 4),
      rdata: octets.slice(fixed + 10, end),
    })
    at = end
  }
  return ok(records)
}
