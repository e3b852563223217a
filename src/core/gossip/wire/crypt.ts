/**
 * Sealing and opening octets with AES-GCM: a version, a nonce, the sealed octets, a tag.
 *
 * Version 1 seals what it is given; version 0 pads it to blocks first (PKCS#7), as old members do.
 * The cipher and the source of nonces are handed in. Nothing here protects against replay, nor
 * tells holders of a key apart.
 */
import { assert } from '../../base/assert.ts'
import { ok, type Result } from '../../base/result.ts'
import type { Keyring } from './keyring.ts'
import { type Malformed, malformed } from './malformed.ts'
import { joined } from './types.ts'

/** AES-GCM for keys of 16, 24 and 32 octets, nonces of 12, and a tag of 16 at the end. */
export interface AesGcm {
  /** The sealed octets, then the tag. */
  seal(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array
  /** The plain octets, or nothing where key, nonce, octets or `aad` are not those that sealed. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    aad: Uint8Array,
  ): Uint8Array | undefined
}

export interface Encryption {
  readonly keyring: Keyring
  readonly aesGcm: AesGcm
  /** Twelve octets never given before: random, and not from a seeded source. */
  readonly nonce: () => Uint8Array
  /** What is sent; both are read. */
  readonly version: 0 | 1
  /** False also takes what is not encrypted: only while encryption is being turned on. */
  readonly verifyIncoming: boolean
  /** False sends plain: only while encryption is being turned on. */
  readonly verifyOutgoing: boolean
}

const NONCE_BYTES = 12
const TAG_BYTES = 16
const BLOCK_BYTES = 16
const HEADER_BYTES = 1 + NONCE_BYTES

/** How long octets are once sealed. */
export const sealedBytes = (version: 0 | 1, plainBytes: number): number =>
  HEADER_BYTES + TAG_BYTES + (version === 1 ? plainBytes : plainBytes + padding(plainBytes))

const padding = (bytes: number): number => BLOCK_BYTES - (bytes % BLOCK_BYTES)

export function seal(encryption: Encryption, plain: Uint8Array, aad: Uint8Array): Uint8Array {
  const { keyring, aesGcm, version } = encryption
  const nonce = encryption.nonce()
  assert(nonce.length === NONCE_BYTES, 'a nonce has twelve octets')
  const body = version === 1 ? plain : padded(plain)
  return joined(Uint8Array.of(version), nonce, aesGcm.seal(keyring.primary, nonce, body, aad))
}

/** Tries every key of the ring, the primary first. */
export function open(
  { keyring, aesGcm }: Pick<Encryption, 'keyring' | 'aesGcm'>,
  blob: Uint8Array,
  aad: Uint8Array,
): Result<Uint8Array, Malformed> {
  const version = blob[0]
  if (version !== 0 && version !== 1)
    return malformed('undecryptable', 'no version of encryption that is known')
  if (blob.length < sealedBytes(version, 0)) return malformed('truncated', 'a sealed message')
  const nonce = blob.subarray(1, HEADER_BYTES)
  const sealed = blob.subarray(HEADER_BYTES)
  for (const key of keyring.list()) {
    const plain = aesGcm.open(key, nonce, sealed, aad)
    if (plain !== undefined) return version === 1 ? ok(plain) : unpadded(plain)
  }
  return malformed('undecryptable', 'no installed key opens it')
}

/** At least one octet is added, and each says how many there are. */
function padded(plain: Uint8Array): Uint8Array {
  const count = padding(plain.length)
  const body = new Uint8Array(plain.length + count).fill(count, plain.length)
  body.set(plain)
  return body
}

function unpadded(body: Uint8Array): Result<Uint8Array, Malformed> {
  const count = body.at(-1) ?? 0
  if (count < 1 || count > BLOCK_BYTES || count > body.length)
    return malformed('undecryptable', 'its padding is wrong')
  return ok(body.subarray(0, body.length - count))
}
