/**
 * Hostile WebSocket clients: handshakes that are none, frames that break RFC 6455, floods of what
 * is allowed one at a time, and messages made to cost their reader more than their sender.
 *
 * An attack is bytes and an ending. Where the RFC says what must follow it says so: `refused` has
 * no upgrade, `ended` is a connection that the server must end.
 */
import type { Random } from '../../src/core/base/random.ts'

export interface WsAttack {
  readonly name: string
  readonly head: string
  /** Sent after the head, in the same breath or once the upgrade was answered. */
  readonly frames: Buffer
  readonly expected: 'refused' | 'ended' | 'either'
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)]!

const noise = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random.below(256)))

interface FrameOptions {
  readonly fin?: boolean
  readonly reserved?: number
  readonly masked?: boolean
  /** Claims this length, whatever comes. */
  readonly claimed?: bigint
  /** Spells the length in this many bytes. */
  readonly lengthBytes?: 1 | 2 | 8
}

/** RFC 6455 section 5.2, with every field free. The mask is not zero, so unmasking is tried. */
export function frameOf(opcode: number, payload: Buffer | string, options: FrameOptions = {}) {
  const { fin = true, reserved = 0, masked = true } = options
  const body = Buffer.from(payload)
  const length = options.claimed ?? BigInt(body.length)
  const lengthBytes = options.lengthBytes ?? (length < 126n ? 1 : length < 65_536n ? 2 : 8)
  const mask = masked ? Buffer.from([0x5a, 0x11, 0xfe, 0x80]) : Buffer.alloc(0)
  const head = Buffer.alloc(lengthBytes === 1 ? 2 : 2 + lengthBytes)
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  const short = lengthBytes === 1 ? Number(length) : lengthBytes === 2 ? 126 : 127
  head[1] = (masked ? 0x80 : 0) | short
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2)
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2)
  if (masked) for (const [at, byte] of body.entries()) body[at] = byte ^ mask[at & 3]!
  return Buffer.concat([head, mask, body])
}

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10]
const repeat = (count: number, frame: Buffer) => Buffer.concat(Array(count).fill(frame))
const code = (value: number, reason: Buffer | string = '') =>
  Buffer.concat([Buffer.from([value >> 8, value & 255]), Buffer.from(reason)])

