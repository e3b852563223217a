/**
 * Whether an rrset is signed as it should be (RFC 4035 section 5.3).
 *
 * Says yes, with what was proved, or why not. How much work a set may cost is bounded: signatures
 * past the limit, and keys of one tag past it, are not looked at.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail, ok } from '../../base/result.ts'
import type { Verifier } from '../crypto.ts'
import { type CheckedKey, candidateKeys } from './keys.ts'
import { dataOrder, plainData } from './rdata.ts'
import {
  IN,
  type Labels,
  type WireRecord,
  isWithin,
  number16,
  number32,
  readName,
  sameName,
  wholeName,
  writeName,
} from './wire.ts'

export type SignatureFault =
  | 'no-records'
  | 'mixed-records'
  | 'malformed-record'
  | 'repeated-record'
  | 'no-signature'
  | 'malformed-signature'
  | 'other-owner'
  | 'other-type'
  | 'other-signer'
  | 'outside-zone'
  | 'too-many-labels'
  | 'ttl-above-original'
  | 'ttl-differs'
  | 'ends-before-it-begins'
  | 'not-yet-valid'
  | 'expired'
  | 'no-key'
  | 'wrong-signature'

export interface SetToCheck {
  readonly records: readonly WireRecord[]
  /** The RRSIG records found with them, whatever they cover. */
  readonly signatures: readonly WireRecord[]
}

export interface CheckContext {
  /** Apex of the zone that signs, and its keys as its DNSKEY set holds them. */
  readonly zone: Uint8Array
  readonly keys: readonly CheckedKey[]
  /** Seconds since 1970. */
  readonly nowSeconds: number
  /** Sets not yet sent have exactly the TTL that was signed; those from a cache have less. */
  readonly ttl: 'exact' | 'at-most'
}

export interface SignedSet {
  readonly owner: Labels
  readonly type: number
  readonly keyTag: number
  readonly expirationSeconds: number
  /** When a wildcard answered: the name whose `*` it was, which denial still has to bear out. */
  readonly wildcardOf?: Labels
}

interface Signature {
  readonly covered: number
  readonly algorithm: number
  readonly labels: number
  readonly originalTtl: number
  readonly expiration: number
  readonly inception: number
  readonly tag: number
  readonly signer: Labels
  readonly bytes: Uint8Array
}

const RRSIG = 46
/** Octets before the signer's name (RFC 4034 section 3.1). */
const FIXED = 18

function readSignature(rdata: Uint8Array): Signature | undefined {
  if (rdata.length < FIXED) return undefined
  const name = readName(rdata, FIXED)
  if (name === undefined || name.end >= rdata.length) return undefined
  return {
    covered: number16(rdata, 0),
    algorithm: rdata[2]!,
    labels: rdata[3]!,
    originalTtl: number32(rdata, 4),
    expiration: number32(rdata, 8),
    inception: number32(rdata, 12),
    tag: number16(rdata, 16),
    signer: name.labels,
    bytes: rdata.subarray(name.end),
  }
}

interface CommonSet {
  readonly owner: Labels
  readonly type: number
  readonly ttlSeconds: number
  /** In canonical form and order. */
  readonly data: readonly Uint8Array[]
}

/** The set as one: RFC 2181 section 5. */
function commonSet(records: readonly WireRecord[]): Result<CommonSet, SignatureFault> {
  const first = records[0]
  if (first === undefined) return fail('no-records')
  const owner = wholeName(first.owner)
  if (owner === undefined) return fail('malformed-record')
  const data: Uint8Array[] = []
  for (const record of records) {
    const name = wholeName(record.owner)
    const isSame =
      name !== undefined &&
      sameName(name, owner) &&
      record.type === first.type &&
      record.class === IN &&
      record.ttlSeconds === first.ttlSeconds
    if (!isSame) return fail('mixed-records')
    const plain = plainData(record.type, record.rdata)
    if (plain === undefined) return fail('malformed-record')
    data.push(plain)
  }
  data.sort(dataOrder)
  // RFC 4034 section 6.3: the same record twice is no set.
  if (data.some((each, at) => at > 0 && dataOrder(each, data[at - 1]!) === 0))
    return fail('repeated-record')
  return ok({ owner, type: first.type, ttlSeconds: first.ttlSeconds, data })
}

/** RFC 4034 section 3.1.5 with RFC 1982: times are numbers on a circle of 2^32 seconds. */
const after = (a: number, b: number): boolean => ((a - b) | 0) > 0

