/**
 * Members of a gossip cluster for tests: keys, wires, and messages of every type.
 */
import { nodeAesGcm } from '../../src/actors/gossip/ports-crypto.ts'
import { assert } from '../../src/core/base/assert.ts'
import type { Result } from '../../src/core/base/result.ts'
import type { PacketMessage, StreamMessage, VersionVector } from '../../src/core/gossip/messages.ts'
import type { Encryption } from '../../src/core/gossip/wire/crypt.ts'
import { Keyring } from '../../src/core/gossip/wire/keyring.ts'
import type { Wire } from '../../src/core/gossip/wire/wire.ts'

export const hexOf = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
export const octetsOfHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Octets first, first + 1, … */
export const counting = (first: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, index) => first + index)

/** The value, or a failure of the test. */
export function valueIn<T>(result: Result<T, unknown>): T {
  assert(result.ok, `a value, not ${JSON.stringify(result)}`)
  return result.value
}

export function codeOf(result: Result<unknown, { readonly code: string }>): string {
  return result.ok ? 'ok' : result.error.code
}

export const ringOf = (...keys: readonly Uint8Array[]): Keyring => valueIn(Keyring.of(keys))

/** The key and the nonce of the vectors. */
export const KEY = counting(0, 32)
export const NONCE = counting(0xa0, 12)

export const encryptionOf = (changes: Partial<Encryption> = {}): Encryption => ({
  keyring: ringOf(KEY),
  aesGcm: nodeAesGcm,
  nonce: () => NONCE,
  version: 1,
  verifyIncoming: true,
  verifyOutgoing: true,
  ...changes,
})

export const wireOf = (changes: Partial<Wire> = {}): Wire => ({
  label: new Uint8Array(0),
  encryption: undefined,
  compress: false,
  ...changes,
})

export const VSN: VersionVector = [1, 5, 2, 0, 0, 0]
const addr = Uint8Array.of(127, 0, 0, 1)
const mapped = octetsOfHex('00000000000000000000ffff0a630002')
const source = { sourceAddr: addr, sourcePort: 7_946, sourceNode: 'a' }
const meta = utf8('{"role":"agent","region":"eu"}')
const none = new Uint8Array(0)

export const packetMessages: readonly PacketMessage[] = [
  { type: 'ping', seqNo: 7, node: 'b', ...source },
  { type: 'ping', seqNo: 1, node: '', sourceAddr: none, sourcePort: 0, sourceNode: '' },
  { type: 'indirect-ping', seqNo: 8, target: mapped, port: 80, node: 'c', nack: true, ...source },
  { type: 'ack', seqNo: 0xffff_ffff, payload: none },
  { type: 'ack', seqNo: 300, payload: counting(1, 40) },
  { type: 'nack', seqNo: 70_000 },
  { type: 'suspect', incarnation: 3, node: 'b', from: 'a' },
  { type: 'dead', incarnation: 4, node: 'b', from: 'b' },
  { type: 'alive', incarnation: 5, node: 'bücher', addr: mapped, port: 37_131, meta, vsn: VSN },
  { type: 'user', payload: utf8('{"type":"heartbeat"}'.repeat(30)) },
]

const state = { port: 7_946, incarnation: 1, vsn: VSN }

export const streamMessages: readonly StreamMessage[] = [
  { type: 'ping', seqNo: 9, node: 'b', ...source },
  { type: 'ack', seqNo: 9, payload: none },
  { type: 'user', payload: utf8('some words '.repeat(300)) },
  { type: 'err', error: 'No installed keys could decrypt the message' },
  {
    type: 'push-pull',
    join: true,
    nodes: [
      { name: 'a', addr, meta, state: 'alive', ...state },
      { name: 'b', addr: mapped, meta: none, state: 'left', ...state },
      { name: 'c'.repeat(40), addr, meta, state: 'suspect', ...state },
    ],
    userState: counting(0, 200),
  },
]
