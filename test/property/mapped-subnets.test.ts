// Goal: a client subnet that is an IPv4 address within IPv6 (::ffff:0:0/96) is decided as the IPv4
// address is, and echoed as it came; and no scope of either sort spans addresses that are decided
// otherwise (RFC 7871 section 7.2.1), whatever reads the client.
// Method: random mappings and learned rows of both families, policies that read the client and one
// that does not; IPv4 addresses, the same within IPv6, and IPv6 ones around them are asked at the
// same turn, and each answer is held against all others within its scope.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownMemory } from '../../src/core/base/memory.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { covers, parseAddress, parsePrefix } from '../../src/core/net/address.ts'
import { clientMapParts } from '../../src/core/net/client-map.ts'
import { rangesOf, type Words } from '../../src/core/net/ranges.ts'
import type { RouteParts } from '../../src/core/steer/routes.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { decodeReply } from '../harness/dns-decode.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { authorityOf, sendTo, zoneOf } from '../harness/dns-world.ts'
import { DOWN, UP } from '../harness/pools.ts'

const runs = process.env['OPENGSLB_FULL'] === '1' ? 2_000 : 60
const NAME = 'app.example.com'
const REGIONS = ['alpha', 'beta', 'gamma']
const V4 = [
  '0.0.0.0',
  '10.7.7.1',
  '10.7.7.2',
  '10.7.7.200',
  '10.7.200.1',
  '10.200.0.1',
  '200.1.1.1',
]
const V6 = ['::', '::1', '::fffe:ffff:ffff', '::1:0:0:0', '::8000:0:0', '2001:db8::1', 'ffff::1']

/** Octets of an address, left as they are. */
const v4 = (text: string) => Uint8Array.from(text.split('.'), Number)
const mapped = (text: string) => Uint8Array.of(...new Uint8Array(10), 0xff, 0xff, ...v4(text))
function v6(text: string): Uint8Array {
  const read = parseAddress(text)
  if (!read.ok || read.value.family !== 6) throw new Error(text)
  return read.value.bytes
}

const networks = fc.constantFrom(
  ...['10.0.0.0/8', '10.7.0.0/16', '10.7.7.0/24', '10.7.7.2/32', '0.0.0.0/1', '128.0.0.0/1'],
  ...['::/16', '::/90', '2001:db8::/32', '8000::/1', '::1/128'],
)
const row = fc.record({ cidr: networks, region: fc.nat(REGIONS.length - 1) })
const fence: ServingPool['tree'] = {
  kind: 'geofence',
  rules: [
    { homes: ['alpha'], node: { kind: 'choose', algorithm: 'weighted', regions: ['beta'] } },
    { node: { kind: 'choose', algorithm: 'geolocation', regions: ['alpha', 'gamma'] } },
  ],
}
const sticky = { bits4: 24, bits6: 56, balance: 1.25 } as const
const specs: readonly Partial<ServingPool>[] = [
  { policy: 'geolocation' },
  { policy: 'geolocation', geofence: 'strict' },
  { policy: 'learned_latency' },
  { policy: 'round-robin', sticky },
  { policy: 'geolocation', sticky },
  { policy: 'composed', tree: fence },
]
const cases = fc.record({
  mappings: fc.array(row, { maxLength: 8 }),
  learned: fc.array(row, { maxLength: 8 }),
  spec: fc.constantFrom(...specs),
  defaultRegion: fc.constantFrom('', ...REGIONS),
  /** Of those after the first, which serves: where nobody does the client has no say. */
  others: fc.array(fc.constantFrom(UP, UP, DOWN), { minLength: 5, maxLength: 5 }),
  turn: fc.nat(1_000),
})
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never

function rangesFrom(rows: Case['learned'], words: Words) {
  const own = [...rows.entries()].flatMap(([value, { cidr }]) => {
    const read = parsePrefix(cidr)
    return read.ok && read.value.address.bytes.length === words * 4
      ? [{ value, ...read.value }]
      : []
  })
  const starts = own.flatMap(({ address: { bytes } }) =>
    Array.from({ length: words }, (_, at) =>
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(at * 4),
    ),
  )
  const lengths = Uint8Array.from(own, ({ length }) => length)
  const values = Int32Array.from(own, ({ value }) => value)
  return rangesOf({ words, starts: Uint32Array.from(starts), lengths, values }, -1)
}

