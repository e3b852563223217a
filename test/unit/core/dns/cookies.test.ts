// Goal: cookies are those of RFC 9018, judged by time and secret, and used as RFC 7873 says.
// Method: the vectors of RFC 9018 appendix A, and queries with cookies of every kind.
import { describe, expect, test } from 'vitest'
import type { CookieSettings } from '../../../../src/core/dns/cookie.ts'
import { parseAddress } from '../../../../src/core/net/address.ts'
import { decodeReply } from '../../../harness/dns-decode.ts'
import { buildQuery, type QueryParts } from '../../../harness/dns-query.ts'
import { authorityOf, snapshotOf } from '../../../harness/dns-world.ts'

const COOKIE = 10
const hex = (bytes: Iterable<number>) => Buffer.from([...bytes]).toString('hex')
const bytes = (text: string) => [...Buffer.from(text, 'hex')]

const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf'
/** 2019-06-05 10:53:05 UTC, the time of the first vector. */
const MADE = 1_559_731_985
const CLIENT = '2464c4abcf10c957'
const WHOLE = '2464c4abcf10c957010000005cf79f111f8130c3eee29480'

interface Setting {
  readonly secret?: string
  readonly previous?: string
  readonly require?: boolean
  readonly off?: boolean
  readonly atSeconds?: number
  readonly client?: string
  readonly transport?: 'udp' | 'tcp'
}

function ask(cookie: string | undefined, setting: Setting = {}, query: Partial<QueryParts> = {}) {
  const cookies: CookieSettings = {
    secret: Uint8Array.from(bytes(setting.secret ?? SECRET)),
    previousSecret: Uint8Array.from(bytes(setting.previous ?? '')),
    require: setting.require ?? false,
  }
  const authority = authorityOf(setting.off === true ? {} : { cookies })
  authority.applySnapshot(snapshotOf({ zones: { 'example.com': '@ A 192.0.2.1' } }))
  authority.tick((setting.atSeconds ?? MADE) * 1_000)
  const options: [number, number[]][] = cookie === undefined ? [] : [[COOKIE, bytes(cookie)]]
  const packet = buildQuery({ name: 'example.com', type: 'A', edns: { options }, ...query })
  const address = parseAddress(setting.client ?? '198.51.100.100')
  if (!address.ok) throw new Error(address.error)
  const out = new Uint8Array(1_232)
  const client = { bytes: address.value.bytes, transport: setting.transport ?? 'udp' }
  const written = authority.answer(packet, 0, packet.length, out, 0, client)
  const reply = decodeReply(out.slice(0, written))
  const told = reply.opt?.options.find(([code]) => code === COOKIE)
  return { reply, cookie: told === undefined ? undefined : hex(told[1]), x: authority.last }
}

describe('the vectors of RFC 9018 appendix A', () => {
  test('A.1: a client learns a new server cookie', () => {
    const told = ask(CLIENT)
    expect(told.cookie).toBe(WHOLE)
    expect(told.reply.rcode).toBe('NOERROR')
  })

  test('A.2: forty minutes later it learns a fresh one', () => {
    const told = ask(WHOLE, { atSeconds: MADE + 2_400 })
    expect(told.cookie).toBe('2464c4abcf10c957010000005cf7a871d4a564a1442aca77')
    expect(told.x.cookieState).toBe(3)
  })

  test('A.3: reserved octets that are not zero are hashed as they came', () => {
    const old = 'fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5'
    const client = '203.0.113.203'
    expect(ask(old, { client, atSeconds: 0x5cf78f71 + 60 }).x.cookieState).toBe(3)
    const told = ask(old, { client, atSeconds: 0x5cf7a9ac })
    expect(told.cookie).toBe('fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e')
  })

  test('A.4: over IPv6, a cookie of the previous secret is believed and made anew', () => {
    const told = ask('22681ab97d52c298010000005cf7c57926556bd0934c72f8', {
      client: '2001:db8:220:1:59de:d0f4:8769:82b8',
      secret: '445536bcd2513298075a5d379663c962',
      previous: 'dd3bdf9344b678b185a6f5cb60fca715',
      atSeconds: 0x5cf7c609,
    })
    expect(told.x.cookieState).toBe(3)
    expect(told.cookie).toBe('22681ab97d52c298010000005cf7c609a6bb79d16625507a')
  })
})

test('a cookie for IPv4 is the same whoever asked over IPv6 before', () => {
  const cookies = {
    secret: Uint8Array.from(bytes(SECRET)),
    previousSecret: new Uint8Array(0),
    require: false,
  }
  const authority = authorityOf({ cookies })
  authority.tick(MADE * 1_000)
  const query = buildQuery({
    name: 'example.com',
    type: 'A',
    edns: { options: [[COOKIE, bytes(CLIENT)]] },
  })
  const out = new Uint8Array(512)
  for (const address of [new Uint8Array(16).fill(0xff), Uint8Array.of(198, 51, 100, 100)]) {
    const client = { bytes: address, transport: 'udp' } as const
    authority.answer(query, 0, query.length, out, 0, client)
  }
  expect(hex(new Uint8Array(authority.last.cookie.buffer))).toBe(WHOLE)
})

