/**
 * Questions to the audit log, and its CSV.
 */
import { describe, expect, test } from 'vitest'
import { auditCsv, csvField } from '../../../../src/core/audit/csv.ts'
import type { AuditEntry } from '../../../../src/core/audit/entry.ts'
import { auditQueryOf, matchesQuery, sortedBy } from '../../../../src/core/audit/query.ts'

const DAY_MS = 86_400_000
const entry = (seq: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  seq,
  atMs: seq * DAY_MS,
  action: 'update',
  resource: 'override',
  actor: 'ops',
  actorType: 'token',
  status: 'success',
  ...more,
})

const entries = [
  entry(1),
  entry(2, { action: 'delete', actor: 'eve', status: 'denied' }),
  entry(3, { resource: 'drain', actorType: 'network', details: { reason: 'New Kernel' } }),
  entry(4, { durationMs: 5 }),
]

describe('questions to the audit log', () => {
  for (const [text, expected] of [
    ['', [4, 3, 2, 1]],
    ['sort_order=asc', [1, 2, 3, 4]],
    ['actions=delete', [2]],
    ['actions=delete,update&resources=drain', [3]],
    ['actors=eve,ops&status=success', [4, 3, 1]],
    ['actor_types=network', [3]],
    ['search=kernel', [3]],
    ['start_time=1970-01-03T00:00:00Z&end_time=1970-01-04T00:00:00Z', [3, 2]],
    ['sort_by=actor&sort_order=asc', [2, 1, 3, 4]],
    ['sort_by=duration_ms', [4, 3, 2, 1]],
  ] as const)
    test(`"${text}" finds ${expected.join(', ')}`, () => {
      const query = auditQueryOf(new URLSearchParams(text))
      if (!query.ok) throw new Error(query.error)
      const found = entries.filter((one) => matchesQuery(query.value, one))
      expect(sortedBy(query.value, found).map(({ seq }) => seq)).toEqual(expected)
    })

  for (const text of [
    'sort_by=hash',
    'sort_order=up',
    'start_time=yesterday',
    `search=${'x'.repeat(300)}`,
    `actors=${'a,'.repeat(101)}`,
  ])
    test(`"${text.slice(0, 20)}" is refused`, () => {
      expect(auditQueryOf(new URLSearchParams(text)).ok).toBe(false)
    })
})

describe('the audit log as CSV', () => {
  for (const formula of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '|calc', '%0A'])
    test(`a cell that begins as ${JSON.stringify(formula)} is no formula`, () => {
      expect(csvField(formula)).toBe(`"'${formula}"`)
    })

  test('quotes are doubled and lines end in CR LF', () => {
    const csv = auditCsv([entry(1, { actor: 'a "b", c\nd' })])
    const [header, ...rest] = csv.split('\r\n')
    expect(header).toMatch(/^"id","timestamp","action"/)
    expect(rest.join('\r\n')).toContain('"a ""b"", c\nd"')
    expect(csv.endsWith('\r\n')).toBe(true)
  })
})
