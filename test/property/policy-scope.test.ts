// Goal: the scope told with an answer is true under every policy: learned latency, policies made of
// others, sticky clients, fences, shares and times, however many answers (RFC 7871 section 7.2.1).
// Method: mappings and learned rows crowded into a corner of the space of either family so that
// they nest and touch, random health, turn and policy; every client of the corner is asked.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownMemory } from '../../src/core/base/memory.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { type Prefix, parsePrefix } from '../../src/core/net/address.ts'
import { clientMapParts } from '../../src/core/net/client-map.ts'
import { rangesOf, uniform } from '../../src/core/net/ranges.ts'
import { decide, type Question } from '../../src/core/steer/decide.ts'
import { Pool } from '../../src/core/steer/pool.ts'
import { leafNodesOf, type PolicyNode, routesNameOf } from '../../src/core/steer/policy-tree.ts'
import type { RouteParts, ServiceRoutes } from '../../src/core/steer/routes.ts'
import { decisionScope } from '../../src/core/steer/scope.ts'
import type { ServingPool } from '../../src/core/steer/snapshot.ts'
import { DOWN, UP, WAS_UP, wordOf } from '../harness/pools.ts'

const runs = process.env['OPENGSLB_FULL'] === '1' ? 5_000 : 150
const CORNER_BITS = 6
const SIZE = 2 ** CORNER_BITS
const REGIONS = ['alpha', 'beta', 'gamma', 'delta'] as const
const NAME = 'app.example.com'
const SERVERS = 6

/** Which bits of an address are the corner's: the last of IPv4, or some in the midst of IPv6. */
const spaces = {
  v4: {
    from: 26,
    sticky: [28, 30],
    words: 1,
    text: (corner: number) => `10.7.7.${0xc0 | corner}`,
    client: (corner: number) => Uint8Array.of(10, 7, 7, 0xc0 | corner),
  },
  v6: {
    from: 34,
    sticky: [36, 38],
    words: 4,
    text: (corner: number) => `2001:db8:${(corner << 8).toString(16)}::`,
    client: (corner: number) =>
      Uint8Array.from({ length: 16 }, (_, at) => [0x20, 1, 0x0d, 0xb8, corner][at] ?? 0),
  },
} as const

const leaf = fc.record({
  kind: fc.constant('choose' as const),
  algorithm: fc.constantFrom(
    ...(['weighted', 'geolocation', 'failover', 'learned_latency'] as const),
    ...(['latency', 'round-robin'] as const),
  ),
  regions: fc.subarray([...REGIONS]),
})
const homes = fc.subarray([...REGIONS], { minLength: 1, maxLength: 2 })
const weight = fc.constantFrom(1, 5, 95)
const some = { minLength: 1, maxLength: 3 }

const { tree } = fc.letrec<{ tree: PolicyNode; fence: PolicyNode }>((tie) => ({
  fence: fc
    .tuple(fc.array(fc.record({ homes, node: tie('tree') }), some), fc.option(tie('tree')))
    .map(([rules, rest]) => ({
      ...{ kind: 'geofence', rules: [...rules, ...(rest === null ? [] : [{ node: rest }])] },
    })),
  tree: fc.oneof(
    { maxDepth: 2 },
    leaf,
    fc.record({ kind: fc.constant('failover' as const), tiers: fc.array(tie('tree'), some) }),
    fc.record({
      kind: fc.constant('split' as const),
      parts: fc.array(fc.record({ weight, node: tie('tree') }), some),
    }),
    tie('fence'),
  ),
}))

const place = { corner: fc.nat(SIZE - 1), bits: fc.nat(CORNER_BITS) }
const each = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: SERVERS, maxLength: SERVERS })
const cases = fc.record({
  space: fc.constantFrom<keyof typeof spaces>('v4', 'v6'),
  mappings: fc.array(fc.record({ ...place, region: fc.constantFrom(...REGIONS) }), {
    maxLength: 12,
  }),
  rows: fc.array(
    fc.record({
      ...place,
      order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
      near: fc.nat(3),
    }),
    { maxLength: 8 },
  ),
  defaultRegion: fc.constantFrom('', ...REGIONS),
  words: each(
    fc.constantFrom(
      ...[UP, UP, DOWN, WAS_UP, wordOf({ share: 300 })],
      ...[wordOf({ level: 20 }), wordOf({ level: 31 })],
    ),
  ),
  homes: each(fc.nat(3)),
  weights: each(fc.constantFrom(100, 100, 1, 0)),
  answers: fc.constantFrom(1, 1, 2, 4),
  policy: fc.constantFrom(
    ...(['learned_latency', 'composed', 'composed', 'geolocation', 'weighted', 'latency'] as const),
  ),
  geofence: fc.constantFrom(undefined, undefined, 'strict' as const),
  /** Which of two lengths of network clients stick by. */
  sticky: fc.constantFrom(undefined, undefined, 0 as const, 1 as const),
  tree,
  whenAllDown: fc.constantFrom('servfail', 'nodata', 'last_healthy', 'all', 'fallback'),
  turn: fc.nat(1_000),
})

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never

