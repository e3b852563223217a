/**
 * The canonical form of records (RFC 4034 section 6): the octets that are signed.
 *
 * Names are whole and in lower case, an rrset is in order and without duplicates, TTLs are the
 * original ones. The validator has a form of its own (`check/`): a fault here is seen there.
 */
import { foldCase } from '../dns/names.ts'
import { CLASS_IN } from '../dns/types.ts'
import { canonicalRdata } from '../zone/rdata.ts'
import { compareOctets, labelStarts } from './order.ts'

/** A name's records of one type. */
export interface Rrset {
  /** Wire form, in lower case. */
  readonly owner: Uint8Array
  readonly type: number
  readonly ttlSeconds: number
  /** Wire form, names uncompressed, their case as written. */
  readonly rdatas: readonly Uint8Array[]
}

/** RFC 4034 section 6.3: the data of an rrset in order, each once. */
export function orderedRdatas(type: number, rdatas: readonly Uint8Array[]): Uint8Array[] {
  const folded = rdatas.map((rdata) => canonicalRdata(type, rdata)).sort(compareOctets)
  return folded.filter((rdata, at) => at === 0 || compareOctets(rdata, folded[at - 1]!) !== 0)
}

const isWildcard = (owner: Uint8Array): boolean => owner[0] === 1 && owner[1] === 0x2a

/** RFC 4034 section 3.1.3: labels of the owner without the root and without a leading asterisk. */
export const signedLabels = (owner: Uint8Array): number =>
  labelStarts(owner).length - (isWildcard(owner) ? 1 : 0)

/** RFC 4034 section 3.1.8.1: the owner with `*` for labels that the signature does not count. */
export function signedOwner(owner: Uint8Array, labels: number): Uint8Array {
  const starts = labelStarts(owner)
  if (labels >= starts.length) return foldCase(owner)
  const kept = foldCase(owner.subarray(starts[starts.length - labels] ?? owner.length - 1))
  return new Uint8Array([1, 0x2a, ...kept])
}

/**
 * RFC 4034 section 3.1.8.1: what is signed: the RRSIG's data without the signature, then each
 * record, with the original TTL that the head carries.
 */
export function signedData(head: Uint8Array, set: Rrset): Uint8Array {
  const owner = signedOwner(set.owner, head[3]!)
  const rdatas = orderedRdatas(set.type, set.rdatas)
  const fixed = owner.length + 10
  const length = rdatas.reduce((sum, rdata) => sum + fixed + rdata.length, head.length)
  const out = new Uint8Array(length)
  const view = new DataView(out.buffer)
  out.set(head)
  let at = head.length
  for (const rdata of rdatas) {
    out.set(owner, at)
    at += owner.length
    view.setUint16(at, set.type)
    view.setUint16(at + 2, CLASS_IN)
    // RFC 4034 section 6.2 point 5.
    out.set(head.subarray(4, 8), at + 4)
    view.setUint16(at + 8, rdata.length)
    out.set(rdata, at + 10)
    at += 10 + rdata.length
  }
  return out
}
