/**
 * DS data (RFC 4034 section 5): what the parent zone says of a key.
 *
 * Digests are SHA-256 (RFC 4509) and SHA-384 (RFC 6605 section 2); SHA-1 is not made (RFC 8624
 * section 3.3).
 */
import { foldCase } from '../dns/names.ts'
import type { Hashes } from './crypto.ts'
import { keyTag } from './keytag.ts'

export const digestTypes = { SHA256: 2, SHA384: 4 } as const
export type DigestType = (typeof digestTypes)[keyof typeof digestTypes]

/** RFC 4034 section 5.1.4: the digest is over the owner's canonical name, then the DNSKEY data. */
export function dsRdata(
  owner: Uint8Array,
  dnskey: Uint8Array,
  digestType: DigestType,
  hashes: Pick<Hashes, 'sha256' | 'sha384'>,
): Uint8Array {
  const input = new Uint8Array(owner.length + dnskey.length)
  input.set(foldCase(owner))
  input.set(dnskey, owner.length)
  const digest = digestType === digestTypes.SHA256 ? hashes.sha256(input) : hashes.sha384(input)
  const tag = keyTag(dnskey)
  return new Uint8Array([tag >> 8, tag & 0xff, dnskey[3]!, digestType, ...digest])
}
