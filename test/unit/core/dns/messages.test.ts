// Goal: malformed and unusual messages, EDNS, sizes and fences. Method: bytes in, flags, rcode and
// OPT of the reply out.
import { describe, expect, test } from 'vitest'
import { show, world } from '../../../harness/dns-cases.ts'
import { decodeReply, line } from '../../../harness/dns-decode.ts'
import {
  badSubnets,
  goodSubnets,
  label,
  malformed,
  named,
  patched,
  plain,
  silent,
  unechoed,
  WWW,
} from '../../../harness/dns-messages.ts'
import { buildQuery, optRecord } from '../../../harness/dns-query.ts'
import { authorityOf, CLIENT, dnsWorld, sendTo, snapshotOf } from '../../../harness/dns-world.ts'
import { DOWN, UP } from '../../../harness/pools.ts'

const reply = (query: Uint8Array) => {
  const bytes = sendTo(world.authority, query)
  return bytes === undefined ? undefined : decodeReply(bytes)
}

describe('messages that get nothing', () => {
  test.each(silent)('%s', (_what, query) => {
    expect(sendTo(world.authority, query)).toBeUndefined()
  })
})

const headerOnly = (rcode: string) => ({ rcode, question: '', length: 12 })

describe('messages whose question is not echoed', () => {
  test.each(unechoed)('%s', (_what, query, rcode) => {
    const got = reply(query)
    expect({ rcode: got?.rcode, question: got?.question, length: got?.bytes.length }).toEqual(
      headerOnly(rcode),
    )
    expect(got?.id).toBe(0x1234)
    expect(got?.opcode).toBe((query[2]! >> 3) & 15)
    expect(got?.flags.replace(' rd', '')).toBe('qr')
  })
})

test('a name of 255 octets is a name', () => {
  const query = named(...label(63), ...label(63), ...label(63), ...label(61), 0)
  expect(reply(query)?.rcode).toBe('REFUSED')
  const many = named(...new Array<number[]>(127).fill([1, 0x61]).flat(), 0)
  expect(reply(many)?.rcode).toBe('REFUSED')
})

describe('messages malformed behind the question, which is echoed', () => {
  test.each(malformed)('%s', (_what, query) => {
    const got = reply(query)!
    expect(show(got)).toBe('qr rd FORMERR')
    expect(got.question).toBe('www.example.com A')
  })

  test('other records are stepped over', () => {
    const tsig = [1, 0x6b, 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 2, 9, 9]
    const got = reply(
      buildQuery({ ...WWW, edns: {}, records: [tsig, [0xc0, 12, ...tsig.slice(3)]] }),
    )
    expect(got?.answers).toHaveLength(2)
    expect(got?.opt).toBeDefined()
  })
})

describe('EDNS', () => {
  const ask = (edns: Parameters<typeof optRecord>[0], authority = world.authority) =>
    decodeReply(sendTo(authority, buildQuery({ ...WWW, edns }))!)
  const option = (code: number, ...data: number[]) => ask({ options: [[code, data]] })

  test('OPT answers OPT, and only then', () => {
    expect(reply(plain)?.opt).toBeUndefined()
    expect(ask({}).opt).toEqual({ payload: 1232, version: 0, dnssecOk: false, z: 0, options: [] })
  })

  test('DO is echoed, other flags are not', () => {
    expect(ask({ dnssecOk: true, z: 0x7fff }).opt).toMatchObject({ dnssecOk: true, z: 0 })
  })

  test('a version above 0 gets BADVERS and our version, no answer', () => {
    const got = ask({ version: 1, options: [[8, [1]]] })
    expect([got.rcode, got.opt?.version, got.answers.length]).toEqual(['BADVERS', 0, 0])
    expect(got.question).toBe('www.example.com A')
    expect(got.flags).toBe('qr rd')
  })

  test('unknown options are ignored', () => {
    expect(option(65_001, 1, 2, 3).opt?.options).toEqual([])
    expect(option(10, 1, 2, 3, 4, 5, 6, 7, 8).rcode).toBe('NOERROR')
  })

  test('NSID is told when set and asked for (RFC 5001)', () => {
    expect(option(3).opt?.options).toEqual([])
    const named = dnsWorld({ zones: {}, settings: { nsid: 'ab' } }).authority
    expect(ask({ options: [[3, []]] }, named).opt?.options[0]).toEqual([3, [0x61, 0x62]])
    expect(ask({}, named).opt?.options.map(([code]) => code)).toEqual([15])
  })

  test('keepalive is ignored over UDP', () => {
    expect(option(11).opt?.options).toEqual([])
  })

  test.each(goodSubnets)('client subnet: %s is echoed with scope 0', (_what, data) => {
    expect(option(8, ...data).opt?.options).toEqual([[8, data]])
  })

  test.each(badSubnets)('client subnet: %s is FORMERR (RFC 7871 section 7.1.2)', (_what, data) => {
    const got = option(8, ...data)
    expect([got.rcode, got.answers.length, got.opt?.options]).toEqual(['FORMERR', 0, []])
  })

  test('of two client subnets the first is echoed, a malformed second is FORMERR', () => {
    const [one, two] = [
      [0, 1, 8, 0, 10],
      [0, 1, 8, 0, 11],
    ]
    expect(
      ask({
        options: [
          [8, one],
          [8, two],
        ],
      }).opt?.options,
    ).toEqual([[8, one]])
    expect(
      ask({
        options: [
          [8, one],
          [8, [1]],
        ],
      }).rcode,
    ).toBe('FORMERR')
  })

  test('an option that runs past OPT, half an option and a flood of options are FORMERR', () => {
    const bytes = buildQuery({ ...WWW, edns: { options: [[65_001, [1, 2]]] } })
    bytes[bytes.length - 3] = 9
    expect(reply(bytes)?.rcode).toBe('FORMERR')
    const half = buildQuery({ ...WWW, trailing: [...optRecord({}).slice(0, 9), 0, 2, 0, 8] })
    half[11] = 1
    expect(reply(half)?.rcode).toBe('FORMERR')
    const flood = new Array<[number, number[]]>(33).fill([65_001, []])
    expect(ask({ options: flood }).rcode).toBe('FORMERR')
  })
})

