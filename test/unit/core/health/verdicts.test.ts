/**
 * Goal: one lost probe must not move traffic; `failureThreshold` in a row must, once; recovery must
 * too. Method: a scripted target, `+` a check that passes, `-` one that fails, `o` one that our own
 * machine could not run.
 */
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../../src/core/health/outcome.ts'
import { Verdicts, type VerdictOrUnknown } from '../../../../src/core/health/verdicts.ts'

const outcomes: Record<string, Outcome> = {
  '+': { ok: true, latencyMs: 3 },
  '-': { ok: false, latencyMs: 5, error: 'status 503' },
  o: { ok: false, latencyMs: 0, error: 'local EMFILE', inconclusive: true },
}

interface Case {
  readonly failures?: number
  readonly successes?: number
  readonly last?: VerdictOrUnknown
}

/** What was announced, as `verdict@check`, with `=` for a confirmation. */
function run(script: string, { failures = 3, successes = 2, last = 'unknown' }: Case = {}) {
  const verdicts = new Verdicts()
  verdicts.watch('a', { failureThreshold: failures, successThreshold: successes }, last)
  const said: string[] = []
  for (const [index, sign] of [...script].entries()) {
    const change = verdicts.observe('a', outcomes[sign]!, (index + 1) * 1_000)
    if (change === undefined) continue
    expect(change).toMatchObject({ target: 'a', atMs: (index + 1) * 1_000 })
    expect(change.reason).toBe(change.verdict === 'up' ? '' : 'status 503')
    said.push(`${change.previous === change.verdict ? '=' : ''}${change.verdict}@${index + 1}`)
  }
  return said.join(' ')
}

for (const [script, expected] of [
  ['+', ''], // One pass is not enough for the first verdict, when two are asked for.
  ['++-+-+-', 'up@2'], // Losses that are not consecutive change nothing.
  ['++--+--+--', 'up@2'], // A pass starts the count of failures again.
  ['++-----', 'up@2 down@5'], // The third failure in a row speaks, and only it.
  ['++---+-++', 'up@2 down@5 up@9'], // One lucky pass is not a recovery; two are.
  ['---', 'down@3'], // UNKNOWN becomes down by the same threshold.
  ['--+--+', ''], // Neither count was reached: it stays UNKNOWN.
  ['--+-+++', 'up@6'],
  ['++-o-o-', 'up@2 down@7'], // What our own machine could not run counts for nothing.
  ['oooo', ''],
] as const) {
  test(`verdicts: ${script} gives "${expected}"`, () => {
    expect(run(script)).toBe(expected)
  })
}

for (const [script, options, expected] of [
  ['-', { failures: 1 }, 'down@1'],
  ['+-+-', { failures: 1, successes: 1 }, 'up@1 down@2 up@3 down@4'],
  ['+++++', { successes: 5 }, 'up@5'],
  // A verdict taken over stands; the first check that agrees confirms it, once.
  ['+++', { last: 'up' }, '=up@1'],
  ['-+++', { last: 'up' }, '=up@2'],
  ['--+---', { last: 'up' }, '=up@3 down@6'],
  ['---', { last: 'up' }, 'down@3'],
  ['-++', { last: 'down' }, '=down@1 up@3'],
  ['++', { last: 'down' }, 'up@2'],
] as const) {
  test(`verdicts: ${script} with ${JSON.stringify(options)} gives "${expected}"`, () => {
    expect(run(script, options)).toBe(expected)
  })
}

describe('verdicts of several targets', () => {
  const thresholds = { failureThreshold: 1, successThreshold: 1 }
  const pass = outcomes['+']!

  test('each target has thresholds and counts of its own', () => {
    const verdicts = new Verdicts()
    verdicts.watch('a', { failureThreshold: 1, successThreshold: 1 }, 'unknown')
    verdicts.watch('b', { failureThreshold: 2, successThreshold: 2 }, 'unknown')
    expect(verdicts.observe('a', pass, 1)?.verdict).toBe('up')
    expect(verdicts.observe('b', pass, 2)).toBeUndefined()
    expect(verdicts.observe('b', pass, 3)?.verdict).toBe('up')
  })

  test('an outcome of a target that is not watched is nothing', () => {
    const verdicts = new Verdicts()
    verdicts.watch('a', thresholds, 'unknown')
    verdicts.forget('a')
    expect(verdicts.observe('a', pass, 1)).toBeUndefined()
    expect(verdicts.records()).toEqual([])
  })

  test('known are the verdicts this process reached, not those it was told', () => {
    const verdicts = new Verdicts()
    verdicts.watch('told', thresholds, 'up')
    verdicts.watch('found', thresholds, 'unknown')
    verdicts.observe('found', outcomes['-']!, 7)
    expect(verdicts.known()).toEqual([
      { target: 'found', verdict: 'down', atMs: 7, reason: 'status 503' },
    ])
  })

  test('a verdict that was told follows the teller; one that was found does not', () => {
    const verdicts = new Verdicts()
    verdicts.watch('told', thresholds, 'up')
    verdicts.watch('found', thresholds, 'unknown')
    verdicts.observe('found', pass, 7)
    verdicts.follow('told', 'unknown')
    verdicts.follow('found', 'unknown')
    expect([verdicts.verdictOf('told'), verdicts.verdictOf('found')]).toEqual(['unknown', 'up'])
  })

  test('a changed check counts anew from the verdict found before it', () => {
    const verdicts = new Verdicts()
    verdicts.watch('a', { failureThreshold: 3, successThreshold: 1 }, 'unknown')
    verdicts.observe('a', pass, 1)
    verdicts.observe('a', outcomes['-']!, 2)
    verdicts.observe('a', outcomes['-']!, 3)
    verdicts.watch('a', { failureThreshold: 2, successThreshold: 1 }, 'unknown')
    expect(verdicts.verdictOf('a')).toBe('up')
    expect(verdicts.observe('a', outcomes['-']!, 4)).toBeUndefined()
    expect(verdicts.observe('a', outcomes['-']!, 5)).toMatchObject({ verdict: 'down' })
  })

  test('records tell the latest check, the latest pass and the runs', () => {
    const verdicts = new Verdicts()
    verdicts.watch('a', thresholds, 'unknown')
    expect(verdicts.records()).toEqual([
      { key: 'a', consecutiveFailures: 0, consecutiveSuccesses: 0 },
    ])
    verdicts.observe('a', { ok: true, latencyMs: 2, certificateExpiresMs: 99 }, 10)
    verdicts.observe('a', outcomes['-']!, 20)
    verdicts.observe('a', outcomes['-']!, 30)
    expect(verdicts.records()).toEqual([
      {
        key: 'a',
        consecutiveFailures: 2,
        consecutiveSuccesses: 0,
        lastCheckMs: 30,
        lastHealthyMs: 10,
        lastError: 'status 503',
        latencyMs: 5,
        certificateExpiresMs: 99,
      },
    ])
  })
})

test('records are those of every target, or of one service', () => {
  const verdicts = new Verdicts()
  const keys = ['a:10.0.0.1:80', 'a:[2001:db8::1]:80', 'ab:10.0.0.1:80']
  const thresholds = { failureThreshold: 1, successThreshold: 1 }
  for (const key of keys) verdicts.watch(key, thresholds, 'unknown')
  const of = (service?: string) => verdicts.records(service).map(({ key }) => key)
  expect(of()).toEqual(keys)
  expect(of('a')).toEqual(keys.slice(0, 2))
  expect(of('b')).toEqual([])
})