/** Each breaks the protocol, so that the connection has to end. */
const broken: Readonly<Record<string, (random: Random) => Buffer>> = {
  'reserved bits': (random) => frameOf(TEXT, '{}', { reserved: 1 + random.below(7) }),
  'an opcode nobody has': (random) =>
    frameOf(pick(random, [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), ''),
  'a control frame in fragments': () => frameOf(PING, 'x', { fin: false }),
  'a control frame too long': () => frameOf(PING, 'x'.repeat(126)),
  'a control frame that claims 64 KiB': () =>
    frameOf(PING, '', { claimed: 65_535n, lengthBytes: 2 }),
  'a message of 64 bits': () => frameOf(TEXT, 'x', { claimed: 2n ** 64n - 1n }),
  'a message of a terabyte': () => frameOf(BINARY, 'x', { claimed: 2n ** 40n }),
  'a message over the limit': () => frameOf(TEXT, 'x'.repeat(4_097)),
  'fragments over the limit': () =>
    Buffer.concat([
      frameOf(TEXT, 'x'.repeat(2_000), { fin: false }),
      repeat(3, frameOf(CONTINUATION, 'x'.repeat(2_000), { fin: false })),
    ]),
  'fragments of a byte, over the limit': () =>
    Buffer.concat([
      frameOf(TEXT, 'x', { fin: false }),
      repeat(5_000, frameOf(CONTINUATION, 'x', { fin: false })),
    ]),
  'a continuation of nothing': () => frameOf(CONTINUATION, 'x'),
  'a message inside a message': () =>
    Buffer.concat([frameOf(TEXT, '{', { fin: false }), frameOf(TEXT, '}')]),
  'text that is no UTF-8': (random) =>
    frameOf(
      TEXT,
      Buffer.from(pick(random, ['c0af', 'eda080', 'f8888080', 'ff', 'f4908080', 'c3']), 'hex'),
    ),
  'UTF-8 cut by a fragment, and wrong': () =>
    Buffer.concat([
      frameOf(TEXT, Buffer.from('e2', 'hex'), { fin: false }),
      frameOf(CONTINUATION, Buffer.from('28a1', 'hex')),
    ]),
  'half a close code': () => frameOf(CLOSE, Buffer.from([3])),
  'a close code nobody may send': (random) =>
    frameOf(CLOSE, code(pick(random, [0, 999, 1004, 1005, 1006, 1015, 2_999, 65_535]))),
  'a close reason that is no UTF-8': () => frameOf(CLOSE, code(1000, Buffer.from('ff', 'hex'))),
  'a close, and frames after it': () =>
    Buffer.concat([frameOf(CLOSE, code(1000)), repeat(200, frameOf(TEXT, '{}'))]),
  'a flood of messages': () => repeat(60, frameOf(TEXT, '{"type":"subscribe"}')),
  'a flood of empty messages': () => repeat(60, frameOf(BINARY, '')),
}

const order = (fields: object) => JSON.stringify({ type: 'subscribe', ...fields })

/** Each is allowed, or may be: what follows is the server's choice. */
const odd: Readonly<Record<string, (random: Random) => Buffer>> = {
  // RFC 6455 section 5.1 has it closed; uWebSockets.js takes its first bytes for the mask.
  'a frame without a mask': () => frameOf(TEXT, '{}', { masked: false }),
  'lengths longer than they need be': (random) =>
    frameOf(TEXT, '{}', { lengthBytes: pick(random, [2, 8]) }),
  'a flood of pings': () => repeat(2_000, frameOf(PING, 'p'.repeat(125))),
  'a flood of pongs': () => repeat(2_000, frameOf(PONG, 'p'.repeat(125))),
  'a flood of empty fragments': () =>
    Buffer.concat([
      frameOf(TEXT, '', { fin: false }),
      repeat(3_000, frameOf(CONTINUATION, '', { fin: false })),
    ]),
  'pings between fragments': () =>
    Buffer.concat([
      frameOf(TEXT, '{', { fin: false }),
      frameOf(PING, ''),
      frameOf(CONTINUATION, '}'),
    ]),
  'half a frame': (random) => frameOf(TEXT, 'x'.repeat(500)).subarray(0, 1 + random.below(400)),
  'deep JSON': () => frameOf(TEXT, '['.repeat(4_000)),
  'deep msgpack': () => frameOf(BINARY, Buffer.alloc(4_000, 0x91)),
  'an array of 2^32 in msgpack': () => frameOf(BINARY, Buffer.from('ddffffffff', 'hex')),
  'a map of 2^32 in msgpack': () => frameOf(BINARY, Buffer.from('dfffffffff01', 'hex')),
  'a string of 4 GiB in msgpack': () => frameOf(BINARY, Buffer.from('dbffffffff41', 'hex')),
  'an extension in msgpack': (random) =>
    frameOf(BINARY, Buffer.concat([Buffer.from('c704', 'hex'), noise(random, 5)])),
  'a record of msgpackr': () => frameOf(BINARY, Buffer.from('d4724093a161a162a163', 'hex')),
  'names of the prototype': () =>
    frameOf(
      TEXT,
      '{"type":"subscribe","__proto__":{"from":1},"constructor":1,"topics":["health"]}',
    ),
  'numbers that are none': (random) =>
    frameOf(TEXT, order({ from: pick<unknown>(random, [-1, 1e308, 0.5, '1', null, {}, 2 ** 53]) })),
  'a resume from the beginning, often': () => repeat(15, frameOf(TEXT, order({ from: 1 }))),
  'many names': (random) =>
    frameOf(
      TEXT,
      order({ services: Array.from({ length: 400 }, () => String(random.below(1e6))) }),
    ),
  'topics that are none': (random) =>
    frameOf(TEXT, order({ topics: [noise(random, 9).toString()] })),
  noise: (random) => noise(random, 1 + random.below(300)),
}

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket']
const VERSION = 'Sec-WebSocket-Version: 13'
const PROTOCOLS = ['opengslb.json', 'opengslb.msgpack', 'bearer.wrong', 'x, y, z', '', ',,,']

const request = (path: string, fields: readonly string[], line = 'GET') =>
  `${[`${line} /api/v1/events${path} HTTP/1.1`, 'Host: 127.0.0.1', ...fields].join('\r\n')}\r\n\r\n`

/** Handshakes that stand on no leg, or on an odd one. */
const handshakes: Readonly<Record<string, (random: Random) => [string, WsAttack['expected']]>> = {
  'no key': () => [request('', [...UPGRADE, VERSION]), 'either'],
  'a short key': () => [request('', [...UPGRADE, VERSION, 'Sec-WebSocket-Key: abc']), 'either'],
  'an old version': () => [request('', [...UPGRADE, KEY, 'Sec-WebSocket-Version: 8']), 'either'],
  'a POST': () => [request('', [...UPGRADE, VERSION, KEY], 'POST'), 'either'],
  'a body': () => [request('', [...UPGRADE, VERSION, KEY, 'Content-Length: 5']), 'either'],
  'two lengths': () => [
    request('', [...UPGRADE, VERSION, KEY, 'Content-Length: 5', 'Transfer-Encoding: chunked']),
    'refused',
  ],
  'a huge field': () => [
    request('', [...UPGRADE, VERSION, KEY, `X-Big: ${'x'.repeat(20_000)}`]),
    'refused',
  ],
  'many fields': () => [
    request('', [
      ...UPGRADE,
      VERSION,
      KEY,
      ...Array.from({ length: 300 }, (_, at) => `X-${at}: y`),
    ]),
    'either',
  ],
  'a subscription that makes no sense': (random) => [
    request(
      pick(random, [
        '?topics=weather',
        '?from=-1',
        '?from=9e99',
        '?topics=%',
        `?x=${'y'.repeat(999)}`,
      ]),
      [...UPGRADE, VERSION, KEY],
    ),
    'either',
  ],
  'compression offered': () => [
    request('', [...UPGRADE, VERSION, KEY, 'Sec-WebSocket-Extensions: permessage-deflate; x=y;;']),
    'either',
  ],
}

export function wsAttack(random: Random): WsAttack {
  if (random.below(5) === 0) {
    const name = pick(random, Object.keys(handshakes))
    const [head, expected] = handshakes[name]!(random)
    return {
      name,
      head,
      expected,
      frames: random.below(2) === 0 ? Buffer.alloc(0) : noise(random, 50),
    }
  }
  const protocol = pick(random, PROTOCOLS)
  const fields = protocol === '' ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]
  const head = request('', [...UPGRADE, VERSION, KEY, ...fields])
  const isBroken = random.below(2) === 0
  const kinds = isBroken ? broken : odd
  const name = pick(random, Object.keys(kinds))
  return {
    name,
    head,
    frames: kinds[name]!(random),
    // An offer of protocols that is malformed may be refused before any frame is looked at.
    expected: isBroken ? 'ended' : 'either',
  }
}
