/** Goal: restarts wait as documented, and too many of them are noticed. */
import { describe, expect, test } from 'vitest'
import { RestartHistory } from '../../../src/kernel/backoff.ts'

const policy = {
  backoffMs: 100,
  backoffMaxMs: 10_000,
  resetMs: 30_000,
  intensity: 5,
  windowMs: 30_000,
}
const longest = { next: () => 0.999_999, below: () => 0 }
const shortest = { next: () => 0, below: () => 0 }

/** Crashes one after another, each healthy for so long before. */
function crashes(history: RestartHistory, healthyMs: readonly number[]) {
  let nowMs = 0
  return healthyMs.map((ms) => {
    nowMs += ms
    const verdict = history.crashed(nowMs, ms)
    nowMs += verdict.delayMs
    history.restarted(nowMs)
    return verdict
  })
}

describe('backoff', () => {
  test('doubles from 100 ms to 10 s, drawn evenly from nothing to the bound', () => {
    const delays = (random: typeof longest) =>
      crashes(new RestartHistory(policy, random), Array(9).fill(0)).map(({ delayMs }) => delayMs)
    expect(delays(longest)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
    expect(delays(shortest)).toEqual(Array(9).fill(0))
  })

  test('begins anew after thirty healthy seconds', () => {
    const verdicts = crashes(new RestartHistory(policy, longest), [0, 0, 29_999, 30_000, 0])
    expect(verdicts.map(({ delayMs }) => delayMs)).toEqual([100, 200, 400, 100, 200])
  })

  test('the sixth crash after five restarts within thirty seconds is too many', () => {
    const verdicts = crashes(new RestartHistory(policy, shortest), Array(7).fill(10))
    expect(verdicts.map(({ tooMany }) => tooMany)).toEqual([...Array(5).fill(false), true, true])
  })

  test('slow crashes are never too many', () => {
    const verdicts = crashes(new RestartHistory(policy, shortest), Array(40).fill(7_500))
    expect(verdicts.some(({ tooMany }) => tooMany)).toBe(false)
  })
})
