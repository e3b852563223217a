/**
 * The validator that looks at what was signed before it goes out.
 *
 * It begins at the DS that the parent publishes and believes nothing of the signer: not its keys,
 * not its canonical form, not its chain of denial (`check/wire.ts` states the law). It asks: are
 * these the zone's keys, is this set signed by one of them, do these records deny that.
 */
import { type Result, fail, ok } from '../base/result.ts'
import { nameToWire } from '../dns/names.ts'
import { CLASS_IN } from '../dns/types.ts'
import type { RecordSpec } from '../steer/topology.ts'
import { type CheckedKey, isDigestOf, readKeys } from './check/keys.ts'
import { type Nsec, nsecDeniesCloser, nsecProof, readNsec } from './check/nsec.ts'
import { type Nsec3, nsec3DeniesCloser, nsec3Proof, readNsec3 } from './check/nsec3.ts'
import {
  type CheckContext,
  type SetToCheck,
  type SignatureFault,
  type SignedSet,
  checkSet,
} from './check/signature.ts'
import { chainFaults, zoneFaults } from './check/zone.ts'
import { type Labels, type WireRecord, isWithin, sameName, wholeName } from './check/wire.ts'
import type { Hashes, Verifier } from './crypto.ts'

export type { CheckedKey } from './check/keys.ts'
export type { CheckContext, SetToCheck, SignatureFault, SignedSet } from './check/signature.ts'
export { type WireRecord, readRecords } from './check/wire.ts'
export { chainFaults, checkSet, readKeys, zoneFaults }

export type KeyFault = SignatureFault | 'no-matching-ds'

export type Checker = Verifier & Hashes

/** Records of ours as they will travel; those whose name cannot be written are left out. */
export function wireRecords(records: readonly RecordSpec[]): readonly WireRecord[] {
  return records.flatMap(({ name, type, ttlSeconds, rdata }) => {
    const owner = nameToWire(name)
    return owner.ok ? [{ owner: owner.value, type, class: CLASS_IN, ttlSeconds, rdata }] : []
  })
}

/**
 * RFC 4035 section 5.2: the keys of a zone, when one that a DS vouches for signs them all. `ds` is
 * the data of the DS records; `context` without keys.
 */
export function checkKeys(
  set: SetToCheck,
  ds: readonly Uint8Array[],
  context: Omit<CheckContext, 'keys'>,
  checker: Checker,
): Result<readonly CheckedKey[], KeyFault> {
  const keys = readKeys(set.records, context.zone)
  const vouched = keys.filter((key) =>
    ds.some((each) => isDigestOf(each, key, context.zone, checker)),
  )
  if (vouched.length === 0) return fail('no-matching-ds')
  const signed = checkSet(set, { ...context, keys: vouched }, checker)
  return signed.ok ? ok(keys) : signed
}

export type Denied = 'nxdomain' | 'nodata'
export type DenialFault = SignatureFault | 'not-proved' | 'opt-out' | 'mixed-records'

/** A question, and the NSEC or NSEC3 records of its answer with their signatures. */
export interface DenialToCheck {
  /** Wire form. */
  readonly name: Uint8Array
  readonly type: number
  readonly sets: readonly SetToCheck[]
}

interface Denials {
  readonly name: Labels
  readonly nsecs: readonly Nsec[]
  readonly nsec3s: readonly Nsec3[]
}

/** The records of a denial, once every set of them has been found signed. */
function denialsOf(
  { name, sets }: DenialToCheck,
  context: CheckContext,
  checker: Checker,
): Result<Denials, DenialFault> {
  const labels = wholeName(name)
  const zone = wholeName(context.zone)
  if (labels === undefined || zone === undefined || !isWithin(labels, zone))
    return fail('outside-zone')
  for (const set of sets) {
    const signed = checkSet(set, context, checker)
    if (!signed.ok) return signed
    // A wildcard's NSEC under another name would lie about where it stands (RFC 4035 section 5.4).
    if (signed.value.wildcardOf !== undefined) return fail('too-many-labels')
  }
  const records = sets.flatMap((set) => set.records)
  const nsecs = records.map(readNsec).filter((nsec) => nsec !== undefined)
  const nsec3s = records.map(readNsec3).filter((nsec3) => nsec3 !== undefined)
  if (nsecs.length > 0 && nsec3s.length > 0) return fail('mixed-records')
  // RFC 5155 section 3: an NSEC3 stands right below the apex.
  if (nsec3s.some((nsec3) => !sameName(nsec3.zone, zone))) return fail('outside-zone')
  return ok({ name: labels, nsecs, nsec3s })
}

/** Whether the records prove that the name does not exist, or that it lacks the type. */
export function checkDenial(
  asked: DenialToCheck,
  denied: Denied,
  context: CheckContext,
  checker: Checker,
): Result<Denied, DenialFault> {
  const denials = denialsOf(asked, context, checker)
  if (!denials.ok) return denials
  const { name, nsecs, nsec3s } = denials.value
  const proof =
    nsec3s.length > 0
      ? nsec3Proof(nsec3s, name, asked.type, checker.sha1)
      : nsecProof(nsecs, name, asked.type)
  if (proof?.kind === denied) return ok(denied)
  return fail(proof?.kind === 'opt-out' ? 'opt-out' : 'not-proved')
}

/**
 * Whether the records bear out that the wildcard was the right one to answer: the name asked for
 * does not exist, and no other wildcard is closer (RFC 4035 section 5.3.4, RFC 5155 section 8.8).
 */
export function checkWildcard(
  answer: SignedSet,
  asked: DenialToCheck,
  context: CheckContext,
  checker: Checker,
): Result<SignedSet, DenialFault> {
  const denials = denialsOf(asked, context, checker)
  if (!denials.ok) return denials
  const { name, nsecs, nsec3s } = denials.value
  const { wildcardOf } = answer
  if (wildcardOf === undefined || name.length <= wildcardOf.length) return fail('not-proved')
  const isRight =
    nsec3s.length > 0
      ? nsec3DeniesCloser(nsec3s, name, wildcardOf, checker.sha1)
      : nsecDeniesCloser(nsecs, name, wildcardOf)
  return isRight ? ok(answer) : fail('not-proved')
}
