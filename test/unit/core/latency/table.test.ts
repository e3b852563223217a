/**
 * Goal: what several agents say of one network is merged by samples, age and steadiness; a word far
 * off starts its trust again; bounds and ages hold. Method: the table alone, time as an argument.
 */
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { decodeRows, encodeRows } from '../../../../src/core/latency/rows-codec.ts'
import { type Heard, LatencyTable } from '../../../../src/core/latency/table.ts'
import { parsePrefix } from '../../../../src/core/net/address.ts'

const NOW = 1_750_000_000_000
const HOUR = 3_600_000

function heard(subnet: string, rttMs: number, more: Partial<Heard> = {}): Heard {
  const prefix = parsePrefix(subnet)
  if (!prefix.ok) throw new Error(prefix.error)
  return {
    ...{ prefix: prefix.value, service: 'web.test', region: 'eu', source: 'a1', rttMs },
    ...{ deviationMs: 0, samples: 10, observedMs: NOW },
    ...more,
  }
}

const only = (table: LatencyTable, nowMs = NOW) => {
  const all = [...table.learned(nowMs)]
  expect(all).toHaveLength(1)
  return all[0]!
}

describe('merging', () => {
  test('two agents of a region count by their samples, and host bits are masked', () => {
    const table = new LatencyTable(1)
    expect(table.take(heard('10.1.2.3/24', 10, { samples: 30 }), NOW)).toBe('taken')
    table.take(heard('10.1.2.0/24', 20, { source: 'a2', samples: 10 }), NOW)
    expect(only(table)).toMatchObject({
      subnet: '10.1.2.0/24',
      samples: 40,
      sources: ['a1', 'a2'],
      weight: 40,
    })
    expect(only(table).rttMs).toBeCloseTo(12.5)
    // Between the two agents there is spread, though each is steady.
    expect(only(table).deviationMs).toBeCloseTo(4.33, 1)
  })

  test('an agent that is unsteady, or was silent for long, counts less', () => {
    const table = new LatencyTable(1)
    table.take(heard('10.1.2.0/24', 10), NOW)
    table.take(heard('10.1.2.0/24', 20, { source: 'a2', deviationMs: 20 }), NOW)
    expect(only(table).rttMs).toBeCloseTo((10 * 10 + 5 * 20) / 15)
    const halfLife = limits.latencyHalfLifeMs.default
    const aged = new LatencyTable(1)
    aged.take(heard('10.1.2.0/24', 10), NOW)
    aged.take(heard('10.1.2.0/24', 20, { source: 'a2', observedMs: NOW - halfLife }), NOW)
    expect(only(aged).rttMs).toBeCloseTo((10 * 10 + 5 * 20) / 15)
    expect(only(aged, NOW + halfLife).weight).toBeCloseTo(7.5)
  })

  test('a later word of the same agent replaces its earlier one, and an older one does not', () => {
    const table = new LatencyTable(1)
    table.take(heard('10.1.2.0/24', 10), NOW)
    expect(table.take(heard('10.1.2.0/24', 99, { observedMs: NOW - 1 }), NOW)).toBe('older')
    table.take(heard('10.1.2.0/24', 11, { samples: 12, observedMs: NOW + 5 }), NOW + 5)
    expect(only(table, NOW + 5)).toMatchObject({ rttMs: 11, samples: 12 })
  })

  test('services and regions are kept apart, and so are lengths of networks', () => {
    const table = new LatencyTable(1)
    table.take(heard('10.1.2.0/24', 10), NOW)
    table.take(heard('10.1.2.0/24', 10, { region: 'us' }), NOW)
    table.take(heard('10.1.2.0/24', 10, { service: 'api.test' }), NOW)
    table.take(heard('10.1.0.0/16', 10), NOW)
    table.take(heard('2001:db8:1::/48', 10), NOW)
    expect([...table.learned(NOW)]).toHaveLength(5)
    expect(table.subnetCount()).toBe(3)
  })
})

describe('trust', () => {
  test('a word far outside of what was known starts its weight again', () => {
    const table = new LatencyTable(1)
    table.take(heard('10.1.2.0/24', 10, { deviationMs: 1, samples: 500 }), NOW)
    const next = { deviationMs: 1, samples: 505, observedMs: NOW + 1 }
    expect(table.take(heard('10.1.2.0/24', 80, next), NOW + 1)).toBe('changed')
    expect(only(table, NOW + 1).weight).toBeLessThan(6)
    expect(table.changes).toBe(1)
  })

  test('noise within four deviations changes nothing', () => {
    const table = new LatencyTable(1)
    table.take(heard('10.1.2.0/24', 10, { deviationMs: 1 }), NOW)
    const next = { deviationMs: 1, samples: 20, observedMs: NOW + 1 }
    expect(table.take(heard('10.1.2.0/24', 13.5, next), NOW + 1)).toBe('taken')
    expect(only(table, NOW + 1).weight).toBeGreaterThan(15)
  })

  test('a row from before a restart counts a quarter until its agent speaks', () => {
    const table = new LatencyTable(1)
    table.take(heard('10.1.2.0/24', 10), NOW, 'file')
    expect(only(table).weight).toBeCloseTo(2.5)
    table.take(heard('10.1.2.0/24', 10), NOW)
    expect(only(table).weight).toBeCloseTo(10)
    expect(table.take(heard('10.1.2.0/24', 50), NOW, 'file')).toBe('older')
  })

  test('of another overwatch only what was observed later is taken', () => {
    const table = new LatencyTable(1)
    table.take(heard('10.1.2.0/24', 10), NOW)
    expect(table.take(heard('10.1.2.0/24', 50), NOW, 'peer')).toBe('older')
    expect(table.take(heard('10.1.2.0/24', 10.5, { observedMs: NOW + 1 }), NOW + 1, 'peer')).toBe(
      'taken',
    )
  })
})