describe('flags', () => {
  test('RD and CD are copied; AD, RA, Z and TC are not', () => {
    expect(reply(patched([2, 0x03], [3, 0xf0]))?.flags).toBe('qr aa rd cd')
    expect(reply(patched([2, 0x02], [3, 0x60]))?.flags).toBe('qr aa')
  })
})

describe('sizes', () => {
  const ask = (name: string, type: string, payload?: number, transport?: 'udp' | 'tcp') =>
    world.ask(name, type, {
      ...(payload === undefined ? {} : { edns: { payload } }),
      ...(transport === undefined ? {} : { transport }),
    })

  test('what does not fit gets TC and empty sections, OPT stays', () => {
    const got = ask('big.x.org', 'TXT', 1232)
    expect([got.flags, got.answers.length, got.opt?.payload]).toEqual(['qr aa tc rd', 0, 1232])
  })

  test('over TCP it is whole', () => {
    const got = ask('big.x.org', 'TXT', 1232, 'tcp')
    expect([got.flags, got.answers.length]).toEqual(['qr aa rd', 20])
  })

  test('additional records are dropped first, without TC', () => {
    const [small, whole] = [ask('m.x.org', 'MX'), ask('m.x.org', 'MX', 4096)]
    expect([small.flags, small.answers.length]).toEqual(['qr aa rd', 16])
    expect(small.bytes.length).toBeLessThanOrEqual(512)
    expect([small.additional.length < 16, whole.additional.length]).toEqual([true, 16])
  })

  test('glue that does not fit gets TC (RFC 9471)', () => {
    const got = ask('a.s.x.org', 'A', 512)
    expect([got.flags, got.authority.length, got.additional.length]).toEqual(['qr tc rd', 0, 0])
    expect(ask('a.s.x.org', 'A', 1232).additional).toHaveLength(20)
  })

  test('steered answers fill a message to its last octet, and one octet more gets TC', () => {
    const addresses = Array.from({ length: 32 }, (_, i) => `192.0.2.${i}`)
    // 12 of header, 12 and the label of question, 28 times 16 of address.
    const [fitting, longer] = ['n'.repeat(40), 'n'.repeat(41)]
    const steered = dnsWorld({
      zones: { 'x.org': '' },
      pools: [fitting, longer].map((label) => ({
        name: `${label}.x.org`,
        zone: 'x.org',
        addresses,
        spec: { answers: 28 },
      })),
    })
    const fits = steered.ask(`${fitting}.x.org`, 'A')
    expect([fits.answers.length, fits.bytes.length, fits.flags]).toEqual([28, 512, 'qr aa rd'])
    const over = steered.ask(`${longer}.x.org`, 'A')
    expect([over.answers.length, over.flags]).toEqual([0, 'qr aa tc rd'])
  })

  test('an advertised size under 512 means 512, one over ours means ours', () => {
    expect(ask('m.x.org', 'MX', 100).answers).toHaveLength(16)
    expect(ask('big.x.org', 'TXT', 65_535).flags).toBe('qr aa tc rd')
    const text = Array.from({ length: 20 }, (_, i) => `big TXT "${String(i).padStart(50, 'x')}"`)
    const wide = dnsWorld({
      zones: { 'x.org': text.join('\n') },
      settings: { udpPayloadSize: 4096 },
    })
    expect(wide.ask('big.x.org', 'TXT', { edns: { payload: 4096 } }).answers).toHaveLength(20)
  })

  test('over TCP some 50,000 octets are whole; what no message can hold is SERVFAIL', () => {
    expect(ask('vast.x.org', 'TXT', 1232, 'tcp').answers).toHaveLength(200)
    const got = ask('huge.x.org', 'TXT', undefined, 'tcp')
    expect([got.flags, got.rcode]).toEqual(['qr rd', 'SERVFAIL'])
  })
})

