// Goal: a fleet that has gone through many topologies is what one is that was given the last alone:
// the same servers, said the same of, in the same places; and it tells all whose places moved.
// Method: random topologies one after another, with verdicts and guests of the guard-rail between.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fleet } from '../../src/core/health/fleet.ts'
import type { FleetTopology, Topology } from '../../src/core/steer/topology.ts'
import { poolOf, topologyOf } from '../unit/core/health/sample.ts'

const A = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
const NAMES = ['one', 'two', 'three', 'four']
const GUARD = { enabled: true, maxWithdrawnShare: 0.5 }

const topologies: fc.Arbitrary<Topology> = fc
  .shuffledSubarray(NAMES)
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(fc.shuffledSubarray(A), fc.integer({ min: 1, max: 2 }), fc.constantFrom(name, 'x'))
          .map(([at, ttlSeconds, service]) => ({
            ...poolOf(name, at, { ttlSeconds }),
            // Some of them stand under several names.
            members: poolOf(service, at).members,
          })),
      ),
    ),
  )
  .map((pools) => topologyOf(...pools))

const steps = fc.array(
  fc.oneof(
    topologies.map((topology) => ({ topology })),
    fc.record({ at: fc.nat(30), verdict: fc.constantFrom('up' as const, 'down' as const) }),
  ),
  { maxLength: 15 },
)

const placesOf = (fleet: Fleet) => {
  const places = new Map<string, { pool: number; member: number }[]>()
  for (const [pool, { members }] of fleet.pools.entries())
    for (const [member, { key }] of members.entries())
      places.set(key, [...(places.get(key) ?? []), { pool, member }])
  return places
}
const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
const seats = ({ servers }: Fleet) =>
  new Map([...servers].map(([key, { places }]) => [key, places]))

function take(fleet: Fleet, topology: FleetTopology, nowMs: number) {
  const before = new Map([...seats(fleet)].map(([key, places]) => [key, structuredClone(places)]))
  const { added, removed, moved } = fleet.setTopology(topology, nowMs)
  const after = seats(fleet)
  expect(new Set(added)).toEqual(new Set([...after.keys()].filter((key) => !before.has(key))))
  expect(new Set(removed)).toEqual(new Set([...before.keys()].filter((key) => !after.has(key))))
  for (const [key, places] of before) if (!moved.has(key)) expect(after.get(key)).toEqual(places)
}

test.each([true, false])(
  'many topologies come to what the last one is, guard-rail %s',
  (enabled) => {
    fc.assert(
      fc.property(steps, (script) => {
        const fleet = new Fleet(0, { ...GUARD, enabled })
        let last = topologyOf()
        for (const [at, step] of script.entries()) {
          const nowMs = 1_000 * (at + 1)
          if ('topology' in step) {
            last = step.topology
            take(fleet, last, nowMs)
          } else {
            const key = [...fleet.servers.keys()][step.at % Math.max(1, fleet.servers.size)]
            if (key === undefined) continue
            const { verdict } = step
            fleet.apply({ kind: 'verdict-changed', key, verdict, atMs: nowMs, reason: '' }, nowMs)
          }
          expect(sorted(seats(fleet))).toEqual(sorted(placesOf(fleet)))
          const declared = new Map(
            last.pools.flatMap((pool) => pool.members.map((one) => [one.key, one])),
          )
          for (const [key, server] of fleet.servers) {
            expect(server.declared).toBe(declared.has(key))
            if (server.declared) expect(server.spec).toEqual(declared.get(key))
          }
        }
        if (enabled) return
        const fresh = new Fleet(0, { ...GUARD, enabled })
        fresh.setTopology(last, 1_000)
        expect(sorted(seats(fleet))).toEqual(sorted(seats(fresh)))
        expect(fleet.pools.map(({ spec }) => spec)).toEqual(fresh.pools.map(({ spec }) => spec))
      }),
      { numRuns: 200 },
    )
  },
)
