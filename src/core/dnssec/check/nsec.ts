/**
 * What NSEC records prove (RFC 4035 section 5.4, RFC 6840 section 4, RFC 9824).
 *
 * The records are already known to be signed. Nothing is taken from what the signer believes.
 */
import { NXNAME, deniesType, hidesBelow, readTypes } from './types.ts'
import {
  type Labels,
  type WireRecord,
  commonAncestor,
  isWithin,
  nameOrder,
  readName,
  sameName,
  wholeName,
} from './wire.ts'

export interface Nsec {
  readonly owner: Labels
  readonly next: Labels
  readonly types: ReadonlySet<number>
}

const TYPE_NSEC = 47

export function readNsec({ owner, type, rdata }: WireRecord): Nsec | undefined {
  const labels = wholeName(owner)
  const next = readName(rdata)
  if (type !== TYPE_NSEC || labels === undefined || next === undefined) return undefined
  const types = readTypes(rdata, next.end)
  return types === undefined ? undefined : { owner: labels, next: next.labels, types }
}

/** Whether the name lies strictly in the gap after the record's owner. */
function covers({ owner, next, types }: Nsec, name: Labels): boolean {
  if (nameOrder(owner, name) >= 0) return false
  // RFC 4034 section 4.1.1: the last one of the zone points at the apex, before all names.
  if (nameOrder(name, next) >= 0 && nameOrder(owner, next) < 0) return false
  return !(isWithin(name, owner) && hidesBelow(types))
}

const isStrictlyBelow = (name: Labels, above: Labels): boolean =>
  name.length > above.length && isWithin(name, above)

/** The closest name to the one asked for that a gap shows to exist. */
function encloserBy({ owner, next }: Nsec, name: Labels): Labels {
  const [left, right] = [commonAncestor(name, owner), commonAncestor(name, next)]
  return left.length > right.length ? left : right
}

export type NsecProof = { readonly kind: 'nxdomain' } | { readonly kind: 'nodata' }

function provesAt(nsec: Nsec, name: Labels, type: number): NsecProof | undefined {
  // RFC 9824 section 3.1: the name is there for this record alone.
  if (nsec.types.has(NXNAME)) return { kind: 'nxdomain' }
  return deniesType(nsec.types, type, name.length === 0) ? { kind: 'nodata' } : undefined
}

function provesByGap(
  gap: Nsec,
  records: readonly Nsec[],
  name: Labels,
  type: number,
): NsecProof | undefined {
  // An empty name: what follows lies below it (RFC 4592 section 2.2.2).
  if (isStrictlyBelow(gap.next, name)) return { kind: 'nodata' }
  const wildcard = ['*', ...encloserBy(gap, name)]
  const at = records.find(({ owner }) => sameName(owner, wildcard))
  // RFC 4035 section 5.4: the wildcard is denied as well, or lacks the type.
  if (at !== undefined) return deniesType(at.types, type, false) ? { kind: 'nodata' } : undefined
  const overWildcard = records.find((nsec) => covers(nsec, wildcard))
  if (overWildcard === undefined) return undefined
  // The wildcard may be an empty name itself.
  return { kind: isStrictlyBelow(overWildcard.next, wildcard) ? 'nodata' : 'nxdomain' }
}

/** The most that the records prove of a question; undefined when it is nothing. */
export function nsecProof(
  records: readonly Nsec[],
  name: Labels,
  type: number,
): NsecProof | undefined {
  const at = records.find(({ owner }) => sameName(owner, name))
  if (at !== undefined) return provesAt(at, name, type)
  const gap = records.find((nsec) => covers(nsec, name))
  return gap === undefined ? undefined : provesByGap(gap, records, name, type)
}

/**
 * RFC 4035 section 5.3.4: whether the name asked for is shown not to exist, with nothing closer to
 * it than the parent of the wildcard that answered.
 */
export function nsecDeniesCloser(
  records: readonly Nsec[],
  name: Labels,
  wildcardOf: Labels,
): boolean {
  const gap = records.find((nsec) => covers(nsec, name))
  if (gap === undefined || isStrictlyBelow(gap.next, name)) return false
  return sameName(encloserBy(gap, name), wildcardOf)
}
