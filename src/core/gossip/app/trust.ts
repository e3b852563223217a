/**
 * Whom an overwatch believes: keys pinned at first contact, after a proof made with the service
 * token; then only that key, until it is renewed by itself, revoked, or unpinned.
 *
 * Whoever holds a service token may enrol any number of agents for that service; nobody else can.
 * A pin outlives a change of the token: agents it admitted stay until revoked. What an agent says
 * is judged in admission.ts, and in which order it was said in receiver.ts.
 */
import { limits } from '../../base/limits.ts'
import { type Result, fail, ok } from '../../base/result.ts'
import { type ServiceTokens, unknownService } from './admission.ts'
import { fromBase64, toHex } from './base64.ts'
import { agentIdOf, type Certificate, fromPem, readCertificate, toPem } from './certificate.ts'
import { SIGNATURE_BYTES, type TrustCrypto } from './crypto.ts'
import type { AgentAuth, Envelope, Head } from './envelope.ts'
import { laterFence, mergedPin, NO_FENCE, type Pin, type Pinned, pinnedOf } from './pins.ts'
import { isNonce, isServiceProof, nonceFor, possessionOctets } from './proofs.ts'
import type { RefusalSaid } from './replies.ts'
import type { SignedParts } from './sign.ts'

export interface Enrolled {
  readonly pin: Pin
  /** The pin is new or says something else: proofs that are given twice are no news. */
  readonly isNews: boolean
  /** Services whose proof was not accepted. */
  readonly refused: readonly RefusalSaid[]
}

const refusal = (code: RefusalSaid['code'], message: string): RefusalSaid => ({ code, message })

export class Trust {
  readonly #crypto: TrustCrypto
  /** Name of this overwatch among the members. */
  readonly #overwatch: string
  /** Drawn at each start, at least 16 octets. */
  readonly #secret: Uint8Array
  readonly #pins = new Map<string, Pinned>()
  /** Keys (hex of SHA-256 over the SPKI) that were revoked, under whatever id, and by how many. */
  readonly #revokedKeys = new Map<string, number>()

  constructor(crypto: TrustCrypto, overwatch: string, secret: Uint8Array) {
    this.#crypto = crypto
    this.#overwatch = overwatch
    this.#secret = secret
  }

  get size(): number {
    return this.#pins.size
  }

  find(agentId: string): Pin | undefined {
    return this.#pins.get(agentId)?.pin
  }

