/**
 * What the authority answers to what, by subject: tables of cases for the zone of dns-cases.ts.
 */
import { AA, type Case, edns, NEGATIVE, SOA } from './dns-cases.ts'

export const staticRecords: readonly Case[] = [
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
]

export const nothings: readonly Case[] = [
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
]

export const wildcards: readonly Case[] = [
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
  ['the parent of a wildcard is not covered', 'wild.example.com', 'TXT', `${AA} | NS ${NEGATIVE}`],
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
]

export const steering: readonly Case[] = [
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
]

const HINFO = `${AA} | AN www.example.com 3600 HINFO RFC8482 `
export const noData: readonly Case[] = [
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
  ['an unknown type is NODATA (RFC 8906)', 'www.example.com', 'TYPE1000', `${AA} | NS ${NEGATIVE}`],
  ['a reserved type is NODATA', 'www.example.com', 'TYPE200', `${AA} | NS ${NEGATIVE}`],
  ['class HS is refused', 'www.example.com', 'A', 'qr rd REFUSED', { qclass: 4 }],
  ['class ANY is refused', 'www.example.com', 'A', 'qr rd REFUSED', { qclass: 255 }],
  ['version.bind is refused when off', 'version.bind', 'TXT', 'qr rd REFUSED', { qclass: 3 }],
]

const WWW = 'www.example.com 300 A 192.0.2.1, www.example.com 300 A 192.0.2.2'
export const aliases: readonly Case[] = [
  [
    'CNAME is followed inside the zone',
    'alias.example.com',
    'A',
    `${AA} | AN alias.example.com 300 CNAME www.example.com, ${WWW}`,
  ],
  [
    'CNAME asked for is not followed',
    'alias.example.com',
    'CNAME',
    `${AA} | AN alias.example.com 300 CNAME www.example.com`,
  ],
  [
    'CNAME to a steered name',
    'steered.example.com',
    'AAAA',
    `${AA} | AN steered.example.com 300 CNAME app.example.com | NS ${NEGATIVE}`,
  ],
  [
    'CNAME out of the zones ends there',
    'away.example.com',
    'A',
    `${AA} | AN away.example.com 300 CNAME www.other.org`,
  ],
  [
    'CNAME to nothing is NXDOMAIN (RFC 6604)',
    'missing.example.com',
    'A',
    `qr aa rd NXDOMAIN | AN missing.example.com 300 CNAME nowhere.example.com | NS ${NEGATIVE}`,
  ],
  [
    'CNAME below a delegation ends there',
    'downwards.example.com',
    'A',
    `${AA} | AN downwards.example.com 300 CNAME host.sub.example.com`,
  ],
  [
    'a loop ends',
    'loop1.example.com',
    'A',
    `${AA} | AN loop1.example.com 300 CNAME loop2.example.com, loop2.example.com 300 CNAME loop1.example.com`,
  ],
  [
    'a name that is its own alias ends',
    'selfie.example.com',
    'A',
    `${AA} | AN selfie.example.com 300 CNAME selfie.example.com`,
  ],
  [
    'DNAME makes a CNAME',
    'host.moved.example.com',
    'A',
    `${AA} | AN host.moved.example.com 300 CNAME host.new.example.com, host.new.example.com 300 A 192.0.2.5, moved.example.com 300 DNAME new.example.com`,
  ],
  [
    'DNAME leaves its owner alone',
    'moved.example.com',
    'TXT',
    `${AA} | AN moved.example.com 300 TXT own data stays`,
  ],
  [
    'DNAME hides what lies below',
    'under.moved.example.com',
    'A',
    `qr aa rd NXDOMAIN | AN moved.example.com 300 DNAME new.example.com, under.moved.example.com 300 CNAME under.new.example.com | NS ${NEGATIVE}`,
  ],
  [
    'CNAME asked for below a DNAME',
    'host.moved.example.com',
    'CNAME',
    `${AA} | AN host.moved.example.com 300 CNAME host.new.example.com, moved.example.com 300 DNAME new.example.com`,
  ],
  [
    'DNAME out of the zones',
    'a.faroff.example.com',
    'A',
    `${AA} | AN a.faroff.example.com 300 CNAME a.other.org, faroff.example.com 300 DNAME other.org`,
  ],
]

const REFERRAL =
  'NS sub.example.com 300 NS ns.other.org, sub.example.com 300 NS ns.sub.example.com | AR ns.sub.example.com 300 A 192.0.2.99'
export const delegations: readonly Case[] = [
  ['a referral has no AA and carries glue', 'sub.example.com', 'A', `qr rd NOERROR | ${REFERRAL}`],
  ['below it too', 'x.y.sub.example.com', 'TXT', `qr rd NOERROR | ${REFERRAL}`],
  ['NS at the cut is a referral', 'sub.example.com', 'NS', `qr rd NOERROR | ${REFERRAL}`],
  [
    'glue itself is not answered with authority',
    'ns.sub.example.com',
    'A',
    `qr rd NOERROR | ${REFERRAL}`,
  ],
  [
    'what was put below a cut is hidden',
    'below.sub.example.com',
    'A',
    `qr rd NOERROR | ${REFERRAL}`,
  ],
  [
    'a zone served here is not delegated',
    'x.child.example.com',
    'A',
    `${AA} | AN x.child.example.com 300 A 192.0.2.6`,
  ],
  [
    'its negative answers carry its own SOA',
    'y.child.example.com',
    'A',
    `qr aa rd NXDOMAIN | NS child.example.com 60 ${SOA}`,
  ],
  [
    'its apex NS is its own',
    'child.example.com',
    'NS',
    `${AA} | AN child.example.com 300 NS ns1.example.com | AR ns1.example.com 300 A 192.0.2.53, ns1.example.com 300 AAAA 2001:db8::53`,
  ],
]
