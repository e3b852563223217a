/**
 * A pin that an operator makes, before the first contact of an agent or in place of another.
 *
 * The certificate must be that of the agent: its id follows from it or is named in it, as at a
 * first contact. What an agent may serve it still has to prove with its token.
 */
import { agentIdOf, fromPem, readCertificate, toPem } from '../../core/gossip/app/certificate.ts'
import { toHex } from '../../core/gossip/app/base64.ts'
import type { Digests } from '../../core/gossip/app/crypto.ts'
import { REGION } from '../../core/gossip/app/envelope.ts'
import { NO_FENCE, type Pin } from '../../core/gossip/app/pins.ts'
import type { AgentOutcome, RotateOutcome } from '../../messages/agent-views.ts'
import type { PinOutcome } from '../../messages/api-entries.ts'
import { isThere, type Known } from './members.ts'

export interface Outcome {
  readonly outcome: AgentOutcome
  readonly message: string
}

export interface PinReply {
  readonly outcome: PinOutcome
  readonly message: string
}

export interface RotateReply {
  readonly outcome: RotateOutcome
  readonly message: string
  /** The key that is to go; empty where nothing is asked. */
  readonly fingerprint: string
}

export interface PinOrder {
  readonly agentId: string
  readonly region: string
  readonly certificatePem: string
}

export const notFound = (agentId: string): Outcome => ({
  outcome: 'not-found',
  message: `no agent ${agentId} is known`,
})

/** Whether an agent can be asked for another key, and which one is to go. */
export function rotationOf(
  agentId: string,
  pin: Pin | undefined,
  known: Known | undefined,
): RotateReply {
  if (pin === undefined)
    return { outcome: 'not-found', message: `no agent ${agentId} is known`, fingerprint: '' }
  const refused = (message: string) => ({ outcome: 'refused', message, fingerprint: '' }) as const
  if (pin.revoked) return refused(`${agentId} is revoked: no key of it is believed`)
  if (known === undefined || !isThere(known.member))
    return refused(`${agentId} is not there to be asked`)
  const message = `${agentId} was asked for another key`
  return { outcome: 'done', message, fingerprint: pin.fingerprint }
}

const malformed = (message: string): PinReply => ({ outcome: 'malformed', message })

/** The pin to take, or why not. */
export function pinOfOrder(
  { agentId, region, certificatePem }: PinOrder,
  known: Pin | undefined,
  digests: Digests,
  nowMs: number,
): Pin | PinReply {
  if (known?.revoked === true)
    return { outcome: 'refused', message: `${agentId} is revoked: forget it first` }
  const der = fromPem(certificatePem)
  if (der === undefined) return malformed('certificate is not PEM')
  if (!REGION.test(region)) return malformed('region is not the name of a region')
  const certificate = readCertificate(der)
  if (!certificate.ok) return malformed(`certificate: ${certificate.error}`)
  const { notAfterMs } = certificate.value
  if (nowMs > notAfterMs) return malformed('certificate has expired')
  const fingerprint = toHex(digests.sha256(der))
  const named = certificate.value.agentId ?? agentIdOf(region, fingerprint)
  if (named !== agentId && agentIdOf(region, fingerprint) !== agentId)
    return malformed(`certificate is that of ${named}`)
  const isAnother = known !== undefined && known.fingerprint !== fingerprint
  return {
    agentId,
    region,
    fingerprint,
    certificatePem: toPem(der),
    services: [],
    firstSeenMs: nowMs,
    lastSeenMs: 0,
    notAfterMs,
    // Of two keys of one agent the later rotation wins, on every overwatch.
    rotatedMs: isAnother ? nowMs : 0,
    revoked: false,
    revokedAtMs: 0,
    revokedReason: '',
    fence: NO_FENCE,
  }
}
