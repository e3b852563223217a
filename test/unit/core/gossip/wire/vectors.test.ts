// Goal: we read and write what other members do, octet for octet.
// Method: vectors made by members that work together, and frames of the Go program taken off the
// wire; each is read, compared with what its capture says, and written again with the same nonce.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { PacketMessage, StreamMessage } from '../../../../../src/core/gossip/messages.ts'
import { decodeCompound } from '../../../../../src/core/gossip/wire/compound.ts'
import { seal } from '../../../../../src/core/gossip/wire/crypt.ts'
import { addLabel } from '../../../../../src/core/gossip/wire/label.ts'
import { lzwDecode } from '../../../../../src/core/gossip/wire/lzw-decode.ts'
import { lzwEncode } from '../../../../../src/core/gossip/wire/lzw-encode.ts'
import { openPacket, sealPacket } from '../../../../../src/core/gossip/wire/packet.ts'
import { StreamReader } from '../../../../../src/core/gossip/wire/stream-read.ts'
import { sealStream } from '../../../../../src/core/gossip/wire/stream-write.ts'
import type { Wire } from '../../../../../src/core/gossip/wire/wire.ts'
import {
  encryptionOf,
  hexOf,
  octetsOfHex,
  ringOf,
  utf8,
  valueIn,
  wireOf,
} from '../../../../harness/gossip-wire.ts'

const none = new Uint8Array(0)
const ack: PacketMessage = { type: 'ack', seqNo: 7, payload: none }
const ACK = '0282a55365714e6f07a75061796c6f6164c0'
const label = utf8('L')

const ping: PacketMessage = {
  type: 'ping',
  seqNo: 7,
  node: 'b',
  sourceAddr: Uint8Array.of(127, 0, 0, 1),
  sourcePort: 7_946,
  sourceNode: 'a',
}

const alive: PacketMessage = {
  type: 'alive',
  incarnation: 1,
  node: 'vec',
  addr: Uint8Array.of(127, 0, 0, 1),
  port: 18_006,
  meta: octetsOfHex('ff81a4726f6c65a161'),
  vsn: [1, 5, 2, 2, 5, 5],
}

const written = (wire: Wire, messages: PacketMessage | readonly PacketMessage[], crc = false) =>
  hexOf(valueIn(sealPacket(wire, messages, { crc })))

const sealBlob = (wire: Wire, plain: Uint8Array, aad: Uint8Array) =>
  seal(wire.encryption ?? encryptionOf(), plain, aad)

const read = (wire: Wire, hex: string) => valueIn(openPacket(wire, octetsOfHex(hex)))

// Keys in the order of declaration; ours are in alphabetical order, so these are only read.
const readOnly: readonly (readonly [string, string, readonly PacketMessage[]])[] = [
  [
    'a ping',
    '0085a55365714e6f07a44e6f6465a162aa536f7572636541646472a47f000001' +
      'aa536f75726365506f7274cd1f0aaa536f757263654e6f6465a161',
    [ping],
  ],
  ['an ack', ACK, [ack]],
  ['a compound', `070200120012${ACK}${ACK}`, [ack, ack]],
  ['a checksum', `0c0dd6d4bf${ACK}`, [ack]],
]

const sealed: readonly (readonly [string, Wire, string])[] = [
  [
    'version 1',
    wireOf({ encryption: encryptionOf() }),
    '01a0a1a2a3a4a5a6a7a8a9aaabe49ad97e20ba4cd065c2d7b27e16afbf146c' +
      '7acf6be6791220148d24cce912905109',
  ],
  [
    'version 1 under a label',
    wireOf({ encryption: encryptionOf(), label }),
    'f4014c01a0a1a2a3a4a5a6a7a8a9aaabe49ad97e20ba4cd065c2d7b27e16afbf146c' +
      '4d918fa40c37f56f62dc97fb911098c5',
  ],
  [
    'version 0',
    wireOf({ encryption: encryptionOf({ version: 0 }) }),
    '00a0a1a2a3a4a5a6a7a8a9aaabe49ad97e20ba4cd065c2d7b27e16afbf146c' +
      '571e9cb94c629200288871a57b0fe37005827e48bad66dcc36a2c4b28ed5',
  ],
]

