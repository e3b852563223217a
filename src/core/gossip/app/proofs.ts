/**
 * Proofs: of the right to a service, of the possession of a new key, and the nonce they answer.
 *
 * The service token never travels. An agent shows that it has it by an HMAC (RFC 2104) over its
 * own fingerprint, the overwatch's nonce and name, and the service, so a proof is worth nothing to
 * another agent, at another overwatch, for another service or later. The nonce is itself an HMAC
 * under a secret of the overwatch over the time, so that challenging costs no memory.
 */
import { limits } from '../../base/limits.ts'
import { equalInConstantTime, fromBase64, toBase64, toHex } from './base64.ts'
import { type Digests, octetsOf } from './crypto.ts'

/** Parts are told apart by their lengths, so that none can borrow from its neighbour. */
const framed = (context: string, parts: readonly string[]): Uint8Array =>
  octetsOf(`${context}\n${parts.map((part) => `${part.length}:${part}`).join('\n')}`)

export interface ProofOf {
  readonly fingerprint: string
  readonly nonce: string
  readonly service: string
  readonly overwatch: string
}

/** Base64 of the proof that the holder of `token` may serve the service. */
export const serviceProof = (digests: Digests, token: string, of: ProofOf): string =>
  toBase64(
    digests.hmacSha256(
      octetsOf(token),
      framed('opengslb service proof 1', [of.fingerprint, of.nonce, of.service, of.overwatch]),
    ),
  )

export function isServiceProof(
  digests: Digests,
  token: string,
  of: ProofOf,
  proof: string,
): boolean {
  const given = fromBase64(proof, 32)
  const expected = fromBase64(serviceProof(digests, token, of), 32)
  return given !== undefined && equalInConstantTime(given, expected!)
}

/** What the new key of an agent signs to show that it is there when it replaces the pinned one. */
export const possessionOctets = (
  agentId: string,
  oldFingerprint: string,
  newFingerprint: string,
): Uint8Array => framed('opengslb key rotation 1', [agentId, oldFingerprint, newFingerprint])

const slotOf = (nowMs: number) => Math.floor(nowMs / limits.trustNonceMs.default)

function nonceOfSlot(
  digests: Digests,
  secret: Uint8Array,
  [agentId, fingerprint]: readonly [string, string],
  slot: number,
): string {
  const octets = framed('opengslb nonce 1', [agentId, fingerprint, String(slot)])
  return toHex(digests.hmacSha256(secret, octets).subarray(0, 16))
}

/** The nonce for one key of one agent now; `secret` is drawn at each start of the overwatch. */
export const nonceFor = (
  digests: Digests,
  secret: Uint8Array,
  whom: readonly [agentId: string, fingerprint: string],
  nowMs: number,
): string => nonceOfSlot(digests, secret, whom, slotOf(nowMs))

/** Whether the nonce was given to this key in this span of time or the one before. */
export function isNonce(
  digests: Digests,
  secret: Uint8Array,
  whom: readonly [agentId: string, fingerprint: string],
  nonce: string,
  nowMs: number,
): boolean {
  const given = octetsOf(nonce)
  return [0, 1].some((back) =>
    equalInConstantTime(given, octetsOf(nonceOfSlot(digests, secret, whom, slotOf(nowMs) - back))),
  )
}
