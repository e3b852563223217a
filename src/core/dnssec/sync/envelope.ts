/**
 * The envelope that messages of key sync travel in.
 *
 * Layout: eight octets that say what it is, a version and a kind of an octet each, the sender's
 * X25519 key made for this message (32 octets), the receiver's (32; zeros in a first request), then
 * the message under AES-256-GCM with all before it as its label. The key is derived (HKDF-SHA256)
 * from the authority and, once the receiver's key is known, from the agreement of the two. So who
 * does not know the authority can neither read nor write; who learns it later cannot read what was
 * recorded, and a first request, the one kind without agreement, carries no private key. In the
 * store of a cluster the same kind does carry keys: who will read them is not known, so the
 * authority alone guards them there. Each key serves for one message, so the nonce is derived with
 * it.
 */
import { type Result, fail, ok } from '../../base/result.ts'
import { limits } from '../../base/limits.ts'
import { equalInConstantTime } from '../../gossip/app/base64.ts'
import type { SyncCrypto, SyncFault } from './types.ts'

const MAGIC = new Uint8Array([0x4f, 0x47, 0x53, 0x4c, 0x42, 0x53, 0x59, 0x4e])
const VERSION = 1
const KEY_BYTES = 32
const NONCE_BYTES = 12
const SENDER_AT = MAGIC.length + 2
const RECEIVER_AT = SENDER_AT + KEY_BYTES
export const HEADER_BYTES = RECEIVER_AT + KEY_BYTES
const TAG_BYTES = 16

/** `first`: sealed by the authority alone. `sealed`: to the receiver's key as well. */
const KINDS = { first: 1, sealed: 2 } as const
const NOBODY = new Uint8Array(KEY_BYTES)
const INFO = new TextEncoder().encode('opengslb dnssec key sync 1')

export interface Agreement {
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array
}

export interface Envelope {
  readonly bytes: Uint8Array
  /** What an answer to it is sealed to. */
  readonly own: Agreement
}

function keysOf(
  authority: Uint8Array,
  shared: Uint8Array,
  header: Uint8Array,
  crypto: SyncCrypto,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const secret = new Uint8Array(authority.length + shared.length)
  secret.set(authority)
  secret.set(shared, authority.length)
  const out = crypto.derive(secret, header, INFO, KEY_BYTES + NONCE_BYTES)
  return { key: out.subarray(0, KEY_BYTES), nonce: out.subarray(KEY_BYTES) }
}

/**
 * A message sealed; to `receiver` when its key is known. Undefined when that key is none that
 * anything can be sealed to. `authority` has 16 octets at least.
 */
export function seal(
  message: Uint8Array,
  authority: Uint8Array,
  receiver: Uint8Array | undefined,
  crypto: SyncCrypto,
): Envelope | undefined {
  const own = crypto.agreementPair()
  const header = new Uint8Array(HEADER_BYTES)
  header.set(MAGIC)
  header[MAGIC.length] = VERSION
  header[MAGIC.length + 1] = receiver === undefined ? KINDS.first : KINDS.sealed
  header.set(own.publicKey, SENDER_AT)
  header.set(receiver ?? NOBODY, RECEIVER_AT)
  const shared = receiver === undefined ? new Uint8Array(0) : crypto.agree(own.privateKey, receiver)
  if (shared === undefined) return undefined
  const { key, nonce } = keysOf(authority, shared, header, crypto)
  const sealed = crypto.seal(key, nonce, message, header)
  const bytes = new Uint8Array(header.length + sealed.length)
  bytes.set(header)
  bytes.set(sealed, header.length)
  return { bytes, own }
}

export interface Opened {
  readonly message: Uint8Array
  /** What an answer is sealed to. */
  readonly sender: Uint8Array
  /** Whether it was sealed to a key of ours: then nobody but its author and we can read it. */
  readonly isSealed: boolean
}

/** The message; `pairs` are the keys that something may be sealed to. */
export function open(
  bytes: Uint8Array,
  authority: Uint8Array,
  pairs: readonly Agreement[],
  crypto: SyncCrypto,
): Result<Opened, SyncFault> {
  if (bytes.length > limits.syncMessageBytes.default) return fail('too-large')
  const isOurs =
    bytes.length >= HEADER_BYTES + TAG_BYTES && MAGIC.every((byte, at) => byte === bytes[at])
  if (!isOurs) return fail('malformed')
  if (bytes[MAGIC.length] !== VERSION) return fail('other-version')
  const kind = bytes[MAGIC.length + 1]
  if (kind !== KINDS.first && kind !== KINDS.sealed) return fail('malformed')
  const header = bytes.slice(0, HEADER_BYTES)
  const sender = header.slice(SENDER_AT, RECEIVER_AT)
  const receiver = header.subarray(RECEIVER_AT)
  const isSealed = kind === KINDS.sealed
  let shared: Uint8Array | undefined = new Uint8Array(0)
  if (isSealed) {
    const pair = pairs.find(({ publicKey }) => equalInConstantTime(publicKey, receiver))
    if (pair === undefined) return fail('stale-session')
    shared = crypto.agree(pair.privateKey, sender)
  }
  if (shared === undefined) return fail('not-authentic')
  const { key, nonce } = keysOf(authority, shared, header, crypto)
  const message = crypto.open(key, nonce, bytes.subarray(HEADER_BYTES), header)
  return message === undefined ? fail('not-authentic') : ok({ message, sender, isSealed })
}

/** The authority as 32 octets out of a secret of any length, apart from other uses of it. */
export const authorityOf = (secret: Uint8Array, crypto: Pick<SyncCrypto, 'derive'>): Uint8Array =>
  crypto.derive(secret, new Uint8Array(0), new TextEncoder().encode('opengslb key sync'), 32)
