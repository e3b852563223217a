// Goal: a reload takes a pool no server that it cannot do without, says what it keeps and why, and
// lets go in time; a start on what the disk remembers holds the same.
// Method: scripts of reloads and verdicts against a fleet; words are spelled in letters.
import { describe, expect, test } from 'vitest'
import type { ServerEvent } from '../../../../src/core/health/events.ts'
import { Fleet } from '../../../../src/core/health/fleet.ts'
import { parseRow, type ServerRow } from '../../../../src/core/health/rows.ts'
import type { PoolSpec } from '../../../../src/core/steer/topology.ts'
import { keyOf, memberOf, poolOf, spell, topologyOf } from './sample.ts'

const [A, B, C, D] = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'] as const
const [E, F, G, H] = ['10.0.0.5', '10.0.0.6', '10.0.0.7', '10.0.0.8'] as const
const A6 = '2001:db8::1'
const guard = { enabled: true, maxWithdrawnShare: 0.5 }

function serving(...pools: PoolSpec[]): Fleet {
  const fleet = new Fleet(1000, guard)
  fleet.setTopology(topologyOf(...pools), 0)
  for (const { members } of pools)
    for (const { address, service } of members) say(fleet, address, 'up', 1, service)
  return fleet
}

function say(fleet: Fleet, address: string, verdict: 'up' | 'down', atMs: number, pool = 'app') {
  const key = keyOf(pool, address)
  const reason = verdict === 'up' ? '' : 'refused'
  return fleet.apply({ kind: 'verdict-changed', key, verdict, atMs, reason }, atMs)!
}

const reload = (fleet: Fleet, addresses: readonly string[], nowMs: number) =>
  fleet.setTopology(topologyOf(poolOf('app', addresses)), nowMs)
const weighing = (weight: number, ...addresses: readonly string[]): PoolSpec => ({
  ...poolOf('app', []),
  members: addresses.map((address) => ({ ...memberOf('app', address), weight })),
})
const words = (fleet: Fleet) => fleet.pools[0]!.words.map(spell)
const members = (fleet: Fleet) => fleet.pools[0]!.members.map(({ address }) => address)
const held = (fleet: Fleet) =>
  fleet.held().map(({ family, reason, keys }) => `IPv${family} ${reason} ${keys.length}`)
const keysOf = (...addresses: readonly string[]) => addresses.map((one) => keyOf('app', one))

describe('every server replaced', () => {
  function replaced() {
    const fleet = new Fleet(1000, guard)
    reload(fleet, [A, B], 0)
    say(fleet, A, 'up', 1)
    say(fleet, B, 'down', 2)
    return { fleet, compiled: reload(fleet, [C, D], 10) }
  }

  test('servers of a pool stay while all new ones are unknown, and are told of', () => {
    const { fleet, compiled } = replaced()
    expect(words(fleet)).toEqual(['- unknown', '- unknown', 'SLG healthy'])
    expect(compiled.guard).toEqual([
      {
        ...{ kind: 'guard-held', pool: 'app', change: 'reload', keys: keysOf(A), atMs: 10 },
        reason: 'nothing is known yet of its new IPv4 servers',
      },
    ])
    expect(compiled.removed).toEqual(keysOf(B))
    expect(fleet.held()).toMatchObject([{ pool: 'app', reason: 'unknown', sinceMs: 10 }])
  })

  test('they go when a new one serves', () => {
    const { fleet } = replaced()
    const change = say(fleet, C, 'up', 20)
    expect(change.compiled?.guard).toEqual([
      { kind: 'guard-released', pool: 'app', keys: keysOf(A), atMs: 20 },
    ])
    expect(change.compiled?.removed).toEqual(keysOf(A))
    expect(words(fleet)).toEqual(['SL healthy', '- unknown'])
    expect([fleet.epoch, fleet.held()]).toEqual([1003, []])
  })

  test('they stay when all new ones turn out to be down, until one is up', () => {
    const { fleet } = replaced()
    say(fleet, C, 'down', 20)
    say(fleet, D, 'down', 21)
    expect(words(fleet)).toEqual(['- unhealthy', '- unhealthy', 'SLG healthy'])
    expect(held(fleet)).toEqual(['IPv4 down 1'])
    say(fleet, D, 'up', 30)
    expect(words(fleet)).toEqual(['- unhealthy', 'SL healthy'])
  })

  test('a confirmed verdict takes out a server that the guard-rail keeps, and brings it back', () => {
    const { fleet } = replaced()
    say(fleet, A, 'down', 20)
    expect(words(fleet)[2]).toBe('LG unhealthy')
    expect(reload(fleet, [C], 25).guard).toEqual([])
    say(fleet, A, 'up', 30)
    expect(words(fleet)).toEqual(['- unknown', 'SLG healthy'])
  })

  test('a second reload goes on holding, without telling again', () => {
    const { fleet } = replaced()
    const again = reload(fleet, [E], 30)
    expect(words(fleet)).toEqual(['- unknown', 'SLG healthy'])
    expect(again.guard).toEqual([])
    expect(fleet.held()[0]!.sinceMs).toBe(10)
  })

  test('a guest that is declared again is a server like any other', () => {
    const { fleet } = replaced()
    expect(reload(fleet, [C, A], 30).guard).toMatchObject([{ kind: 'guard-released' }])
    expect(words(fleet)).toEqual(['- unknown', 'SL healthy'])
  })

  test('a family is held on its own', () => {
    const fleet = serving(poolOf('app', [A, A6]))
    reload(fleet, [B, A6], 2)
    expect(words(fleet)).toEqual(['- unknown', 'SL healthy', 'SLG healthy'])
  })
})

