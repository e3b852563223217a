// Goal: the state of a server depends on which events there are, never on the order, the repetition
// or the grouping in which they are folded; and a log read back gives the state that wrote it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HealthEvent, ServerEvent } from '../../src/core/health/events.ts'
import { parseEvent } from '../../src/core/health/events.ts'
import { Fleet } from '../../src/core/health/fleet.ts'
import { replay } from '../../src/core/health/fold.ts'
import { parseRow } from '../../src/core/health/rows.ts'
import { keyOf, poolOf, topologyOf } from '../unit/core/health/sample.ts'

const addresses = ['10.0.0.1', '10.0.0.2', '2001:db8::1']
const key = fc.constantFrom(...addresses.map((address) => keyOf('app', address)))
// Few times, so that many events share one.
const atMs = fc.integer({ min: 0, max: 6 })
const text = fc.constantFrom('', 'a', 'b')

const event: fc.Arbitrary<ServerEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('verdict-changed' as const),
    ...{ key, atMs, reason: text },
    verdict: fc.constantFrom('up' as const, 'down' as const),
  }),
  fc
    .record({ key, atMs, healthy: fc.boolean(), reason: text, by: text, end: fc.option(atMs) })
    .map(({ end, ...rest }) => ({
      kind: 'override-set' as const,
      ...rest,
      ...(end === null ? {} : { expiresAtMs: end }),
    })),
  fc.record({ kind: fc.constant('override-cleared' as const), key, atMs, by: text }),
  fc.record({ kind: fc.constant('override-expired' as const), key, atMs, setAtMs: atMs }),
)

const stateOf = (events: readonly HealthEvent[]) =>
  [...replay(events)].sort(([a], [b]) => (a < b ? -1 : 1))

test('any order and any repetition of the same events ends in the same state', () => {
  fc.assert(
    fc.property(
      fc
        .array(event, { maxLength: 12 })
        .chain((events) =>
          fc.tuple(
            fc.constant(events),
            fc.shuffledSubarray(events, { minLength: events.length }),
            fc.subarray(events),
          ),
        ),
      ([events, shuffled, again]) => {
        expect(stateOf([...shuffled, ...again])).toEqual(stateOf(events))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('the latest verdict wins whatever comes after it', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), (events) => {
      for (const [name, state] of replay(events)) {
        const seen = events.filter((one) => one.kind === 'verdict-changed' && one.key === name)
        expect(state.verdictAtMs).toBe(Math.max(0, ...seen.map((one) => one.atMs)))
        expect(state.verdict === 'unknown').toBe(seen.length === 0)
      }
    }),
  )
})

test('the fleet holds what a replay of the events it called new gives', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const fleet = new Fleet(0, { enabled: true, maxWithdrawnShare: 0.5 })
      fleet.setTopology(topologyOf(poolOf('app', addresses)), 0)
      const log = events.filter((one) => fleet.apply(one, one.atMs)?.folded === true)
      for (const [name, state] of replay(log)) {
        expect(fleet.servers.get(name)!.health).toEqual(state)
      }
    }),
  )
})

test('words follow from the state alone in a pool without hold-down', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const fleet = new Fleet(0, { enabled: true, maxWithdrawnShare: 0.5 })
      fleet.setTopology(topologyOf(poolOf('app', addresses)), 0)
      for (const one of events) fleet.apply(one, one.atMs)
      const [pool] = fleet.pools
      const serving = pool!.members.filter((_, index) => pool!.isServing(index))
      const healthy = pool!.members.filter(
        (member) => fleet.servers.get(member.key)!.judged.serving,
      )
      expect(serving).toEqual(healthy)
      // Nothing is left to tell: what was published is what holds.
      expect(pool!.takeChanges()).toEqual([])
    }),
  )
})

test('a reader that applies every change in order holds the words of the fleet', () => {
  const step = fc.oneof(event, fc.constantFrom('tick' as const, 'reload' as const))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const spec = { policy: 'failover', holdDownMs: 3 } as const
      const fleet = new Fleet(0, { enabled: true, maxWithdrawnShare: 0.5 })
      fleet.setTopology(topologyOf(poolOf('app', addresses, spec)), 0)
      let held = [...fleet.pools[0]!.words]
      let nowMs = 0
      for (const one of steps) {
        nowMs++
        if (one === 'reload') {
          fleet.setTopology(topologyOf(poolOf('app', addresses, spec)), nowMs)
          held = [...fleet.pools[0]!.words]
          continue
        }
        const changes = one === 'tick' ? fleet.tick(nowMs).words : fleet.apply(one, nowMs)!.words
        for (const { member, word } of changes) held[member] = word
        expect(held).toEqual(fleet.pools[0]!.words)
      }
    }),
  )
})