describe('the buffers', () => {
  test('a query is answered in its own place', () => {
    const slab = new Uint8Array(4096)
    const query = buildQuery({ ...WWW, edns: { options: [[8, [0, 1, 24, 0, 192, 0, 2]]] } })
    slab.set(query, 100)
    const client = { bytes: CLIENT, transport: 'udp' } as const
    const written = world.authority.answer(slab, 100, query.length, slab, 100, client)
    const got = decodeReply(slab.slice(100, 100 + written))
    expect(got.answers.map(line)).toHaveLength(2)
    expect(got.opt?.options).toEqual([[8, [0, 1, 24, 0, 192, 0, 2]]])
    expect(slab.subarray(0, 100).every((byte) => byte === 0)).toBe(true)
    expect(slab.subarray(100 + written).every((byte) => byte === 0)).toBe(true)
  })
})

describe('snapshots and words', () => {
  const parts = {
    zones: { 'x.org': '' },
    pools: [{ name: 'a.x.org', zone: 'x.org', addresses: ['192.0.2.1'] }],
  }
  const rcodeOf = (authority: ReturnType<typeof authorityOf>) =>
    decodeReply(sendTo(authority, buildQuery({ name: 'a.x.org', type: 'A' }))!).rcode

  test('before the first snapshot: SERVFAIL with EDE 14', () => {
    const query = buildQuery({ name: 'a.x.org', type: 'A', edns: {} })
    expect(show(decodeReply(sendTo(authorityOf(), query)!))).toBe('qr rd SERVFAIL | OPT 15=0.14')
  })

  test('an older word, or one of another epoch or place, changes nothing', () => {
    const authority = authorityOf()
    const word = { epoch: 2, version: 7, pool: 0, member: 0, word: DOWN }
    expect(authority.applyWord(word)).toBe(false)
    authority.applySnapshot(snapshotOf({ ...parts, epoch: 2, version: 5 }))
    expect(authority.applyWord(word)).toBe(true)
    expect(authority.applyWord({ ...word, version: 6, word: UP })).toBe(false)
    expect(authority.applyWord({ ...word, version: 9, epoch: 1, word: UP })).toBe(false)
    expect(authority.applyWord({ ...word, version: 9, epoch: 3, word: UP })).toBe(false)
    expect(authority.applyWord({ ...word, version: 9, pool: 1, word: UP })).toBe(false)
    expect(authority.applyWord({ ...word, version: 9, member: 1, word: UP })).toBe(false)
    expect(rcodeOf(authority)).toBe('SERVFAIL')
  })

  test('a snapshot of the same epoch brings only words newer than those held', () => {
    const authority = authorityOf()
    authority.applySnapshot(snapshotOf({ ...parts, version: 5 }))
    authority.applyWord({ epoch: 1, version: 8, pool: 0, member: 0, word: DOWN })
    authority.applySnapshot(snapshotOf({ ...parts, version: 7 }))
    expect(rcodeOf(authority)).toBe('SERVFAIL')
    authority.applySnapshot(snapshotOf({ ...parts, version: 9 }))
    expect(rcodeOf(authority)).toBe('NOERROR')
  })

  test('a snapshot of an older epoch is not taken', () => {
    const authority = authorityOf()
    authority.applySnapshot(snapshotOf({ ...parts, epoch: 4 }))
    expect(authority.applySnapshot(snapshotOf({ zones: {}, epoch: 3 }))).toBe(false)
    expect(rcodeOf(authority)).toBe('NOERROR')
    expect(authority.applySnapshot(snapshotOf({ zones: {}, epoch: 5 }))).toBe(true)
    expect(rcodeOf(authority)).toBe('REFUSED')
  })

  test('a turn is taken only when a server is chosen, in the counter of its slot and family', () => {
    const turns = new Uint32Array(new SharedArrayBuffer(16))
    const authority = authorityOf({}, 2, turns)
    const pool = (name: string, slot: number) => ({
      name,
      zone: 'x.org',
      addresses: ['192.0.2.1', '2001:db8::1'],
      spec: { slot },
    })
    const pools = [pool('a.x.org', 1), pool('far.x.org', 9)]
    authority.applySnapshot(snapshotOf({ zones: { 'x.org': '' }, pools }))
    const ask = (name: string, type: string) => sendTo(authority, buildQuery({ name, type }))!
    for (const type of ['A', 'AAAA', 'AAAA', 'TXT', 'ANY']) ask('a.x.org', type)
    expect([...turns]).toEqual([0, 0, 1, 2])
    authority.applyWord({ epoch: 1, version: 2, pool: 0, member: 0, word: DOWN })
    ask('a.x.org', 'A')
    expect([...turns]).toEqual([0, 0, 1, 2])
    // A slot past the table costs the rotation, never the answer.
    expect(decodeReply(ask('far.x.org', 'A')).answers).toHaveLength(1)
  })
})
