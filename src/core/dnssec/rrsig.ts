/**
 * RRSIG records (RFC 4034 section 3): made from an rrset, a key and two times.
 *
 * Which sets are signed by which key is decided in `sign-zone.ts` and by who asks; nothing here
 * reads a signature (that is `check/`).
 */
import { wireToName } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { RecordSpec } from '../steer/topology.ts'
import { type Rrset, signedData, signedLabels } from './canonical.ts'
import type { Signer } from './crypto.ts'
import { type ZoneKey, tagOfKey } from './dnskey.ts'
import type { SignatureTimes } from './lifetimes.ts'

/** Octets of RRSIG data before the signer's name (RFC 4034 section 3.1). */
const HEAD_BYTES = 18

/** The data of an RRSIG without its signature; `apex` is the signer, in lower-case wire form. */
export function rrsigHead(
  set: Rrset,
  key: ZoneKey,
  apex: Uint8Array,
  times: SignatureTimes,
): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES + apex.length)
  const view = new DataView(head.buffer)
  view.setUint16(0, set.type)
  view.setUint8(2, key.publicKey.algorithm)
  view.setUint8(3, signedLabels(set.owner))
  view.setUint32(4, set.ttlSeconds)
  view.setUint32(8, times.expirationSeconds)
  view.setUint32(12, times.inceptionSeconds)
  view.setUint16(16, tagOfKey(key))
  // RFC 4034 section 3.1.7: the signer is the zone, whole and uncompressed.
  head.set(apex, HEAD_BYTES)
  return head
}

/** The data of the RRSIG of a set. */
export function signRrset(
  set: Rrset,
  key: ZoneKey,
  apex: Uint8Array,
  times: SignatureTimes,
  crypto: Signer,
): Uint8Array {
  const head = rrsigHead(set, key, apex, times)
  const signature = crypto.sign(key, signedData(head, set))
  const rdata = new Uint8Array(head.length + signature.length)
  rdata.set(head)
  rdata.set(signature, head.length)
  return rdata
}

/** RFC 4034 section 3: the TTL of an RRSIG is that of the set it covers. */
export const rrsigRecord = (set: Rrset, rdata: Uint8Array): RecordSpec => ({
  name: wireToName(set.owner),
  type: types.RRSIG,
  ttlSeconds: set.ttlSeconds,
  rdata,
})