/** Labels that count for a signature: not a leading asterisk (RFC 4034 section 3.1.3). */
const countedLabels = (owner: Labels): number => owner.length - (owner[0] === '*' ? 1 : 0)

/** What a signature says that cannot be, whoever made it: RFC 4035 section 5.3.1. */
function signatureFault(
  set: CommonSet,
  signature: Signature,
  record: WireRecord,
  zone: Labels,
  { nowSeconds, ttl }: CheckContext,
): SignatureFault | undefined {
  const owner = wholeName(record.owner)
  const isOthers =
    owner === undefined ||
    !sameName(owner, set.owner) ||
    record.class !== IN ||
    record.type !== RRSIG
  if (isOthers) return 'other-owner'
  if (signature.covered !== set.type) return 'other-type'
  if (!sameName(signature.signer, zone)) return 'other-signer'
  if (!isWithin(set.owner, zone)) return 'outside-zone'
  if (signature.labels > countedLabels(set.owner)) return 'too-many-labels'
  // A wildcard above the apex cannot have been the zone's.
  if (signature.labels < zone.length) return 'outside-zone'
  if (set.ttlSeconds > signature.originalTtl) return 'ttl-above-original'
  // RFC 4034 section 3: both carry one TTL.
  if (record.ttlSeconds !== set.ttlSeconds) return 'ttl-differs'
  if (ttl === 'exact' && set.ttlSeconds !== signature.originalTtl) return 'ttl-differs'
  const now = nowSeconds >>> 0
  if (after(signature.inception, signature.expiration)) return 'ends-before-it-begins'
  if (after(signature.inception, now)) return 'not-yet-valid'
  return after(now, signature.expiration) ? 'expired' : undefined
}

/** RFC 4035 section 5.3.2: the octets that were signed, made again. */
function signedOctets(set: CommonSet, signature: Signature, rdata: Uint8Array): Uint8Array {
  const head = [...rdata.subarray(0, FIXED), ...writeName(signature.signer)]
  const isExpanded = signature.labels < countedLabels(set.owner)
  const kept = set.owner.slice(set.owner.length - signature.labels)
  const owner = writeName(isExpanded ? ['*', ...kept] : set.owner)
  const fixed = [set.type >> 8, set.type & 255, 0, IN, ...rdata.subarray(4, 8)]
  const out = [...head]
  for (const data of set.data) {
    out.push(...owner, ...fixed, data.length >> 8, data.length & 255)
    for (const octet of data) out.push(octet)
  }
  return new Uint8Array(out)
}

function oneSignature(
  set: CommonSet,
  record: WireRecord,
  zone: Labels,
  context: CheckContext,
  verifier: Verifier,
): Result<SignedSet, SignatureFault> {
  const signature = readSignature(record.rdata)
  if (signature === undefined) return fail('malformed-signature')
  const fault = signatureFault(set, signature, record, zone, context)
  if (fault !== undefined) return fail(fault)
  const keys = candidateKeys(context.keys, signature.tag, signature.algorithm)
  if (keys.length === 0) return fail('no-key')
  const octets = signedOctets(set, signature, record.rdata)
  const isSigned = keys.some((key) =>
    verifier.verify(signature.algorithm, key.bytes, octets, signature.bytes),
  )
  if (!isSigned) return fail('wrong-signature')
  const { labels, tag: keyTag, expiration: expirationSeconds } = signature
  const signed = { owner: set.owner, type: set.type, keyTag, expirationSeconds }
  return ok(
    labels < countedLabels(set.owner)
      ? { ...signed, wildcardOf: set.owner.slice(set.owner.length - labels) }
      : signed,
  )
}

/** Whether one of the signatures holds for the set; else the fault of the last one looked at. */
export function checkSet(
  { records, signatures }: SetToCheck,
  context: CheckContext,
  verifier: Verifier,
): Result<SignedSet, SignatureFault> {
  const zone = wholeName(context.zone)
  if (zone === undefined) return fail('outside-zone')
  const set = commonSet(records)
  if (!set.ok) return set
  let result: Result<SignedSet, SignatureFault> = fail('no-signature')
  for (const record of signatures.slice(0, limits.signaturesCheckedPerSet.default)) {
    result = oneSignature(set.value, record, zone, context, verifier)
    if (result.ok) return result
  }
  return result
}
