// Goal: whatever may be said is read back as it was said, through every layer and in any pieces.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type {
  PacketMessage,
  PushNodeState,
  StreamMessage,
  VersionVector,
} from '../../src/core/gossip/messages.ts'
import { decodeCompound, encodeCompound } from '../../src/core/gossip/wire/compound.ts'
import { lzwDecode } from '../../src/core/gossip/wire/lzw-decode.ts'
import { lzwEncode } from '../../src/core/gossip/wire/lzw-encode.ts'
import { openPacket, sealPacket } from '../../src/core/gossip/wire/packet.ts'
import { sizeOf } from '../../src/core/gossip/wire/packet-message.ts'
import { StreamReader } from '../../src/core/gossip/wire/stream-read.ts'
import { sealStream } from '../../src/core/gossip/wire/stream-write.ts'
import type { Wire } from '../../src/core/gossip/wire/wire.ts'
import { counting, encryptionOf, ringOf, valueIn, wireOf } from '../harness/gossip-wire.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const port = fc.integer({ min: 1, max: 65_535 })
const octets = (maxLength: number) => fc.uint8Array({ maxLength })
const addr = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
)
const addrOrNone = fc.oneof(addr, fc.constant(new Uint8Array(0)))
// At most 85 characters of three octets; a surrogate alone has no octets of its own.
const anyName = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => text.length <= 60)
const name = anyName.filter((text) => text !== '')
const vsn: fc.Arbitrary<VersionVector> = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map(([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]) => [a, b, c, d, e, f])
const source = {
  sourceAddr: addrOrNone,
  sourcePort: fc.oneof(port, fc.constant(0)),
  sourceNode: anyName,
}
const type = <T extends string>(value: T) => fc.constant(value)
const rumour = { incarnation: u32, node: name }

const ping = fc.record({ type: type('ping'), seqNo: u32, node: anyName, ...source })
const ack = fc.record({ type: type('ack'), seqNo: u32, payload: octets(600) })
const user = fc.record({ type: type('user'), payload: octets(3_000) })
const packetMessage: fc.Arbitrary<PacketMessage> = fc.oneof(
  ping,
  ack,
  user,
  fc.record({
    type: type('indirect-ping'),
    seqNo: u32,
    target: addr,
    port,
    node: anyName,
    nack: fc.boolean(),
    ...source,
  }),
  fc.record({ type: type('nack'), seqNo: u32 }),
  fc.record({ type: type('suspect'), from: anyName, ...rumour }),
  fc.record({ type: type('dead'), from: anyName, ...rumour }),
  fc.record({ type: type('alive'), addr, port, meta: octets(512), vsn, ...rumour }),
)

const node: fc.Arbitrary<PushNodeState> = fc.record({
  name,
  addr,
  port,
  meta: octets(512),
  incarnation: u32,
  state: fc.constantFrom('alive', 'suspect', 'dead', 'left'),
  vsn,
})
const streamMessage: fc.Arbitrary<StreamMessage> = fc.oneof(
  ping,
  ack,
  user,
  fc.record({ type: type('err'), error: fc.string({ maxLength: 300 }) }),
  fc.record({
    type: type('push-pull'),
    join: fc.boolean(),
    nodes: fc.array(node, { maxLength: 20 }),
    userState: octets(1_000),
  }),
)

const wire: fc.Arbitrary<Wire> = fc
  .record({
    label: octets(255),
    compress: fc.boolean(),
    version: fc.constantFrom(undefined, 0 as const, 1 as const),
    keyBytes: fc.constantFrom(16, 24, 32),
  })
  .map(({ label, compress, version, keyBytes }) =>
    wireOf({
      label,
      compress,
      encryption:
        version === undefined
          ? undefined
          : encryptionOf({ version, keyring: ringOf(counting(3, keyBytes)) }),
    }),
  )

test('any messages come out of a packet as they went in', () => {
  const messages = fc.array(packetMessage, { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(wire, messages, fc.boolean(), (shared, said, crc) => {
      const opened = valueIn(openPacket(shared, valueIn(sealPacket(shared, said, { crc }))))
      expect(opened).toEqual({ messages: said, lost: 0 })
    }),
  )
})

test('what the gossip queue counts is what a message takes in a packet', () => {
  const messages = fc.array(packetMessage, { minLength: 2, maxLength: 12 })
  fc.assert(
    fc.property(messages, (said) => {
      const packet = valueIn(sealPacket(wireOf(), said, { crc: false }))
      expect(packet.length).toBe(said.reduce((sum, one) => sum + sizeOf(one) + 2, 2))
    }),
  )
})

test('any message comes out of a stream as it went in, whatever the pieces', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 })
  const sender = fc.constantFrom('dialer' as const, 'replier' as const)
  fc.assert(
    fc.property(wire, streamMessage, sizes, sender, (shared, said, pieces, from) => {
      const stream = valueIn(sealStream(shared, said, from))
      const reader = new StreamReader(shared, from)
      let turn = 0
      for (let at = 0; at < stream.length; turn++) {
        const end = at + pieces[turn % pieces.length]!
        const progress = reader.feed(stream.subarray(at, end))
        if (end < stream.length) expect(progress.kind).toBe('more')
        else expect(progress).toEqual({ kind: 'message', message: said, lost: 0 })
        at = end
      }
    }),
  )
})

test('LZW unfolds what it folded', () => {
  const repeated = fc
    .tuple(fc.array(octets(40), { maxLength: 12 }), fc.array(fc.nat(11), { maxLength: 900 }))
    .map(([words, order]) => Buffer.concat(order.map((index) => words[index] ?? Buffer.alloc(0))))
  fc.assert(
    fc.property(fc.oneof(octets(9_000), repeated), (plain) => {
      const budget = { octetsLeft: plain.length }
      const unfolded = valueIn(lzwDecode(lzwEncode(plain), budget))
      expect(Buffer.compare(unfolded, plain)).toBe(0)
      expect(budget.octetsLeft).toBe(0)
    }),
  )
})

test('a compound cut anywhere gives its first parts and counts the others', () => {
  const parts = fc.array(octets(30), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(parts, fc.nat(), (said, at) => {
      const compound = encodeCompound(said)
      const cut = decodeCompound(compound.subarray(0, at % (compound.length + 1)))
      if (!cut.ok) return
      expect(cut.value.parts).toEqual(said.slice(0, cut.value.parts.length))
      expect(cut.value.parts.length + cut.value.lost).toBe(said.length)
    }),
  )
})
