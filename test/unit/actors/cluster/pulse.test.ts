// Goal: a follower believes a leader by its pulse: what ends, is late or says no is suspect at
// once, what never came is believed after a while, and one that had pauses of late may be later.
import { describe, expect, test } from 'vitest'
import type { PulseEars } from '../../../../src/actors/cluster/contract.ts'
import { Pulse } from '../../../../src/actors/cluster/pulse.ts'
import { Standing } from '../../../../src/actors/cluster/standing.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { Lease, leaseMemory } from '../../../../src/core/cluster/lease.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const LATE_MS = limits.clusterPulseLateMs.default
const LATEST_MS = limits.clusterPulseLatestMs.default
const WAIT_MS = limits.clusterPulseWaitMs.default
const BEAT_MS = limits.clusterPulseMs.default

function node(doors: Record<string, string> = { b: 'http://b', c: 'http://c' }) {
  const { ctx, clock } = fakeCtx('cluster')
  const memory = leaseMemory()
  const config = { self: 'a', followerDns: 'refuse', onLostLease: 'refuse', silenceMs: 10_000 }
  const standing = new Standing(ctx, { ...config, lease: memory } as never)
  const calls: { door: string; ears: PulseEars; isClosed: boolean }[] = []
  const listen = (door: string, ears: PulseEars) => {
    const call = { door, ears, isClosed: false }
    calls.push(call)
    return () => {
      call.isClosed = true
    }
  }
  const doorOf = (name: string) => doors[name]
  const pulse = new Pulse({ ctx, ports: { listen }, standing, self: 'a', tls: undefined, doorOf })
  standing.onChange = () => pulse.changed()
  pulse.start()
  const lease = new Lease(memory)
  const isSilent = () => lease.isSilent(clock.monotonicMs())
  const last = () => calls.at(-1)!
  /** Hears `ms` of a pulse. */
  const hear = (ms: number) => {
    for (let past = 0; past < ms; past += BEAT_MS) {
      last().ears.told(true)
      clock.advance(BEAT_MS)
    }
  }
  /** Follows a leader that was heard. */
  const led = () => {
    standing.followed('b', 1, clock.monotonicMs() + 350)
    hear(8_000)
  }
  return { standing, pulse, clock, calls, last, lease, isSilent, hear, led }
}

describe('a follower', () => {
  test('listens at the door of who leads, and refuses while the pulse goes on', () => {
    const { led, calls, isSilent } = node()
    led()
    expect(calls.map(({ door }) => door)).toEqual(['http://b'])
    expect(isSilent()).toBe(false)
  })

  test('is silent at once when the connection ends or the leader says that it rests', () => {
    const one = node()
    one.led()
    one.last().ears.ended()
    expect(one.isSilent()).toBe(true)
    const other = node()
    other.led()
    other.last().ears.told(false)
    expect(other.isSilent()).toBe(true)
    other.last().ears.told(true)
    expect(other.isSilent()).toBe(false)
  })

  test('is silent once the pulse is late, and no sooner', () => {
    const { led, clock, isSilent } = node()
    led()
    clock.advance(LATE_MS - BEAT_MS - 1)
    expect(isSilent()).toBe(false)
    clock.advance(BEAT_MS)
    expect(isSilent()).toBe(true)
  })

  test('waits longer for a pulse that came with long pauses of late', () => {
    const { led, clock, last, isSilent } = node()
    led()
    clock.advance(LATE_MS - BEAT_MS)
    clock.advance(BEAT_MS)
    last().ears.told(true)
    clock.advance(LATE_MS + BEAT_MS)
    expect(isSilent()).toBe(false)
    clock.advance(LATEST_MS)
    expect(isSilent()).toBe(true)
  })

  test('is silent from the election on until the next leader is heard', () => {
    const { standing, led, clock, calls, last, isSilent } = node()
    led()
    standing.leaderless()
    expect([isSilent(), calls[0]!.isClosed]).toEqual([true, true])
    standing.followed('c', 2, clock.monotonicMs() + 350)
    expect([isSilent(), last().door]).toEqual([true, 'http://c'])
    last().ears.told(true)
    expect(isSilent()).toBe(false)
  })

  test('counts the words of a leader that answers, and none once it listens to nobody', () => {
    const { standing, led, last, lease } = node()
    expect(lease.hears).toBe(false)
    led()
    const before = lease.heard
    last().ears.told(true)
    last().ears.told(false)
    expect([lease.hears, lease.heard - before]).toEqual([true, 1])
    standing.leaderless()
    expect(lease.hears).toBe(false)
  })

  test('believes a leader without a pulse after a while, as one of an older version', () => {
    const { standing, led, clock, isSilent } = node({ b: 'http://b' })
    led()
    standing.followed('c', 2, clock.monotonicMs() + 350)
    clock.advance(WAIT_MS - BEAT_MS)
    expect(isSilent()).toBe(true)
    clock.advance(2 * BEAT_MS)
    expect(isSilent()).toBe(false)
  })

  test('listens again where the connection ended and the leader stayed', () => {
    const { led, clock, calls, last, isSilent } = node()
    led()
    last().ears.ended()
    clock.advance(2 * LATEST_MS)
    expect(calls.length).toBeGreaterThan(1)
    last().ears.told(true)
    expect(isSilent()).toBe(false)
  })

  test('listens to a leader that was known by its number first', () => {
    const { standing, clock, calls } = node()
    standing.followed('1234', 1, clock.monotonicMs() + 350)
    expect(calls).toEqual([])
    standing.followed('b', 1, clock.monotonicMs() + 350)
    clock.advance(BEAT_MS)
    expect(calls.map(({ door }) => door)).toEqual(['http://b'])
  })

  test('refuses again where the silence has lasted its time', () => {
    const { led, last, clock, isSilent } = node()
    led()
    last().ears.ended()
    clock.advance(10_001)
    expect(isSilent()).toBe(false)
  })
})

describe('a leader', () => {
  test('tells those who listen that it answers, on each beat, and at once when it rests', () => {
    const { standing, pulse, clock } = node()
    const heard: boolean[] = []
    const leave = pulse.heard((answers) => heard.push(answers))
    expect(heard).toEqual([false])
    standing.led(1, clock.monotonicMs() + 10_000)
    clock.advance(BEAT_MS)
    expect(heard).toEqual([false, true, true, true])
    standing.yield()
    expect(heard.at(-1)).toBe(false)
    leave()
    const before = heard.length
    clock.advance(10 * BEAT_MS)
    expect(heard).toHaveLength(before)
  })

  test('keeps silent from the end of its lease on', () => {
    const { standing, clock, isSilent } = node()
    standing.led(1, clock.monotonicMs() + 350)
    clock.advance(351)
    expect([standing.answers, isSilent()]).toEqual([false, true])
  })
})
