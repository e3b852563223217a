// Goal: aliases and delegations, one line a case; the method is that of authority.test.ts.
import { describe, expect, test } from 'vitest'
import { edns, table, world } from '../../../harness/dns-cases.ts'
import { line } from '../../../harness/dns-decode.ts'
import { aliases, delegations } from '../../../harness/dns-tables.ts'
import { dnsWorld } from '../../../harness/dns-world.ts'

describe('aliases', () => {
  table(aliases)

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
  table(delegations)

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
