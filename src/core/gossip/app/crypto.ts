/**
 * What cryptography these messages need, as an object of synchronous functions.
 *
 * `core` computes none of it: the actor passes node:crypto, a simulation may pass something
 * cheaper. Functions never throw; a key or signature that cannot be read verifies nothing.
 */
export type KeyAlgorithm = 'ed25519' | 'p256'

export interface Digests {
  sha256(bytes: Uint8Array): Uint8Array
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array
}

export interface TrustCrypto extends Digests {
  /**
   * Whether `signature` is that of `message` by the key in `spki` (DER of SubjectPublicKeyInfo,
   * RFC 5280 section 4.1). A P-256 signature is over SHA-256 and has 64 octets, r before s.
   */
  verify(
    algorithm: KeyAlgorithm,
    spki: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean
}

/** The key of an agent, with the certificate that names it. */
export interface AgentKey {
  readonly algorithm: KeyAlgorithm
  /** Lower-case hex SHA-256 of the certificate's DER. */
  readonly fingerprint: string
  readonly certificate: Uint8Array
  /** 64 octets, in the form `verify` takes. */
  sign(message: Uint8Array): Uint8Array
}

export const SIGNATURE_BYTES = 64

const encoder = new TextEncoder()
export const octetsOf = (text: string): Uint8Array => encoder.encode(text)

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
