// Goal: a stream is read in whatever pieces it comes, by the rules of the side that sent it, and
// nothing it announces is believed before it is there.
import { describe, expect, test } from 'vitest'
import type { PushPull, StreamMessage } from '../../../../../src/core/gossip/messages.ts'
import { encodeCompressed } from '../../../../../src/core/gossip/wire/compress.ts'
import { encodeStreamMessage } from '../../../../../src/core/gossip/wire/stream-message.ts'
import {
  type StreamProgress,
  StreamReader,
  type StreamSender,
} from '../../../../../src/core/gossip/wire/stream-read.ts'
import { sealStream } from '../../../../../src/core/gossip/wire/stream-write.ts'
import { joined } from '../../../../../src/core/gossip/wire/types.ts'
import type { Wire } from '../../../../../src/core/gossip/wire/wire.ts'
import {
  codeOf,
  counting,
  encryptionOf,
  hexOf,
  octetsOfHex,
  ringOf,
  streamMessages,
  utf8,
  valueIn,
  wireOf,
} from '../../../../harness/gossip-wire.ts'

const none = new Uint8Array(0)
const clear = wireOf()
const keyed = wireOf({ encryption: encryptionOf() })
const blue = wireOf({ encryption: encryptionOf(), label: utf8('blue') })
const ack: StreamMessage = { type: 'ack', seqNo: 7, payload: none }

function fed(
  wire: Wire,
  octets: Uint8Array,
  size = Number.POSITIVE_INFINITY,
  sender?: StreamSender,
) {
  const reader = new StreamReader(wire, sender ?? 'dialer')
  let progress: StreamProgress = { kind: 'more' }
  for (let at = 0; at < octets.length; at += size)
    progress = reader.feed(octets.subarray(at, at + size))
  return { progress, reader }
}

const faultOf = (progress: StreamProgress) =>
  progress.kind === 'malformed' ? progress.fault.code : progress.kind

/** What is said of a stream that ends here. */
const ended = (wire: Wire, octets: Uint8Array, sender?: StreamSender) =>
  faultOf(fed(wire, octets, undefined, sender).reader.end())

describe('each message in each wrapping', () => {
  for (const encryption of [undefined, encryptionOf(), encryptionOf({ version: 0 })]) {
    for (const compress of [true, false]) {
      for (const label of ['', 'blue']) {
        const wire = wireOf({ encryption, compress, label: utf8(label) })
        const version = encryption === undefined ? 'clear' : `version ${encryption.version}`
        test(`${version}, ${compress ? '' : 'not '}compressed, label '${label}'`, () => {
          for (const message of streamMessages) {
            for (const sender of ['dialer', 'replier'] as const) {
              const octets = valueIn(sealStream(wire, message, sender))
              for (const size of [1, 7, 1_400, octets.length]) {
                // A long message octet by octet shows nothing that a short one does not.
                if (size === 1 && octets.length > 5_000) continue
                const { progress } = fed(wire, octets, size, sender)
                expect(progress).toEqual({ kind: 'message', message, lost: 0 })
              }
              expect(ended(wire, octets.subarray(0, -1), sender)).toBe('truncated')
            }
          }
        })
      }
    }
  }

  test('done is done: what follows the message changes nothing', () => {
    const { progress, reader } = fed(clear, encodeStreamMessage(ack))
    expect(reader.feed(octetsOfHex('ffff'))).toBe(progress)
    expect(reader.end()).toBe(progress)
  })

  test('nothing at all, then the end, is truncated', () => {
    expect(ended(clear, none)).toBe('truncated')
    expect(ended(keyed, none)).toBe('truncated')
  })

  test('on a stream compression is kept even where it grows', () => {
    const wire = wireOf({ compress: true })
    const octets = valueIn(sealStream(wire, ack, 'dialer'))
    expect(octets[0]).toBe(9)
    expect(octets.length).toBeGreaterThan(encodeStreamMessage(ack).length)
  })

  test('messages keep no hold on what was fed', () => {
    const message = streamMessages.at(-1)
    const octets = encodeStreamMessage(message!)
    const { progress } = fed(clear, octets)
    octets.fill(0)
    expect(progress).toEqual({ kind: 'message', message, lost: 0 })
  })
})

