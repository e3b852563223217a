// Goal: a client in a row of learned latency goes to its regions, near-equals sharing as their rows
// say, weight deciding inside; one in none goes by geography, then by turns; nobody gets a server
// that is down; what is remembered of a client never shows.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { parsePrefix } from '../../../../src/core/net/address.ts'
import { clientMapParts } from '../../../../src/core/net/client-map.ts'
import { rangesOf, uniform } from '../../../../src/core/net/ranges.ts'
import { decide, type Question } from '../../../../src/core/steer/decide.ts'
import { explain } from '../../../../src/core/steer/explain.ts'
import { Pool } from '../../../../src/core/steer/pool.ts'
import type { RouteParts } from '../../../../src/core/steer/routes.ts'
import { decisionScope } from '../../../../src/core/steer/scope.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { DOWN, UP, wordOf } from '../../../harness/pools.ts'

const NAME = 'app.example.com'
const REGIONS = ['near', 'far', 'moon']
const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
const custom = [{ cidr: '10.0.0.0/8', region: 'near', comment: '' }]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

interface Row {
  readonly cidr: string
  readonly ranking: readonly number[]
  readonly shares: readonly number[]
  readonly exploring?: boolean
}

function learned(rows: readonly Row[], names = REGIONS, version = 1): RouteParts {
  const prefixes = rows.map(({ cidr }) => {
    const parsed = parsePrefix(cidr)
    if (!parsed.ok) throw new Error(parsed.error)
    return parsed.value
  })
  const v4 = rangesOf(
    {
      words: 1,
      starts: Uint32Array.from(prefixes, ({ address: { bytes } }) =>
        new DataView(bytes.buffer, bytes.byteOffset).getUint32(0),
      ),
      lengths: Uint8Array.from(prefixes, ({ length }) => length),
      values: Int32Array.from(rows.keys()),
    },
    -1,
  )
  const service = {
    ...{ name: NAME, regions: names, map: clientMapParts(v4, uniform(4, -1), ownMemory) },
    ranking: Uint8Array.from(rows.flatMap(({ ranking }) => ranking)),
    shares: Uint16Array.from(rows.flatMap(({ shares }) => shares)),
    exploring: Uint8Array.from(rows, ({ exploring }) => (exploring ? 1 : 0)),
  }
  return { version, slot: 1, services: [service] }
}

type Line = readonly [region: string, word?: number, weight?: number]

function poolOf(lines: readonly Line[], routes?: RouteParts, spec: Partial<ServingPool> = {}) {
  const members = lines.map(([region, , weight = 100], at) => ({
    ...{ key: `k${at}`, address: `192.0.2.${at}`, port: 80, region, weight },
  }))
  const whole: ServingPool = {
    ...{ name: NAME, zone: 'example.com', ttlSeconds: 30, policy: 'learned_latency' },
    ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0, ...spec, members },
  }
  const words = lines.map(([, word = UP]) => word)
  return new Pool(whole, words, geo, routes)
}

const client = (text: string) => Uint8Array.from(text.split('.'), Number)
const MEASURED = client('10.1.2.3')
const PLACED = client('10.9.9.9')
const NOWHERE = client('192.0.2.200')
const lines: Line[] = [['near'], ['far'], ['moon']]
const farFirst = learned([{ cidr: '10.1.2.0/24', ranking: [1, 2, 0], shares: [1_000, 0, 0] }])

const told = (pool: Pool, who: Uint8Array, turn = 0) =>
  explain(pool, { family: 4, turn, client: who })

