/**
 * Keys for checking: read out of DNSKEY records, found by tag, vouched for by a DS.
 */
import { limits } from '../../base/limits.ts'
import type { Hashes } from '../crypto.ts'
import {
  IN,
  type Labels,
  type WireRecord,
  number16,
  sameName,
  wholeName,
  writeName,
} from './wire.ts'

export interface CheckedKey {
  readonly tag: number
  readonly algorithm: number
  readonly bytes: Uint8Array
  readonly rdata: Uint8Array
}

const DNSKEY = 48
const ZONE_KEY = 256
const REVOKED = 128

/** RFC 4034 appendix B, by halves of words. */
function tagOf(rdata: Uint8Array): number {
  let high = 0
  let low = 0
  for (let at = 0; at < rdata.length; at += 2) {
    high += rdata[at]!
    low += rdata[at + 1] ?? 0
  }
  const sum = high * 256 + low
  return (sum + Math.floor(sum / 65_536)) % 65_536
}

/** Whether the record is a key that may sign the zone: RFC 4034 section 2.1, RFC 5011 section 3. */
function readKey(record: WireRecord, zone: Labels): CheckedKey | undefined {
  const { rdata } = record
  const owner = wholeName(record.owner)
  if (owner === undefined || !sameName(owner, zone)) return undefined
  if (record.type !== DNSKEY || record.class !== IN || rdata.length < 5) return undefined
  const flags = number16(rdata, 0)
  const maySign = (flags & ZONE_KEY) !== 0 && (flags & REVOKED) === 0 && rdata[2] === 3
  if (!maySign) return undefined
  return { tag: tagOf(rdata), algorithm: rdata[3]!, bytes: rdata.subarray(4), rdata }
}

/** The keys among the records; those that cannot sign for the zone are left out. */
export function readKeys(records: readonly WireRecord[], zone: Uint8Array): readonly CheckedKey[] {
  const apex = wholeName(zone)
  if (apex === undefined) return []
  return records
    .slice(0, limits.keySetKeys.default)
    .map((record) => readKey(record, apex))
    .filter((key) => key !== undefined)
}

/** Two keys of one tag are chance; more are an attack on our time. */
const SAME_TAG_MAX = 4

export const candidateKeys = (
  keys: readonly CheckedKey[],
  tag: number,
  algorithm: number,
): readonly CheckedKey[] =>
  keys.filter((key) => key.tag === tag && key.algorithm === algorithm).slice(0, SAME_TAG_MAX)

const sameOctets = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, at) => octet === b[at])

/** Whether the DS (its data) is the key's: RFC 4034 section 5.2, RFC 4509, RFC 6605 section 2. */
export function isDigestOf(
  ds: Uint8Array,
  key: CheckedKey,
  zone: Uint8Array,
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
): boolean {
  const labels = wholeName(zone)
  if (ds.length < 5 || labels === undefined) return false
  if (number16(ds, 0) !== key.tag || ds[2] !== key.algorithm) return false
  const input = new Uint8Array([...writeName(labels), ...key.rdata])
  const digest = ds.subarray(4)
  if (ds[3] === 2) return sameOctets(digest, hashes.sha256(input))
  return ds[3] === 4 && sameOctets(digest, hashes.sha384(input))
}
