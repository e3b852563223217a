// Goal: TXT why.<name> of class CH tells who is asked for and why, to listed networks alone, takes
// no turn, and always fits. Method: small worlds asked through the authority.
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { buildQuery } from '../../../harness/dns-query.ts'
import { decodeReply } from '../../../harness/dns-decode.ts'
import { authorityOf, CLIENT, snapshotOf, zoneOf } from '../../../harness/dns-world.ts'
import { DOWN, UP } from '../../../harness/pools.ts'

const PARTS = {
  zones: { 'example.com': '@ NS ns1\nns1 A 192.0.2.53' },
  pools: [
    {
      name: 'app.example.com',
      zone: 'example.com',
      addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      words: [DOWN],
    },
    { name: 'six.example.com', zone: 'example.com', addresses: ['2001:db8::1'] },
    { name: '*.wild.example.com', zone: 'example.com', addresses: ['192.0.2.9'] },
    { name: 'dead.example.com', zone: 'example.com', addresses: ['192.0.2.8'], words: [DOWN] },
    {
      name: 'many.example.com',
      zone: 'example.com',
      addresses: Array.from({ length: 200 }, (_, at) => `198.51.100.${at}`),
    },
  ],
}

const LOCAL = Uint8Array.of(127, 0, 0, 1)

function world(whyNetworks: readonly string[] | undefined = []) {
  const turns = new Uint32Array(new SharedArrayBuffer(128))
  const settings = whyNetworks === undefined ? {} : { whyNetworks }
  const authority = authorityOf(settings, 16, turns)
  authority.applySnapshot(snapshotOf(PARTS))
  const ask = (
    name: string,
    options: { qclass?: number; client?: Uint8Array; tcp?: boolean } = {},
  ) => {
    const query = buildQuery({ name, type: 'TXT', qclass: options.qclass ?? 3 })
    const out = new Uint8Array(65_535)
    const transport = options.tcp === true ? ('tcp' as const) : ('udp' as const)
    const client = { bytes: options.client ?? LOCAL, transport }
    const written = authority.answer(query, 0, query.length, out, 0, client)
    return decodeReply(out.slice(0, written))
  }
  return { ask, turns, authority }
}

const texts = (reply: { answers: readonly { data: string }[] }) =>
  reply.answers.map((rr) => rr.data)

describe('why', () => {
  test('outcome first, then the chosen server, then the others with their reasons', () => {
    const { ask } = world()
    const reply = ask('WHY.app.example.com')
    expect(reply.flags).toBe('qr aa rd')
    expect(reply.answers.every((rr) => rr.rrclass === 3 && rr.ttl === 0)).toBe(true)
    expect(texts(reply)).toEqual([
      'outcome=answer name=app.example.com type=A policy=round-robin turn=0 basis=serving ttl=30 epoch=1 version=1 client=127.0.0.1',
      '192.0.2.2:80 chosen rank=1 weight=100 serving healthy by=validation',
      '192.0.2.1:80 not chosen weight=100 out unhealthy by=validation',
      '192.0.2.3:80 not chosen weight=100 serving healthy by=validation',
    ])
  })

  test.each([
    ['why.six.example.com', /outcome=answer name=six.example.com type=AAAA/],
    ['why.a.wild.example.com', /outcome=answer name=\*.wild.example.com/],
    ['why.dead.example.com', /outcome=all-down/],
    ['why.ns1.example.com', /^outcome=not-steered-here$/],
    ['why.elsewhere.test', /^outcome=not-steered-here$/],
  ])('%s', (name, first) => {
    expect(texts(world().ask(name))[0]).toMatch(first)
  })

  test('asking why takes no turn, and tells the one that comes next', () => {
    const { ask, turns } = world()
    ask('why.app.example.com')
    ask('why.app.example.com')
    expect([...turns.subarray(0, 4)]).toEqual([0, 0, 0, 0])
    turns[0] = 1
    expect(texts(ask('why.app.example.com'))[1]).toMatch(/^192\.0\.2\.3:80 chosen/)
  })

  test('the basis is that of the region which answers, where each falls back by itself', () => {
    const regions = ['near', 'far'].map((name) => ({ name, countries: [], continents: [] }))
    const geo = placeClients({ regions, custom: [], defaultRegion: 'near' }, {}, ownMemory)
    const { ask, authority } = world()
    const members = regions.map(({ name: region }, at) => ({
      ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, region, weight: 100 },
    }))
    const fenced: ServingPool = {
      ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, slot: 0, answers: 1 },
      ...{ policy: 'geolocation', geofence: 'strict', whenAllDown: 'all', fallback: [] },
      members,
    }
    const pools = [fenced]
    const zones = [zoneOf('example.com', '')]
    authority.applySnapshot({ epoch: 2, version: 1, zones, pools, words: [[DOWN, UP]], geo })
    expect(texts(ask('why.app.example.com'))[0]).toMatch(/^outcome=answer .* basis=all /)
  })

  test('a client outside the networks is refused, one inside a listed one is told', () => {
    expect(world().ask('why.app.example.com', { client: CLIENT }).rcode).toBe('REFUSED')
    const listed = world(['198.51.100.0/24']).ask('why.app.example.com', { client: CLIENT })
    expect(listed.rcode).toBe('NOERROR')
  })

  test('class IN knows no such name, and where it is off class CH refuses', () => {
    expect(world().ask('why.app.example.com', { qclass: 1 }).rcode).toBe('NXDOMAIN')
    const authority = authorityOf({})
    authority.applySnapshot(snapshotOf(PARTS))
    const query = buildQuery({ name: 'why.app.example.com', type: 'TXT', qclass: 3 })
    const out = new Uint8Array(512)
    const client = { bytes: LOCAL, transport: 'udp' as const }
    const written = authority.answer(query, 0, query.length, out, 0, client)
    expect(decodeReply(out.slice(0, written)).rcode).toBe('REFUSED')
  })

  test('a large pool is told as far as it fits, over TCP up to a bound with the rest counted', () => {
    const small = world().ask('why.many.example.com')
    expect(small.bytes.length).toBeLessThanOrEqual(512)
    expect(small.flags).not.toContain('tc')
    expect(small.answers.length).toBeGreaterThan(3)
    const large = texts(world().ask('why.many.example.com', { tcp: true }))
    expect(large).toHaveLength(66)
    expect(large.at(-1)).toBe('more=136')
  })

  test('"why" alone, and names that only begin like it, are not meant', () => {
    const { ask } = world()
    expect(ask('why').rcode).toBe('REFUSED')
    expect(ask('whynot.app.example.com').rcode).toBe('REFUSED')
  })
})
