// Goal: each rule of an authority, one line a case. Method: a query is built by hand, the reply is
// read strictly and by dns-packet, and shown as one text.
import { describe, expect, test } from 'vitest'
import { AA, edns, NEGATIVE, SOA, show, table, world } from '../../../harness/dns-cases.ts'
import { line } from '../../../harness/dns-decode.ts'
import { dnsWorld } from '../../../harness/dns-world.ts'

describe('static records', () => {
  table([
    [
      'an address',
      'www.example.com',
      'A',
      `${AA} | AN www.example.com 300 A 192.0.2.1, www.example.com 300 A 192.0.2.2`,
    ],
    [
      'the case of the question is echoed',
      'nS1.eXaMpLe.CoM',
      'A',
      `${AA} | AN nS1.eXaMpLe.CoM 300 A 192.0.2.53`,
    ],
    [
      'MX with the address of its target',
      'example.com',
      'MX',
      `${AA} | AN example.com 300 MX 10 mail.example.com | AR mail.example.com 300 A 192.0.2.25`,
    ],
    [
      'apex NS with glue',
      'example.com',
      'NS',
      `${AA} | AN example.com 300 NS ns.other.org, example.com 300 NS ns1.example.com | AR ns1.example.com 300 A 192.0.2.53, ns1.example.com 300 AAAA 2001:db8::53`,
    ],
    ['apex SOA', 'example.com', 'SOA', `${AA} | AN example.com 300 ${SOA}`],
    [
      'SRV with the address of its target',
      '_sip._tcp.example.com',
      'SRV',
      `${AA} | AN _sip._tcp.example.com 300 SRV 1 2 5060 mail.example.com | AR mail.example.com 300 A 192.0.2.25`,
    ],
  ])

  test('HTTPS with the address of its target', () => {
    const reply = world.ask('svc.example.com', 'HTTPS')
    expect(reply.answers.map((rr) => rr.type)).toEqual(['HTTPS'])
    expect(reply.additional.map(line)).toEqual(['mail.example.com 300 A 192.0.2.25'])
  })

  test('other types beside a steered name', () => {
    expect(world.ask('app.example.com', 'TXT').answers.map(line)).toEqual([
      'app.example.com 300 TXT beside the pool',
    ])
    expect(world.ask('app.example.com', 'CAA').answers).toHaveLength(1)
  })
})

describe('names that own nothing', () => {
  table([
    [
      'NXDOMAIN with SOA, whose TTL is the lesser of its own and MINIMUM',
      'nope.example.com',
      'A',
      `qr aa rd NXDOMAIN | NS ${NEGATIVE}`,
    ],
    ['NXDOMAIN deep below', 'a.b.c.d.nope.example.com', 'A', `qr aa rd NXDOMAIN | NS ${NEGATIVE}`],
    ['NODATA with SOA', 'www.example.com', 'TXT', `${AA} | NS ${NEGATIVE}`],
    ['the apex without addresses is NODATA', 'example.com', 'A', `${AA} | NS ${NEGATIVE}`],
    ['an empty non-terminal is NODATA', 'ent.example.com', 'A', `${AA} | NS ${NEGATIVE}`],
    ['a deeper empty non-terminal too', 'b.ent.example.com', 'ANY', `${AA} | NS ${NEGATIVE}`],
    ['above a steered name too', 'down.example.com', 'A', `${AA} | NS ${NEGATIVE}`],
    [
      'a name beside an empty non-terminal is NXDOMAIN',
      'x.ent.example.com',
      'A',
      `qr aa rd NXDOMAIN | NS ${NEGATIVE}`,
    ],
    ['outside the zones: REFUSED without AA', 'www.other.org', 'A', 'qr rd REFUSED'],
    [
      'outside the zones with EDNS: EDE 20',
      'www.other.org',
      'A',
      'qr rd REFUSED | OPT 15=0.20',
      { edns },
    ],
    ['the parent of a zone is outside', 'com', 'SOA', 'qr rd REFUSED'],
    ['the root is outside', '.', 'NS', 'qr rd REFUSED'],
    ['a name that only ends alike is outside', 'notexample.com', 'A', 'qr rd REFUSED'],
  ])
})

describe('wildcards (RFC 4592)', () => {
  table([
    [
      'a wildcard answers with the asked name as owner',
      'x.wild.example.com',
      'TXT',
      `${AA} | AN x.wild.example.com 300 TXT star`,
    ],
    [
      'at any depth',
      'a.b.c.wild.example.com',
      'TXT',
      `${AA} | AN a.b.c.wild.example.com 300 TXT star`,
    ],
    [
      'with additional addresses',
      'x.wild.example.com',
      'MX',
      `${AA} | AN x.wild.example.com 300 MX 5 mail.example.com | AR mail.example.com 300 A 192.0.2.25`,
    ],
    ['NODATA at a wildcard', 'x.wild.example.com', 'A', `${AA} | NS ${NEGATIVE}`],
    ['an existing name is not covered', 'host.wild.example.com', 'TXT', `${AA} | NS ${NEGATIVE}`],
    [
      'nor are names below it',
      'x.host.wild.example.com',
      'TXT',
      `qr aa rd NXDOMAIN | NS ${NEGATIVE}`,
    ],
    [
      'the parent of a wildcard is not covered',
      'wild.example.com',
      'TXT',
      `${AA} | NS ${NEGATIVE}`,
    ],
    [
      'the wildcard itself can be asked for',
      '*.wild.example.com',
      'TXT',
      `${AA} | AN *.wild.example.com 300 TXT star`,
    ],
    [
      'a wildcard CNAME is followed',
      'x.cname.example.com',
      'A',
      `${AA} | AN www.example.com 300 A 192.0.2.1, www.example.com 300 A 192.0.2.2, x.cname.example.com 300 CNAME www.example.com`,
    ],
    [
      'a steered wildcard',
      'any.pool.example.com',
      'A',
      `${AA} | AN any.pool.example.com 30 A 192.0.2.13`,
    ],
    ['a steered wildcard has no AAAA', 'any.pool.example.com', 'AAAA', `${AA} | NS ${NEGATIVE}`],
  ])
})