describe('labels', () => {
  test('only the side that dials writes one, and both bind their encryption to it', () => {
    const request = valueIn(sealStream(blue, ack, 'dialer'))
    const reply = valueIn(sealStream(blue, ack, 'replier'))
    expect(hexOf(request)).toBe(`f404${hexOf(utf8('blue'))}${hexOf(reply)}`)
    expect(faultOf(fed(blue, reply, 1, 'replier').progress)).toBe('message')
    expect(faultOf(fed(keyed, reply, 1, 'replier').progress)).toBe('undecryptable')
    // A label in front of a reply is not one: it is an unknown type where none is encrypted.
    expect(ended(blue, request, 'replier')).toBe('not-encrypted')
    expect(ended(wireOf({ label: utf8('blue') }), request, 'replier')).toBe('unknown-type')
  })

  test('of another cluster they end the stream', () => {
    const request = valueIn(sealStream(blue, ack, 'dialer'))
    expect(faultOf(fed(keyed, request).progress)).toBe('wrong-label')
    expect(faultOf(fed({ ...blue, label: utf8('red') }, request).progress)).toBe('wrong-label')
    expect(faultOf(fed(blue, request.subarray(6)).progress)).toBe('wrong-label')
    expect(faultOf(fed(blue, octetsOfHex('f400')).progress)).toBe('out-of-range')
    const skipping = { ...blue, skipInboundLabelCheck: true }
    expect(faultOf(fed(skipping, request.subarray(6)).progress)).toBe('message')
    expect(faultOf(fed(skipping, request).progress)).toBe('wrong-label')
  })
})

describe('encryption', () => {
  test('is demanded where keys are set, and refused where none is', () => {
    const plain = valueIn(sealStream(clear, ack, 'dialer'))
    const sealed = valueIn(sealStream(keyed, ack, 'dialer'))
    expect(faultOf(fed(keyed, plain).progress)).toBe('not-encrypted')
    expect(faultOf(fed(clear, sealed).progress)).toBe('encrypted')
    const lenient = wireOf({ encryption: encryptionOf({ verifyIncoming: false }) })
    expect(faultOf(fed(lenient, plain).progress)).toBe('message')
    expect(faultOf(fed(lenient, sealed).progress)).toBe('message')
    const silent = wireOf({ encryption: encryptionOf({ verifyOutgoing: false }) })
    expect(valueIn(sealStream(silent, ack, 'dialer'))).toEqual(plain)
  })

  test('with another key is undecryptable; with both keys the error of the other side is read', () => {
    const other = encryptionOf({ keyring: ringOf(counting(9, 32)) })
    const error: StreamMessage = { type: 'err', error: 'No installed keys could decrypt it' }
    const reply = valueIn(sealStream(wireOf({ encryption: other }), error, 'replier'))
    expect(faultOf(fed(keyed, reply, 9, 'replier').progress)).toBe('undecryptable')
    const ring = ringOf(counting(0, 32), counting(9, 32))
    const both = wireOf({ encryption: encryptionOf({ keyring: ring }) })
    expect(fed(both, reply, 9, 'replier').progress).toMatchObject({ message: error })
  })

  test('a frame shorter than a seal, or longer than the limit, is refused at its header', () => {
    expect(faultOf(fed(keyed, octetsOfHex('0a01400001')).progress)).toBe('too-large')
    expect(faultOf(fed(keyed, octetsOfHex('0affffffff')).progress)).toBe('too-large')
    expect(faultOf(fed(keyed, octetsOfHex('0a0000000101')).progress)).toBe('truncated')
    expect(faultOf(fed(keyed, octetsOfHex('0a01400000')).progress)).toBe('more')
  })
})