test('a failover pool compiled anew from what it remembers is what it was', () => {
  const key = fc.constantFrom(...addresses, '10.0.0.4', '10.0.0.5').map((one) => keyOf('app', one))
  const flip = fc.record({ key, verdict: fc.constantFrom('up' as const, 'down' as const) })
  const spec = { policy: 'failover', holdDownMs: 4 } as const
  const topology = topologyOf(poolOf('app', [...addresses, '10.0.0.4', '10.0.0.5'], spec))
  fc.assert(
    fc.property(
      fc.array(fc.oneof(flip, fc.constant('tick' as const)), { maxLength: 60 }),
      (steps) => {
        const fleet = new Fleet(0, { enabled: true, maxWithdrawnShare: 0.5 })
        fleet.setTopology(topology, 0)
        for (const [atMs, step] of steps.entries()) {
          if (step === 'tick') fleet.tick(atMs)
          else fleet.apply({ kind: 'verdict-changed', ...step, atMs, reason: '' }, atMs)
          // Ends the waits that are over, as the next reading of the clock would.
          fleet.tick(atMs)
          const before = [...fleet.pools[0]!.words]
          const dueMs = fleet.nextDueMs()
          fleet.setTopology(topology, atMs)
          expect([fleet.pools[0]!.words, fleet.nextDueMs()]).toEqual([before, dueMs])
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('in a failover pool a family with a healthy server always serves', () => {
  const key = fc.constantFrom(...addresses).map((one) => keyOf('app', one))
  const flip = fc.record({ key, verdict: fc.constantFrom('up' as const, 'down' as const) })
  const spec = { policy: 'failover', holdDownMs: 4 } as const
  fc.assert(
    fc.property(fc.array(flip, { maxLength: 60 }), (steps) => {
      const fleet = new Fleet(0, { enabled: true, maxWithdrawnShare: 0.5 })
      fleet.setTopology(topologyOf(poolOf('app', addresses, spec)), 0)
      const [pool] = fleet.pools
      for (const [atMs, step] of steps.entries()) {
        fleet.apply({ kind: 'verdict-changed', ...step, atMs, reason: '' }, atMs)
        for (const family of [4, 6]) {
          const of = pool!.members.map((member, index) => ({ member, index }))
          const mine = of.filter(({ member }) => member.family === family)
          const healthy = mine.some(({ member }) => fleet.servers.get(member.key)!.judged.serving)
          expect(mine.some(({ index }) => pool!.isServing(index))).toBe(healthy)
        }
      }
    }),
  )
})

test('a server that was restored from its row is as it was', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), (events) => {
      const topology = topologyOf(poolOf('app', addresses))
      const fleet = new Fleet(0, { enabled: true, maxWithdrawnShare: 0.5 })
      fleet.setTopology(topology, 0)
      for (const one of events) fleet.apply(one, one.atMs)
      const rows = new Map(
        [...fleet.servers].map(([name, server]) => [name, parseRow(fleet.rowOf(server), 1_000)!]),
      )
      const next = new Fleet(1_000, { enabled: true, maxWithdrawnShare: 0.5 })
      next.setTopology(topology, 1_000, rows)
      for (const [name, server] of fleet.servers) {
        const restored = next.servers.get(name)!
        expect(restored.health).toEqual(server.health)
        expect(restored.judged.status).toBe(server.judged.status)
        expect(restored.restored).toBe(server.health.verdict !== 'unknown')
      }
    }),
  )
})

test('events and rows read from anything never throw, and events survive a round trip', () => {
  fc.assert(
    fc.property(fc.anything(), fc.array(event), (anything, events) => {
      parseEvent(anything)
      parseRow(anything, 0)
      for (const one of events) expect(parseEvent(JSON.parse(JSON.stringify(one)))).toEqual(one)
    }),
  )
})
