// Goal: what a compiled table is signed with makes every reply validate, for each kind of answer
// and of denial, and nothing changes for those who do not ask for DNSSEC.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { algorithms } from '../../../../src/core/dnssec/algorithms.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { poolSpecOf, zoneOf } from '../../../harness/dns-world.ts'
import { keyFor, zoneFrom } from '../../../harness/dnssec.ts'
import { signedWorld, setsOf } from '../../../harness/dnssec-serving.ts'
import { DOWN, UP } from '../../../harness/pools.ts'

const apex = 'signed.test'
const zoneText = readFileSync(new URL('../../../interop/dnssec.zone', import.meta.url), 'utf8')
const zone = zoneFrom(zoneText, apex)

const questions = [
  ['', 'SOA'],
  ['', 'MX'],
  ['', 'NS'],
  ['', 'DNSKEY'],
  ['', 'CDS'],
  ['', 'CDNSKEY'],
  ['', 'NSEC3PARAM'],
  ['', 'AAAA'],
  ['', 'ANY'],
  ['', 'RRSIG'],
  ['', 'NSEC'],
  ['ns1', 'A'],
  ['ns1', 'MX'],
  ['www', 'A'],
  ['www', 'ANY'],
  ['missing', 'A'],
  ['a.b.missing', 'TXT'],
  ['zzz', 'A'],
  ['0', 'A'],
  ['deep.down', 'A'],
  ['down', 'TXT'],
  ['down', 'NSEC'],
  ['a.deep.down', 'A'],
  ['b.deep.down', 'A'],
  ['any.wild', 'A'],
  ['any.wild', 'ANY'],
  ['a.b.wild', 'TXT'],
  ['any.wild', 'MX'],
  ['here.wild', 'TXT'],
  ['ent.wild', 'A'],
  ['y.ent.wild', 'A'],
  ['*.wild', 'A'],
  ['*.wild', 'NSEC'],
  ['secure', 'DS'],
  ['secure', 'A'],
  ['below.secure', 'A'],
  ['insecure', 'DS'],
  ['insecure', 'A'],
  ['moved', 'TXT'],
  ['moved', 'A'],
  ['a.deep.moved', 'A'],
  ['nothing.moved', 'A'],
  ['_sip._udp', 'SRV'],
  ['esc\\.aped', 'A'],
  ['\\200.z', 'A'],
  ['\\100.z', 'A'],
  ['ZZ.Wild', 'A'],
] as const
const nameOf = (relative: string) => (relative === '' ? apex : `${relative}.${apex}`)