describe('lengths are not believed', () => {
  for (const [name, hex, code] of [
    ['a user message above 20 MiB', '0881aa557365724d73674c656ece01400001', 'out-of-range'],
    [
      'a user message of a negative size',
      '0881aa557365724d73674c656ed3ffffffffffffffff',
      'out-of-range',
    ],
    ['more members than the limit', '0681a54e6f646573ce00010001', 'out-of-range'],
    ['a user state above 20 MiB', '0681ac5573657253746174654c656ece01400001', 'out-of-range'],
    ['a compressed message above 20 MiB', '0981a3427566db01400001', 'too-large'],
    ['an error longer than a sentence', '0d81a54572726f72da1001', 'too-large'],
    ['a type that opens no stream', '0480', 'unknown-type'],
    ['a compound', '0701', 'unknown-type'],
  ] as const)
    test(`${name}: refused before it comes`, () => {
      expect(faultOf(fed(clear, octetsOfHex(hex)).progress)).toBe(code)
    })

  test('compression inside compression is refused', () => {
    const twice = encodeCompressed(encodeCompressed(encodeStreamMessage(ack)))
    expect(faultOf(fed(clear, twice).progress)).toBe('unknown-type')
  })

  test('a bomb is refused at the limit', () => {
    const large = encodeCompressed(joined(octetsOfHex('08'), new Uint8Array(42_000_000)))
    expect(large.length).toBeLessThan(100_000)
    expect(faultOf(fed(clear, large).progress)).toBe('too-large')
  })

  test('no more is kept than the limit, whatever comes', () => {
    const header: StreamMessage = { type: 'user', payload: new Uint8Array(19_000_000) }
    const octets = encodeStreamMessage(header).subarray(0, 2_000)
    const { reader } = fed(clear, octets)
    let progress: StreamProgress = { kind: 'more' }
    const chunk = new Uint8Array(1_000_000)
    for (let count = 0; count < 19 && progress.kind === 'more'; count++)
      progress = reader.feed(chunk)
    expect(progress.kind).toBe('message')
  })

  test('what other members would refuse is not sent', () => {
    const message: StreamMessage = { type: 'user', payload: new Uint8Array(20_971_521) }
    expect(codeOf(sealStream(clear, message, 'dialer'))).toBe('too-large')
    const userState = new Uint8Array(20_971_500)
    const exchange: StreamMessage = { type: 'push-pull', join: false, nodes: [], userState }
    expect(codeOf(sealStream(keyed, exchange, 'dialer'))).toBe('too-large')
  })
})

describe('a full exchange', () => {
  const exchange = streamMessages.at(-1) as PushPull
  const [first] = exchange.nodes
  const octetsWith = (...odd: readonly Partial<PushPull['nodes'][number]>[]) =>
    encodeStreamMessage({
      ...exchange,
      nodes: [...odd.map((fields) => ({ ...first!, ...fields })), ...exchange.nodes],
    })

  test('passes over entries that name no possible member, and takes the others', () => {
    const octets = octetsWith(
      { name: '' },
      { name: 'n'.repeat(256) },
      { port: 0 },
      { addr: none },
      { addr: counting(0, 5) },
      { meta: new Uint8Array(513) },
    )
    expect(fed(clear, octets, 50).progress).toEqual({ kind: 'message', message: exchange, lost: 6 })
  })

  test('passes over a state that does not exist yet, and a name that is not UTF-8', () => {
    const text = hexOf(octetsWith({}, { name: 'x' }))
    const odd = text
      .replace('a5537461746500', 'a5537461746509')
      .replace('a44e616d65a178', 'a44e616d65a1ff')
    expect(odd).not.toBe(text)
    expect(fed(clear, octetsOfHex(odd)).progress).toMatchObject({ message: exchange, lost: 2 })
  })

  test('of ten thousand members is read in small pieces in linear time', () => {
    const nodes = Array.from({ length: 10_000 }, (_, index) => ({ ...first!, name: `n${index}` }))
    const octets = encodeStreamMessage({ ...exchange, nodes })
    const beganMs = performance.now()
    const { progress } = fed(clear, octets, 100)
    expect(performance.now() - beganMs).toBeLessThan(5_000)
    expect(progress).toMatchObject({ kind: 'message', lost: 0 })
    if (progress.kind !== 'message') return
    expect(Buffer.compare(encodeStreamMessage(progress.message), octets)).toBe(0)
  })
})
