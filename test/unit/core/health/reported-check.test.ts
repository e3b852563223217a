// Goal: an overwatch asks what the agent asks, and knows of what it cannot ask.
import { expect, test } from 'vitest'
import { defaultCheck } from '../../../../src/core/config/checks.ts'
import { checkOf } from '../../../../src/core/health/declared.ts'
import {
  isPlainBody,
  readStatuses,
  reportedCheck,
  writeStatuses,
} from '../../../../src/core/health/reported-check.ts'
import type { CheckSpec } from '../../../../src/core/steer/topology.ts'

const settings = { enabled: true, intervalMs: 30_000, timeoutMs: 5_000, vetoThreshold: 3 } as const
const backend = { service: 'app', address: '192.0.2.1', port: 80, weight: 1, reason: '' }
const askedAs = (check: Partial<CheckSpec>) =>
  checkOf(
    { ...backend, check: reportedCheck({ ...defaultCheck, ...check }) },
    { ...settings, vetoMode: 'strict' },
  )

test.each<Partial<CheckSpec>>([
  { expectedStatus: [[204, 204]] },
  {
    expectedStatus: [
      [200, 299],
      [401, 401],
    ],
  },
  { bodyMatch: 'ready' },
  { serverName: 'x.example' },
  { verifyCertificate: false },
  {},
])('%j is asked by the overwatch too', (check) => {
  expect(askedAs(check)).toMatchObject({ ...defaultCheck, certificateWarnDays: 0, ...check })
  expect(reportedCheck({ ...defaultCheck, ...check }).asksMore).toBeUndefined()
})

test.each(['/(a+)+$/', '/ready/i', 'two\nlines', 'x'.repeat(257)])('%j is not', (bodyMatch) => {
  expect(isPlainBody(bodyMatch)).toBe(false)
  expect(reportedCheck({ ...defaultCheck, bodyMatch })).toMatchObject({ asksMore: true })
  expect(askedAs({ bodyMatch }).bodyMatch).toBe('')
})

test('statuses are read back as they were, and nothing else is', () => {
  const ranges = [[204, 204] as const, [300, 302] as const]
  expect(readStatuses(writeStatuses(ranges))).toEqual(ranges)
  for (const text of ['', '20', '200-', '200;201', '99', '600', '200,'.repeat(40)])
    expect(readStatuses(text)).toBeUndefined()
})