describe('nobody declared to serve', () => {
  test('a name that goes on without any server keeps those it had', () => {
    const fleet = serving(poolOf('app', [A, B]))
    const { guard: told, removed } = reload(fleet, [], 10)
    expect(words(fleet)).toEqual(['SLG healthy', 'SLG healthy'])
    expect(removed).toEqual([])
    expect(told).toMatchObject([
      { keys: keysOf(A, B), reason: 'the configuration gives it no IPv4 server any more' },
    ])
    reload(fleet, [C], 20)
    say(fleet, C, 'up', 21)
    expect(members(fleet)).toEqual([C])
  })

  test('servers that all get weight 0 go on with the weight they had', () => {
    const fleet = serving(weighing(70, A, B))
    fleet.setTopology(topologyOf(weighing(0, A, B)), 10)
    expect(words(fleet)).toEqual(['SLG healthy', 'SLG healthy'])
    expect(fleet.pools[0]!.members.map(({ weight }) => weight)).toEqual([70, 70])
    expect(held(fleet)).toEqual(['IPv4 no-weight 2'])
    // One that gets its weight back ends it.
    fleet.setTopology(
      topologyOf({
        ...poolOf('app', []),
        members: [...weighing(0, A).members, memberOf('app', B)],
      }),
      20,
    )
    expect(words(fleet)).toEqual(['- healthy', 'SL healthy'])
    expect(fleet.pools[0]!.members.map(({ weight }) => weight)).toEqual([0, 100])
  })

  test('servers of weight 0 are nobody to go on with, and nobody to keep', () => {
    const idle = { ...memberOf('app', C), weight: 0 }
    const fleet = serving({ ...poolOf('app', []), members: [memberOf('app', A), idle] })
    fleet.setTopology(topologyOf({ ...poolOf('app', []), members: [idle] }), 10)
    expect(words(fleet)).toEqual(['- healthy', 'SLG healthy'])
    const other = serving({ ...poolOf('app', []), members: [idle] })
    expect(reload(other, [B], 10).guard).toEqual([])
  })

  test('a pool taken away is not kept', () => {
    const fleet = serving(poolOf('app', [A]))
    expect(fleet.setTopology(topologyOf(), 2).removed).toEqual(keysOf(A))
  })
})

describe('many replaced at once', () => {
  test('more than the share stay until enough of the new ones serve', () => {
    const fleet = serving(poolOf('app', [A, B, C, D]))
    reload(fleet, [A, E, F, G], 10)
    expect(members(fleet)).toEqual([A, E, F, G, B, C, D])
    expect(held(fleet)).toEqual(['IPv4 share 3'])
    say(fleet, E, 'up', 20)
    expect(members(fleet)).toEqual([A, E, F, G])
  })

  test('all replaced: the first new server does not take the load of four alone', () => {
    const fleet = serving(poolOf('app', [A, B, C, D]))
    reload(fleet, [E, F, G, H], 10)
    say(fleet, E, 'up', 20)
    expect(held(fleet)).toEqual(['IPv4 share 4'])
    say(fleet, F, 'up', 21)
    expect(members(fleet)).toEqual([E, F, G, H])
  })

  test('they go once every new server has its verdict, whatever it is', () => {
    const fleet = serving(poolOf('app', [A, B, C, D]))
    reload(fleet, [A, E], 10)
    say(fleet, E, 'down', 20)
    expect(members(fleet)).toEqual([A, E])
  })

  test('fewer servers, none of them new, are the word of the operator', () => {
    const fleet = serving(poolOf('app', [A, B, C, D]))
    expect(reload(fleet, [A], 10).guard).toEqual([])
    expect(members(fleet)).toEqual([A])
  })

  test('no more than the share go at once', () => {
    const fleet = serving(poolOf('app', [A, B, C, D]))
    expect(reload(fleet, [A, B, E, F], 10).guard).toEqual([])
  })
})