describe('a client', () => {
  test('goes by its row, else by geography, else by turns', () => {
    const pool = poolOf(lines, farFirst)
    expect(told(pool, MEASURED)).toMatchObject({
      chosen: ['192.0.2.1'],
      learned: {
        ...{ method: 'learned', exploring: false },
        steps: [
          { region: 'far', share: 1_000, outcome: 'answers' },
          { region: 'moon', outcome: 'further' },
          { region: 'near', outcome: 'further' },
        ],
      },
    })
    expect(told(pool, PLACED)).toMatchObject({
      chosen: ['192.0.2.0'],
      learned: { method: 'geo_fallback', steps: [] },
    })
    const turns = [0, 1, 2].map((turn) => told(pool, NOWHERE, turn))
    expect(new Set(turns.flatMap(({ chosen }) => chosen)).size).toBe(3)
    expect(turns[0]!.learned?.method).toBe('cold_start')
  })

  test('never gets a server that is down: the next region of the row answers', () => {
    expect(told(poolOf([['near'], ['far', DOWN], ['moon']], farFirst), MEASURED).chosen).toEqual([
      '192.0.2.2',
    ])
    const dead = poolOf(
      lines.map(([region]) => [region, DOWN]),
      farFirst,
    )
    expect(told(dead, MEASURED).outcome).toBe('all-down')
  })

  test('gets further answers in the order of its row', () => {
    const pool = poolOf(lines, farFirst, { answers: 3 })
    expect(told(pool, MEASURED).chosen).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.0'])
  })

  test('of a strict geofence stays at home whatever was learned', () => {
    const pool = poolOf(lines, farFirst, { geofence: 'strict' })
    expect(told(pool, MEASURED).chosen).toEqual(['192.0.2.0'])
  })

  test('follows new rows and lost ones at once', () => {
    const pool = poolOf(lines, farFirst)
    expect(told(pool, MEASURED).chosen).toEqual(['192.0.2.1'])
    pool.setRoutes(
      learned([{ cidr: '10.1.2.0/24', ranking: [2, 1, 0], shares: [1_000, 0, 0] }], REGIONS, 2),
    )
    expect(told(pool, MEASURED).chosen).toEqual(['192.0.2.2'])
    pool.setRoutes(undefined)
    expect(told(pool, MEASURED).chosen).toEqual(['192.0.2.0'])
  })

  test('goes by names of regions, whatever numbers the rows give them', () => {
    const other = learned(
      [{ cidr: '10.1.2.0/24', ranking: [0, 1, 2], shares: [1_000, 0, 0] }],
      ['gone', 'moon', 'near'],
    )
    expect(told(poolOf(lines, other), MEASURED).chosen).toEqual(['192.0.2.2'])
  })
})

test('near-equals share as the row says, and weight decides inside each', () => {
  const routes = learned([{ cidr: '10.1.2.0/24', ranking: [0, 1, 2], shares: [700, 300, 0] }])
  const pool = poolOf([['near'], ['near', UP, 300], ['far'], ['far'], ['moon']], routes)
  const counts = [0, 0, 0, 0, 0]
  // Only every third turn is this client's.
  for (let turn = 0; turn < 30_000; turn += 3) {
    const [address] = told(pool, MEASURED, turn).chosen
    counts[Number(address!.split('.').at(-1))]!++
  }
  const shares = counts.map((count) => count / 10_000)
  for (const [at, wanted] of [0.175, 0.525, 0.15, 0.15, 0].entries())
    expect(Math.abs(shares[at]! - wanted)).toBeLessThan(0.01)
})

test('what is remembered of a client never shows: any order of questions gives the same answers', () => {
  const rows = [
    { cidr: '10.1.0.0/16', ranking: [1, 0, 2], shares: [1_000, 0, 0] },
    { cidr: '10.1.2.0/24', ranking: [2, 1, 0], shares: [500, 500, 0] },
  ]
  const routes = learned(rows)
  const step = fc.record({
    octets: fc.tuple(fc.constantFrom(0, 1, 9), fc.constantFrom(0, 2, 3), fc.nat(3)),
    first: fc.constantFrom(10, 192),
    turn: fc.nat(7),
    down: fc.constantFrom(undefined, undefined, 0, 1, 2),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 2), (steps, answers) => {
      const pool = poolOf(lines, routes, { answers })
      const words = [UP, UP, UP]
      for (const { octets, first, turn, down } of steps) {
        if (down !== undefined) {
          words[down] = words[down] === UP ? DOWN : UP
          pool.setWord(down, words[down]!)
        }
        const who = Uint8Array.of(first, ...octets)
        const fresh = poolOf(
          lines.map(([region], at) => [region, words[at]]),
          routes,
          { answers },
        )
        const outcomes = [pool, fresh].map(({ pools }) => {
          const out = new Int32Array(8)
          const question: Question = { family: 4, turn, client: who }
          const count = decide(pools, 0, question, out)
          const { method, basis } = question
          const scope = decisionScope(pools, 0, question)
          return { count, chosen: [...out.subarray(0, Math.max(0, count))], method, basis, scope }
        })
        expect(outcomes[0]).toEqual(outcomes[1])
      }
    }),
    { numRuns: 60 },
  )
})

