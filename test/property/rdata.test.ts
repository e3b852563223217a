/**
 * Goal: the text of record data says all of it, for every type, and nothing breaks a reader.
 */
import { decode } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { wireNameLength, wireToName } from '../../src/core/dns/names.ts'
import { typeName, types } from '../../src/core/dns/types.ts'
import { schemaTypes } from '../../src/core/zone/rdata-schemas.ts'
import {
  canonicalRdata,
  formatRdata,
  isWellFormed,
  parseRdata,
  rdataNames,
} from '../../src/core/zone/rdata.ts'
import { lexValue } from '../../src/core/zone/zonefile-lexer.ts'
import { rdataOf } from './rdata-arbitraries.ts'

const hex = (bytes: Iterable<number>) => Buffer.from([...bytes]).toString('hex')

function reread(type: number, rdata: Uint8Array): string {
  const text = formatRdata(type, rdata)
  const tokens = lexValue(text)
  if (!tokens.ok) return `${text}: ${tokens.error}`
  const parsed = parseRdata(type, tokens.value, 'origin.example')
  return parsed.ok ? hex(parsed.value) : `${text}: ${parsed.error}`
}

test('every type with a text form has random data here', () => {
  expect([...rdataOf.keys()].sort()).toEqual([...schemaTypes].sort())
})

describe('the text of well-formed data is in its own form and reads back to the same octets', () => {
  for (const [type, arbitrary] of rdataOf)
    test(typeName(type), () => {
      fc.assert(
        fc.property(arbitrary, (octets) => {
          const rdata = new Uint8Array(octets)
          expect(formatRdata(type, rdata)).not.toMatch(/^\\#/)
          expect(reread(type, rdata)).toBe(hex(rdata))
        }),
      )
    })
})

test('any octets of any type have a text, in the generic form unless well-formed', () => {
  const anyType = fc.oneof(fc.constantFrom(...schemaTypes), fc.integer({ min: 1, max: 0xffff }))
  fc.assert(
    fc.property(anyType, fc.uint8Array({ maxLength: 80 }), (type, rdata) => {
      const text = formatRdata(type, rdata)
      if (schemaTypes.includes(type) && isWellFormed(type, rdata))
        expect(reread(type, rdata)).toBe(hex(rdata))
      else expect(text).toMatch(new RegExp(`^\\\\# ${rdata.length}( |$)`))
      canonicalRdata(type, rdata)
      rdataNames(type, rdata)
    }),
    { numRuns: 3_000 },
  )
})

test('well-formed data cut short or with an octet changed never breaks a reader', () => {
  const damaged = fc
    .constantFrom(...rdataOf)
    .chain(([type, arbitrary]) => fc.tuple(fc.constant(type), arbitrary, fc.nat(), fc.nat(255)))
  fc.assert(
    fc.property(damaged, ([type, octets, place, value]) => {
      const cut = new Uint8Array(octets.slice(0, place % (octets.length + 1)))
      const changed = new Uint8Array(octets)
      if (changed.length > 0) changed[place % changed.length] = value
      for (const rdata of [cut, changed])
        if (isWellFormed(type, rdata)) expect(reread(type, rdata)).toBe(hex(rdata))
    }),
    { numRuns: 3_000 },
  )
})

test('any words are data or a fault, never an exception', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.stringMatching(/^[0-9a-z.:=",\\#()@-]{0,20}$/),
    fc.constantFrom('\\#', '0', '4', 'alpn="h2"', 'mandatory=alpn', '1.2.3.4', '::', '"', '.'),
  )
  fc.assert(
    fc.property(fc.constantFrom(...schemaTypes), fc.array(word), (type, words) => {
      const tokens = lexValue(words.join(' '))
      if (!tokens.ok) return
      const parsed = parseRdata(type, tokens.value, 'origin.example')
      if (parsed.ok) expect(reread(type, parsed.value)).toBe(hex(parsed.value))
    }),
    { numRuns: 5_000 },
  )
})

test('names are found where they are, and folding changes them alone', () => {
  fc.assert(
    fc.property(rdataOf.get(types.SOA)!, (octets) => {
      const rdata = new Uint8Array(octets)
      const starts = rdataNames(types.SOA, rdata)
      expect(starts).toEqual([0, wireNameLength(rdata)])
      const folded = canonicalRdata(types.SOA, rdata)
      for (const at of starts)
        expect(wireToName(folded, at)).toBe(
          wireToName(rdata, at).replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
        )
      expect(hex(folded.slice(-20))).toBe(hex(rdata.slice(-20)))
    }),
  )
})

/** A response of one record, so that another program reads our data. */
function message(type: number, rdata: Uint8Array): Buffer {
  const head = [0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, type >> 8, type & 0xff, 0, 1, 0, 0, 0, 9]
  return Buffer.from([...head, rdata.length >> 8, rdata.length & 0xff, ...rdata])
}

describe('dns-packet reads the same from the data made of a text', () => {
  for (const [type, text, expected] of [
    ['A', '192.0.2.1', '192.0.2.1'],
    ['AAAA', '2001:db8::1', '2001:db8::1'],
    ['NS', 'ns1', 'ns1.example.com'],
    ['CNAME', 'other.example.', 'other.example'],
    ['MX', '10 mail', { preference: 10, exchange: 'mail.example.com' }],
    ['SRV', '1 2 5060 sip', { priority: 1, weight: 2, port: 5060, target: 'sip.example.com' }],
    ['CAA', '128 issue "ca.example"', { flags: 128, tag: 'issue', value: 'ca.example' }],
    ['TXT', '"a b" c', [Buffer.from('a b'), Buffer.from('c')]],
    ['HINFO', 'RISC "My OS"', { cpu: 'RISC', os: 'My OS' }],
    ['RP', 'a b.', { mbox: 'a.example.com', txt: 'b' }],
    [
      'NAPTR',
      '100 50 "s" "SIP+D2U" "" _sip._udp',
      {
        order: 100,
        preference: 50,
        flags: 's',
        services: 'SIP+D2U',
        regexp: '',
        replacement: '_sip._udp.example.com',
      },
    ],
    ['SSHFP', '4 2 0aFF', { algorithm: 4, hash: 2, fingerprint: '0AFF' }],
    [
      'TLSA',
      '3 1 1 00ff',
      { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from([0, 255]) },
    ],
    [
      'DS',
      '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118',
      {
        keyTag: 60485,
        algorithm: 5,
        digestType: 1,
        digest: Buffer.from('2bb183af5f22588179a53b0a98631fad1a292118', 'hex'),
      },
    ],
    [
      'SOA',
      'ns1 admin.example.net. 7 1h 15m 2w 300',
      {
        mname: 'ns1.example.com',
        rname: 'admin.example.net',
        serial: 7,
        refresh: 3600,
        retry: 900,
        expire: 1_209_600,
        minimum: 300,
      },
    ],
  ] as const)
    test(`${type} ${text}`, () => {
      const tokens = lexValue(text)
      const parsed = tokens.ok ? parseRdata(types[type], tokens.value, 'example.com') : tokens
      if (!parsed.ok) throw new Error(parsed.error)
      const answer = decode(message(types[type], parsed.value)).answers![0] as unknown as {
        data: unknown
      }
      if (typeof expected === 'object' && !Array.isArray(expected))
        expect(answer.data).toMatchObject(expected as object)
      else expect(answer.data).toEqual(expected)
    })
})
