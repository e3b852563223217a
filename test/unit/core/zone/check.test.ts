// Goal: each thing that records cannot mean together is told, at the right record and severity, and
// a sound zone has no findings.
import { describe, expect, test } from 'vitest'
import { type ZoneFinding, checkZone } from '../../../../src/core/zone/check.ts'
import { parseZoneFile } from '../../../../src/core/zone/zonefile.ts'

const soa = {
  primary: 'ns1.example.com',
  contact: 'admin.example.com',
  serial: 1,
  refreshSeconds: 1,
  retrySeconds: 1,
  expireSeconds: 1,
  minimumSeconds: 1,
  ttlSeconds: 1,
}
const head = '@ NS ns1\nns1 A 192.0.2.53\n'

const show = (finding: ZoneFinding) => `${finding.severity}: ${finding.message}`

/** Findings of a zone given as a zone file, below a sound apex. */
function check(text: string, steered: string[] = [], apex = head): string[] {
  const options = { origin: 'example.com', file: 'zone', defaultTtlSeconds: 60 }
  const read = parseZoneFile(apex + text, options)
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return checkZone({ apex: 'example.com', soa, records: read.value.records }, steered).map(show)
}

test('a sound zone of everything has no findings', () => {
  const text = [
    '@ NS ns.example.net.',
    '@ MX 10 mail',
    '@ MX 20 mail.example.net.',
    'mail A 192.0.2.25',
    'www CNAME @',
    'alias CNAME www',
    '*.wild A 192.0.2.4',
    '@ MX 30 any.wild',
    '_sip._udp SRV 0 0 5060 app',
    '_none._udp SRV 0 0 0 .',
    'nomail MX 0 .',
    'child NS ns.child',
    'child NS ns1',
    'child DS 1 8 1 0000000000000000000000000000000000000000',
    'ns.child A 192.0.2.1',
    'self NS self',
    'self A 192.0.2.2',
    'old DNAME new.example.net.',
    'old TXT "beside a DNAME other data may stand"',
    'app TXT "beside a domain too"',
    '@ MX 40 below.child',
    '@ MX 50 self',
    '@ MX 60 child',
  ]
  expect(check(`${text.join('\n')}\n`, ['app.example.com'])).toEqual([])
})