describe('time', () => {
  test.each([
    ['at once', 0, 3, true],
    ['when half an hour old', 1_800, 3, true],
    ['when older than that', 1_801, 3, false],
    ['when an hour old', 3_600, 3, false],
    ['when older than that', 3_601, 2, false],
    ['five minutes ahead', -300, 3, true],
    ['further ahead', -301, 2, false],
  ])('a cookie shown %s (%i s)', (_when, ageSeconds, state, same) => {
    const told = ask(WHOLE, { atSeconds: MADE + ageSeconds })
    expect(told.x.cookieState).toBe(state)
    expect(told.cookie === WHOLE).toBe(same)
    expect(told.reply.answers).toHaveLength(1)
  })

  test('times are compared across the end of 32 bits', () => {
    const before = ask(CLIENT, { atSeconds: 0xffff_fff0 }).cookie
    expect(ask(before, { atSeconds: 0x1_0000_0010 }).x.cookieState).toBe(3)
  })
})

describe('what is not good', () => {
  test.each([
    ['another address', WHOLE, { client: '198.51.100.101' }],
    ['another secret', WHOLE, { secret: '00000000000000000000000000000000' }],
    ['one bit of the hash', `${WHOLE.slice(0, -1)}1`, {}],
    ['one bit of the time', WHOLE.replace('5cf79f11', '5cf79f10'), {}],
    ['another version', WHOLE.replace('c95701', 'c95702'), {}],
    ['a shorter server cookie', WHOLE.slice(0, 32), {}],
    ['a longer one', `${WHOLE}00`, {}],
  ])('%s: answered, with a cookie that is good', (_what, cookie, setting: Setting) => {
    const told = ask(cookie, setting)
    expect(told.x.cookieState).toBe(2)
    expect(told.reply.answers).toHaveLength(1)
    expect(told.cookie?.slice(0, 16)).toBe(CLIENT)
    expect(ask(told.cookie, setting).x.cookieState).toBe(3)
  })

  test.each([0, 1, 7, 9, 15, 41])('%i octets are malformed: FORMERR', (length) => {
    const told = ask('00'.repeat(length))
    expect(told.reply.rcode).toBe('FORMERR')
    expect(told.cookie).toBeUndefined()
  })

  test('only the first of several cookies counts', () => {
    const options: [number, number[]][] = [
      [COOKIE, bytes(CLIENT)],
      [COOKIE, bytes('0102030405060708')],
    ]
    expect(ask(undefined, {}, { edns: { options } }).cookie).toBe(WHOLE)
  })
})

describe('require', () => {
  const require = true

  test('BADCOOKIE with a good cookie for who has none, and an answer to who shows it', () => {
    const told = ask(CLIENT, { require })
    expect([told.reply.rcode, told.reply.answers]).toEqual(['BADCOOKIE', []])
    expect(told.cookie).toBe(WHOLE)
    expect(ask(told.cookie, { require }).reply.rcode).toBe('NOERROR')
  })

  test('nothing is required of TCP, and of clients that know no cookies', () => {
    expect(ask(CLIENT, { require, transport: 'tcp' }).reply.rcode).toBe('NOERROR')
    expect(ask(undefined, { require }).reply.rcode).toBe('NOERROR')
  })
})

test('without cookies the option means nothing, whatever its length', () => {
  for (const cookie of [CLIENT, WHOLE, '00'])
    expect([ask(cookie, { off: true }).reply.rcode, ask(cookie, { off: true }).cookie]).toEqual([
      'NOERROR',
      undefined,
    ])
})

/** A query whose question is cut out. */
function withoutQuestion(options: [number, number[]][]): Uint8Array {
  const packet = buildQuery({ name: '.', type: 'A', edns: { options } })
  packet[5] = 0
  return Uint8Array.from([...packet.slice(0, 12), ...packet.slice(17)])
}

test('RFC 7873 section 5.4: a query without a question may ask for a cookie alone', () => {
  const cookies = {
    secret: Uint8Array.from(bytes(SECRET)),
    previousSecret: new Uint8Array(0),
    require: false,
  }
  const authority = authorityOf({ cookies })
  const out = new Uint8Array(512)
  const client = { bytes: Uint8Array.of(198, 51, 100, 100), transport: 'udp' } as const
  authority.tick(MADE * 1_000)
  const replyTo = (packet: Uint8Array) =>
    decodeReply(out.slice(0, authority.answer(packet, 0, packet.length, out, 0, client)))
  const told = replyTo(withoutQuestion([[COOKIE, bytes(CLIENT)]]))
  expect([told.rcode, told.question]).toEqual(['NOERROR', ''])
  expect(hex(told.opt!.options[0]![1])).toBe(WHOLE)
  expect(replyTo(withoutQuestion([])).rcode).toBe('FORMERR')
  // One that is forged is said to be bad, and one that is to come is never asked for in vain.
  const forged = bytes(CLIENT).concat(Array.from({ length: 16 }, () => 7))
  expect(replyTo(withoutQuestion([[COOKIE, forged]])).rcode).toBe('BADCOOKIE')
  const strict = authorityOf({ cookies: { ...cookies, require: true } })
  strict.tick(MADE * 1_000)
  const packet = withoutQuestion([[COOKIE, bytes(CLIENT)]])
  const written = strict.answer(packet, 0, packet.length, out, 0, client)
  expect(decodeReply(out.slice(0, written)).rcode).toBe('NOERROR')
})
