/**
 * What NSEC3 records prove (RFC 5155 section 8).
 *
 * The records are already known to be signed. All of them are of one chain (section 8.2), with a
 * bounded number of iterations; names are hashed here anew.
 */
import { limits } from '../../base/limits.ts'
import type { Hashes } from '../crypto.ts'
import { dataOrder } from './rdata.ts'
import { DS, deniesType, hidesBelow, readTypes } from './types.ts'
import { type Labels, type WireRecord, number16, sameName, wholeName, writeName } from './wire.ts'

export interface Nsec3 {
  readonly hash: Uint8Array
  readonly zone: Labels
  readonly next: Uint8Array
  readonly isOptOut: boolean
  readonly iterations: number
  readonly salt: Uint8Array
  readonly types: ReadonlySet<number>
}

const TYPE_NSEC3 = 50
const SHA1_BYTES = 20
const DIGITS = '0123456789abcdefghijklmnopqrstuv'

/** RFC 4648 section 7: 32 digits of five bits are the 20 octets of a hash. */
function hashOfLabel(label: string): Uint8Array | undefined {
  if (label.length !== 32) return undefined
  let bits = ''
  for (const digit of label) {
    const value = DIGITS.indexOf(digit)
    if (value < 0) return undefined
    bits += value.toString(2).padStart(5, '0')
  }
  return Uint8Array.from({ length: SHA1_BYTES }, (_, at) =>
    Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2),
  )
}

export function readNsec3({ owner, type, rdata }: WireRecord): Nsec3 | undefined {
  const labels = wholeName(owner)
  const hash = hashOfLabel(labels?.[0] ?? '')
  if (type !== TYPE_NSEC3 || labels === undefined || hash === undefined) return undefined
  const saltEnd = 5 + (rdata[4] ?? 0)
  const nextEnd = saltEnd + 1 + SHA1_BYTES
  // RFC 5155 sections 8.1 and 8.2: another hash or an unknown flag says nothing.
  const isKnown = rdata[0] === 1 && rdata[1]! < 2 && rdata[saltEnd] === SHA1_BYTES
  if (!isKnown || nextEnd > rdata.length) return undefined
  const types = readTypes(rdata, nextEnd)
  if (types === undefined) return undefined
  return {
    hash,
    zone: labels.slice(1),
    next: rdata.subarray(saltEnd + 1, nextEnd),
    isOptOut: rdata[1] === 1,
    iterations: number16(rdata, 2),
    salt: rdata.subarray(5, saltEnd),
    types,
  }
}

type Sha1 = Hashes['sha1']

/** RFC 5155 section 5. */
export function hashOf(
  name: Labels,
  { iterations, salt }: Pick<Nsec3, 'iterations' | 'salt'>,
  sha1: Sha1,
): Uint8Array {
  let hash = sha1(new Uint8Array([...writeName(name), ...salt]))
  for (let round = 0; round < iterations; round++) hash = sha1(new Uint8Array([...hash, ...salt]))
  return hash
}

/** Whether a hash lies strictly between a record's own and the next; the last gap goes round. */
function covers({ hash, next }: Nsec3, wanted: Uint8Array): boolean {
  const isAbove = dataOrder(hash, wanted) < 0
  const isBelow = dataOrder(wanted, next) < 0
  return dataOrder(hash, next) < 0 ? isAbove && isBelow : isAbove || isBelow
}

/** One chain: its records, and who finds a name in it. */
interface Chain {
  readonly at: (name: Labels) => Nsec3 | undefined
  readonly gap: (name: Labels) => Nsec3 | undefined
}

function chainOf(records: readonly Nsec3[], sha1: Sha1): Chain | undefined {
  const first = records[0]
  if (first === undefined || first.iterations > limits.nsec3IterationsChecked.default)
    return undefined
  const isOne = records.every(
    ({ iterations, salt, zone }) =>
      iterations === first.iterations &&
      dataOrder(salt, first.salt) === 0 &&
      sameName(zone, first.zone),
  )
  if (!isOne) return undefined
  return {
    at: (name) => {
      const hash = hashOf(name, first, sha1)
      return records.find((record) => dataOrder(record.hash, hash) === 0)
    },
    gap: (name) => {
      const hash = hashOf(name, first, sha1)
      return records.find((record) => covers(record, hash))
    },
  }
}

interface Encloser {
  readonly name: Labels
  /** The record whose gap holds the next closer name. */
  readonly gap: Nsec3
}

/** RFC 5155 section 8.3: the closest name that exists, with the next one shown not to. */
function closestEncloser(chain: Chain, name: Labels, zone: Labels): Encloser | undefined {
  for (let from = 1; name.length - from >= zone.length; from++) {
    const candidate = name.slice(from)
    const at = chain.at(candidate)
    if (at === undefined) continue
    const gap = chain.gap(name.slice(from - 1))
    return hidesBelow(at.types) || gap === undefined ? undefined : { name: candidate, gap }
  }
  return undefined
}

export type Nsec3Proof =
  | { readonly kind: 'nxdomain' }
  | { readonly kind: 'nodata' }
  /** RFC 5155 section 8.6: there may be a delegation, and it is not signed. */
  | { readonly kind: 'opt-out' }

function provesBelow(
  chain: Chain,
  { name: encloser, gap }: Encloser,
  type: number,
): Nsec3Proof | undefined {
  const wildcard = ['*', ...encloser]
  const at = chain.at(wildcard)
  // RFC 5155 section 8.7.
  if (at !== undefined) return deniesType(at.types, type, false) ? { kind: 'nodata' } : undefined
  if (gap.isOptOut) return { kind: 'opt-out' }
  // RFC 5155 section 8.4.
  return chain.gap(wildcard) === undefined ? undefined : { kind: 'nxdomain' }
}

/** The most that the records prove of a question; undefined when it is nothing. */
export function nsec3Proof(
  records: readonly Nsec3[],
  name: Labels,
  type: number,
  sha1: Sha1,
): Nsec3Proof | undefined {
  const chain = chainOf(records, sha1)
  const zone = records[0]?.zone
  if (chain === undefined || zone === undefined) return undefined
  const at = chain.at(name)
  // RFC 5155 sections 8.5 and 8.6.
  if (at !== undefined)
    return deniesType(at.types, type, name.length === 0) ? { kind: 'nodata' } : undefined
  const encloser = closestEncloser(chain, name, zone)
  if (encloser === undefined) return undefined
  if (type === DS && encloser.gap.isOptOut) return { kind: 'opt-out' }
  return provesBelow(chain, encloser, type)
}

/** RFC 5155 section 8.8: whether the next closer name, below the wildcard's parent, is denied. */
export function nsec3DeniesCloser(
  records: readonly Nsec3[],
  name: Labels,
  wildcardOf: Labels,
  sha1: Sha1,
): boolean {
  const nextCloser = name.slice(name.length - wildcardOf.length - 1)
  return chainOf(records, sha1)?.gap(nextCloser) !== undefined
}
