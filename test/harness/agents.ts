/**
 * Agents and overwatches without sockets: real keys and certificates, a virtual time, and a link
 * that loses, repeats and reorders by a seed.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import {
  agentKeyOf,
  nodeTrustCrypto,
  signCertificate,
  spkiOf,
} from '../../src/actors/gossip/ports-signatures.ts'
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import { agentIdOf, writeCertificate } from '../../src/core/gossip/app/certificate.ts'
import type { AgentKey, KeyAlgorithm } from '../../src/core/gossip/app/crypto.ts'
import type { ReceiverOutput } from '../../src/core/gossip/app/outputs.ts'
import { Receiver, type ReceiverSettings } from '../../src/core/gossip/app/receiver.ts'
import { Reporter, type ReporterOutput } from '../../src/core/gossip/app/reporter.ts'
import type { ReportedBackend } from '../../src/core/health/report.ts'

/** A moment after the certificates of tests begin. */
export const START = Date.UTC(2026, 10, 21, 12)
export const YEAR = 365 * 86_400_000
export const TOKEN = 'a-token-of-the-web-service'

export const crypto = nodeTrustCrypto()

export interface KeyWish {
  readonly region?: string
  readonly algorithm?: KeyAlgorithm
  readonly notBeforeMs?: number
  readonly notAfterMs?: number
  readonly agentId?: string
  readonly privateKey?: KeyObject
}

export const newPrivateKey = (algorithm: KeyAlgorithm = 'ed25519'): KeyObject =>
  algorithm === 'ed25519'
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

/** A key with its certificate. */
export function keyOf(wish: KeyWish = {}): AgentKey {
  const algorithm = wish.algorithm ?? 'ed25519'
  const privateKey = wish.privateKey ?? newPrivateKey(algorithm)
  const der = writeCertificate(
    {
      algorithm,
      spki: spkiOf(privateKey),
      region: wish.region ?? 'eu',
      serial: Uint8Array.of(0x41, ...randomBytes(15)),
      notBeforeMs: wish.notBeforeMs ?? START - 3_600_000,
      notAfterMs: wish.notAfterMs ?? START + YEAR,
      ...(wish.agentId === undefined ? {} : { agentId: wish.agentId }),
    },
    signCertificate(algorithm, privateKey),
  )
  return agentKeyOf(algorithm, privateKey, der)
}

export const backend = (over: Partial<ReportedBackend> = {}): ReportedBackend => ({
  service: 'web',
  address: '10.0.0.1',
  port: 80,
  weight: 100,
  healthy: true,
  reason: '',
  ...over,
})

export const settingsOf = (over: Partial<ReceiverSettings> = {}): ReceiverSettings => ({
  agentTokens: { web: TOKEN },
  zones: ['example.com'],
  allowedBackends: [],
  allowUnsigned: false,
  silentMs: 30_000,
  ...over,
})

export const receiverOf = (over: Partial<ReceiverSettings> = {}, node = 'ow1', boot = START - 50) =>
  new Receiver(
    { node, boot, secret: createHash('sha256').update(`${node}${boot}`).digest() },
    settingsOf(over),
    crypto,
  )

export interface ReporterWish {
  readonly key?: AgentKey
  readonly previousKey?: AgentKey
  readonly agentId?: string
  readonly region?: string
  readonly token?: string
  readonly boot?: number
  readonly intervalMs?: number
  readonly random?: Random
}

export function reporterOf(wish: ReporterWish = {}): Reporter {
  const key = wish.key ?? keyOf()
  const region = wish.region ?? 'eu'
  return new Reporter(
    {
      agentId: wish.agentId ?? agentIdOf(region, key.fingerprint),
      region,
      node: 'agent-node',
      serviceToken: wish.token ?? TOKEN,
      boot: wish.boot ?? START - 100,
      key,
      previousKey: wish.previousKey,
      intervalMs: wish.intervalMs ?? 10_000,
    },
    crypto,
    wish.random ?? seededRandom(7),
  )
}

/** Everything one overwatch gave out for the messages, each answered until both fall silent. */
export function converse(
  reporter: Reporter,
  receiver: Receiver,
  nowMs: number,
  node = 'ow1',
): ReceiverOutput[] {
  const all: ReceiverOutput[] = []
  let toSend = [...reporter.tick(nowMs)]
  for (let turn = 0; toSend.length > 0 && turn < 20; turn++) {
    const next: ReporterOutput[] = []
    for (const message of toSend) {
      if (message.kind !== 'send' || message.to !== node) continue
      for (const output of receiver.receive(message.bytes, '10.9.9.9:7946', nowMs)) {
        all.push(output)
        if (output.kind === 'reply') next.push(...reporter.onMessage(output.bytes, nowMs))
      }
    }
    next.push(...reporter.tick(nowMs))
    toSend = next
  }
  return all
}

/** The octets among what a reporter gave out. */
export const sends = (outputs: readonly ReporterOutput[]): readonly Uint8Array[] =>
  outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : []))

export const kindsOf = (outputs: readonly { readonly kind: string }[]): readonly string[] =>
  outputs.map(({ kind }) => kind)

export const textOf = (bytes: Uint8Array | undefined): string =>
  new TextDecoder().decode(bytes ?? new Uint8Array(0))

/** What the last reply among the outputs says. */
export function lastReply(outputs: readonly ReceiverOutput[]): Record<string, unknown> {
  const reply = outputs.filter((output) => output.kind === 'reply').at(-1)
  return reply?.kind === 'reply' ? JSON.parse(textOf(reply.bytes)) : {}
}
