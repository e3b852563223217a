// Goal: aliases and delegations, one line a case; the method is that of authority.test.ts.
import { describe, expect, test } from 'vitest'
import { AA, edns, NEGATIVE, SOA, table, world } from '../../../harness/dns-cases.ts'
import { line } from '../../../harness/dns-decode.ts'
import { dnsWorld } from '../../../harness/dns-world.ts'

describe('aliases', () => {
  const WWW = 'www.example.com 300 A 192.0.2.1, www.example.com 300 A 192.0.2.2'
  table([
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
  ])

  test('a DNAME that makes the name too long gives YXDOMAIN', () => {
    const long = dnsWorld({
      zones: { 'x.org': `d DNAME ${'t'.repeat(60)}.${'u'.repeat(60)}.${'v'.repeat(60)}` },
    })
    const label = 'p'.repeat(63)
    const reply = long.ask(`${label}.${label}.d.x.org`, 'A')
    expect(reply.rcode).toBe('YXDOMAIN')
    expect(reply.answers.map((rr) => rr.type)).toEqual(['DNAME'])
  })

  test('a chain longer than the bound ends at the bound', () => {
    const chain = Array.from({ length: 40 }, (_, i) => `c${i} CNAME c${i + 1}`).join('\n')
    const reply = dnsWorld({ zones: { 'x.org': chain } }).ask('c0.x.org', 'A', { edns })
    expect(reply.rcode).toBe('NOERROR')
    expect(reply.answers).toHaveLength(17)
  })

  test('an alias and its target in different zones are both answered', () => {
    const two = dnsWorld({ zones: { 'x.org': 'a CNAME b.y.org.', 'y.org': 'b A 192.0.2.8' } })
    expect(two.ask('a.x.org', 'A').answers.map(line)).toEqual([
      'a.x.org 300 CNAME b.y.org',
      'b.y.org 300 A 192.0.2.8',
    ])
    expect(two.ask('a.x.org', 'TXT').authority[0]?.name).toBe('y.org')
  })
})

describe('delegations', () => {
  const REFERRAL =
    'NS sub.example.com 300 NS ns.other.org, sub.example.com 300 NS ns.sub.example.com | AR ns.sub.example.com 300 A 192.0.2.99'
  table([
    [
      'a referral has no AA and carries glue',
      'sub.example.com',
      'A',
      `qr rd NOERROR | ${REFERRAL}`,
    ],
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
  ])

  test('DS at a cut is the parent’s, with AA', () => {
    const reply = world.ask('sub.example.com', 'DS')
    expect([reply.flags, reply.answers[0]?.type]).toEqual(['qr aa rd', 'DS'])
  })

  test('DS at the apex of a served child is the parent’s', () => {
    const reply = world.ask('child.example.com', 'DS')
    expect(reply.answers[0]?.data.startsWith('2 ')).toBe(true)
  })

  test('a missing DS is denied by the parent', () => {
    const two = dnsWorld({ zones: { 'x.org': 'c NS ns.y.org.', 'c.x.org': '@ NS ns.y.org.' } })
    expect(two.ask('c.x.org', 'DS').authority[0]?.name).toBe('x.org')
    const alone = dnsWorld({ zones: { 'c.x.org': '@ NS ns.y.org.' } })
    expect(alone.ask('c.x.org', 'DS').authority[0]?.name).toBe('c.x.org')
  })
})
