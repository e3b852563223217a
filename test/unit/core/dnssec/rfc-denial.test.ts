// Goal: the chains and proofs of RFC 4035 appendix B and RFC 5155 appendix B come out as printed,
// and the validator finds in them what the RFC says they prove.
import { describe, expect, test } from 'vitest'
import type { DenialCase } from '../../../../src/core/dnssec/denial.ts'
import { nsecChain } from '../../../../src/core/dnssec/nsec.ts'
import { nsec3Chain, nsec3Hash, nsec3ParamRdata } from '../../../../src/core/dnssec/nsec3.ts'
import { bytesToBase32Hex } from '../../../../src/core/zone/rdata-text.ts'
import { formatRdata } from '../../../../src/core/zone/rdata.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { chainLines, namesOf, proofOwners, verdict, wire } from '../../../harness/dnssec-denial.ts'

type Row = readonly [
  what: string,
  denied: DenialCase,
  name: string,
  type: string,
  owners: readonly string[],
  verdict: string | undefined,
]

describe('RFC 4035', () => {
  const chain = nsecChain(
    namesOf('example', [
      'example NS SOA MX DNSKEY',
      'a.example NS DS',
      'ns1.a.example A',
      'ns2.a.example A',
      'ai.example A HINFO AAAA',
      'b.example NS',
      'ns1.b.example A',
      'ns2.b.example A',
      'ns1.example A',
      'ns2.example A',
      '*.w.example MX',
      'x.w.example MX',
      'x.y.w.example MX',
      'xx.example A HINFO AAAA',
    ]),
  )

  test('appendix A: the chain', () => {
    expect(chainLines(chain)).toEqual([
      'example a.example. NS SOA MX RRSIG NSEC DNSKEY',
      'a.example ai.example. NS DS RRSIG NSEC',
      'ai.example b.example. A HINFO AAAA RRSIG NSEC',
      'b.example ns1.example. NS RRSIG NSEC',
      'ns1.example ns2.example. A RRSIG NSEC',
      'ns2.example \\*.w.example. A RRSIG NSEC'.replace('\\*', '*'),
      '*.w.example x.w.example. MX RRSIG NSEC',
      'x.w.example x.y.w.example. MX RRSIG NSEC',
      'x.y.w.example xx.example. MX RRSIG NSEC',
      'xx.example example. A HINFO AAAA RRSIG NSEC',
    ])
  })

  const rows: readonly Row[] = [
    ['B.2', 'nxdomain', 'ml.example', 'A', ['b.example', 'example'], 'nxdomain'],
    ['B.3', 'nodata', 'ns1.example', 'MX', ['ns1.example'], 'nodata'],
    ['B.5', 'nodata', 'b.example', 'DS', ['b.example'], 'nodata'],
    ['B.6', 'wildcard-answer', 'a.z.w.example', 'MX', ['x.y.w.example'], undefined],
    ['B.7', 'wildcard-nodata', 'a.z.w.example', 'AAAA', ['*.w.example', 'x.y.w.example'], 'nodata'],
    ['B.8', 'nodata', 'example', 'MD', ['example'], 'nodata'],
    ['an empty name', 'nodata', 'y.w.example', 'A', ['x.w.example'], 'nodata'],
    ['after the last name', 'nxdomain', 'zz.example', 'A', ['example', 'xx.example'], 'nxdomain'],
  ]
  test.each(rows)('%s', (_what, denied, name, type, owners, found) => {
    expect(proofOwners(chain, denied, name)).toEqual(owners)
    expect(verdict(chain, denied, name, type)).toBe(found)
  })

  test('the proof of one thing proves no other', () => {
    // The delegation's record speaks for the DS alone (RFC 6840 section 4.1).
    expect(verdict(chain, 'nodata', 'b.example', 'A')).toBe(undefined)
    expect(verdict(chain, 'nodata', 'x.b.example', 'A')).toBe(undefined)
    expect(verdict(chain, 'nxdomain', 'x.b.example', 'A')).toBe(undefined)
    // The apex says nothing of its own DS.
    expect(verdict(chain, 'nodata', 'example', 'DS')).toBe(undefined)
    // A type that is there.
    expect(verdict(chain, 'nodata', 'ns1.example', 'A')).toBe(undefined)
    // Without the wildcard's gap a name is not denied.
    expect(verdict(chain, 'wildcard-answer', 'ml.example', 'A')).toBe(undefined)
  })
})

