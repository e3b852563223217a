/**
 * What cryptography DNSSEC needs, as an object of synchronous functions.
 *
 * `core` computes none of it: the signer actor passes node:crypto. Functions that read never throw:
 * a key or signature that cannot be read verifies nothing. `sign` is given keys that `isPair` holds
 * for; with any other it may throw, because to sign with half a key is a fault of the program.
 */
import type { Algorithm, PrivateKey, PublicKey } from './algorithms.ts'

export interface Hashes {
  /** RFC 5155 section 5, the only hash of NSEC3; for nothing else. */
  sha1(bytes: Uint8Array): Uint8Array
  sha256(bytes: Uint8Array): Uint8Array
  sha384(bytes: Uint8Array): Uint8Array
}

export interface KeyPair {
  readonly publicKey: PublicKey
  readonly privateKey: PrivateKey
}

export interface Verifier {
  /**
   * Whether `signature` is that of `data`, all in the forms of DNSKEY and RRSIG for the algorithm
   * (RFC 3110, RFC 5702, RFC 6605, RFC 8080). False for an algorithm not known.
   */
  verify(algorithm: number, publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean
}

export interface Signer {
  /** The signature in the form of an RRSIG. */
  sign(key: KeyPair, data: Uint8Array): Uint8Array
}

export interface KeyMaker {
  /** A new pair; `bits` is the size of an RSA modulus and unused elsewhere. */
  generate(algorithm: Algorithm, bits: number): KeyPair
  /** Whether the two belong together and can sign. */
  isPair(key: KeyPair): boolean
}

/** AES-256-GCM: keys of 32 octets, nonces of 12, a tag of 16 after the sealed octets. */
export interface Sealer {
  seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, label: Uint8Array): Uint8Array
  /** Undefined for another key, other octets or another label. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    label: Uint8Array,
  ): Uint8Array | undefined
}

export interface DnssecCrypto extends Hashes, Verifier, Signer, KeyMaker, Sealer {}
