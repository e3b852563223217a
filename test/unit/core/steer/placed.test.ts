// Goal: inside the region that answers, weights and bleeding shares hold whatever part of the turns
// falls to it; a region that is down hands over by distance; a fence holds.
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { explain } from '../../../../src/core/steer/explain.ts'
import { Pool } from '../../../../src/core/steer/pool.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { DOWN, UP, WAS_UP, wordOf } from '../../../harness/pools.ts'

// Dublin, London, Virginia: London is nearer to Dublin than Virginia is.
const regions = [
  { name: 'dublin', countries: [], continents: [], latitude: 53.3, longitude: -6.3 },
  { name: 'virginia', countries: [], continents: [], latitude: 39, longitude: -77.5 },
  { name: 'london', countries: [], continents: [], latitude: 51.5, longitude: -0.1 },
]
const custom = [{ cidr: '10.1.0.0/16', region: 'dublin', comment: 'office' }]
const geo = placeClients({ regions, custom, defaultRegion: 'virginia' }, {}, ownMemory)
const DUBLIN = Uint8Array.of(10, 1, 2, 3)
const ELSEWHERE = Uint8Array.of(192, 0, 2, 1)

type Line = readonly [region: string, word?: number, weight?: number, address?: string]

function poolOf(lines: readonly Line[], spec: Partial<ServingPool> = {}): Pool {
  const members = lines.map(([region, , weight = 100, address], at) => {
    const text = address ?? `192.0.2.${at}`
    return { key: `k${at}`, address: text, port: 80 + at, region, weight }
  })
  const whole: ServingPool = {
    ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'geolocation' },
    ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0, ...spec, members },
  }
  return new Pool(
    whole,
    lines.map(([, word = UP]) => word),
    geo,
  )
}

const told = (pool: Pool, client: Uint8Array, turn = 0, family: 4 | 6 = 4) =>
  explain(pool, { family, turn, client })
const chosen = (pool: Pool, client: Uint8Array, turn = 0) => told(pool, client, turn).chosen

/** How often each address answers, over turns of which only every `step`-th is this client's. */
function tally(pool: Pool, client: Uint8Array, step = 1) {
  const counts: Record<string, number> = {}
  for (let turn = 0; turn < 1_000 * step; turn += step) {
    const [first = ''] = chosen(pool, client, turn)
    counts[first] = (counts[first] ?? 0) + 1
  }
  return counts
}

describe('the region nearest to the client', () => {
  test('answers, and behind it the next nearest', () => {
    const lines = (dublin: number, london: number): Line[] => [
      ['virginia'],
      ['dublin', dublin],
      ['london', london],
    ]
    expect(chosen(poolOf(lines(UP, UP)), DUBLIN)).toEqual(['192.0.2.1'])
    expect(chosen(poolOf(lines(DOWN, UP)), DUBLIN)).toEqual(['192.0.2.2'])
    expect(chosen(poolOf(lines(DOWN, DOWN)), DUBLIN)).toEqual(['192.0.2.0'])
    expect(chosen(poolOf(lines(UP, UP)), ELSEWHERE)).toEqual(['192.0.2.0'])
  })

  test('further answers go on with the next region, no address twice', () => {
    const lines: Line[] = [
      ['dublin', UP, 100, '192.0.2.9'],
      ['london', UP, 100, '192.0.2.9'],
      ['london', UP, 100, '192.0.2.2'],
      ['virginia', UP, 100, '192.0.2.3'],
    ]
    const answers = chosen(poolOf(lines, { answers: 4 }), DUBLIN)
    expect(answers).toEqual(['192.0.2.9', '192.0.2.2', '192.0.2.3'])
  })

  test('an address in two regions answers in both', () => {
    const lines: Line[] = [
      ['virginia', UP, 100, '192.0.2.9'],
      ['dublin', UP, 100, '192.0.2.9'],
    ]
    const pool = poolOf(lines, { geofence: 'strict' })
    expect([chosen(pool, DUBLIN), chosen(pool, ELSEWHERE)]).toEqual([['192.0.2.9'], ['192.0.2.9']])
  })
})

describe('inside a region', () => {
  test.each([1, 2, 3, 7])('servers take even turns when one in %i turns is theirs', (step) => {
    const pool = poolOf([['dublin'], ['dublin'], ['virginia']])
    const { '192.0.2.0': one = 0, '192.0.2.1': two = 0 } = tally(pool, DUBLIN, step)
    expect(one + two).toBe(1_000)
    expect(Math.abs(one - two)).toBeLessThan(30)
  })

  test('weights and bleeding shares hold', () => {
    const weighted = tally(poolOf([['dublin', UP, 300], ['dublin'], ['virginia']]), DUBLIN)
    expect(weighted['192.0.2.0']).toBeGreaterThan(730)
    expect(weighted['192.0.2.0']).toBeLessThan(770)
    const bled = tally(poolOf([['dublin', wordOf({ share: 250 })], ['dublin']]), DUBLIN)
    expect(bled['192.0.2.0']).toBeGreaterThan(185)
    expect(bled['192.0.2.0']).toBeLessThan(215)
  })

  test('shares that are all zero empty no region', () => {
    const none = wordOf({ share: 0 })
    const pool = poolOf([['dublin', none], ['dublin', none], ['virginia']])
    expect(Object.keys(tally(pool, DUBLIN)).sort()).toEqual(['192.0.2.0', '192.0.2.1'])
  })
})

