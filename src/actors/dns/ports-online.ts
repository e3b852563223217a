/**
 * Keys that sign on a DNS thread, for compact denial alone: over node:crypto, at once.
 *
 * A key comes as PKCS #8 (RFC 5958) from the signer of this process, and is never written.
 */
import {
  type JsonWebKey,
  type KeyObject,
  constants,
  createPrivateKey,
  createPublicKey,
  sign,
  verify as verifyOctets,
} from 'node:crypto'
import { type Algorithm, isAlgorithm, isRsa, rsaFromBytes } from '../../core/dnssec/algorithms.ts'
import type { OnlineKey } from '../../core/dns/compact.ts'

/** The hash that is signed; null where the algorithm hashes itself. */
const DIGESTS: Readonly<Record<Algorithm, string | null>> = {
  8: 'sha256',
  10: 'sha512',
  13: 'sha256',
  14: 'sha384',
  15: null,
}

const optionsOf = (algorithm: Algorithm, key: KeyObject) =>
  algorithm === 15
    ? key
    : { key, dsaEncoding: 'ieee-p1363' as const, padding: constants.RSA_PKCS1_PADDING }

/** Undefined where the octets are no key of the algorithm. */
export function signWith(algorithm: number, privateKey: Uint8Array): OnlineKey['sign'] | undefined {
  if (!isAlgorithm(algorithm)) return undefined
  let key: KeyObject
  try {
    key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' })
  } catch {
    return undefined
  }
  const digest = DIGESTS[algorithm]
  const options = optionsOf(algorithm, key)
  return (data) => {
    try {
      return sign(digest, data, options)
    } catch {
      return undefined
    }
  }
}

const text = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url')

/** Undefined when the octets are no key of the algorithm. */
function jwkOf(algorithm: Algorithm, octets: Uint8Array): JsonWebKey | undefined {
  if (isRsa(algorithm)) {
    const read = rsaFromBytes(octets)
    if (!read.ok) return undefined
    return { kty: 'RSA', n: text(read.value.modulus), e: text(read.value.exponent) }
  }
  if (algorithm === 15) return { kty: 'OKP', crv: 'Ed25519', x: text(octets) }
  const half = octets.length / 2
  const crv = algorithm === 13 ? 'P-256' : 'P-384'
  return { kty: 'EC', crv, x: text(octets.subarray(0, half)), y: text(octets.subarray(half)) }
}

/** Whether the signature is that of the data by the key of a DNSKEY; false for what is no key. */
export function verify(
  algorithm: number,
  publicKey: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!isAlgorithm(algorithm)) return false
  const jwk = jwkOf(algorithm, publicKey)
  if (jwk === undefined) return false
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    return verifyOctets(DIGESTS[algorithm], data, optionsOf(algorithm, key), signature)
  } catch {
    return false
  }
}
