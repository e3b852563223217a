// Goal: what a pool serves follows the verdicts, the hold-down of failover pools, the memory of who
// served last, and the guard-rail; each shown as the words that come out.
// Method: scripts of events at chosen times against a fleet; words are spelled in letters.
import { describe, expect, test } from 'vitest'
import type { ServerEvent } from '../../../../src/core/health/events.ts'
import { Fleet } from '../../../../src/core/health/fleet.ts'
import type { PoolSpec } from '../../../../src/core/steer/topology.ts'
import { keyOf, memberOf, poolOf, spell, topologyOf } from './sample.ts'

const A = '10.0.0.1'
const B = '10.0.0.2'
const C = '10.0.0.3'
const A6 = '2001:db8::1'
const guard = { enabled: true, maxWithdrawnShare: 0.5 }

function fleetOf(...pools: PoolSpec[]): Fleet {
  const fleet = new Fleet(1000, guard)
  fleet.setTopology(topologyOf(...pools), 0)
  return fleet
}

const verdict = (address: string, verdict: 'up' | 'down', atMs: number): ServerEvent => ({
  kind: 'verdict-changed',
  key: keyOf('app', address),
  verdict,
  atMs,
  reason: verdict === 'up' ? '' : 'refused',
})

function say(fleet: Fleet, address: string, state: 'up' | 'down', atMs: number) {
  return fleet.apply(verdict(address, state, atMs), atMs)!
}

const words = (fleet: Fleet, pool = 0) => fleet.pools[pool]!.words.map(spell)

describe('words', () => {
  test('a server is not served before its first verdict, and is after it', () => {
    const fleet = fleetOf(poolOf('app', [A, B]))
    expect(words(fleet)).toEqual(['- unknown', '- unknown'])
    const change = say(fleet, A, 'up', 10)
    expect(words(fleet)).toEqual(['SL healthy', '- unknown'])
    expect(change.words).toEqual([
      { epoch: 1001, version: 1, pool: 0, member: 0, word: fleet.pools[0]!.words[0] },
    ])
  })

  test('behind a strict fence the last of each region to go keeps its mark', () => {
    const { members, ...pool } = poolOf('app', [A, B, C])
    const regions = members.map((member, at) => ({ ...member, region: at < 2 ? 'eu' : 'us' }))
    const fleet = fleetOf({ ...pool, members: regions, geofence: 'strict' })
    for (const [at, address] of [A, B, C].entries()) say(fleet, address, 'up', at + 1)
    say(fleet, A, 'down', 4)
    say(fleet, B, 'down', 5)
    expect(words(fleet)).toEqual(['- unhealthy', 'L unhealthy', 'SL healthy'])
    say(fleet, C, 'down', 6)
    say(fleet, C, 'up', 7)
    expect(words(fleet)).toEqual(['- unhealthy', 'L unhealthy', 'SL healthy'])
    say(fleet, A, 'up', 8)
    expect(words(fleet)).toEqual(['SL healthy', '- unhealthy', 'SL healthy'])
  })

  test('the last server to go keeps its mark, until another serves', () => {
    const fleet = fleetOf(poolOf('app', [A, B]))
    say(fleet, A, 'up', 1)
    say(fleet, B, 'up', 2)
    say(fleet, A, 'down', 3)
    expect(words(fleet)).toEqual(['- unhealthy', 'SL healthy'])
    say(fleet, B, 'down', 4)
    expect(words(fleet)).toEqual(['- unhealthy', 'L unhealthy'])
    const change = say(fleet, A, 'up', 5)
    expect(words(fleet)).toEqual(['SL healthy', '- unhealthy'])
    expect(change.words.map((word) => word.member).sort()).toEqual([0, 1])
    expect(change.stale).toEqual([keyOf('app', A), keyOf('app', B)])
  })

  test('the families remember on their own', () => {
    const fleet = fleetOf(poolOf('app', [A, A6]))
    say(fleet, A, 'up', 1)
    say(fleet, A6, 'up', 2)
    say(fleet, A, 'down', 3)
    expect(words(fleet)).toEqual(['L unhealthy', 'SL healthy'])
  })

  test('a server of weight 0 serves nobody, and takes no mark from those that did', () => {
    const members = [memberOf('app', A), { ...memberOf('app', B), weight: 0 }]
    const fleet = fleetOf({ ...poolOf('app', []), members })
    for (const address of [A, B]) say(fleet, address, 'up', 1)
    expect(words(fleet)).toEqual(['SL healthy', '- healthy'])
    say(fleet, A, 'down', 2)
    expect(words(fleet)).toEqual(['L unhealthy', '- healthy'])
    expect(fleet.pools[0]!.isEmpty()).toBe(true)
  })

  test('an event that says nothing new changes no word and is not news', () => {
    const fleet = fleetOf(poolOf('app', [A]))
    say(fleet, A, 'up', 1)
    const again = say(fleet, A, 'up', 1)
    expect([again.folded, again.words.length]).toEqual([false, 0])
  })

  test('a server in two pools has a word in each', () => {
    const shared = poolOf('app', [A])
    const fleet = fleetOf(shared, { ...shared, name: 'app.other' })
    expect(say(fleet, A, 'up', 1).words.map((word) => word.pool)).toEqual([0, 1])
  })

  test('an event of an unknown server is refused', () => {
    expect(fleetOf(poolOf('app', [A])).apply(verdict(B, 'up', 1), 1)).toBeUndefined()
  })
})

