// Goal: a topology makes anew the pools that it says something else of, and the others go on as
// they were: to readers and on disk the outcome is that of making all of them anew.
// Method: two fleets get the same events and topologies; one is kept from recognising its pools.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ServerEvent } from '../../../../src/core/health/events.ts'
import { Fleet } from '../../../../src/core/health/fleet.ts'
import type { FleetTopology, PoolSpec } from '../../../../src/core/steer/topology.ts'
import { keyOf, poolOf, topologyOf } from './sample.ts'

const A = '10.0.0.1'
const B = '10.0.0.2'
const C = '10.0.0.3'
const guard = { enabled: true, maxWithdrawnShare: 0.5 }

const copyOf = (topology: FleetTopology): FleetTopology => structuredClone(topology)
const failover: Partial<PoolSpec> = { policy: 'failover', holdDownMs: 50 }

test('pools that say the same are kept, wherever they stand, and others made anew', () => {
  const fleet = new Fleet(0, guard)
  const pools = [poolOf('a', [A]), poolOf('b', [A, B]), poolOf('c', [C])]
  fleet.setTopology(topologyOf(...pools), 0)
  const [a, b, c] = fleet.pools
  const changed = poolOf('b', [A, B], { ttlSeconds: 999 })
  const next = topologyOf(pools[2]!, changed, poolOf('d', [B]), pools[0]!)
  const { added, removed } = fleet.setTopology(copyOf(next), 1)
  expect([added, removed]).toEqual([[keyOf('d', B)], []])
  expect(fleet.pools[0]).toBe(c)
  expect(fleet.pools[3]).toBe(a)
  expect(fleet.pools[1]).not.toBe(b)
  expect(fleet.servers.get(keyOf('c', C))!.places).toEqual([{ pool: 0, member: 0 }])
  const { words } = fleet.apply(
    { kind: 'verdict-changed', key: keyOf('c', C), verdict: 'up', atMs: 2, reason: '' },
    2,
  )!
  expect(words).toMatchObject([{ epoch: 2, version: 1, pool: 0, member: 0 }])
})

const poolsOf = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    addresses: fc.uniqueArray(fc.constantFrom(A, B, C), { minLength: 0, maxLength: 3 }),
    isFailover: fc.boolean(),
    ttlSeconds: fc.constantFrom(5, 6),
  }),
  { maxLength: 3 },
)
const step = fc.oneof(
  poolsOf.map((pools) => ({ kind: 'topology' as const, pools })),
  fc.record({
    kind: fc.constant('event' as const),
    name: fc.constantFrom('a', 'b', 'c'),
    address: fc.constantFrom(A, B, C),
    what: fc.constantFrom('up', 'down', 'out', 'in', 'free'),
  }),
  fc.record({ kind: fc.constant('tick' as const), afterMs: fc.integer({ min: 1, max: 80 }) }),
)

function eventOf(name: string, address: string, what: string, atMs: number): ServerEvent {
  const key = keyOf(name, address)
  if (what === 'up' || what === 'down')
    return { kind: 'verdict-changed', key, verdict: what, atMs, reason: '' }
  if (what === 'free') return { kind: 'override-cleared', key, by: 'x', atMs }
  return { kind: 'override-set', key, healthy: what === 'in', reason: '', by: 'x', atMs }
}

/** No pool is found to be the same again. */
class Forgetful extends Fleet {
  #count = 0
  override setTopology(topology: FleetTopology, ...rest: [number]) {
    const pools = topology.pools.map((pool) => ({ ...pool, turn: ++this.#count }))
    return super.setTopology({ ...topology, pools }, ...rest)
  }
}

test('what comes out is what making all of them anew gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [fleet, other] = [new Fleet(0, guard), new Forgetful(0, guard)]
      let nowMs = 1
      for (const one of steps) {
        nowMs++
        for (const each of [fleet, other])
          if (one.kind === 'topology') {
            const named = new Map(one.pools.map((pool) => [pool.name, pool]))
            const pools = [...named.values()].map(({ name, addresses, isFailover, ttlSeconds }) =>
              poolOf(name, addresses, { ...(isFailover ? failover : {}), ttlSeconds }),
            )
            each.setTopology(topologyOf(...pools), nowMs)
          } else if (one.kind === 'event')
            each.apply(eventOf(one.name, one.address, one.what, nowMs), nowMs)
          else each.tick(nowMs + one.afterMs)
        if (one.kind === 'tick') nowMs += one.afterMs
        const told = [fleet, other].map((each) => ({
          words: each.pools.map(({ words }) => words),
          due: each.nextDueMs(),
          held: each.held(),
          rows: [...each.servers].map(([key, server]) => [key, each.rowOf(server)]),
        }))
        expect(told[0]).toEqual(told[1])
      }
    }),
  )
})