  list(): readonly Pin[] {
    return [...this.#pins.values()].map(({ pin }) => pin)
  }

  /** Pins whose certificate ends within so many milliseconds, soonest first; revoked ones not. */
  expiring(withinMs: number, nowMs: number): readonly Pin[] {
    return this.list()
      .filter((pin) => !pin.revoked && pin.notAfterMs - nowMs <= withinMs)
      .sort((a, b) => a.notAfterMs - b.notAfterMs)
  }

  nonce(agentId: string, fingerprint: string, nowMs: number): string {
    return nonceFor(this.#crypto, this.#secret, [agentId, fingerprint], nowMs)
  }

  /** Whether the message was signed by the pinned key of its agent, and the key still counts. */
  verify(
    envelope: Envelope,
    head: Head,
    parts: SignedParts,
    nowMs: number,
  ): Result<Pin, RefusalSaid> {
    const known = this.#pins.get(envelope.agentId)
    if (known === undefined)
      return fail(refusal('unknown-agent', `${envelope.agentId} is not known here`))
    const { pin } = known
    if (pin.revoked)
      return fail(refusal('revoked', `${pin.agentId} was revoked: ${pin.revokedReason}`))
    if (head.fingerprint !== pin.fingerprint)
      return fail(
        refusal(
          'other-key',
          `${pin.agentId} is pinned to ${pin.fingerprint.slice(0, 12)}, not to ` +
            `${head.fingerprint.slice(0, 12)}; unpin the agent to admit the new key`,
        ),
      )
    const grace = envelope.body.type === 'agent_auth' ? limits.trustRotationGraceMs.default : 0
    if (nowMs > pin.notAfterMs + grace)
      return fail(refusal('expired-certificate', `the certificate of ${pin.agentId} has expired`))
    if (!this.#isSigned(known.certificate, head, parts))
      return fail(refusal('bad-signature', `the signature is not that of ${pin.agentId}`))
    return ok(pin)
  }

  /** Whether the key that is introduced is the one believed. */
  isPinned(agentId: string, { fingerprint }: AgentAuth): boolean {
    const pin = this.find(agentId)
    return pin?.revoked === false && pin.fingerprint === fingerprint
  }

  #isSigned(certificate: Certificate, head: Head, parts: SignedParts): boolean {
    return (
      certificate.algorithm === head.algorithm &&
      this.#crypto.verify(head.algorithm, certificate.spki, parts.signed, parts.signature)
    )
  }

  /** First contact, or proofs for more services: answers a challenge. */
  enrol(
    envelope: Envelope,
    head: Head,
    auth: AgentAuth,
    parts: SignedParts,
    tokens: ServiceTokens,
    nowMs: number,
  ): Result<Enrolled, RefusalSaid> {
    const shown = this.#shown(envelope, head, auth, nowMs)
    if (!shown.ok) return shown
    if (!this.#isSigned(shown.value, head, parts))
      return fail(refusal('bad-signature', 'the message is not signed by its certificate'))
    const whom = [envelope.agentId, head.fingerprint] as const
    if (
      auth.overwatch !== this.#overwatch ||
      !isNonce(this.#crypto, this.#secret, whom, auth.nonce, nowMs)
    )
      return fail(refusal('stale-nonce', 'the proof answers no challenge of the last minute'))
    const { proven, refused } = this.#proven(head.fingerprint, auth, tokens)
    if (proven.length === 0) return fail(refused[0] ?? refusal('bad-proof', 'no service is proven'))
    return this.#pin(envelope, auth, shown.value, proven, refused, nowMs)
  }

  /** The certificate that is shown, when it may be pinned for this agent. */
  #shown(
    envelope: Envelope,
    head: Head,
    auth: AgentAuth,
    nowMs: number,
  ): Result<Certificate, RefusalSaid> {
    const known = this.#pins.get(envelope.agentId)?.pin
    if (known?.revoked === true)
      return fail(refusal('revoked', `${known.agentId} was revoked: ${known.revokedReason}`))
    if (known !== undefined && known.fingerprint !== head.fingerprint)
      return fail(refusal('other-key', `${known.agentId} is pinned to another key`))
    if (known === undefined && this.#pins.size >= limits.trustPins.default)
      return fail(refusal('too-many-agents', `${this.#pins.size} agents are pinned already`))
    if (auth.fingerprint !== head.fingerprint)
      return fail(refusal('bad-certificate', 'the message names two fingerprints'))
    return this.#certificate(auth, envelope, nowMs)
  }

  #certificate(
    auth: AgentAuth,
    envelope: Envelope,
    nowMs: number,
  ): Result<Certificate, RefusalSaid> {
    const bad = (message: string) => fail(refusal('bad-certificate', message))
    const pem = fromBase64(auth.certificatePem, limits.certificateBytes.default * 2)
    const der = pem === undefined ? undefined : fromPem(String.fromCharCode(...pem))
    if (der === undefined) return bad('certificate_pem is not base64 of PEM')
    if (toHex(this.#crypto.sha256(der)) !== auth.fingerprint)
      return bad('the certificate has another fingerprint')
    const read = readCertificate(der)
    if (!read.ok) return bad(read.error)
    const certificate = read.value
    if (nowMs > certificate.notAfterMs)
      return fail(refusal('expired-certificate', 'the certificate has expired'))
    if (nowMs < certificate.notBeforeMs - limits.trustClockAheadMs.default)
      return fail(refusal('clock-off', 'the certificate is not valid yet: look at the clocks'))
    const ids = [agentIdOf(envelope.region, auth.fingerprint), certificate.agentId]
    if (!ids.includes(envelope.agentId))
      return fail(refusal('wrong-agent-id', `the certificate is that of ${ids[1] ?? ids[0]!}`))
    if (this.#revokedKeys.has(this.#keyOf(certificate)))
      return fail(refusal('revoked', 'the key was revoked under this or another name'))
    return ok(certificate)
  }

  #keyOf(certificate: Certificate): string {
    return toHex(this.#crypto.sha256(certificate.spki))
  }

  #proven(
    fingerprint: string,
    auth: AgentAuth,
    tokens: ServiceTokens,
  ): { proven: string[]; refused: RefusalSaid[] } {
    const proven: string[] = []
    const refused: RefusalSaid[] = []
    for (const { service, proof } of auth.proofs) {
      const token = tokens.tokenOf(service)
      const of = { fingerprint, nonce: auth.nonce, service, overwatch: this.#overwatch }
      if (token === undefined) refused.push(unknownService(service))
      else if (isServiceProof(this.#crypto, token, of, proof))
        proven.push(tokens.canonical(service))
      else
        refused.push(
          refusal('bad-proof', `the token of the agent is not overwatch.agent_tokens.${service}`),
        )
    }
    return { proven, refused: refused.slice(0, limits.trustRefusalsPerReply.default) }
  }

  #pin(
    envelope: Envelope,
    auth: AgentAuth,
    certificate: Certificate,
    proven: readonly string[],
    refused: readonly RefusalSaid[],
    nowMs: number,
  ): Result<Enrolled, RefusalSaid> {
    const known = this.#pins.get(envelope.agentId)?.pin
    const services = [...new Set([...(known?.services ?? []), ...proven])].sort()
    if (services.length > limits.trustServices.default)
      return fail(refusal('too-many-services', `${services.length} services of one agent`))
    const pin: Pin = {
      agentId: envelope.agentId,
      region: envelope.region,
      fingerprint: auth.fingerprint,
      certificatePem: pemOf(auth),
      services,
      firstSeenMs: known?.firstSeenMs ?? nowMs,
      lastSeenMs: nowMs,
      notAfterMs: certificate.notAfterMs,
      rotatedMs: known?.rotatedMs ?? 0,
      revoked: false,
      revokedAtMs: 0,
      revokedReason: '',
      fence: known?.fence ?? NO_FENCE,
    }
    this.#pins.set(pin.agentId, { pin, certificate })
    // Each message of a stranger is answered by a challenge, so the first proofs come twice.
    const isNews = known === undefined || known.services.length !== services.length
    return ok({ pin, isNews, refused })
  }

  /**
   * Replaces the certificate of an agent whose message `verify` accepted, which is to say that the
   * pinned key itself asks for it; the new key signs too, to show that it is there.
   */
  rotate(envelope: Envelope, head: Head, auth: AgentAuth, nowMs: number): Result<Pin, RefusalSaid> {
    const known = this.#pins.get(envelope.agentId)
    if (known === undefined)
      return fail(refusal('unknown-agent', `${envelope.agentId} is not known here`))
    const certificate = this.#certificate(auth, envelope, nowMs)
    if (!certificate.ok) return certificate
    const { algorithm, spki, notAfterMs } = certificate.value
    const octets = possessionOctets(envelope.agentId, head.fingerprint, auth.fingerprint)
    const signature = fromBase64(auth.possession, SIGNATURE_BYTES)
    if (signature === undefined || !this.#crypto.verify(algorithm, spki, octets, signature))
      return fail(refusal('bad-signature', 'the new key did not sign its own introduction'))
    const { fingerprint } = auth
    known.certificate = certificate.value
    known.pin = {
      ...known.pin,
      fingerprint,
      certificatePem: pemOf(auth),
      notAfterMs,
      rotatedMs: Math.max(nowMs, known.pin.rotatedMs + 1),
      lastSeenMs: nowMs,
    }
    return ok(known.pin)
  }

  /** Notes that the agent was heard, and how far. */
  heard(agentId: string, fence: Pin['fence'], nowMs: number): void {
    const known = this.#pins.get(agentId)
    if (known === undefined) return
    const lastSeenMs = Math.max(known.pin.lastSeenMs, nowMs)
    const furthest = laterFence(fence, known.pin.fence) ? fence : known.pin.fence
    known.pin = { ...known.pin, lastSeenMs, fence: furthest }
  }

  /** From now on the key is refused, under this id and any other; undefined when not pinned. */
  revoke(agentId: string, reason: string, nowMs: number): Pin | undefined {
    const known = this.#pins.get(agentId)
    if (known === undefined || known.pin.revoked) return known?.pin
    known.pin = {
      ...known.pin,
      revoked: true,
      revokedAtMs: nowMs,
      revokedReason: reason.slice(0, limits.reportTextChars.default),
    }
    this.#countRevoked(known, 1)
    return known.pin
  }

  /** Forgets the agent, revoked or not: its next message is a first contact. */
  unpin(agentId: string): boolean {
    const known = this.#pins.get(agentId)
    if (known?.pin.revoked === true) this.#countRevoked(known, -1)
    return this.#pins.delete(agentId)
  }

  #countRevoked({ certificate }: Pinned, by: number): void {
    const key = this.#keyOf(certificate)
    const count = (this.#revokedKeys.get(key) ?? 0) + by
    if (count > 0) this.#revokedKeys.set(key, count)
    else this.#revokedKeys.delete(key)
  }

  /** Takes a pin from disk or from another overwatch; the pin that holds now, or why not. */
  importPin(pin: Pin): Result<Pin, string> {
    const known = this.#pins.get(pin.agentId)
    if (known === undefined && this.#pins.size >= limits.trustPins.default)
      return fail(`${this.#pins.size} agents are pinned already`)
    const merged = known === undefined ? pin : mergedPin(known.pin, pin)
    const pinned =
      known?.pin.fingerprint === merged.fingerprint
        ? ok({ pin: merged, certificate: known.certificate })
        : pinnedOf(merged, this.#crypto)
    if (!pinned.ok) return pinned
    if (known?.pin.revoked === true) this.#countRevoked(known, -1)
    if (merged.revoked) this.#countRevoked(pinned.value, 1)
    this.#pins.set(pin.agentId, pinned.value)
    return ok(merged)
  }
}

/** Written anew, so that two pins of one certificate are the same text. */
function pemOf(auth: AgentAuth): string {
  const pem = fromBase64(auth.certificatePem, limits.certificateBytes.default * 2)
  const der = pem === undefined ? undefined : fromPem(String.fromCharCode(...pem))
  return der === undefined ? '' : toPem(der)
}