describe('findings', () => {
  for (const [text, ...expected] of [
    [
      'a CNAME b\na TXT x',
      'error: a.example.com CNAME: an alias stands alone, but TXT is beside it',
    ],
    ['a CNAME b.\na CNAME c.', 'error: a.example.com CNAME: 2 aliases at one name; one is allowed'],
    ['@ CNAME b.', 'error: example.com CNAME: the apex has SOA and NS, an alias stands alone'],
    ['a CNAME a', 'warning: a.example.com CNAME: the alias leads back to itself'],
    [
      'a CNAME b\nb CNAME a',
      'warning: a.example.com CNAME: the alias leads back to itself',
      'warning: b.example.com CNAME: the alias leads back to itself',
    ],
    [
      'a CNAME b.example.com',
      "warning: a.example.com CNAME: b.example.com.example.com has the zone's name twice; was a final dot forgotten?",
    ],
    [
      'a.example.com A 192.0.2.1',
      "warning: a.example.com.example.com A: the zone's name twice; was a final dot forgotten?",
    ],
    ['d DNAME x.\nd DNAME y.', 'error: d.example.com DNAME: 2 at one name; one is allowed'],
    [
      'd DNAME x.\na.d A 192.0.2.1',
      'error: a.d.example.com: lies below the DNAME at d.example.com',
    ],
    [
      'd DNAME x.\nd NS ns.example.net.',
      'error: d.example.com DNAME: a delegation cannot be redirected too',
    ],
    ['*.d DNAME x.', 'error: *.d.example.com DNAME: a wildcard cannot be redirected'],
    [
      'a 1 A 192.0.2.1\na 2 A 192.0.2.2\na 3 A 192.0.2.3',
      'warning: a.example.com A: TTLs of 1 and 2 seconds in one set; the lowest is served',
    ],
    [
      'a NS x.example.net.\na NS X.example.net.',
      'warning: a.example.com NS: the same record twice; it is served once',
    ],
    [
      '@ MX 10 mail',
      'warning: example.com MX: mail.example.com lies in the zone and has no address',
    ],
    [
      '@ MX 10 mail.example.net',
      'warning: example.com MX: mail.example.net.example.com lies in the zone and has no address; was a final dot forgotten?',
    ],
    [
      '@ MX 10 m\nm CNAME ns1',
      'warning: example.com MX: m.example.com is an alias, but has to have an address of its own',
    ],
    [
      '@ MX 10 a.d\nd DNAME x.',
      'warning: example.com MX: a.d.example.com is an alias, but has to have an address of its own',
    ],
    [
      '_x._tcp SRV 0 0 1 gone',
      'warning: _x._tcp.example.com SRV: gone.example.com lies in the zone and has no address',
    ],
    ['@ NS ns9', 'warning: example.com NS: ns9.example.com lies in the zone and has no address'],
    ['@ NS .', 'error: example.com NS: the root is not a name server'],
    ['*.w NS ns1', 'error: *.w.example.com NS: a wildcard cannot be delegated'],
    [
      'c NS ns.c',
      'error: c.example.com NS: ns.c.example.com lies below the delegation and has no address here',
    ],
    [
      'c NS ns1\nc TXT x',
      'warning: c.example.com TXT: never served, because the name is delegated',
    ],
    [
      'c NS ns.c\nns.c A 192.0.2.1\nns.c TXT x\nw.c A 192.0.2.1',
      'warning: ns.c.example.com TXT: never served, because c.example.com is delegated',
      'warning: w.c.example.com A: never served, because c.example.com is delegated',
    ],
    [
      '@ DS 1 8 1 0000000000000000000000000000000000000000',
      'error: example.com DS: it belongs in the parent zone',
    ],
    [
      'c DS 1 8 1 0000000000000000000000000000000000000000',
      'warning: c.example.com DS: without an NS beside it, it means nothing',
    ],
  ] as const)
    test(text.replaceAll('\n', ' | '), () => expect(check(text)).toEqual(expected))

  test('an apex without NS is an error', () => {
    expect(check('a A 192.0.2.1', [], '')).toEqual([
      'error: example.com: no NS record at the apex of the zone',
    ])
  })

  test('a domain of the zone cannot be an alias, delegated, redirected or addressed twice', () => {
    const app = ['app.example.com', 'outside.example.org']
    expect(check('app CNAME x.', app)).toEqual([
      'error: app.example.com CNAME: the name is served by a domain, so it cannot be an alias',
    ])
    expect(check('app A 192.0.2.1', app)).toEqual([
      'error: app.example.com A: a domain of this name gives its addresses',
    ])
    expect(check('app NS ns1', app)).toEqual([
      'error: app.example.com: a domain of this name, but it is delegated',
    ])
    expect(check('c NS ns1', ['a.c.example.com'])).toEqual([
      'error: a.c.example.com: a domain below the delegation of c.example.com',
    ])
    expect(check('d DNAME x.', ['a.d.example.com'])).toEqual([
      'error: a.d.example.com: the domain lies below the DNAME at d.example.com',
    ])
  })
})

test('records that no reader made are told too: outside, refused and malformed ones', () => {
  const rdata = new Uint8Array([1])
  const records = [
    { name: 'example.com', type: 2, ttlSeconds: 1, rdata: new Uint8Array([1, 97, 0]) },
    { name: 'www.example.org', type: 16, ttlSeconds: 1, rdata: new Uint8Array([0]) },
    { name: 'x.example.com', type: 1, ttlSeconds: 1, rdata },
    { name: 'y.example.com', type: 46, ttlSeconds: 1, rdata },
    { name: 'example.com', type: 6, ttlSeconds: 1, rdata },
  ]
  const findings = checkZone({ apex: 'example.com', soa, records })
  expect(findings.map((finding) => [finding.record, show(finding)])).toEqual([
    [1, 'error: www.example.org TXT: not in the zone example.com'],
    [2, 'error: x.example.com A: the data is malformed'],
    [3, expect.stringMatching(/^error: y.example.com RRSIG: RRSIG records are made when/)],
    [3, 'error: y.example.com RRSIG: the data is malformed'],
    [4, 'error: example.com SOA: the SOA is not among the records'],
    [4, 'error: example.com SOA: the data is malformed'],
  ])
})