describe('hold-down of a failover pool', () => {
  const failover = (addresses: string[]) =>
    fleetOf(poolOf('app', addresses, { policy: 'failover', holdDownMs: 1_000 }))

  test('the first verdict is no return, so it waits for nothing', () => {
    const fleet = failover([A, B])
    say(fleet, B, 'up', 1)
    say(fleet, A, 'up', 2)
    expect(words(fleet)).toEqual(['SL healthy', 'SL healthy'])
  })

  test('a server that comes back waits while another serves, and its time ends the wait', () => {
    const fleet = failover([A, B])
    say(fleet, A, 'up', 1)
    say(fleet, B, 'up', 2)
    say(fleet, A, 'down', 10)
    const back = say(fleet, A, 'up', 100)
    expect(words(fleet)).toEqual(['H healthy', 'SL healthy'])
    expect([back.dueMs, fleet.nextDueMs()]).toEqual([1_100, 1_100])
    fleet.tick(1_099)
    expect(words(fleet)[0]).toBe('H healthy')
    const { words: told } = fleet.tick(1_100)
    expect(words(fleet)).toEqual(['SL healthy', 'SL healthy'])
    expect(told).toHaveLength(1)
    expect(fleet.nextDueMs()).toBe(Number.POSITIVE_INFINITY)
  })

  test('it does not wait when nothing else serves', () => {
    const fleet = failover([A, B])
    say(fleet, A, 'up', 1)
    say(fleet, A, 'down', 10)
    say(fleet, A, 'up', 20)
    expect(words(fleet)).toEqual(['SL healthy', '- unknown'])
  })

  test('the wait ends at once when the server in service fails', () => {
    const fleet = failover([A, B])
    say(fleet, A, 'up', 1)
    say(fleet, B, 'up', 2)
    say(fleet, A, 'down', 10)
    say(fleet, A, 'up', 20)
    say(fleet, B, 'down', 30)
    expect(words(fleet)).toEqual(['SL healthy', '- unhealthy'])
  })

  test('a server that ranks after the one in service stands by without waiting', () => {
    const fleet = failover([A, B])
    say(fleet, A, 'up', 1)
    say(fleet, B, 'up', 2)
    say(fleet, B, 'down', 10)
    say(fleet, B, 'up', 20)
    expect(words(fleet)).toEqual(['SL healthy', 'SL healthy'])
  })

  test('after all were down the first back serves, and a better one then waits', () => {
    const fleet = failover([A, B])
    for (const address of [A, B]) say(fleet, address, 'up', 1)
    for (const address of [A, B]) say(fleet, address, 'down', 2)
    say(fleet, B, 'up', 10)
    say(fleet, A, 'up', 20)
    expect(words(fleet)).toEqual(['H healthy', 'SL healthy'])
  })

  test('a server of weight 0 does not make it wait', () => {
    const members = [memberOf('app', A), { ...memberOf('app', B), weight: 0 }]
    const fleet = fleetOf({
      ...poolOf('app', [], { policy: 'failover', holdDownMs: 1_000 }),
      members,
    })
    for (const address of [A, B]) say(fleet, address, 'up', 1)
    say(fleet, A, 'down', 10)
    say(fleet, A, 'up', 20)
    expect(words(fleet)).toEqual(['SL healthy', '- healthy'])
  })

  test('a server of the other family does not make it wait', () => {
    const fleet = failover([A, A6])
    say(fleet, A6, 'up', 1)
    say(fleet, A, 'down', 2)
    say(fleet, A, 'up', 3)
    expect(words(fleet)).toEqual(['SL healthy', 'SL healthy'])
  })

  test('an operator who forces a server healthy is obeyed at once', () => {
    const fleet = failover([A, B])
    for (const address of [A, B]) say(fleet, address, 'up', 1)
    say(fleet, A, 'down', 2)
    const key = keyOf('app', A)
    fleet.apply({ kind: 'override-set', key, healthy: true, reason: '', by: 'x', atMs: 3 }, 3)
    expect(words(fleet)[0]).toBe('SL healthy')
  })

  test('a clock that is set back does not lengthen the wait', () => {
    const fleet = failover([A, B])
    for (const address of [A, B]) say(fleet, address, 'up', 100_000)
    say(fleet, A, 'down', 100_001)
    say(fleet, A, 'up', 100_002)
    fleet.tick(50_000)
    fleet.tick(51_000)
    expect(words(fleet)[0]).toBe('SL healthy')
  })
})

