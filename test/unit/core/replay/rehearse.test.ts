// Goal: the loss of servers of a name that is steered by geography moves the clients who were sent
// there, and nobody else; how many they are follows from where questions came from.
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { WELL } from '../../../../src/core/replay/next.ts'
import { type PoolDemand, rehearse } from '../../../../src/core/replay/rehearse.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'

const region = (name: string, latitude: number, longitude: number) => ({
  ...{ name, latitude, longitude, countries: [], continents: [] },
  ...{ subdivisions: [], asns: [] },
})
const regions = [region('us', 39, -77), region('eu', 50, 8), region('ap', 1, 103)]
const custom = [
  { cidr: '10.1.0.0/16', region: 'us', comment: '' },
  { cidr: '10.2.0.0/16', region: 'eu', comment: '' },
  { cidr: '10.3.0.0/16', region: 'ap', comment: '' },
]
const geo = placeClients({ regions, custom, defaultRegion: 'us' }, {}, ownMemory)

const member = (name: string, at: number) => ({
  ...{ key: `app:192.0.2.${at}:80`, address: `192.0.2.${at}`, port: 80 },
  ...{ region: name, weight: 100 },
})
const pool: ServingPool = {
  ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'geolocation' },
  ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0 },
  members: [member('us', 1), member('eu', 2), member('ap', 3)],
}

const from = (second: number, perSecond: number) => ({
  ...{ 4: perSecond, 6: 0 },
  client: Uint8Array.of(10, second, 0, 9),
})

function lose(name: string, demand: PoolDemand, spec = pool) {
  return rehearse({
    pools: [spec],
    words: [spec.members.map(() => WELL)],
    isKilled: ({ region: own }) => own === name,
    demand: new Map([[spec.name, demand]]),
    detectionMs: 0,
    geo,
  })
}

const demand = { 4: 10, 6: 0, clients: [from(1, 6), from(2, 3), from(3, 1)] }

describe('the loss of a region of a name steered by geography', () => {
  test('moves those whose questions come from there', () => {
    const found = lose('eu', demand)
    expect(found.movedShare).toBeCloseTo(0.3)
    const after = Object.fromEntries(found.load.map((one) => [one.region, one.after]))
    // The nearest region to Frankfurt is Virginia.
    expect(after).toEqual({ us: expect.closeTo(0.9), eu: 0, ap: expect.closeTo(0.1) })
    expect(found.load.map(({ queriesAfter }) => queriesAfter)).toEqual([
      expect.closeTo(9),
      0,
      expect.closeTo(1),
    ])
  })

  test('leaves nothing to those who are fenced in, and says so', () => {
    const found = lose('ap', demand, { ...pool, geofence: 'strict' })
    expect(found.services).toMatchObject([{ after: 'all-down' }])
    const after = Object.fromEntries(found.load.map((one) => [one.region, one.after]))
    expect(after).toEqual({ us: expect.closeTo(0.6), eu: expect.closeTo(0.3), ap: 0 })
  })

  test('is answered all the same where the last to serve stand in', () => {
    const kept = { ...pool, whenAllDown: 'last_healthy' } as const
    const all = { ...kept, members: [member('us', 1), member('us', 2)] }
    expect(lose('us', demand, all).services).toMatchObject([{ after: 'answer' }])
    // A fenced region has last ones of its own.
    const fenced = lose('ap', demand, { ...kept, geofence: 'strict' })
    expect(fenced.services).toMatchObject([{ after: 'answer' }])
    expect(fenced.load.find(({ region: own }) => own === 'ap')!.after).toBeCloseTo(0.1)
    expect(lose('ap', demand, kept).load.find(({ region: own }) => own === 'ap')!.after).toBe(0)
  })

  test('of which nobody asked moves nobody', () => {
    const only = { 4: 10, 6: 0, clients: [from(1, 10)] }
    expect(lose('ap', only).movedShare).toBe(0)
    expect(lose('us', only).movedShare).toBeCloseTo(1)
  })
})