describe('letting go on purpose', () => {
  test('switched off, it holds nothing, and lets go of what it held', () => {
    const fleet = serving(poolOf('app', [A]))
    reload(fleet, [B], 2)
    fleet.guard = { enabled: false, maxWithdrawnShare: 1 }
    expect(reload(fleet, [B], 3).removed).toEqual(keysOf(A))
    expect(words(fleet)).toEqual(['- unknown'])
    fleet.guard = guard
    expect(reload(fleet, [B], 4).guard).toEqual([])
  })

  test('a guest that is forced unhealthy is gone for good, and the others stay', () => {
    const fleet = serving(poolOf('app', [A, B]))
    reload(fleet, [], 10)
    const order: ServerEvent = {
      ...{ kind: 'override-set', key: keyOf('app', A), healthy: false },
      ...{ reason: 'gone', by: 'ann', atMs: 20 },
    }
    const { compiled } = fleet.apply(order, 20)!
    expect(compiled?.guard).toEqual([
      { kind: 'guard-released', pool: 'app', keys: keysOf(A), atMs: 20 },
    ])
    expect([compiled?.removed, members(fleet)]).toEqual([keysOf(A), [B]])
  })
})

describe('a start on what the disk remembers', () => {
  const rowsOf = (fleet: Fleet, atMs: number) =>
    new Map<string, ServerRow>(
      [...fleet.servers].map(([key, server]) => [key, parseRow(fleet.rowOf(server), atMs)!]),
    )
  function restarted(fleet: Fleet, pool: PoolSpec, settings = guard) {
    const next = new Fleet(5_000, settings)
    const compiled = next.setTopology(topologyOf(pool), 100, rowsOf(fleet, 100))
    return { next, compiled }
  }

  test('guests are kept through it, still checked as they were, and go when they would have', () => {
    const fleet = serving(poolOf('app', [A, B]))
    reload(fleet, [C], 10)
    const { next } = restarted(fleet, poolOf('app', [C]))
    expect(members(next)).toEqual([C, A, B])
    expect(words(next)).toEqual(['- unknown', 'SLG healthy', 'SLG healthy'])
    expect(next.servers.get(keyOf('app', A))!.spec).toEqual(memberOf('app', A))
    say(next, C, 'up', 200)
    expect(members(next)).toEqual([C])
  })

  test('a reload that it never heard of is held as if it had', () => {
    const fleet = serving(poolOf('app', [B, A]))
    expect(members(restarted(fleet, poolOf('app', [C])).next)).toEqual([C, B, A])
    expect(words(restarted(fleet, poolOf('app', [])).next)).toEqual(['SLG healthy', 'SLG healthy'])
    const { next } = restarted(fleet, weighing(0, A, B))
    expect(next.pools[0]!.members.map(({ weight }) => weight)).toEqual([100, 100])
    const { next: off } = restarted(fleet, poolOf('app', [C]), { ...guard, enabled: false })
    expect(members(off)).toEqual([C])
  })

  test('who is not needed does not come back', () => {
    const fleet = serving(poolOf('app', [A, B]))
    const { next } = restarted(fleet, poolOf('app', [A]))
    expect([members(next), [...next.servers.keys()]]).toEqual([[A], keysOf(A)])
  })

  test('who was down does not come back, unless it was a guest', () => {
    const fleet = serving(poolOf('app', [A, B]))
    say(fleet, B, 'down', 5)
    expect(members(restarted(fleet, poolOf('app', [C])).next)).toEqual([C, A])
    reload(fleet, [C], 10)
    say(fleet, A, 'down', 20)
    expect(members(restarted(fleet, poolOf('app', [C])).next)).toEqual([C, A])
  })

  test('who served last is remembered for each pool by itself', () => {
    const shared = memberOf('shared', A)
    const two = (name: string, address: string): PoolSpec => ({
      ...poolOf(name, [], { whenAllDown: 'last_healthy' }),
      members: [shared, memberOf(name, address)],
    })
    const pools = [two('app', B), two('web', C)]
    const fleet = serving(...pools)
    // The shared one goes first in one pool and last in the other.
    say(fleet, C, 'down', 2, 'web')
    say(fleet, A, 'down', 3, 'shared')
    say(fleet, B, 'down', 4, 'app')
    const before = fleet.pools.map((pool) => pool.words.map(spell))
    expect(before).toEqual([
      ['- unhealthy', 'L unhealthy'],
      ['L unhealthy', '- unhealthy'],
    ])
    const next = new Fleet(5_000, guard)
    next.setTopology(topologyOf(...pools), 100, rowsOf(fleet, 100))
    expect(next.pools.map((pool) => pool.words.map(spell))).toEqual(before)
  })
})