describe.each(['nsec', 'nsec3'] as const)('%s', (denial) => {
  test.each(Object.values(algorithms))('every reply of algorithm %i validates', (algorithm) => {
    const world = signedWorld({ zones: [zone], denial, keys: [keyFor(algorithm)] })
    for (const [relative, type] of questions) {
      const message = world.ask(nameOf(relative), type)
      expect([relative, type, ...world.judge(message)]).toEqual([relative, type])
      const plain = world.plain(nameOf(relative), type)
      expect(message.rcode).toBe(plain.rcode)
    }
  })

  test('with two keys, one that signs the other, every reply validates', () => {
    const keys = [keyFor(13, 'ksk'), keyFor(13, 'zsk')]
    const world = signedWorld({ zones: [zone], denial, keys })
    for (const [relative, type] of questions)
      expect([relative, type, ...world.judge(world.ask(nameOf(relative), type))]).toEqual([
        ...[relative, type],
      ])
  })

  test('with two algorithms every set has a signature of each', () => {
    const world = signedWorld({ zones: [zone], denial, keys: [keyFor(13), keyFor(15)] })
    const message = world.ask(nameOf('www'), 'A')
    expect(setsOf(message.answer).map(({ signatures }) => signatures.length)).toEqual([2, 2])
    for (const [relative, type] of questions)
      expect(world.judge(world.ask(nameOf(relative), type))).toEqual([])
  })

  test('an alias from a wildcard into a zone below ends the reply, since both could deny by one name', () => {
    const zones = [
      zoneOf('z.org', '@ NS ns.elsewhere.example.\n* CNAME a.b.a.z.org.\nt CNAME x.b.a.z.org.'),
      zoneOf('b.a.z.org', '@ NS ns.elsewhere.example.\n*.in CNAME gone.z.org.\nb TXT "b"'),
    ]
    const world = signedWorld({ zones, denial })
    // The wildcard is shown by the NSEC of the cut, the end of the chain by that of the apex.
    const cut = world.ask('b.z.org', 'A')
    expect(world.judge(cut)).toEqual([])
    expect(cut.rcode).toBe('NOERROR')
    expect(cut.answer.map(({ type }) => type)).toEqual([types.CNAME, types.RRSIG])
    for (const name of ['t.z.org', 'x.in.b.a.z.org', 'q.z.org']) {
      const message = world.ask(name, 'A')
      expect([name, ...world.judge(message)]).toEqual([name])
    }
    expect(world.ask('t.z.org', 'A').rcode, 'without a proof before it').toBe('NXDOMAIN')
  })

  test('beside zones that deny by the other kind, every denial validates', () => {
    const text = '@ NS ns.elsewhere.example.\nns1 A 192.0.2.53\n*.wild TXT "w"\nx.y TXT "t"'
    const apexes = ['z.org', 'b.a.z.org', 'example.net', 'c.b.a.z.org']
    const zones = apexes.map((name) => zoneOf(name, text))
    const other = denial === 'nsec' ? 'nsec3' : 'nsec'
    const world = signedWorld({ zones, denial, denials: { 'z.org': other, 'example.net': other } })
    for (const name of apexes)
      for (const first of ['', 'm1.', 'y.', 'a.wild.', 'm.x.y.', 'zz.ns1.']) {
        const message = world.ask(`${first}${name}`, 'A')
        expect([first, name, ...world.judge(message)]).toEqual([first, name])
      }
  })

  test('a record written twice in other letters is served and signed once', () => {
    const text = '@ NS ns1\n@ NS NS1\nns1 A 192.0.2.53\n@ MX 10 ns1\n@ MX 10 Ns1\nx PX 1 a. A.'
    const world = signedWorld({ zones: [zoneOf('example.com', `${text}\nx PX 1 A. a.`)], denial })
    for (const [name, type] of [
      ['example.com', 'NS'],
      ['example.com', 'MX'],
      ['x.example.com', 'PX'],
    ] as const) {
      const message = world.ask(name, type)
      expect([type, ...world.judge(message)]).toEqual([type])
      expect(message.answer.map((one) => one.type)).toEqual([types[type], types.RRSIG])
      expect(world.plain(name, type).answer).toHaveLength(1)
    }
  })

  test('ANY at a steered name of two families answers with the one that serves', () => {
    const addresses = ['192.0.2.1', '2001:db8::1']
    const pools = [
      poolSpecOf({ name: 'app.example.com', zone: 'example.com', addresses, spec: {} }, 0),
    ]
    for (const [words, expected] of [
      [[UP, UP], types.A],
      [[UP, DOWN], types.A],
      [[DOWN, UP], types.AAAA],
    ] as const) {
      const world = signedWorld({
        ...{ zones: [zoneOf('example.com', '@ NS ns1\nns1 A 192.0.2.53')], denial, pools },
        words: [words],
      })
      const message = world.ask('app.example.com', 'ANY')
      expect(world.judge(message)).toEqual([])
      expect(message.answer.map(({ type }) => type)).toEqual([expected, types.RRSIG])
    }
  })

  test('pools answer signed whatever is up, one by one and several at a time', () => {
    const text = '@ NS ns1\nns1 A 192.0.2.53\n*.alias CNAME app\nbeside TXT "x"'
    const pool = (name: string, addresses: string[], spec: object) =>
      poolSpecOf({ name: `${name}.example.com`, zone: 'example.com', addresses, spec }, 0)
    const v4 = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']
    const pools = [
      pool('app', [...v4, '2001:db8::1'], { answers: 3 }),
      pool('*.wild', v4.slice(0, 2), { whenAllDown: 'nodata' }),
      pool('beside', v4.slice(0, 2), { whenAllDown: 'fallback', fallback: ['192.0.2.99'] }),
      pool('empty', [], {}),
      pool('nobody', [], { whenAllDown: 'nodata' }),
    ]
    for (let state = 0; state < 32; state++) {
      const word = (bit: number) => (((state >> bit) & 1) === 1 ? UP : DOWN)
      const words = pools.map((one) => one.members.map((_, member) => word(member)))
      const world = signedWorld({ zones: [zoneOf('example.com', text)], pools, words, denial })
      for (const name of ['app', 'x.wild', 'beside', 'empty', 'nobody', 'no', 'x.alias'])
        for (const type of ['A', 'AAAA', 'MX', 'TXT', 'ANY', 'RRSIG', 'NSEC'])
          for (let turn = 0; turn < 3; turn++) {
            const message = world.ask(`${name}.example.com`, type, { turn })
            expect([name, type, state, ...world.judge(message)]).toEqual([name, type, state])
            // ANY is answered with something made up, which has no signature, without DO alone.
            if (type === 'ANY') continue
            const plain = world.plain(`${name}.example.com`, type, { turn })
            expect(message.rcode).toBe(plain.rcode)
            const kept = message.answer.filter(
              (one) => one.type !== types.RRSIG || type === 'RRSIG',
            )
            expect(kept).toEqual(plain.answer)
          }
    }
  }, 60_000)
})