describe('RFC 5155', () => {
  const parameters = {
    iterations: 12,
    salt: new Uint8Array([0xaa, 0xbb, 0xcc, 0xdd]),
    isOptOut: true,
  }
  const chain = nsec3Chain(
    wire('example'),
    namesOf('example', [
      'example NS SOA MX DNSKEY NSEC3PARAM',
      '2t7b4g4vsa5smi47k61mv5bv1a22bojr.example A',
      'a.example NS DS',
      'ns1.a.example A',
      'ai.example A HINFO AAAA',
      'c.example NS',
      'ns1.c.example A',
      'ns1.example A',
      'ns2.example A',
      '*.w.example MX',
      'x.w.example MX',
      'x.y.w.example MX',
      'xx.example A HINFO AAAA',
    ]),
    parameters,
    crypto,
  )

  test('appendix A: the hashes of names', () => {
    const hashes: Record<string, string> = {
      example: '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom',
      'a.example': '35mthgpgcu1qg68fab165klnsnk3dpvl',
      'ai.example': 'gjeqe526plbf1g8mklp59enfd789njgi',
      'ns1.example': '2t7b4g4vsa5smi47k61mv5bv1a22bojr',
      'ns2.example': 'q04jkcevqvmu85r014c7dkba38o0ji5r',
      'w.example': 'k8udemvp1j2f7eg6jebps17vp3n8i58h',
      '*.w.example': 'r53bq7cc2uvmubfu5ocmm6pers9tk9en',
      'x.w.example': 'b4um86eghhds6nea196smvmlo4ors995',
      'y.w.example': 'ji6neoaepv8b5o6k4ev33abha8ht9fgc',
      'x.y.w.example': '2vptu5timamqttgl4luu9kg21e0aor3s',
      'xx.example': 't644ebqk9bibcna874givr6joj62mlhv',
      '2t7b4g4vsa5smi47k61mv5bv1a22bojr.example': 'kohar7mbb8dc2ce8a9qvl8hon4k53uhi',
    }
    for (const [name, hash] of Object.entries(hashes))
      expect(bytesToBase32Hex(nsec3Hash(wire(name), parameters, crypto)).toLowerCase()).toBe(hash)
    expect(formatRdata(types.NSEC3PARAM, nsec3ParamRdata(parameters))).toBe('1 0 12 AABBCCDD')
  })

  test('appendix A: the chain, without the delegation that opted out', () => {
    const line = (own: string, next: string, list: string) =>
      `${own}.example 1 1 12 AABBCCDD ${next.toUpperCase()}${list === '' ? '' : ` ${list}`}`
    const rows: readonly (readonly [string, string])[] = [
      ['0p9mhaveqvm6t7vbl5lop2u3t2rp3tom', 'NS SOA MX RRSIG DNSKEY NSEC3PARAM'],
      ['2t7b4g4vsa5smi47k61mv5bv1a22bojr', 'A RRSIG'],
      ['2vptu5timamqttgl4luu9kg21e0aor3s', 'MX RRSIG'],
      ['35mthgpgcu1qg68fab165klnsnk3dpvl', 'NS DS RRSIG'],
      ['b4um86eghhds6nea196smvmlo4ors995', 'MX RRSIG'],
      ['gjeqe526plbf1g8mklp59enfd789njgi', 'A HINFO AAAA RRSIG'],
      ['ji6neoaepv8b5o6k4ev33abha8ht9fgc', ''],
      ['k8udemvp1j2f7eg6jebps17vp3n8i58h', ''],
      ['kohar7mbb8dc2ce8a9qvl8hon4k53uhi', 'A RRSIG'],
      ['q04jkcevqvmu85r014c7dkba38o0ji5r', 'A RRSIG'],
      ['r53bq7cc2uvmubfu5ocmm6pers9tk9en', 'MX RRSIG'],
      ['t644ebqk9bibcna874givr6joj62mlhv', 'A HINFO AAAA RRSIG'],
    ]
    expect(chainLines(chain)).toEqual(
      rows.map(([own, list], at) => line(own, rows[(at + 1) % rows.length]![0], list)),
    )
  })

  const rows: readonly Row[] = [
    ['B.1', 'nxdomain', 'a.c.x.w.example', 'A', ['0p9m', '35mt', 'b4um'], 'opt-out'],
    ['B.2', 'nodata', 'ns1.example', 'MX', ['2t7b'], 'nodata'],
    ['B.2.1', 'nodata', 'y.w.example', 'A', ['ji6n'], 'nodata'],
    ['B.3', 'nodata', 'c.example', 'DS', ['0p9m', '35mt'], 'opt-out'],
    ['B.4', 'wildcard-answer', 'a.z.w.example', 'MX', ['q04j'], undefined],
    ['B.5', 'wildcard-nodata', 'a.z.w.example', 'AAAA', ['k8ud', 'q04j', 'r53b'], 'nodata'],
    ['B.6', 'nodata', 'example', 'DS', ['0p9m'], undefined],
  ]
  test.each(rows)('appendix %s', (_what, denied, name, type, owners, found) => {
    expect(proofOwners(chain, denied, name).map((owner) => owner.slice(0, 4))).toEqual(owners)
    expect(verdict(chain, denied, name, type)).toBe(found)
  })

  test('the same chain without opt-out denies the name of appendix B.1 for good', () => {
    const strict = nsec3Chain(
      wire('example'),
      namesOf('example', ['example NS SOA', 'x.w.example MX', 'xx.example A', 'c.example NS']),
      { ...parameters, isOptOut: false },
      crypto,
    )
    expect(verdict(strict, 'nxdomain', 'a.c.x.w.example', 'A')).toBe('nxdomain')
    expect(verdict(strict, 'nodata', 'c.example', 'DS')).toBe('nodata')
    expect(verdict(strict, 'nodata', 'c.example', 'A')).toBe(undefined)
  })
})
