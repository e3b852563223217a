/**
 * The signature of an agent's message: the last member of its JSON object.
 *
 *   {"type":"heartbeat",…,"alg":"ed25519","fingerprint":"…","node":"…","boot":1,"seq":2,"beat":3,
 *    "payload":{…},"sig":"<base64 of 64 octets>"}
 *
 * It covers a context string and the exact octets before `,"sig":"`, so nothing has to be written
 * the same way twice. The Go program passes over the added members. The context keeps a signature
 * made here from meaning anything elsewhere.
 */
import { fromBase64, toBase64 } from './base64.ts'
import { type AgentKey, joined, octetsOf, SIGNATURE_BYTES } from './crypto.ts'

const CONTEXT = octetsOf('opengslb agent message 1\n')
const BEFORE = octetsOf(',"sig":"')
const AFTER = octetsOf('"}')
const BASE64_CHARS = Math.ceil(SIGNATURE_BYTES / 3) * 4

/** Octets a signature adds to a message. */
export const SIGNATURE_ADDS = BEFORE.length + BASE64_CHARS + AFTER.length - 1

/** What is signed: the context and the message up to its signature. */
export const signedOctets = (before: Uint8Array): Uint8Array => joined(CONTEXT, before)

/** The message with its signature; `object` is a JSON object with at least one member. */
export function signMessage(object: Readonly<Record<string, unknown>>, key: AgentKey): Uint8Array {
  const before = octetsOf(JSON.stringify(object).slice(0, -1))
  const signature = octetsOf(toBase64(key.sign(signedOctets(before))))
  return joined(before, BEFORE, signature, AFTER)
}

export interface SignedParts {
  /** What the signature covers, context included. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

const matchesAt = (bytes: Uint8Array, at: number, part: Uint8Array): boolean =>
  part.every((byte, index) => bytes[at + index] === byte)

/**
 * Takes a message apart; undefined when it does not end in a signature of the right length. All
 * places are fixed from the end, so a `,"sig":"` inside a text is never taken for the signature.
 */
export function splitSignature(bytes: Uint8Array): SignedParts | undefined {
  const valueAt = bytes.length - AFTER.length - BASE64_CHARS
  const beforeAt = valueAt - BEFORE.length
  if (beforeAt < 1 || !matchesAt(bytes, beforeAt, BEFORE)) return undefined
  if (!matchesAt(bytes, bytes.length - AFTER.length, AFTER)) return undefined
  const text = String.fromCharCode(...bytes.subarray(valueAt, valueAt + BASE64_CHARS))
  const signature = fromBase64(text, SIGNATURE_BYTES)
  if (signature?.length !== SIGNATURE_BYTES) return undefined
  return { signed: signedOctets(bytes.subarray(0, beforeAt)), signature }
}
