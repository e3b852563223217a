/**
 * Goal: no wake-up is ever lost: whatever comes, goes and hangs, every server keeps being checked.
 * Method: random changes on a virtual clock, one seed each, with very few places; then a quiet time
 * in which each server must be checked again and again.
 */
import { expect, test } from 'vitest'
import { type Next, Rounds } from '../../../src/actors/prober/rounds.ts'
import { seededRandom } from '../../../src/core/base/random.ts'
import type { MemberSpec } from '../../../src/core/steer/topology.ts'
import { plainCheck } from '../../contract/prober-scenarios.ts'
import { virtualClock } from '../../harness/virtual-clock.ts'

const INTERVAL_MS = 1_000

const memberOf = (index: number): MemberSpec => ({
  key: `app:192.0.2.${index}:80`,
  service: 'app',
  address: `192.0.2.${index}`,
  family: 4,
  port: 80,
  region: 'here',
  weight: 1,
  source: 'static',
  check: { ...plainCheck, intervalMs: INTERVAL_MS },
})

function worldOf(seed: number) {
  const random = seededRandom(seed)
  const clock = virtualClock()
  const starts = new Map<string, number[]>()
  const busy = new Set<MemberSpec>()
  const slowness = { mostMs: 3_000 }
  const probe = (member: MemberSpec, signal?: AbortSignal) =>
    new Promise<{ ok: boolean; latencyMs: number }>((resolve) => {
      expect(busy.has(member)).toBe(false)
      busy.add(member)
      starts.set(member.key, [...(starts.get(member.key) ?? []), clock.monotonicMs()])
      const end = () => {
        cancel()
        signal?.removeEventListener('abort', end)
        busy.delete(member)
        resolve({ ok: true, latencyMs: 1 })
      }
      const cancel = clock.after(random.below(slowness.mostMs), end)
      signal?.addEventListener('abort', end)
    })
  const next = (): Next => ({ intervalMs: INTERVAL_MS, spread: random.below(4) === 0 })
  const config = { maxInFlight: 1 + random.below(3), jitterShare: 0.05 }
  const owner = { started: () => {}, looked: () => {}, ended: next }
  const rounds = new Rounds({ clock, random }, { probe }, config, owner)
  return { random, clock, starts, rounds, slowness }
}

for (let seed = 1; seed <= 40; seed++) {
  test(`after any changes every server is still checked (seed ${seed})`, async () => {
    const { random, clock, starts, rounds, slowness } = worldOf(seed)
    for (let step = 0; step < 60; step++) {
      const member = memberOf(random.below(6))
      const action = random.below(4)
      if (action === 0) rounds.remove(member.key)
      else if (action === 1) rounds.hasten(member.key, 100)
      else if (rounds.targetOf(member.key) === undefined) rounds.add(member, 2_000)
      if (random.below(8) === 0)
        rounds.configure({ maxInFlight: 1 + random.below(3), jitterShare: 0.05 })
      rounds.resume()
      await clock.advanceAsync(random.below(700))
    }
    slowness.mostMs = 50
    await clock.advanceAsync(5_000)
    starts.clear()
    await clock.advanceAsync(20_000)
    expect(starts.size).toBe(rounds.size)
    for (const times of starts.values()) expect(times.length).toBeGreaterThanOrEqual(17)
    rounds.stop()
    await clock.advanceAsync(5_000)
    expect([clock.pending(), rounds.running, rounds.size]).toEqual([0, 0, 0])
  })
}
