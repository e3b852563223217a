/**
 * Messages of agents as tests want them: signed, with any part wrong, and a receiver that has
 * pinned their sender.
 */
import { toBase64 } from '../../src/core/gossip/app/base64.ts'
import { agentIdOf, toPem } from '../../src/core/gossip/app/certificate.ts'
import { type AgentKey, octetsOf } from '../../src/core/gossip/app/crypto.ts'
import type { ReceiverOutput } from '../../src/core/gossip/app/outputs.ts'
import { serviceProof } from '../../src/core/gossip/app/proofs.ts'
import type { Receiver } from '../../src/core/gossip/app/receiver.ts'
import { signMessage } from '../../src/core/gossip/app/sign.ts'
import type { ReportedBackend } from '../../src/core/health/report.ts'
import {
  backend,
  crypto,
  keyOf,
  lastReply,
  receiverOf,
  type settingsOf,
  START,
  TOKEN,
} from './agents.ts'

/** The key of the agent that most tests are about. */
export const key = keyOf()
export const agentId = agentIdOf('eu', key.fingerprint)
export const FROM = '10.9.9.9:7946'

/** What a message shall say; the rest is as a good agent says it. */
export interface Wish {
  readonly key?: AgentKey
  readonly agentId?: string
  readonly type?: string
  readonly payload?: Record<string, unknown>
  readonly boot?: number
  readonly seq?: number
  readonly beat?: number
  readonly fingerprint?: string
}

let beats = 1_000
/** A beat not used before. */
export const nextBeat = (): number => ++beats

/** A message signed as wished. */
export function signed(wish: Wish = {}): Uint8Array {
  const by = wish.key ?? key
  return signMessage(
    {
      type: wish.type ?? 'heartbeat',
      agent_id: wish.agentId ?? agentId,
      region: 'eu',
      timestamp: new Date(START).toISOString(),
      payload: wish.payload ?? { backends: [wire()], fingerprint: '' },
      alg: by.algorithm,
      fingerprint: wish.fingerprint ?? by.fingerprint,
      node: 'agent-node',
      boot: wish.boot ?? START,
      seq: wish.seq ?? 1,
      beat: wish.beat ?? ++beats,
    },
    by,
  )
}

export const wire = (over: Partial<ReportedBackend> = {}) => {
  const { service, address, port, weight, healthy } = backend(over)
  return { service, address, port, weight, healthy }
}

/** A receiver that has pinned `key`. */
export function pinned(over: Parameters<typeof settingsOf>[0] = {}): Receiver {
  const receiver = receiverOf(over)
  enrol(receiver, key)
  return receiver
}

/** Lets the holder of `by` be challenged and answer; `over` changes its answer. */
export function enrol(
  receiver: Receiver,
  by: AgentKey,
  over: Record<string, unknown> = {},
  token = TOKEN,
  wish: Wish = {},
): readonly ReceiverOutput[] {
  const id = wish.agentId ?? agentIdOf('eu', by.fingerprint)
  const greeting = receiver.receive(signed({ key: by, agentId: id, ...wish }), FROM, START)
  const nonce = String(lastReply(greeting)['nonce'] ?? '')
  const of = { fingerprint: by.fingerprint, nonce, service: 'web', overwatch: 'ow1' }
  const payload = {
    certificate_pem: toBase64(octetsOf(toPem(by.certificate))),
    fingerprint: by.fingerprint,
    nonce,
    overwatch: 'ow1',
    proofs: [{ service: 'web', proof: serviceProof(crypto, token, of) }],
    ...over,
  }
  return receiver.receive(
    signed({ key: by, agentId: id, type: 'agent_auth', ...wish, payload }),
    FROM,
    START,
  )
}

/** The code of the last reply's refusal, or of the first part that was left out. */
export const codeOf = (outputs: readonly ReceiverOutput[]) => {
  const reply = lastReply(outputs)
  return reply['code'] ?? (reply['refused'] as { code: string }[] | undefined)?.[0]?.code
}

export const reports = (outputs: readonly ReceiverOutput[]) =>
  outputs.flatMap((output) => (output.kind === 'report' ? [output.report] : []))