describe('a strict fence', () => {
  const spec = { geofence: 'strict' } as const
  const lines: Line[] = [['dublin', WAS_UP], ['dublin', DOWN], ['virginia']]

  test.each([
    ['servfail', 'all-down', []],
    ['nodata', 'nodata', []],
    ['last_healthy', 'answer', ['192.0.2.0']],
    ['fallback', 'answer', ['203.0.113.1']],
  ] as const)('a region that is down falls back by itself: %s', (whenAllDown, outcome, answers) => {
    const pool = poolOf(lines, { ...spec, whenAllDown, fallback: ['203.0.113.1'] })
    expect(told(pool, DUBLIN)).toMatchObject({ outcome, chosen: answers })
    expect(chosen(pool, ELSEWHERE)).toEqual(['192.0.2.2'])
  })

  test.each([
    ['servfail', 'all-down', []],
    ['all', 'all-down', []],
    ['nodata', 'nodata', []],
    ['fallback', 'answer', ['203.0.113.1']],
  ] as const)('nobody is at home without a map: %s', (whenAllDown, outcome, answers) => {
    const placed = poolOf([['dublin'], ['virginia']], { whenAllDown, fallback: ['203.0.113.1'] })
    const shut = new Pool({ ...placed.spec, geofence: 'strict' }, [UP, UP])
    expect(told(shut, DUBLIN)).toMatchObject({ outcome, chosen: answers })
    expect(chosen(new Pool(placed.spec, [UP, UP]), DUBLIN)).toHaveLength(1)
  })

  // A server without a region is of nobody's home: nobody is left to hand the client to, and what
  // its own region lacks is still health, and not an address.
  test.each([
    ['servfail', [], 'all-down', []],
    ['last_healthy', [], 'all-down', []],
    ['fallback', [], 'all-down', []],
    ['fallback', ['203.0.113.1'], 'answer', ['203.0.113.1']],
    ['nodata', [], 'nodata', []],
  ] as const)(
    'a region that is down is so beside a server of none: %s',
    (whenAllDown, fallback, ...wanted) => {
      const pool = poolOf([['dublin', DOWN], ['']], { ...spec, whenAllDown, fallback })
      const { outcome, chosen } = told(pool, DUBLIN)
      expect([outcome, chosen]).toEqual(wanted)
    },
  )

  test('a region that is down in both families is so in the one that others serve not', () => {
    const lines: Line[] = [
      ['dublin', DOWN],
      ['dublin', DOWN, 100, '2001:db8::1'],
      ['virginia', UP, 100, '2001:db8::2'],
    ]
    const pool = poolOf(lines, spec)
    expect(told(pool, DUBLIN)).toMatchObject({ outcome: 'all-down' })
    expect(told(pool, DUBLIN, 0, 6)).toMatchObject({ outcome: 'all-down' })
    expect(chosen(pool, ELSEWHERE, 0)).toEqual([])
  })

  test('who asks why is told that the region fell back, and not that it serves', () => {
    const pool = poolOf([['dublin', DOWN], ['virginia']], { ...spec, whenAllDown: 'all' })
    const { fallback, candidates } = told(pool, DUBLIN)
    expect(fallback).toBe('all')
    expect(candidates.map(({ reason }) => reason)).toEqual([
      'no server of the region is healthy; all are answered (when_all_down: all)',
      'healthy, but the region virginia is not the one that answers this client',
    ])
    expect(told(pool, ELSEWHERE)).not.toHaveProperty('fallback')
    // Of nobody's home nothing serves, whoever is healthy.
    const away = poolOf([['london', DOWN], ['dublin']], spec)
    expect(told(away, ELSEWHERE)).toMatchObject({ outcome: 'all-down', fallback: 'servfail' })
    expect(told(away, ELSEWHERE).candidates[1]!.reason).toMatch(/not .*(region|answers)/)
  })

  test('the other family of the region serving makes no answer a NODATA', () => {
    const pool = poolOf([['dublin', UP, 100, '2001:db8::1'], ['virginia']], spec)
    expect(told(pool, DUBLIN).outcome).toBe('nodata')
    expect(told(pool, DUBLIN, 0, 6).chosen).toEqual(['2001:db8::1'])
  })
})

test('the explanation tells what matched, the order of regions and why each was passed over', () => {
  const pool = poolOf([['dublin', DOWN], ['london'], ['virginia']])
  const { geography, candidates } = told(pool, DUBLIN)
  expect(geography).toEqual({
    ...{ client: '10.1.2.3', match: 'custom_mapping', cidr: '10.1.0.0/16' },
    ...{ country: '', continent: '', scope: 16 },
    steps: [
      { region: 'dublin', outcome: 'none-healthy' },
      { region: 'london', outcome: 'answers' },
      { region: 'virginia', outcome: 'further' },
    ],
  })
  expect(candidates.map(({ reason }) => reason)).toEqual([
    'unhealthy by its health check',
    'healthy, of the region that answers this client, and it is its turn',
    'healthy, but the region virginia is not the one that answers this client',
  ])
})
