// Goal: floods of one kind of answer to one network are held back, nobody else is.
// Method: an authority with rate limiting and a time told by the test; what became of each query
// in one letter: + answered, t truncated, . dropped.
import { describe, expect, test } from 'vitest'
import type { RateSettings } from '../../../../src/core/dns/response-rate.ts'
import { parseAddress } from '../../../../src/core/net/address.ts'
import { decodeReply } from '../../../harness/dns-decode.ts'
import { buildQuery, type EdnsParts } from '../../../harness/dns-query.ts'
import { authorityOf, snapshotOf } from '../../../harness/dns-world.ts'

const RATE: RateSettings = {
  responsesPerSecond: 4,
  slip: 2,
  windowSeconds: 15,
  ipv4PrefixBits: 24,
  ipv6PrefixBits: 56,
  exemptNetworks: [],
}

const ZONES = {
  'example.com':
    'www A 192.0.2.1\nwww TXT "a"\nalias CNAME www\n*.wild A 192.0.2.2\nsub NS ns.elsewhere.net\n@ NS www',
  'other.org': 'www A 192.0.2.3',
}

interface Asked {
  readonly name?: string
  readonly type?: string
  readonly from?: string
  readonly transport?: 'udp' | 'tcp'
  readonly edns?: EdnsParts
}

function server(changes: Partial<RateSettings> = {}) {
  const authority = authorityOf({
    rateLimit: { ...RATE, ...changes },
    cookies: { secret: new Uint8Array(16), previousSecret: new Uint8Array(0), require: false },
  })
  authority.applySnapshot(snapshotOf({ zones: ZONES }))
  authority.tick(1e12)
  const out = new Uint8Array(1_232)
  const send = (asked: Asked = {}): Uint8Array | undefined => {
    const { name = 'www.example.com', type = 'A', from = '198.51.100.7', edns } = asked
    const packet = buildQuery({ name, type, ...(edns === undefined ? {} : { edns }) })
    const address = parseAddress(from)
    if (!address.ok) throw new Error(address.error)
    const client = { bytes: address.value.bytes, transport: asked.transport ?? 'udp' }
    const written = authority.answer(packet, 0, packet.length, out, 0, client)
    return written === 0 ? undefined : out.slice(0, written)
  }
  const letterOf = (reply: Uint8Array | undefined) =>
    reply === undefined ? '.' : (reply[2]! & 2) !== 0 ? 't' : '+'
  const fates = (count: number, asked: (turn: number) => Asked = () => ({})) =>
    Array.from({ length: count }, (_, turn) => letterOf(send(asked(turn)))).join('')
  return { authority, send, fates, at: (ms: number) => authority.tick(1e12 + ms) }
}

describe('a flood', () => {
  test('a second of replies passes, then every second one is truncated', () => {
    expect(server().fates(10)).toBe('++++.t.t.t')
  })

  test.each([
    [0, '++++......'],
    [1, '++++tttttt'],
    [3, '++++..t..t'],
  ])('slip %i', (slip, expected) => {
    expect(server({ slip }).fates(10)).toBe(expected)
  })

  test('what slips is small, says nothing else and keeps the question', () => {
    const { fates, send } = server({ slip: 1 })
    fates(4)
    const reply = decodeReply(send({ edns: { payload: 1232 } })!)
    expect([reply.rcode, reply.flags, reply.question]).toEqual([
      'NOERROR',
      'qr tc rd',
      'www.example.com A',
    ])
    expect([reply.answers, reply.authority, reply.additional]).toEqual([[], [], []])
    expect(reply.opt?.options).toEqual([])
  })

  test('a flood that goes on stays held back; the rate alone never is', () => {
    const { fates, at } = server()
    let sent = ''
    for (let tenth = 0; tenth < 50; tenth++) {
      at(tenth * 100)
      sent += fates(10)
    }
    expect(sent.lastIndexOf('+')).toBe(3)
    const calm = server()
    for (let quarter = 0; quarter < 100; quarter++) {
      calm.at(quarter * 250)
      expect(calm.fates(1)).toBe('+')
    }
  })

  test('it is remembered for the window, and not longer', () => {
    const { fates, at } = server({ windowSeconds: 3 })
    fates(1_000)
    at(1_900)
    expect(fates(1)).not.toBe('+')
    at(5_000)
    expect(fates(1)).toBe('+')
  })

  test('a clock that is set back forgives, and holds nobody back', () => {
    const { fates, at } = server()
    fates(100)
    at(-3_600_000)
    expect(fates(1)).toBe('+')
  })
})