describe('vectors', () => {
  for (const [name, hex, messages] of readOnly)
    test(`${name} is read`, () => {
      expect(read(wireOf(), hex)).toEqual({ messages, lost: 0 })
    })

  test('what we write of them differs in the order of keys alone', () => {
    for (const [, hex, messages] of readOnly) {
      const again = written(wireOf(), messages, hex.startsWith('0c'))
      expect(again.length).toBe(hex.length)
      expect(read(wireOf(), again).messages).toEqual(messages)
    }
    expect(valueIn(decodeCompound(octetsOfHex(readOnly[2]![1]))).parts.map(hexOf)).toEqual([
      ACK,
      ACK,
    ])
  })

  for (const [name, wire, hex] of sealed) {
    test(`encryption, ${name}: the ack is read`, () => {
      expect(read(wire, hex).messages).toEqual([ack])
    })

    test(`encryption, ${name}: the ack sealed octet for octet`, () => {
      const inner = octetsOfHex(ACK)
      const aad = wire.label
      const blob = sealBlob(wire, inner, aad)
      expect(hexOf(addLabel(wire.label, blob))).toBe(hex)
    })
  }

  test('a frame of a stream under a label is read and sealed', () => {
    const hex =
      '0a0000002f01a0a1a2a3a4a5a6a7a8a9aaabe49ad97e20ba4cd065c2d7b27e16afbf146c' +
      '7ad053d1f329af8535f2268dbb8198ae'
    const wire = wireOf({ encryption: encryptionOf(), label })
    const progress = new StreamReader(wire, 'replier').feed(octetsOfHex(hex))
    expect(progress).toEqual({ kind: 'message', message: ack, lost: 0 })
    const aad = octetsOfHex('0a0000002f4c')
    expect(`0a0000002f${hexOf(sealBlob(wire, octetsOfHex(ACK), aad))}`).toBe(hex)
  })

  for (const [text, hex] of [
    ['', '000302'],
    ['aaaaaaaaaa', '00c3081c483020'],
    ['memberlist memberlist', '00db946923a68c1c3669e6d0012190a041840a0302'],
  ] as const)
    test(`LZW of "${text}"`, () => {
      expect(hexOf(lzwEncode(utf8(text)))).toBe(hex)
      const plain = valueIn(lzwDecode(octetsOfHex(hex), { octetsLeft: 100 }))
      expect(hexOf(plain)).toBe(hexOf(utf8(text)))
    })

  test('an alive message of serf is read and written', () => {
    const hex =
      '0486a441646472a47f000001ab496e6361726e6174696f6e01a44d657461a9ff81a4726f6c65a161' +
      'a44e6f6465a3766563a4506f7274cd4620a356736ea6010502020505'
    const message = { ...alive, port: 0x4620 }
    expect(read(wireOf(), hex).messages).toEqual([message])
    expect(written(wireOf(), message)).toBe(hex)
  })
})

// ---------------------------------------------------------------- frames off the wire

type Fields = Readonly<Record<string, string | number | boolean | null>>

interface Frame {
  readonly hex: string
}
interface PacketFrame extends Frame {
  readonly decoded: readonly {
    readonly encryptionVersion: number
    readonly chain: readonly string[]
    readonly body: string | Fields
  }[]
}
interface StreamFrame extends Frame {
  readonly decoded: readonly {
    readonly chain: readonly string[]
    readonly hdr: Fields
    readonly nodes: readonly Fields[]
    readonly userState: number
  }[]
}