function routesOf(rows: Case['learned']): RouteParts {
  const order = ({ region }: Case['learned'][number]) => [
    region,
    (region + 1) % 3,
    (region + 2) % 3,
  ]
  const service = {
    ...{ name: NAME, regions: REGIONS },
    map: clientMapParts(rangesFrom(rows, 1), rangesFrom(rows, 4), ownMemory),
    ranking: Uint8Array.from(rows.flatMap(order)),
    shares: Uint16Array.from(rows.flatMap(() => [1_000, 0, 0])),
    exploring: new Uint8Array(rows.length),
  }
  return { version: 1, slot: 1, services: [service] }
}

function worldOf(one: Case) {
  const custom = one.mappings.map(({ cidr, region }) => {
    return { cidr, region: REGIONS[region]!, comment: '' }
  })
  const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
  const { defaultRegion } = one
  const geo = placeClients({ regions, custom, defaultRegion }, {}, ownMemory)
  const words = [UP, ...one.others]
  const members = words.map((_, at) => ({
    ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, weight: 100 },
    region: REGIONS[at % REGIONS.length]!,
  }))
  const pool: ServingPool = {
    ...{ name: NAME, zone: 'example.com', ttlSeconds: 30, policy: 'geolocation', slot: 0 },
    ...{ answers: 1, whenAllDown: 'servfail', fallback: [], ...one.spec, members },
  }
  const turns = new Uint32Array(new SharedArrayBuffer(64))
  const authority = authorityOf({ subnets: { trustedNetworks: [] } }, 8, turns)
  const zones = [zoneOf('example.com', '')]
  authority.applySnapshot({ epoch: 1, version: 1, zones, pools: [pool], words: [words], geo })
  authority.applyRoutes(routesOf(one.learned))
  return (bytes: Uint8Array, bits = bytes.length * 8) => {
    turns[0] = one.turn
    const sent = [0, bytes.length === 16 ? 2 : 1, bits, 0, ...bytes.subarray(0, (bits + 7) >> 3)]
    const query = buildQuery({ name: NAME, type: 'A', edns: { options: [[8, sent]] } })
    const reply = decodeReply(sendTo(authority, query)!)
    const echo = reply.opt!.options.find(([code]) => code === 8)![1]
    expect([...echo.slice(0, 3), 0, ...echo.slice(4)]).toEqual(sent)
    const answer = `${reply.rcode} ${reply.answers.map(({ data }) => String(data)).join(' ')}`
    return { answer, scope: echo[3]! }
  }
}

test('an IPv4 address within IPv6 is answered as it is, with a scope that counts from it', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const ask = worldOf(one)
      for (const text of V4) {
        const plain = ask(v4(text))
        expect(ask(mapped(text))).toEqual({ answer: plain.answer, scope: 96 + plain.scope })
        expect(ask(v4(text))).toEqual(plain)
      }
      // What is shorter is told the network that was asked about.
      expect(ask(mapped('10.7.7.0'), 120)).toEqual(ask(mapped('10.7.7.0')))
    }),
    { numRuns: runs },
  )
})

test('nobody inside the scope of another is decided otherwise', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const ask = worldOf(one)
      const all = [...V4.map(mapped), ...V6.map(v6)]
      const told = all.map((bytes) => ({ bytes, ...ask(bytes) }))
      for (const { bytes, answer, scope } of told) {
        const prefix = { address: { family: 6 as const, text: '', bytes }, length: scope }
        for (const other of told) if (covers(prefix, other.bytes)) expect(other.answer).toBe(answer)
      }
    }),
    { numRuns: runs },
  )
})

test('a prefix shorter than the 96 bits stays one of IPv6', () => {
  const mappings = [
    { cidr: '0.0.0.0/0', region: 1 },
    { cidr: '::/64', region: 2 },
  ]
  const one = { mappings, learned: [], spec: specs[0]!, defaultRegion: '', turn: 0 }
  const ask = worldOf({ ...one, others: [UP, UP] })
  expect(ask(v6('::'), 64)).toEqual({ answer: 'NOERROR 192.0.2.2', scope: 81 })
  expect(ask(v6('::fffe:0:0'), 95)).toEqual({ answer: 'NOERROR 192.0.2.2', scope: 96 })
  expect(ask(mapped('0.0.0.0'), 96)).toEqual({ answer: 'NOERROR 192.0.2.1', scope: 96 })
})

test('where nothing reads the client the scope is 0, of whichever sort it is', () => {
  const one = { mappings: [], learned: [], defaultRegion: '', turn: 0, others: [UP] }
  const tree: ServingPool['tree'] = { kind: 'choose', algorithm: 'weighted', regions: ['alpha'] }
  for (const spec of [{ policy: 'round-robin' }, { policy: 'composed', tree }] as const) {
    const ask = worldOf({ ...one, spec })
    expect(ask(mapped('10.7.7.1')).scope).toBe(0)
    expect(ask(v6('2001:db8::1')).scope).toBe(0)
  }
})