describe('what counts together', () => {
  test('a network of 24 bits, or of 56', () => {
    const one = server()
    expect(one.fates(8, (turn) => ({ from: `198.51.100.${turn}` }))).toBe('++++.t.t')
    expect(one.fates(4, () => ({ from: '198.51.101.1' }))).toBe('++++')
    const six = server()
    expect(six.fates(8, (turn) => ({ from: `2001:db8:1:2${turn}::1` }))).toBe('++++.t.t')
    expect(six.fates(4, () => ({ from: '2001:db8:1:100::1' }))).toBe('++++')
  })

  test('an alias, whatever type of record it is asked for', () => {
    const types = ['A', 'AAAA', 'TXT', 'MX', 'TYPE999', 'SRV', 'TYPE1000', 'CAA']
    const ask = (turn: number) => ({ name: 'alias.example.com', type: types[turn]! })
    expect(server().fates(8, ask)).toBe('++++.t.t')
  })

  test('prefixes can be set', () => {
    const one = server({ ipv4PrefixBits: 32, ipv6PrefixBits: 128 })
    expect(one.fates(8, (turn) => ({ from: `198.51.100.${turn}` }))).toBe('++++++++')
    expect(one.fates(8, (turn) => ({ from: `2001:db8::${turn}` }))).toBe('++++++++')
  })

  test('each name and type has its own count', () => {
    const one = server()
    one.fates(4)
    expect(one.fates(4, () => ({ type: 'TXT' }))).toBe('++++')
    expect(one.fates(4, () => ({ name: 'www.other.org' }))).toBe('++++')
    expect(one.fates(1)).toBe('.')
  })

  test.each([
    ['names that do not exist in a zone', (turn: number) => ({ name: `x${turn}.example.com` })],
    ['names of one wildcard', (turn: number) => ({ name: `x${turn}.wild.example.com` })],
    ['names below one delegation', (turn: number) => ({ name: `x${turn}.sub.example.com` })],
    ['names of no zone', (turn: number) => ({ name: `x${turn}.elsewhere.net` })],
    ['types a name does not have', (turn: number) => ({ type: `TYPE${1_000 + turn}` })],
  ])('%s share one', (_what, asked) => {
    expect(server().fates(8, asked)).toBe('++++.t.t')
  })

  test('letters of any case are one name', () => {
    const one = server()
    expect(
      one.fates(6, (turn) => ({ name: turn % 2 ? 'WWW.example.com' : 'www.EXAMPLE.com' })),
    ).toBe('++++.t')
  })
})

describe('who is never held back', () => {
  test('loopback, and exempt networks', () => {
    const one = server({ exemptNetworks: ['203.0.113.0/24', '2001:db8::/32'] })
    for (const from of ['127.0.0.1', '127.9.9.9', '::1', '203.0.113.200', '2001:db8::5'])
      expect(
        one.fates(50, () => ({ from })),
        from,
      ).toBe('+'.repeat(50))
    expect(one.fates(6, () => ({ from: '203.0.114.1' }))).toBe('++++.t')
  })

  test('TCP', () => {
    expect(server().fates(50, () => ({ transport: 'tcp' }))).toBe('+'.repeat(50))
  })

  test('a client with a good cookie, but not one with a bad one', () => {
    const { send, fates } = server()
    const client = [1, 2, 3, 4, 5, 6, 7, 8]
    const first = decodeReply(send({ edns: { options: [[10, client]] } })!)
    const [, cookie] = first.opt!.options[0]!
    fates(20)
    expect(fates(20, () => ({ edns: { options: [[10, cookie]] } }))).toBe('+'.repeat(20))
    const bad = cookie.map((octet, at) => (at === 23 ? octet ^ 1 : octet))
    expect(fates(2, () => ({ edns: { options: [[10, bad]] } }))).not.toContain('+')
  })

  test('a truncated reply brings the cookie that ends the trouble', () => {
    const { send, fates } = server({ slip: 1 })
    fates(10)
    const slipped = decodeReply(send({ edns: { options: [[10, [1, 2, 3, 4, 5, 6, 7, 8]]] } })!)
    expect(slipped.flags).toContain('tc')
    const [, cookie] = slipped.opt!.options[0]!
    expect(fates(3, () => ({ edns: { options: [[10, cookie]] } }))).toBe('+++')
  })
})

test('what cannot be read is held back too, and never slips', () => {
  const { authority } = server({ slip: 1 })
  const broken = Uint8Array.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 64])
  const out = new Uint8Array(512)
  const client = { bytes: Uint8Array.of(198, 51, 100, 7), transport: 'udp' } as const
  const sizes = Array.from({ length: 6 }, () =>
    authority.answer(broken, 0, broken.length, out, 0, client),
  )
  expect(sizes).toEqual([12, 12, 12, 12, 0, 0])
})