function prefixOf({ space }: Case, corner: number, bits: number): Prefix {
  const { from, text } = spaces[space]
  const prefix = parsePrefix(`${text(corner)}/${from + bits}`)
  if (!prefix.ok) throw new Error(prefix.error)
  return prefix.value
}

function mapOf(one: Case) {
  const { words } = spaces[one.space]
  const prefixes = one.rows.map(({ corner, bits }) => prefixOf(one, corner, bits))
  const starts = prefixes.flatMap(({ address: { bytes } }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    return Array.from({ length: words }, (_, word) => view.getUint32(word * 4))
  })
  const ranges = rangesOf(
    {
      ...{ words, starts: Uint32Array.from(starts) },
      lengths: Uint8Array.from(prefixes, ({ length }) => length),
      values: Int32Array.from(one.rows.keys()),
    },
    -1,
  )
  return words === 1
    ? clientMapParts(ranges, uniform(4, -1), ownMemory)
    : clientMapParts(uniform(1, -1), ranges, ownMemory)
}

/** Rows of the name and of each leaf that goes by learned latency, for the regions it has. */
function routesOf(one: Case): RouteParts {
  const map = mapOf(one)
  const serviceOf = (name: string, regions: readonly string[]): ServiceRoutes => ({
    ...{ name, regions, map },
    ranking: Uint8Array.from(
      one.rows.flatMap(({ order }) => order.filter((region) => region < regions.length)),
    ),
    shares: Uint16Array.from(
      one.rows.flatMap(({ near }) => regions.map((_, rank) => (rank <= near ? 250 : 0))),
    ),
    exploring: new Uint8Array(one.rows.length),
  })
  const services = new Map([[NAME, serviceOf(NAME, REGIONS)]])
  for (const node of one.policy === 'composed' ? leafNodesOf(one.tree) : []) {
    const name = routesNameOf(NAME, node)
    const regions = node.regions.length > 0 ? node.regions : REGIONS
    if (node.algorithm === 'learned_latency') services.set(name, serviceOf(name, regions))
  }
  return { version: 1, slot: 1, services: [...services.values()] }
}

function poolOf(one: Case): Pool {
  const { sticky, text, from } = spaces[one.space]
  const custom = one.mappings.map(({ corner, bits, region }) => ({
    ...{ cidr: `${text(corner)}/${from + bits}`, region, comment: '' },
  }))
  const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
  const { defaultRegion, policy, geofence } = one
  const geo = placeClients({ regions, custom, defaultRegion }, {}, ownMemory)
  const bits = one.sticky === undefined ? undefined : sticky[one.sticky]
  const spec: ServingPool = {
    ...{ name: NAME, zone: 'example.com', ttlSeconds: 30, slot: 0, policy },
    ...{ answers: one.answers, whenAllDown: one.whenAllDown, fallback: ['203.0.113.9'] },
    ...(bits === undefined ? {} : { sticky: { bits4: bits, bits6: bits, balance: 1.25 } }),
    ...(geofence === undefined || policy === 'composed' ? {} : { geofence }),
    ...(policy === 'composed' ? { tree: one.tree } : {}),
    members: one.homes.map((home, at) => ({
      ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80 },
      ...{ region: REGIONS[home]!, weight: one.weights[at]! },
    })),
  }
  return new Pool(spec, one.words, geo, routesOf(one))
}

test('every client inside the scope gets the same answer at the same turn, by any policy', () => {
  let wide = 0
  fc.assert(
    fc.property(cases, (one) => {
      const { pools } = poolOf(one)
      const { from, client } = spaces[one.space]
      const told = Array.from({ length: SIZE }, (_, corner) => {
        const question: Question = { family: 4, turn: one.turn, client: client(corner) }
        const out = new Int32Array(8)
        const count = decide(pools, 0, question, out)
        const scope = decisionScope(pools, 0, question)
        return { answer: `${count} ${[...out.subarray(0, Math.max(0, count))].join()}`, scope }
      })
      for (const [corner, { answer, scope }] of told.entries()) {
        const shift = CORNER_BITS - Math.max(0, Math.min(CORNER_BITS, scope - from))
        if (shift > 0) wide++
        for (const [other, { answer: theirs }] of told.entries())
          if (other >> shift === corner >> shift && theirs !== answer)
            expect({ corner, scope, answer: theirs, other }).toMatchObject({ answer })
      }
    }),
    { numRuns: runs },
  )
  // Scopes of single clients would be true of anything.
  expect(wide).toBeGreaterThan(runs)
})
