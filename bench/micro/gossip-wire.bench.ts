/**
 * What a packet costs: a user message of 700 octets through compression, checksum and encryption,
 * written and read.
 *
 * The peer is the cipher alone on the same octets, which no implementation can go below. Rounds
 * alternate and medians of ratios are compared, since only ratios hold on a shared machine.
 */
import { nodeAesGcm, nonceSource } from '../../src/actors/gossip/ports-crypto.ts'
import type { PacketMessage } from '../../src/core/gossip/messages.ts'
import { crc32 } from '../../src/core/base/crc32.ts'
import { Keyring } from '../../src/core/gossip/wire/keyring.ts'
import { openPacket, sealPacket } from '../../src/core/gossip/wire/packet.ts'
import type { Wire } from '../../src/core/gossip/wire/wire.ts'
import { median, report, sized } from '../support/report.ts'

const rounds = sized(15, 3)
const perRound = sized(10_000, 1_000)

const key = Uint8Array.from({ length: 32 }, (_, index) => index)
const nonce = nonceSource()
const ring = Keyring.of([key])
if (!ring.ok) throw new Error(ring.error)

const wireWith = (compress: boolean): Wire => ({
  label: new Uint8Array(0),
  compress,
  encryption: {
    keyring: ring.value,
    aesGcm: nodeAesGcm,
    nonce,
    version: 1,
    verifyIncoming: true,
    verifyOutgoing: true,
  },
})

const backend = (index: number) => ({
  service: 'app.example.com',
  address: `10.0.${index}.2`,
  port: 18_001,
  weight: 100,
  healthy: true,
})
const heartbeat = JSON.stringify({
  type: 'heartbeat',
  agent_id: 'us-east-6ca5f88d2d98',
  payload: { backends: Array.from({ length: 8 }, (_, index) => backend(index)) },
})
const payload = new TextEncoder().encode(heartbeat.padEnd(700).slice(0, 700))
const message: PacketMessage = { type: 'user', payload }

let checksum = 0

/** One after the other; a lost message ends the bench. */
function through(wire: Wire, count: number): void {
  for (let index = 0; index < count; index++) {
    const packet = sealPacket(wire, message, { crc: true })
    const opened = packet.ok ? openPacket(wire, packet.value) : packet
    const first = opened.ok ? opened.value.messages[0] : undefined
    if (first?.type !== 'user') throw new Error('the message did not come back')
    checksum = (checksum + first.payload.length) >>> 0
  }
}

function cipherAlone(count: number): void {
  const none = new Uint8Array(0)
  for (let index = 0; index < count; index++) {
    const at = nonce()
    const plain = nodeAesGcm.open(key, at, nodeAesGcm.seal(key, at, payload, none), none)
    checksum = (checksum + (plain?.length ?? 0)) >>> 0
  }
}

const cases: readonly (readonly [string, (count: number) => void])[] = [
  ['compressed', (count) => through(wireWith(true), count)],
  ['not compressed', (count) => through(wireWith(false), count)],
  ['peer: the cipher alone', cipherAlone],
]
const times = new Map<string, number[]>(cases.map(([name]) => [name, []]))
for (let round = 0; round <= rounds; round++) {
  for (const [name, run] of cases) {
    const began = process.cpuUsage()
    run(perRound)
    const { user, system } = process.cpuUsage(began)
    // The first round warms up.
    if (round > 0) times.get(name)!.push((user + system) / perRound)
  }
}

const [compressed, plain, peer] = cases.map(([name]) => times.get(name)!)
const ratioTo = (costs: readonly number[]) =>
  median(costs.map((cost, round) => cost / peer![round]!))
const ratio = ratioTo(plain!)
report(
  'gossip wire (a user message of 700 octets, written and read)',
  {
    ...Object.fromEntries(cases.map(([name]) => [`${name}, µs of CPU`, median(times.get(name)!)])),
    'compressed, messages a second': 1_000_000 / median(compressed!),
    'not compressed, messages a second': 1_000_000 / median(plain!),
    'compressed, ratio to the cipher alone': ratioTo(compressed!),
    'not compressed, ratio to the cipher alone': ratio,
    'CRC-32 of the message': crc32(payload),
    checksum,
  },
  {
    // Of the cipher itself a packet is mostly made; the rest is a checksum and a few copies.
    holds: ratio < sized(3, 10),
    sentence: `a packet that is not compressed costs ${ratio.toFixed(2)} of its cipher`,
  },
)
