// Goal: no octets from the wire make the program throw, allocate beyond its limits or stand still.
// Method: a seeded mutator over every message; mutants of what is inside are checksummed and
// encrypted again, so that they pass the outer layers. What is accepted must write and read back as
// the same. OPENGSLB_FULL=1 makes a million mutants.
import { expect, test } from 'vitest'
import { limits } from '../../src/core/base/limits.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import type { PacketMessage, StreamMessage } from '../../src/core/gossip/messages.ts'
import { encodeCompound } from '../../src/core/gossip/wire/compound.ts'
import { encodeCompressed } from '../../src/core/gossip/wire/compress.ts'
import { openPacket } from '../../src/core/gossip/wire/packet.ts'
import {
  decodePacketMessage,
  encodePacketMessage,
} from '../../src/core/gossip/wire/packet-message.ts'
import { encodeStreamMessage } from '../../src/core/gossip/wire/stream-message.ts'
import { type StreamProgress, StreamReader } from '../../src/core/gossip/wire/stream-read.ts'
import { joined } from '../../src/core/gossip/wire/types.ts'
import type { Wire } from '../../src/core/gossip/wire/wire.ts'
import { clear, mutatorOf, packetCorpus, streamCorpus } from '../harness/gossip-mutator.ts'
import { hexOf, valueIn } from '../harness/gossip-wire.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
const mutants = full ? 500_000 : 10_000
const seed = Number(process.env['OPENGSLB_SEED'] ?? 20_261)
const UNPACKED_MAX = limits.wirePacketUnpackedBytes.default

const octetsIn = (message: PacketMessage) => ('payload' in message ? message.payload.length : 0)

/** What is wrong with how a packet was taken, if anything. */
function packetFault(wire: Wire, octets: Uint8Array): string | undefined {
  const opened = openPacket(wire, octets)
  if (!opened.ok) return undefined
  const { messages } = opened.value
  if (messages.length > limits.wirePacketMessages.default) return 'too many messages'
  // Octets of a packet that are not compressed come on top of those that are.
  const unfolded = messages.reduce((sum, message) => sum + octetsIn(message), 0)
  if (unfolded > UNPACKED_MAX + octets.length) return 'too many octets'
  for (const message of messages) {
    const again = decodePacketMessage(encodePacketMessage(message))
    if (!again.ok) return `${message.type} is not read again: ${again.error.code}`
    if (!same(message, again.value)) return `${message.type} reads back as another`
  }
  return undefined
}

const plain = (message: PacketMessage | StreamMessage) =>
  JSON.stringify(message, (_key, value: unknown) =>
    value instanceof Uint8Array ? hexOf(value) : value,
  )
const same = (one: PacketMessage | StreamMessage, other: PacketMessage | StreamMessage) =>
  plain(one) === plain(other)

function inPieces(reader: StreamReader, octets: Uint8Array, size: number): StreamProgress {
  let progress: StreamProgress = { kind: 'more' }
  for (let at = 0; at < octets.length && progress.kind === 'more'; at += size)
    progress = reader.feed(octets.subarray(at, at + size))
  return progress.kind === 'more' ? reader.end() : progress
}

function streamFault(wire: Wire, octets: Uint8Array, size: number): string | undefined {
  const progress = inPieces(new StreamReader(wire, 'dialer'), octets, size)
  const whole = inPieces(new StreamReader(wire, 'dialer'), octets, Number.POSITIVE_INFINITY)
  if (JSON.stringify(progress) !== JSON.stringify(whole)) return 'depends on its pieces'
  if (progress.kind === 'more') return 'is never done'
  if (progress.kind === 'malformed') return undefined
  const { message } = progress
  const again = new StreamReader(clear, 'dialer').feed(encodeStreamMessage(message))
  if (again.kind !== 'message') return `${message.type} is not read again`
  return same(message, again.message) ? undefined : `${message.type} reads back as another`
}

test('every packet and stream of the corpus is taken', () => {
  const isTaken = (octets: Uint8Array) => openPacket(clear, octets).ok
  expect(packetCorpus().map(isTaken)).not.toContain(false)
  for (const octets of streamCorpus())
    expect(new StreamReader(clear, 'dialer').feed(octets).kind).toBe('message')
})

test(`${mutants} mutated packets: none throws, none exceeds a limit (seed ${seed})`, () => {
  const next = mutatorOf('packet', seed)
  let taken = 0
  let slowestMs = 0
  for (let count = 0; count < mutants; count++) {
    const { wire, octets } = next()
    const beganMs = performance.now()
    const result = openPacket(wire, octets)
    slowestMs = Math.max(slowestMs, performance.now() - beganMs)
    if (result.ok && result.value.messages.length > 0) taken++
    const fault = packetFault(wire, octets)
    if (fault !== undefined) expect.fail(`packet ${count}: ${fault}: ${hexOf(octets)}`)
  }
  console.log(`packets: ${taken} of ${mutants} taken, slowest ${slowestMs.toFixed(1)} ms`)
  // Mutants reach what lies behind the outer layers, or the test tests little.
  expect(taken).toBeGreaterThan(mutants / 10)
  expect(slowestMs).toBeLessThan(1_000)
}, 1_800_000)

test(`${mutants} mutated streams: none throws, none depends on its pieces (seed ${seed})`, () => {
  const next = mutatorOf('stream', seed + 1)
  const random = seededRandom(seed + 2)
  let taken = 0
  for (let count = 0; count < mutants; count++) {
    const { wire, octets } = next()
    if (new StreamReader(wire, 'dialer').feed(octets).kind === 'message') taken++
    const fault = streamFault(wire, octets, 1 + random.below(24))
    if (fault !== undefined) expect.fail(`stream ${count}: ${fault}: ${hexOf(octets)}`)
  }
  console.log(`streams: ${taken} of ${mutants} taken`)
  expect(taken).toBeGreaterThan(mutants / 10)
}, 1_800_000)

test('a packet full of bombs costs no more than one', () => {
  const bomb = encodeCompressed(joined(Uint8Array.of(8), new Uint8Array(8_000_000)))
  expect(bomb.length).toBeLessThan(40_000)
  expect(openPacket(clear, bomb)).toMatchObject({ ok: false, error: { code: 'too-large' } })

  const large = encodeCompressed(joined(Uint8Array.of(8), new Uint8Array(900_000)))
  const many = encodeCompound(new Array<Uint8Array>(30).fill(large))
  const beganMs = performance.now()
  const { messages, lost, fault } = valueIn(openPacket(clear, many))
  expect(performance.now() - beganMs).toBeLessThan(1_000)
  expect([messages.length, lost, fault?.code]).toEqual([1, 29, 'too-large'])
})
