// Goal: compact denial (RFC 9824) says with one NSEC what is not there, and no other name fits into
// its gap; a validator that knows NXNAME reads it as NXDOMAIN, any other as NODATA.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nsecProof, readNsec } from '../../../../src/core/dnssec/check/nsec.ts'
import { nameOrder, wholeName } from '../../../../src/core/dnssec/check/wire.ts'
import {
  type CompactName,
  compactNsec,
  isNxdomain,
  isRefusedQuestion,
  successorOf,
} from '../../../../src/core/dnssec/compact.ts'
import { foldCase, wireToName } from '../../../../src/core/dns/names.ts'
import { typeNumber, types } from '../../../../src/core/dns/types.ts'
import { formatRdata } from '../../../../src/core/zone/rdata.ts'
import { wire } from '../../../harness/dnssec-denial.ts'
import { wireName } from '../../../property/rdata-arbitraries.ts'

const apex = wire('example.com')
const held = (text: string): CompactName => text.split(' ').map((type) => typeNumber(type)!)

function line(name: string, what: CompactName): string {
  const { owner, rdata } = compactNsec(wire(name), apex, what)
  return `${wireToName(owner)} ${formatRdata(types.NSEC, rdata)}`
}

function proof(name: string, what: CompactName, type: string): string | undefined {
  const { owner, rdata } = compactNsec(wire(name), apex, what)
  const nsec = readNsec({ owner, type: types.NSEC, class: 1, ttlSeconds: 300, rdata })!
  return nsecProof([nsec], wholeName(wire(name))!, typeNumber(type)!)?.kind
}

describe('the records of RFC 9824 section 3', () => {
  test('a name that does not exist has NXNAME beside RRSIG and NSEC', () => {
    expect(line('a.example.com', 'missing')).toBe(
      'a.example.com \\000.a.example.com. RRSIG NSEC NXNAME',
    )
    expect(proof('a.example.com', 'missing', 'A')).toBe('nxdomain')
  })

  test('a name without the type lists what it holds', () => {
    expect(line('b.example.com', held('A AAAA TXT'))).toBe(
      'b.example.com \\000.b.example.com. A TXT AAAA RRSIG NSEC',
    )
    expect(proof('b.example.com', held('A AAAA TXT'), 'MX')).toBe('nodata')
    expect(proof('b.example.com', held('A AAAA TXT'), 'A')).toBe(undefined)
  })

  test('an empty name lists nothing, and so differs from one that does not exist', () => {
    expect(line('ent.example.com', [])).toBe('ent.example.com \\000.ent.example.com. RRSIG NSEC')
    expect(proof('ent.example.com', [], 'A')).toBe('nodata')
  })

  test('an unsigned delegation shows its NS and no DS', () => {
    expect(line('sub.example.com', held('NS'))).toBe(
      'sub.example.com \\000.sub.example.com. NS RRSIG NSEC',
    )
    expect(proof('sub.example.com', held('NS'), 'DS')).toBe('nodata')
    expect(proof('sub.example.com', held('NS'), 'A')).toBe(undefined)
  })

  test('NXDOMAIN is said without DO, or with DO and CO; NXNAME is not a question', () => {
    expect([isNxdomain(false, false), isNxdomain(true, false), isNxdomain(true, true)]).toEqual([
      true,
      false,
      true,
    ])
    expect([isRefusedQuestion(types.NXNAME), isRefusedQuestion(types.A)]).toEqual([true, false])
  })
})

describe('the successor of a name', () => {
  const label = (length: number, octet: number) => [length, ...new Array(length).fill(octet)]
  const full = (octet: number) => [
    ...label(63, octet),
    ...label(63, octet),
    ...label(63, octet),
    ...label(61, octet),
    0,
  ]

  test('at full length the last octet is raised, past the capitals, and at 255 the gap closes', () => {
    const raised = (octet: number) => successorOf(new Uint8Array(full(octet)), apex)[63]
    expect(raised(0x61)).toBe(0x62)
    expect(raised(0x40)).toBe(0x5b)
    expect(successorOf(new Uint8Array(full(255)), apex)).toEqual(apex)
    const grown = successorOf(new Uint8Array([...label(62, 97), ...full(98).slice(64)]), apex)
    expect(grown[0]).toBe(63)
  })

  test('it is a name, above the name, and no random name lies between', () => {
    fc.assert(
      fc.property(wireName, wireName, (a, b) => {
        const name = foldCase(new Uint8Array(a))
        const next = wholeName(successorOf(name, apex))!
        const [own, other] = [wholeName(name)!, wholeName(foldCase(new Uint8Array(b)))!]
        expect(nameOrder(own, next)).toBeLessThan(0)
        expect(nameOrder(own, other) < 0 && nameOrder(other, next) < 0).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})