test.each<[string, Partial<Heard> & { subnet?: string }]>([
  ['a network of half the world', { subnet: '0.0.0.0/1' }],
  ['a negative time', { rttMs: -1 }],
  ['a time that is none', { rttMs: Number.NaN }],
  ['an hour', { rttMs: HOUR }],
  ['no sample', { samples: 0 }],
  ['half a sample', { samples: 1.5 }],
  ['observed a month ago', { observedMs: NOW - 31 * 24 * HOUR }],
])('%s is refused', (_what, { subnet = '10.1.2.0/24', ...more }) => {
  const table = new LatencyTable(1)
  expect(table.take(heard(subnet, 10, more), NOW)).toBe('refused')
  expect(table.entries.count).toBe(0)
})

test('one agent cannot push out the rows of all others', () => {
  const table = new LatencyTable(1, 1_000_000, 1_000_000)
  table.take(heard('192.0.2.0/24', 10, { source: 'other' }), NOW)
  const most = limits.latencySourceRows.default
  const subnetOf = (index: number) =>
    `${10 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`
  for (let index = 0; index < most; index++) table.take(heard(subnetOf(index), 10), NOW)
  expect(table.take(heard(subnetOf(most), 10), NOW)).toBe('refused')
  expect(table.take(heard(subnetOf(0), 11), NOW)).toBe('taken')
  expect(table.take(heard(subnetOf(most), 10, { source: 'other' }), NOW)).toBe('taken')
  // What was forgotten makes room again.
  const laterMs = NOW + limits.latencyRowMs.default + 1
  table.prune(laterMs)
  expect(table.take(heard(subnetOf(0), 10, { observedMs: laterMs }), laterMs)).toBe('taken')
})

test('a clock of the agent that is ahead gives no row a longer life', () => {
  const table = new LatencyTable(1)
  table.take(heard('10.1.2.0/24', 10, { observedMs: NOW + 24 * HOUR }), NOW)
  expect(only(table).observedMs).toBe(NOW)
})

test('rows and entries stay within their bounds, and entries without rows are gone', () => {
  const table = new LatencyTable(1, 50, 80)
  for (let turn = 0; turn < 1_000; turn++) {
    const subnet = `10.${turn % 7}.${turn % 199}.0/24`
    table.take(heard(subnet, 10, { source: `a${turn % 3}`, observedMs: NOW + turn }), NOW + turn)
    expect(table.entries.count).toBeLessThanOrEqual(50)
    expect(table.rows.count).toBeLessThanOrEqual(80)
  }
  const all = [...table.learned(NOW + 1_000)]
  expect(all.reduce((sum, { sources }) => sum + sources.length, 0)).toBe(table.rows.count)
  expect(all.every(({ sources }) => sources.length > 0)).toBe(true)
  expect(table.evicted).toBeGreaterThan(500)
  table.prune(NOW + limits.latencyRowMs.default + 10_000)
  expect(table.entries.count).toBe(0)
  expect(table.rows.count).toBe(0)
})

describe('as octets and as columns', () => {
  const rows = [
    heard('10.1.2.0/24', 10.5, { deviationMs: 1.5, minMs: 9 }),
    heard('2001:db8:1::/48', 40, { region: 'ü', source: 'b' }),
  ]

  test('rows survive the way through octets', () => {
    const decoded = decodeRows(encodeRows(rows), 10)
    expect(decoded.ok && decoded.value).toMatchObject([rows[0]!, { ...rows[1]!, minMs: 40 }])
  })

  test('octets that are cut, turned or too many are refused, and none throw', () => {
    const octets = encodeRows(rows)
    for (let length = 0; length < octets.length; length++)
      expect(decodeRows(octets.subarray(0, length), 10).ok).toBe(false)
    for (let at = 0; at < octets.length; at++) {
      const turned = octets.slice()
      turned[at]! ^= 0x41
      expect(decodeRows(turned, 10).ok).toBe(false)
    }
    expect(decodeRows(octets, 1).ok).toBe(false)
  })

  test('each entry of which something is said anew is named, and tells what all say', () => {
    const table = new LatencyTable(1)
    const named: number[] = []
    table.changedEntry = (entry) => void named.push(entry)
    for (const row of rows) table.take(row, NOW)
    expect(new Set(named)).toEqual(new Set(table.used()))
    const told = [...table.used()].map((entry) => table.measured(entry, NOW))
    expect(told.map(({ prefix }) => `${prefix.address.text}/${prefix.length}`)).toEqual([
      '10.1.2.0/24',
      expect.stringMatching(/[/]48$/),
    ])
    expect(told[1]!.region).toBe('ü')
    expect(told[0]!.rttMs).toBeCloseTo(10.5)
  })
})
