/**
 * Pins: the keys an overwatch believes, each bound to one agent since its first contact.
 *
 * A pin is a plain value, kept by the registry and told to other overwatches. Merging two pins of
 * one agent gives the same result in any order: a revocation is never undone by an older word, a
 * later rotation wins, else the earlier pin, and the fence only moves forward.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail, ok } from '../../base/result.ts'
import { fromPem, readCertificate, type Certificate } from './certificate.ts'
import type { Digests } from './crypto.ts'
import { toHex } from './base64.ts'
import { FINGERPRINT, ID, ID_CHARS, REGION } from './envelope.ts'
import { type Fields, isObject, readFields } from './json.ts'

/** How far an agent has been heard: an order of reports that survives a restart of ours. */
export interface Fence {
  readonly boot: number
  readonly seq: number
  readonly beat: number
}

export const NO_FENCE: Fence = { boot: 0, seq: 0, beat: 0 }

export interface Pin {
  readonly agentId: string
  readonly region: string
  readonly fingerprint: string
  readonly certificatePem: string
  /** Services it has proven its right to, sorted. */
  readonly services: readonly string[]
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly notAfterMs: number
  /** When the present certificate replaced another one; 0 for the first. */
  readonly rotatedMs: number
  readonly revoked: boolean
  /** 0 while it is not. */
  readonly revokedAtMs: number
  readonly revokedReason: string
  readonly fence: Fence
}

/** A pin with what its certificate says. */
export interface Pinned {
  pin: Pin
  certificate: Certificate
}

/** Whether a comes after b. */
export const laterFence = (a: Fence, b: Fence): boolean =>
  a.boot !== b.boot ? a.boot > b.boot : a.seq !== b.seq ? a.seq > b.seq : a.beat > b.beat

/** Reads the certificate of a pin, which must be the one its fingerprint names. */
export function pinnedOf(pin: Pin, digests: Digests): Result<Pinned, string> {
  const der = fromPem(pin.certificatePem)
  if (der === undefined) return fail(`the certificate of ${pin.agentId} is not PEM`)
  if (toHex(digests.sha256(der)) !== pin.fingerprint)
    return fail(`the certificate of ${pin.agentId} is not the one of its fingerprint`)
  const certificate = readCertificate(der)
  return certificate.ok ? ok({ pin, certificate: certificate.value }) : certificate
}

/** One pin out of two of the same agent. */
export function mergedPin(own: Pin, other: Pin): Pin {
  const winner = keyWinner(own, other)
  // Lifting a revocation means deleting the pin, so of two words about it the revocation holds.
  const revoker =
    !other.revoked || (own.revoked && own.revokedAtMs >= other.revokedAtMs) ? own : other
  const sameKey = own.fingerprint === other.fingerprint
  return {
    ...winner,
    services: sameKey ? unionOf(own.services, other.services) : winner.services,
    firstSeenMs: Math.min(own.firstSeenMs, other.firstSeenMs),
    lastSeenMs: Math.max(own.lastSeenMs, other.lastSeenMs),
    revoked: revoker.revoked,
    revokedAtMs: revoker.revokedAtMs,
    revokedReason: revoker.revokedReason,
    fence: laterFence(other.fence, own.fence) ? other.fence : own.fence,
  }
}

function keyWinner(own: Pin, other: Pin): Pin {
  if (own.rotatedMs !== other.rotatedMs) return own.rotatedMs > other.rotatedMs ? own : other
  if (own.firstSeenMs !== other.firstSeenMs)
    return own.firstSeenMs < other.firstSeenMs ? own : other
  return own.fingerprint <= other.fingerprint ? own : other
}

const unionOf = (a: readonly string[], b: readonly string[]) =>
  [...new Set([...a, ...b])].sort().slice(0, limits.trustServices.default)

/** Reads a pin from disk or from another overwatch. */
export function parsePin(value: unknown): Result<Pin, string> {
  if (!isObject(value)) return fail('the pin is not an object')
  const services = value['services']
  if (!Array.isArray(services) || services.length > limits.trustServices.default)
    return fail('services of the pin is not a list of at most 1,000')
  if (!services.every((item): item is string => typeof item === 'string' && isName(item)))
    return fail('services of the pin holds something else than names')
  const pin = readFields(value, '', (fields) => readPin(fields, services))
  return pin.ok ? pin : fail(pin.error.message)
}

const isName = (text: string) => text.length > 0 && text.length <= limits.reportNameChars.default

function readPin(fields: Fields, services: readonly string[]): Pin {
  const whole = (from: Fields | undefined, name: string) =>
    from?.integer(name, 0, Number.MAX_SAFE_INTEGER, 0) ?? 0
  const fence = fields.object('fence')
  const region = fields.text('region', 128)
  if (!REGION.test(region)) fields.fault('region', 'is not a region')
  return {
    agentId: fields.matching('agentId', ID, ID_CHARS, 'an agent id'),
    region,
    fingerprint: fields.matching('fingerprint', FINGERPRINT, 64, 'a SHA-256 in hex'),
    certificatePem: fields.lines('certificatePem', limits.certificateBytes.default * 2),
    services: [...services].sort(),
    firstSeenMs: whole(fields, 'firstSeenMs'),
    lastSeenMs: whole(fields, 'lastSeenMs'),
    notAfterMs: whole(fields, 'notAfterMs'),
    rotatedMs: whole(fields, 'rotatedMs'),
    revoked: fields.bool('revoked') === true,
    revokedAtMs: whole(fields, 'revokedAtMs'),
    revokedReason: fields.text('revokedReason', limits.reportTextChars.default),
    fence: { boot: whole(fence, 'boot'), seq: whole(fence, 'seq'), beat: whole(fence, 'beat') },
  }
}
