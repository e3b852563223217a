/**
 * Verdicts against a model that keeps no counts: it looks at the last results as a list.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Verdicts, type VerdictOrUnknown } from '../../src/core/health/verdicts.ts'

const script = fc.array(fc.constantFrom('pass', 'fail', 'own'), { maxLength: 60 })
const threshold = fc.integer({ min: 1, max: 6 })
const last = fc.constantFrom<VerdictOrUnknown>('up', 'down', 'unknown')

/** The verdict after a list of results: turned by n equal ones at the end of any prefix. */
function model(
  results: readonly string[],
  [failures, successes, start]: readonly [number, number, VerdictOrUnknown],
): VerdictOrUnknown {
  let verdict = start
  const counted = results.filter((result) => result !== 'own')
  for (let end = 1; end <= counted.length; end++) {
    const tail = (length: number) => (end < length ? [] : counted.slice(end - length, end))
    const all = (list: string[], what: string) =>
      list.length > 0 && list.every((result) => result === what)
    if (all(tail(failures), 'fail')) verdict = 'down'
    if (all(tail(successes), 'pass')) verdict = 'up'
  }
  return verdict
}

test('after every check the verdict is what the model says, and each change is said once', () => {
  fc.assert(
    fc.property(script, threshold, threshold, last, (results, failures, successes, start) => {
      const verdicts = new Verdicts()
      verdicts.watch('a', { failureThreshold: failures, successThreshold: successes }, start)
      let said = start
      for (const [index, result] of results.entries()) {
        const ok = result === 'pass'
        const inconclusive = result === 'own' ? { inconclusive: true } : {}
        const change = verdicts.observe('a', { ok, latencyMs: 1, ...inconclusive }, index)
        if (change !== undefined) {
          expect(change.previous).toBe(said)
          said = change.verdict
        }
        const expected = model(results.slice(0, index + 1), [failures, successes, start])
        expect(verdicts.verdictOf('a')).toBe(expected)
        expect(said).toBe(expected)
      }
    }),
    { numRuns: 500 },
  )
})

test('a verdict never changes twice within fewer checks than the smaller threshold', () => {
  fc.assert(
    fc.property(script, threshold, threshold, last, (results, failures, successes, start) => {
      const verdicts = new Verdicts()
      verdicts.watch('a', { failureThreshold: failures, successThreshold: successes }, start)
      let changedAt = Number.NEGATIVE_INFINITY
      for (const [index, result] of results.entries()) {
        const change = verdicts.observe('a', { ok: result === 'pass', latencyMs: 1 }, index)
        if (change === undefined || change.previous === change.verdict) continue
        const needed = change.verdict === 'up' ? successes : failures
        expect(index - changedAt).toBeGreaterThanOrEqual(needed)
        changedAt = index
      }
    }),
  )
})

test('what a reader is told again is what it was told last', () => {
  fc.assert(
    fc.property(script, threshold, threshold, last, (results, failures, successes, start) => {
      const verdicts = new Verdicts()
      verdicts.watch('a', { failureThreshold: failures, successThreshold: successes }, start)
      let told: object | undefined
      for (const [index, result] of results.entries()) {
        const change = verdicts.observe('a', { ok: result === 'pass', latencyMs: 1 }, index)
        if (change === undefined) continue
        const { previous: _, ...fact } = change
        told = fact
      }
      expect(verdicts.known()).toEqual(told === undefined ? [] : [told])
    }),
  )
})