describe('steering', () => {
  table([
    [
      'no server of the family is NODATA, not SERVFAIL',
      'app.example.com',
      'AAAA',
      `${AA} | NS ${NEGATIVE}`,
    ],
    [
      'IPv6 servers answer AAAA',
      'dual.example.com',
      'AAAA',
      `${AA} | AN dual.example.com 30 AAAA 2001:db8::12`,
    ],
    [
      'several answers, best first',
      'several.example.com',
      'A',
      `${AA} | AN several.example.com 30 A 192.0.2.21, several.example.com 30 A 192.0.2.22`,
    ],
    ['nobody to serve: SERVFAIL without AA', 'dead.example.com', 'A', 'qr rd SERVFAIL'],
    ['with EDNS: EDE 22', 'dead.example.com', 'A', 'qr rd SERVFAIL | OPT 15=0.22', { edns }],
    ['a dead name still owns its other types', 'dead.example.com', 'TXT', `${AA} | NS ${NEGATIVE}`],
    [
      'last healthy servers, with EDE 3',
      'last.example.com',
      'A',
      `${AA} | AN last.example.com 30 A 192.0.2.16 | OPT 15=0.3`,
      { edns },
    ],
  ])

  test('turns are counted per name and type, and only when a server is chosen', () => {
    const fresh = dnsWorld({
      zones: { 'x.org': '' },
      pools: [
        {
          name: 'a.x.org',
          zone: 'x.org',
          addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'],
        },
      ],
    })
    const seen = (type: string) => fresh.ask('a.x.org', type).answers[0]?.data
    // Dual-stack clients ask both in pairs; each family still rotates through all its servers.
    const pairs = [0, 1, 2, 3].map(() => [seen('A'), seen('AAAA')])
    fresh.ask('a.x.org', 'TXT')
    expect(pairs).toEqual([
      ['192.0.2.1', '2001:db8::1'],
      ['192.0.2.2', '2001:db8::2'],
      ['192.0.2.1', '2001:db8::1'],
      ['192.0.2.2', '2001:db8::2'],
    ])
    expect(seen('A')).toBe('192.0.2.1')
  })
})

describe('types and classes that are no data', () => {
  const HINFO = `${AA} | AN www.example.com 3600 HINFO RFC8482 `
  table([
    ['ANY by RFC 8482', 'www.example.com', 'ANY', HINFO],
    ['ANY at a steered name', 'dual.example.com', 'ANY', HINFO.replace('www', 'dual')],
    [
      'ANY at an alias gives the CNAME',
      'alias.example.com',
      'ANY',
      `${AA} | AN alias.example.com 300 CNAME www.example.com`,
    ],
    ['ANY at nothing', 'nope.example.com', 'ANY', `qr aa rd NXDOMAIN | NS ${NEGATIVE}`],
    ['AXFR is refused', 'example.com', 'AXFR', 'qr rd REFUSED'],
    ['IXFR is refused', 'example.com', 'IXFR', 'qr rd REFUSED'],
    ['AXFR with EDNS says why', 'example.com', 'AXFR', 'qr rd REFUSED | OPT 15=0.18', { edns }],
    ['MAILA is not implemented', 'example.com', 'MAILA', 'qr rd NOTIMP'],
    ['TKEY is not implemented', 'example.com', 'TKEY', 'qr rd NOTIMP'],
    ['OPT as a question is malformed', 'example.com', 'OPT', 'qr rd FORMERR'],
    ['NXNAME as a question is malformed', 'example.com', 'NXNAME', 'qr rd FORMERR'],
    [
      'an unknown type is NODATA (RFC 8906)',
      'www.example.com',
      'TYPE1000',
      `${AA} | NS ${NEGATIVE}`,
    ],
    ['a reserved type is NODATA', 'www.example.com', 'TYPE200', `${AA} | NS ${NEGATIVE}`],
    ['class HS is refused', 'www.example.com', 'A', 'qr rd REFUSED', { qclass: 4 }],
    ['class ANY is refused', 'www.example.com', 'A', 'qr rd REFUSED', { qclass: 255 }],
    ['version.bind is refused when off', 'version.bind', 'TXT', 'qr rd REFUSED', { qclass: 3 }],
  ])

  test('class CH tells version and identity when they are set', () => {
    const on = dnsWorld({ zones: {}, settings: { versionString: 'v2', nsid: 'node-1' } })
    const ask = (name: string, type = 'TXT') => on.ask(name, type, { qclass: 3 })
    expect(ask('VERSION.bind').answers[0]).toMatchObject({ data: 'v2', ttl: 0, rrclass: 3 })
    expect(ask('version.server').answers[0]?.data).toBe('v2')
    expect(ask('id.server').answers[0]?.data).toBe('node-1')
    expect(ask('hostname.bind', 'ANY').answers[0]?.data).toBe('node-1')
    expect(show(ask('hostname.bind', 'A'))).toBe('qr aa rd NOERROR')
    expect(ask('authors.bind').rcode).toBe('REFUSED')
  })
})
