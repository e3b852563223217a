/**
 * DNSKEY records (RFC 4034 section 2) and the keys that a zone is signed with.
 *
 * A key knows what it signs: as in RFC 6781 section 3.1, one key may sign everything (csk), or one
 * the key set (ksk) and another the rest (zsk). When a key may be used is for who rolls them.
 */
import { type Result, fail, ok } from '../base/result.ts'
import type { RecordSpec } from '../steer/topology.ts'
import { types } from '../dns/types.ts'
import { type PublicKey, isAlgorithm, publicKeyFault } from './algorithms.ts'
import type { KeyPair } from './crypto.ts'
import { keyTag } from './keytag.ts'

/** RFC 4034 section 2.1.1: the bit that makes it a key for a zone. */
export const ZONE_KEY = 0x0100
/** RFC 4034 section 2.1.1: the bit that marks a key that a DS points at. */
export const SECURE_ENTRY_POINT = 0x0001
/** RFC 5011 section 3. */
export const REVOKED = 0x0080
/** RFC 4034 section 2.1.2: the only protocol. */
const PROTOCOL = 3

export type KeyRole = 'csk' | 'ksk' | 'zsk'

export const flagsOf = (role: KeyRole): number =>
  role === 'zsk' ? ZONE_KEY : ZONE_KEY | SECURE_ENTRY_POINT

/** The work of a key in the middle of a rollover, when its role alone does not tell. */
export interface KeyWork {
  readonly isPublished: boolean
  /** Whether it signs the DNSKEY, CDS and CDNSKEY sets. */
  readonly signsKeys: boolean
  /** Whether it signs all other sets. */
  readonly signsZone: boolean
  /** Whether CDS and CDNSKEY speak of it. */
  readonly hasCds: boolean
}

/** A key of a zone. Without `isActive` it is published only; `work` goes before it. */
export interface ZoneKey extends KeyPair {
  readonly role: KeyRole
  readonly isActive: boolean
  readonly work?: KeyWork
}

export interface Dnskey {
  readonly flags: number
  readonly publicKey: PublicKey
}

export const dnskeyRdata = ({ flags, publicKey }: Dnskey): Uint8Array =>
  new Uint8Array([flags >> 8, flags & 0xff, PROTOCOL, publicKey.algorithm, ...publicKey.bytes])

/** A key of ours out of DNSKEY data; the error says why it is none. */
export function readDnskey(rdata: Uint8Array): Result<Dnskey, string> {
  if (rdata.length < 5) return fail('the DNSKEY data is cut short')
  const algorithm = rdata[3]!
  if (rdata[2] !== PROTOCOL) return fail(`the protocol is ${rdata[2]}, not ${PROTOCOL}`)
  if (!isAlgorithm(algorithm)) return fail(`algorithm ${algorithm} is not known here`)
  const publicKey = { algorithm, bytes: rdata.slice(4) }
  const fault = publicKeyFault(publicKey)
  return fault === undefined ? ok({ flags: (rdata[0]! << 8) | rdata[1]!, publicKey }) : fail(fault)
}

export const rdataOfKey = ({ role, publicKey }: Pick<ZoneKey, 'role' | 'publicKey'>): Uint8Array =>
  dnskeyRdata({ flags: flagsOf(role), publicKey })

export const tagOfKey = (key: Pick<ZoneKey, 'role' | 'publicKey'>): number =>
  keyTag(rdataOfKey(key))

/** RFC 4035 section 2.1: the keys at the apex, those not yet or no longer in use among them. */
export const dnskeyRecords = (
  apex: string,
  keys: readonly Pick<ZoneKey, 'role' | 'publicKey' | 'work'>[],
  ttlSeconds: number,
): RecordSpec[] =>
  keys
    .filter((key) => key.work?.isPublished !== false)
    .map((key) => ({ name: apex, type: types.DNSKEY, ttlSeconds, rdata: rdataOfKey(key) }))
