/**
 * Keys and signatures by node:crypto, in the form the pure parts of gossip take.
 *
 * Public keys are kept once they are read, up to a bound: reading one costs as much as a signature.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  type KeyObject,
  sign as signOctets,
  verify as verifyOctets,
} from 'node:crypto'
import { limits } from '../../core/base/limits.ts'
import type { AgentKey, KeyAlgorithm, TrustCrypto } from '../../core/gossip/app/crypto.ts'

/** ECDSA signatures as two fixed-width numbers, not as DER: one spelling for each. */
const DSA = 'ieee-p1363'

/** Ed25519 hashes by itself; ECDSA takes SHA-256. */
const hashOf = (algorithm: KeyAlgorithm) => (algorithm === 'ed25519' ? null : 'sha256')

export function nodeTrustCrypto(): TrustCrypto {
  const keys = new Map<string, KeyObject | undefined>()

  function keyOf(spki: Uint8Array): KeyObject | undefined {
    const name = Buffer.from(spki).toString('latin1')
    if (keys.has(name)) return keys.get(name)
    let key: KeyObject | undefined
    try {
      key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    } catch {
      // A point that is not on the curve, for one; it verifies nothing.
    }
    if (keys.size >= limits.trustPins.default) keys.delete(keys.keys().next().value ?? '')
    keys.set(name, key)
    return key
  }

  return {
    sha256: (bytes) => createHash('sha256').update(bytes).digest(),
    hmacSha256: (key, bytes) => createHmac('sha256', key).update(bytes).digest(),
    verify: (algorithm, spki, message, signature) => {
      const key = keyOf(spki)
      if (key === undefined) return false
      try {
        return verifyOctets(hashOf(algorithm), message, { key, dsaEncoding: DSA }, signature)
      } catch {
        return false
      }
    },
  }
}

/** The algorithm of a private key; undefined for one that does not sign here. */
export function algorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519'
  const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  return key.asymmetricKeyType === 'ec' && isP256 ? 'p256' : undefined
}

/** A key that signs messages. */
export const agentKeyOf = (
  algorithm: KeyAlgorithm,
  key: KeyObject,
  certificate: Uint8Array,
): AgentKey => ({
  algorithm,
  certificate,
  fingerprint: createHash('sha256').update(certificate).digest('hex'),
  sign: (message) => signOctets(hashOf(algorithm), message, { key, dsaEncoding: DSA }),
})

/** The signature of a certificate, as X.509 holds it. */
export const signCertificate =
  (algorithm: KeyAlgorithm, key: KeyObject) =>
  (toBeSigned: Uint8Array): Uint8Array =>
    signOctets(hashOf(algorithm), toBeSigned, key)

/** DER of SubjectPublicKeyInfo. */
export const spkiOf = (key: KeyObject): Uint8Array =>
  createPublicKey(key).export({ format: 'der', type: 'spki' })