const capture = JSON.parse(
  readFileSync(new URL('./gossip-vectors.json', import.meta.url), 'utf8'),
) as {
  readonly key: string
  readonly packets: readonly PacketFrame[]
  readonly streams: readonly StreamFrame[]
}

const captureKey = new Uint8Array(Buffer.from(capture.key, 'base64'))

/** A wire that seals with the nonce of a frame. */
const wireAt = (nonce: Uint8Array, version: number): Wire =>
  wireOf({
    compress: true,
    encryption: encryptionOf({
      keyring: ringOf(captureKey),
      nonce: () => nonce,
      version: version === 0 ? 0 : 1,
    }),
  })

const kinds: Readonly<Record<string, string>> = { ackResp: 'ack' }
const octetsIn = (value: unknown) => octetsOfHex(String(value ?? '').replace(/^0x/, ''))
const states = ['alive', 'suspect', 'dead', 'left']

/** A message as its capture names its fields. */
function captured(kind: string, body: string | Fields): unknown {
  const type = kinds[kind] ?? kind
  if (typeof body === 'string') return { type, payload: utf8(body) }
  const { SeqNo: seqNo, Node: node, Incarnation: incarnation } = body
  if (type === 'ack') return { type, seqNo, payload: octetsIn(body['Payload']) }
  if (type === 'suspect' || type === 'dead') return { type, incarnation, node, from: body['From'] }
  if (type === 'alive') return { type, incarnation, node, ...placed(body) }
  const sourceAddr = octetsIn(body['SourceAddr'])
  const { SourcePort: sourcePort, SourceNode: sourceNode } = body
  return { type, seqNo, node, sourceAddr, sourcePort, sourceNode }
}

const placed = (body: Fields) => ({
  addr: octetsIn(body['Addr']),
  port: body['Port'],
  meta: utf8(String(body['Meta'])),
  vsn: [...octetsIn(body['Vsn'])],
})

describe('packets of the Go program', () => {
  expect(capture.packets.length).toBe(19)
  for (const [index, { hex, decoded }] of capture.packets.entries()) {
    const octets = octetsOfHex(hex)
    const chain = decoded[0]!.chain
    test(`packet ${index} (${chain.join(', ')}) is read and written`, () => {
      const wire = wireAt(octets.subarray(1, 13), decoded[0]!.encryptionVersion)
      const { messages, lost } = valueIn(openPacket(wire, octets))
      expect(lost).toBe(0)
      expect(messages).toEqual(decoded.map((one) => captured(one.chain.at(-1) ?? '', one.body)))
      expect(written(wire, messages, chain.includes('hasCrc'))).toBe(hex)
    })
  }
})

describe('streams of the Go program', () => {
  expect(capture.streams.length).toBe(6)
  for (const [index, { hex, decoded }] of capture.streams.entries()) {
    const octets = octetsOfHex(hex)
    const wire = wireAt(octets.subarray(6, 18), octets[5]!)
    const { hdr, nodes, userState } = decoded[0]!
    const expected = {
      type: 'push-pull',
      join: hdr['Join'],
      nodes: nodes.map((node) => ({
        name: node['Name'],
        incarnation: node['Incarnation'],
        state: states[Number(node['State'])],
        ...placed(node),
      })),
      userState: new Uint8Array(userState),
    }

    test(`stream ${index} is read, whole and octet by octet, and written`, () => {
      const whole = new StreamReader(wire, 'dialer').feed(octets)
      expect(whole).toEqual({ kind: 'message', message: expected, lost: 0 })
      const reader = new StreamReader(wire, 'dialer')
      for (const [at, octet] of octets.entries()) {
        const progress = reader.feed(Uint8Array.of(octet))
        if (at < octets.length - 1) expect(progress).toEqual({ kind: 'more' })
        else expect(progress).toEqual(whole)
      }
      const again = valueIn(sealStream(wire, expected as unknown as StreamMessage, 'dialer'))
      expect(hexOf(again)).toBe(hex)
    })
  }
})
