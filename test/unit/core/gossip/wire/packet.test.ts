// Goal: a packet goes through all its layers and back; what is not of this cluster stays outside.
import { describe, expect, test } from 'vitest'
import type { PacketMessage } from '../../../../../src/core/gossip/messages.ts'
import { encodeCompound } from '../../../../../src/core/gossip/wire/compound.ts'
import { encodeCompressed } from '../../../../../src/core/gossip/wire/compress.ts'
import { addCrc } from '../../../../../src/core/gossip/wire/crc.ts'
import { openPacket, sealPacket } from '../../../../../src/core/gossip/wire/packet.ts'
import {
  decodePacketMessage,
  encodePacketMessage,
  sizeOf,
} from '../../../../../src/core/gossip/wire/packet-message.ts'
import { joined } from '../../../../../src/core/gossip/wire/types.ts'
import {
  codeOf,
  counting,
  encryptionOf,
  hexOf,
  octetsOfHex,
  packetMessages,
  ringOf,
  utf8,
  valueIn,
  wireOf,
} from '../../../../harness/gossip-wire.ts'

const none = new Uint8Array(0)
const ack: PacketMessage = { type: 'ack', seqNo: 7, payload: none }
const user = (length: number): PacketMessage => ({ type: 'user', payload: new Uint8Array(length) })
const clear = wireOf()

describe('a packet through all its layers and back', () => {
  for (const encrypted of ['clear', 'version 0', 'version 1'] as const) {
    for (const compress of [true, false]) {
      for (const label of ['', 'blue']) {
        for (const crc of [true, false]) {
          const name = `${encrypted}, ${compress ? '' : 'not '}compressed, label '${label}', ${crc ? '' : 'no '}checksum`
          test(name, () => {
            const encryption =
              encrypted === 'clear'
                ? undefined
                : encryptionOf({ version: encrypted === 'version 0' ? 0 : 1 })
            const wire = wireOf({ compress, label: utf8(label), encryption })
            for (const message of packetMessages) {
              const packet = valueIn(sealPacket(wire, message, { crc }))
              expect(valueIn(openPacket(wire, packet))).toEqual({ messages: [message], lost: 0 })
            }
            const packet = valueIn(sealPacket(wire, packetMessages, { crc }))
            expect(valueIn(openPacket(wire, packet)).messages).toEqual(packetMessages)
          })
        }
      }
    }
  }

  test('the size of a message is that of its octets', () => {
    for (const message of packetMessages)
      expect(sizeOf(message)).toBe(encodePacketMessage(message).length)
  })

  test('compression is kept only where it is smaller', () => {
    const wire = wireOf({ compress: true })
    const octets = (message: PacketMessage) => valueIn(sealPacket(wire, message, { crc: false }))
    expect(octets(ack)[0]).toBe(2)
    expect(octets(user(1_000))[0]).toBe(9)
    expect(octets({ type: 'user', payload: counting(0, 200) })[0]).toBe(8)
  })

  test('messages keep no hold on the packet', () => {
    const packet = valueIn(sealPacket(clear, packetMessages, { crc: true }))
    const { messages } = valueIn(openPacket(clear, packet))
    packet.fill(0)
    expect(messages).toEqual(packetMessages)
  })
})

describe('what is not sent', () => {
  for (const [name, messages, code] of [
    ['nothing', [], 'empty'],
    ['more parts than old members read', new Array(128).fill(ack), 'too-large'],
    ['a part longer than 16 bits', [ack, user(65_535)], 'too-large'],
    ['more than a datagram', user(65_507), 'too-large'],
    ['as much as a datagram holds', user(65_506), 'ok'],
    ['127 parts', new Array(127).fill(ack), 'ok'],
  ] as const)
    test(`${name}: ${code}`, () => {
      expect(codeOf(sealPacket(clear, messages, { crc: false }))).toBe(code)
    })
})