describe('overrides', () => {
  const key = keyOf('app', A)
  const set = (healthy: boolean, atMs: number, expiresAtMs?: number): ServerEvent => ({
    ...{ kind: 'override-set', key, healthy, reason: 'work', by: 'ann', atMs },
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  })

  test('an override outranks the verdict until it is cleared', () => {
    const fleet = fleetOf(poolOf('app', [A, B]))
    say(fleet, A, 'up', 1)
    fleet.apply(set(false, 2), 2)
    expect(words(fleet)[0]).toBe('L unhealthy')
    fleet.apply({ kind: 'override-cleared', key, by: 'ann', atMs: 3 }, 3)
    expect(words(fleet)[0]).toBe('SL healthy')
  })

  test('an override that ends is due then, and only the one that ended', () => {
    const fleet = fleetOf(poolOf('app', [A, B]))
    expect(fleet.apply(set(true, 2, 500), 2)!.dueMs).toBe(500)
    expect([fleet.expired(499).length, fleet.expired(500).length]).toEqual([0, 1])
    fleet.apply(set(true, 3), 3)
    expect([fleet.expired(500).length, fleet.nextDueMs()]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  test('one order may not empty a pool or a family of it, nor take out more than the share', () => {
    const fleet = fleetOf(poolOf('app', [A, B, C, A6]))
    for (const address of [A, B, C, A6]) say(fleet, address, 'up', 1)
    const refused = (...addresses: string[]) =>
      fleet.refusal(new Set(addresses.map((one) => keyOf('app', one))), 1)?.message
    expect(refused(A)).toBeUndefined()
    expect(refused(A, B)).toBeUndefined()
    expect(refused(A, B, A6)).toContain('no IPv6 server')
    expect(refused(A6)).toContain('no IPv6 server')
    expect(refused(A, B, C)).toContain('no IPv4 server')
    fleet.guard = { enabled: true, maxWithdrawnShare: 0.3 }
    expect(refused(A, B)).toContain('2 of 4')
    fleet.guard = { enabled: false, maxWithdrawnShare: 0 }
    expect(refused(A, B, C, A6)).toBeUndefined()
  })

  test('a server of weight 0 is no server left, and none of the share', () => {
    const idle = { ...memberOf('app', C), weight: 0 }
    const members = [memberOf('app', A), memberOf('app', B), idle]
    const fleet = fleetOf({ ...poolOf('app', []), members })
    for (const address of [A, B, C]) say(fleet, address, 'up', 1)
    const refused = (...addresses: string[]) =>
      fleet.refusal(new Set(addresses.map((one) => keyOf('app', one))), 1)?.message
    expect(refused(C)).toBeUndefined()
    expect(refused(A, B)).toContain('no IPv4 server')
    fleet.guard = { enabled: true, maxWithdrawnShare: 0.4 }
    expect(refused(A)).toContain('1 of 2')
  })

  test('a server that does not serve may be taken out by anyone', () => {
    const fleet = fleetOf(poolOf('app', [A, B]))
    say(fleet, A, 'up', 1)
    expect(fleet.refusal(new Set([keyOf('app', B)]), 1)).toBeUndefined()
  })
})

describe('reload', () => {
  test('a server that stays keeps its state, and the epoch grows', () => {
    const fleet = fleetOf(poolOf('app', [A, B]))
    say(fleet, A, 'up', 1)
    const { removed } = fleet.setTopology(topologyOf(poolOf('app', [C, A])), 10)
    expect(words(fleet)).toEqual(['- unknown', 'SL healthy'])
    expect([fleet.epoch, fleet.version, removed]).toEqual([1002, 0, [keyOf('app', B)]])
    expect(fleet.servers.get(keyOf('app', A))!.sinceMs).toBe(1)
  })

  test('a server taken out and put back starts unknown', () => {
    const fleet = fleetOf(poolOf('app', [A, B]))
    say(fleet, A, 'up', 1)
    say(fleet, B, 'up', 1)
    fleet.setTopology(topologyOf(poolOf('app', [B])), 2)
    fleet.setTopology(topologyOf(poolOf('app', [A, B])), 3)
    expect(words(fleet)).toEqual(['- unknown', 'SL healthy'])
  })

  test('marks and hold-downs go on', () => {
    const spec = { policy: 'failover', holdDownMs: 1_000 } as const
    const fleet = fleetOf(poolOf('app', [A, B], spec))
    for (const address of [A, B]) say(fleet, address, 'up', 1)
    say(fleet, A, 'down', 2)
    say(fleet, A, 'up', 100)
    fleet.setTopology(topologyOf(poolOf('app', [A, B, C], spec)), 200)
    expect(words(fleet)).toEqual(['H healthy', 'SL healthy', '- unknown'])
    expect(fleet.nextDueMs()).toBe(1_100)
  })
})

test('a pool counts as settled once something is known of one of its servers', () => {
  const fleet = fleetOf(poolOf('app', [A, B]), poolOf('empty', []))
  expect(fleet.isSettled()).toBe(false)
  say(fleet, B, 'down', 1)
  expect(fleet.isSettled()).toBe(true)
})

test('two ports of one address are two servers', () => {
  const members = [memberOf('app', A, 80), memberOf('app', A, 81)]
  const fleet = fleetOf({ ...poolOf('app', []), members })
  say(fleet, A, 'up', 1)
  expect(words(fleet)).toEqual(['SL healthy', '- unknown'])
})
