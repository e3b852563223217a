import { describe, expect, test } from 'vitest'
import { compileBodyMatch, sameCheck, statusAccepted } from '../../../../src/core/health/outcome.ts'
import { plainCheck } from '../../../contract/prober-scenarios.ts'

describe('accepted statuses', () => {
  for (const [ranges, status, accepted] of [
    [[], 200, true],
    [[], 299, true],
    [[], 300, false],
    [[[200, 204]], 205, false],
    [
      [
        [200, 204],
        [301, 301],
      ],
      301,
      true,
    ],
  ] as const) {
    test(`${status} in ${JSON.stringify(ranges)} is ${accepted}`, () => {
      expect(statusAccepted(ranges, status)).toBe(accepted)
    })
  }
})

describe('body match', () => {
  for (const [pattern, body, matches] of [
    ['ok', 'all ok here', true],
    ['OK', 'all ok here', false],
    ['/ok/', 'all ok here', true],
    ['/^OK$/im', 'first\nok', true],
    ['/a.b/s', 'a\nb', true],
    ['a/b', 'path a/b', true],
    ['/health', 'see /health', true], // One slash makes no pattern.
    ['.*', 'no dots', false],
  ] as const) {
    test(`${pattern} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(body)}`, () => {
      const match = compileBodyMatch(pattern)
      expect(match.ok && match.value?.(body)).toBe(matches)
    })
  }

  test('the empty text asks for no body', () => {
    expect(compileBodyMatch('')).toEqual({ ok: true, value: undefined })
  })

  test('a broken pattern is a fault, not an exception', () => {
    expect(compileBodyMatch('/(/').ok).toBe(false)
  })
})

describe('same check', () => {
  test('a copy is the same check', () => {
    expect(sameCheck(plainCheck, structuredClone(plainCheck))).toBe(true)
  })

  const changes = {
    type: 'tcp',
    intervalMs: 1,
    timeoutMs: 1,
    path: '/x',
    host: 'x',
    serverName: 'x',
    expectedStatus: [[200, 201]],
    bodyMatch: 'x',
    verifyCertificate: false,
    certificateWarnDays: 1,
    failureThreshold: 9,
    successThreshold: 9,
  } as const satisfies { [K in keyof typeof plainCheck]: (typeof plainCheck)[K] }

  for (const key of Object.keys(plainCheck) as (keyof typeof plainCheck)[]) {
    test(`another ${key} is another check`, () => {
      expect(sameCheck(plainCheck, { ...plainCheck, [key]: changes[key] })).toBe(false)
    })
  }
})