describe('what does not come in', () => {
  const keyed = wireOf({ encryption: encryptionOf() })
  const sealed = (wire = clear, message: PacketMessage = ack) =>
    valueIn(sealPacket(wire, message, { crc: true }))
  const labelled = wireOf({ label: utf8('blue') })

  for (const [name, wire, octets, code] of [
    ['nothing', clear, none, 'truncated'],
    ['a label where none is set', clear, sealed(labelled), 'wrong-label'],
    ['no label where one is set', labelled, sealed(), 'wrong-label'],
    ['another label', wireOf({ label: utf8('blux') }), sealed(labelled), 'wrong-label'],
    ['plain where keys are set', keyed, sealed(), 'undecryptable'],
    ['encrypted where no key is set', clear, sealed(keyed, user(40)), 'bad-field'],
    ['a damaged checksum', clear, octetsOfHex('0c000000000281'), 'bad-checksum'],
    ['a message of streams', clear, octetsOfHex('0680'), 'unknown-type'],
    ['a frame of streams', clear, octetsOfHex('0a00000000'), 'unknown-type'],
    ['a checksum inside', clear, addCrc(addCrc(octetsOfHex('0b80'))), 'unknown-type'],
    ['an unknown type', clear, octetsOfHex('0e80'), 'unknown-type'],
    ['an unknown algorithm', clear, octetsOfHex('0981a4416c676f01'), 'bad-compression'],
    ['too much for a datagram', clear, new Uint8Array(65_508), 'too-large'],
  ] as const)
    test(`${name}: ${code}`, () => {
      expect(codeOf(openPacket(wire, octets))).toBe(code)
    })

  for (const [name, hex, code] of [
    ['alive without an address', '0482a44e6f6465a161a4506f727401', 'bad-address'],
    [
      'alive at an address of five octets',
      '0483a44e6f6465a161a4506f727401a441646472a50000000000',
      'bad-address',
    ],
    ['alive at port 0', '0482a44e6f6465a161a441646472a47f000001', 'bad-address'],
    ['alive without a name', '0482a4506f727401a441646472a47f000001', 'bad-text'],
    ['suspect without a name', '0380', 'bad-text'],
    ['dead without a name', '0580', 'bad-text'],
    ['an indirect ping to nowhere', '0180', 'bad-address'],
    ['a ping from three octets', '0081aa536f7572636541646472a3000000', 'bad-address'],
    ['a port above 65,535', '0081aa536f75726365506f7274ce00010000', 'out-of-range'],
    ['a name too long', `0081a44e6f6465da0100${'61'.repeat(256)}`, 'too-large'],
    ['meta too long', `0481a44d657461da0201${'61'.repeat(513)}`, 'too-large'],
    ['a vector of seven versions', '0481a356736ea701050200000000', 'too-large'],
  ] as const)
    test(`${name}: ${code}`, () => {
      expect(codeOf(decodePacketMessage(octetsOfHex(hex)))).toBe(code)
    })

  test('a short vector of versions is filled up with zeros', () => {
    const hex = '0484a44e6f6465a161a4506f727401a441646472a47f000001a356736ea3010502'
    expect(valueIn(decodePacketMessage(octetsOfHex(hex)))).toMatchObject({
      vsn: [1, 5, 2, 0, 0, 0],
    })
  })
})

describe('nesting and loss', () => {
  const inner = encodePacketMessage(ack)

  test('four layers are opened, a fifth is not', () => {
    let octets = inner
    for (let layer = 1; layer <= 5; layer++) {
      octets = layer % 2 === 0 ? encodeCompound([octets]) : encodeCompressed(octets)
      if (layer <= 4) expect(valueIn(openPacket(clear, octets)).messages).toEqual([ack])
    }
    const opened = valueIn(openPacket(clear, octets))
    expect(opened).toMatchObject({ messages: [], lost: 1, fault: { code: 'too-deep' } })
    const five = [1, 2, 3, 4, 5].reduce((octets) => encodeCompressed(octets), inner)
    expect(codeOf(openPacket(clear, five))).toBe('too-deep')
  })

  test('a part that cannot be read is counted, and the others are kept', () => {
    const compound = encodeCompound([inner, octetsOfHex('0e'), inner, none, inner])
    const opened = valueIn(openPacket(clear, compound))
    expect(opened).toMatchObject({ messages: [ack, ack, ack], lost: 2 })
    expect(opened.fault?.code).toBe('unknown-type')
    const cut = valueIn(openPacket(clear, compound.subarray(0, -1)))
    expect(cut).toMatchObject({ messages: [ack, ack], lost: 3, fault: { code: 'truncated' } })
  })

  test('a packet gives no more messages than the limit', () => {
    const nack = octetsOfHex('0b80')
    const many = encodeCompound(new Array<Uint8Array>(127).fill(nack))
    const more = encodeCompound(new Array<Uint8Array>(100).fill(many))
    const opened = valueIn(openPacket(clear, more))
    expect([opened.messages.length, opened.lost]).toEqual([1_024, 12_700 - 1_024])
    expect(opened.fault?.code).toBe('too-large')
  })
})

describe('turning encryption on in a running cluster', () => {
  const lenient = wireOf({ encryption: encryptionOf({ verifyIncoming: false }) })
  const silent = wireOf({ encryption: encryptionOf({ verifyOutgoing: false }) })
  const strict = wireOf({ encryption: encryptionOf() })

  test('plain packets are taken and sent only where that is set', () => {
    const plain = valueIn(sealPacket(silent, ack, { crc: false }))
    expect(hexOf(plain)).toBe(hexOf(encodePacketMessage(ack)))
    expect(codeOf(openPacket(lenient, plain))).toBe('ok')
    expect(codeOf(openPacket(strict, plain))).toBe('undecryptable')
    const sealed = valueIn(sealPacket(strict, ack, { crc: false }))
    for (const wire of [lenient, silent, strict])
      expect(codeOf(openPacket(wire, sealed))).toBe('ok')
  })

  test('a packet sealed with any key of the ring is opened', () => {
    const [one, two] = [counting(1, 32), counting(2, 16)]
    const sender = wireOf({ encryption: encryptionOf({ keyring: ringOf(two) }) })
    const receiver = wireOf({ encryption: encryptionOf({ keyring: ringOf(one, two) }) })
    const packet = valueIn(sealPacket(sender, ack, { crc: true }))
    expect(codeOf(openPacket(receiver, packet))).toBe('ok')
  })

  test('a label removed on the way still binds the encryption', () => {
    const sender = wireOf({ encryption: encryptionOf(), label: utf8('blue') })
    const packet = valueIn(sealPacket(sender, ack, { crc: true }))
    const receiver = { ...sender, skipInboundLabelCheck: true }
    expect(codeOf(openPacket(receiver, packet.subarray(6)))).toBe('ok')
    expect(codeOf(openPacket(receiver, packet))).toBe('wrong-label')
    const other = { ...receiver, label: utf8('red') }
    expect(codeOf(openPacket(other, joined(packet.subarray(6))))).toBe('undecryptable')
  })
})
