// Goal: each rule of an authority, one line a case. Method: a query is built by hand, the reply is
// read strictly and by dns-packet, and shown as one text.
import { describe, expect, test } from 'vitest'
import { show, table, world } from '../../../harness/dns-cases.ts'
import { line } from '../../../harness/dns-decode.ts'
import {
  noData,
  nothings,
  staticRecords,
  steering,
  wildcards,
} from '../../../harness/dns-tables.ts'
import { dnsWorld } from '../../../harness/dns-world.ts'

describe('static records', () => {
  table(staticRecords)

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
  table(nothings)
})

describe('wildcards (RFC 4592)', () => {
  table(wildcards)
})

describe('steering', () => {
  table(steering)

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
  table(noData)

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