test('the scope of a row is that of its network, and of a client in none excludes all rows', () => {
  const pool = poolOf(lines, farFirst)
  const scopeOf = (who: Uint8Array) =>
    decisionScope(pool.pools, 0, { family: 4, turn: 0, client: who })
  expect(scopeOf(MEASURED)).toBe(24)
  expect(scopeOf(client('10.1.3.1'))).toBe(24)
  expect(scopeOf(PLACED)).toBe(13)
})

test('a row none of whose regions serves leaves the scope to geography', () => {
  const all = learned([{ cidr: '0.0.0.0/0', ranking: [0], shares: [1_000] }], ['near'])
  const nearby = [{ cidr: '10.1.0.0/16', region: 'far', comment: '' }]
  const map = placeClients({ regions, custom: nearby, defaultRegion: 'moon' }, {}, ownMemory)
  const { spec } = poolOf(lines)
  const scopeOf = (near: number, who: Uint8Array) => {
    const { pools } = new Pool(spec, [near, UP, UP], map, all)
    const question: Question = { family: 4, turn: 0, client: who }
    const out = new Int32Array(1)
    decide(pools, 0, question, out)
    return [out[0], decisionScope(pools, 0, question)]
  }
  expect(scopeOf(UP, MEASURED)).toEqual([0, 0])
  expect(scopeOf(DOWN, MEASURED)).toEqual([1, 16])
  expect(scopeOf(DOWN, client('10.2.0.1'))).toEqual([2, 15])
})

describe('the policy latency', () => {
  const byTimes = (levels: readonly number[]) =>
    poolOf(
      levels.map((level) => ['near', wordOf({ level })]),
      undefined,
      { policy: 'latency' },
    )
  const tally = (pool: Pool) => {
    const counts = [0, 0, 0]
    for (let turn = 0; turn < 3_000; turn++)
      counts[Number(told(pool, NOWHERE, turn).chosen[0]!.split('.').at(-1))]!++
    return counts.map((count) => Math.round(count / 30))
  }

  test('shares turns by the levels of the words, and without any goes round', () => {
    expect(tally(byTimes([31, 0, 0]))).toEqual([100, 0, 0])
    expect(tally(byTimes([20, 10, 0]))).toEqual([67, 33, 0])
    expect(tally(byTimes([0, 0, 0]))).toEqual([33, 33, 33])
  })

  test('a leader that is down passes all on, though the others have no level yet', () => {
    const pool = byTimes([31, 0, 0])
    pool.setWord(0, DOWN)
    expect(tally(pool)).toEqual([0, 50, 50])
  })
})

test('clients that stick keep to one of the near-equals, and move only as far as shares do', () => {
  const sticky = { bits4: 24, bits6: 48, balance: 1.25 }
  const withShares = (near: number) =>
    poolOf(
      lines,
      learned([{ cidr: '10.1.0.0/16', ranking: [0, 1, 2], shares: [near, 1_000 - near, 0] }]),
      { sticky },
    )
  const clients = Array.from({ length: 200 }, (_, at) => client(`10.1.${at}.7`))
  const chosenOf = (pool: Pool, turn: number) =>
    clients.map((who) => told(pool, who, turn).chosen[0]!)
  const before = chosenOf(withShares(500), 0)
  expect(chosenOf(withShares(500), 5)).toEqual(before)
  expect(new Set(before)).toEqual(new Set(['192.0.2.0', '192.0.2.1']))
  const after = chosenOf(withShares(750), 0)
  for (const [at, was] of before.entries())
    if (was === '192.0.2.0') expect(after[at]).toBe('192.0.2.0')
  const near = (chosen: readonly string[]) => chosen.filter((one) => one === '192.0.2.0').length
  expect(near(after)).toBeGreaterThan(near(before) + 20)
})
