/**
 * Goal: averages by client network with the weights the formula gives, in bounded memory; reports
 * hold what is new, in pages, and say the rest again in turn. Method: the tables alone.
 */
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { Reports } from '../../../../src/core/latency/report.ts'
import { type SubnetRules, Subnets } from '../../../../src/core/latency/subnets.ts'

const rules: SubnetRules = { ipv4Prefix: 24, ipv6Prefix: 48, alpha: 0.3, maxSubnets: 100_000 }
const v4 = (...octets: readonly number[]) => Uint8Array.from(octets)

const rowsOf = (subnets: Subnets) =>
  Array.from({ length: subnets.slots.high }, (_, entry) => entry)
    .filter((entry) => subnets.slots.isUsed(entry))
    .map((entry) => subnets.row(entry))

describe('averages', () => {
  test('the first sample is taken as it is, later ones with their weight', () => {
    const subnets = new Subnets(rules, 1)
    subnets.add(0, 4, v4(10, 1, 2, 3), 0, 100, 1, 1_000)
    subnets.add(0, 4, v4(10, 1, 2, 99), 0, 200, 1, 2_000)
    const [row] = rowsOf(subnets)
    expect(row).toMatchObject({ subnet: '10.1.2.0/24', samples: 2, lastSeenMs: 2_000 })
    expect(row!.rttMs).toBeCloseTo(130)
    // 0.7 * (0 + 0.3 * 100^2)
    expect(row!.deviationMs).toBeCloseTo(Math.sqrt(2_100), 2)
    expect([row!.minMs, row!.maxMs]).toEqual([100, 200])
  })

  test('a reading of n samples weighs as n readings of one', () => {
    const [one, two] = [new Subnets(rules, 1), new Subnets(rules, 2)]
    for (const subnets of [one, two]) subnets.add(0, 4, v4(10, 1, 2, 3), 0, 100, 1, 0)
    for (let turn = 0; turn < 3; turn++) one.add(0, 4, v4(10, 1, 2, 3), 0, 50, 1, 0)
    two.add(0, 4, v4(10, 1, 2, 3), 0, 50, 3, 0)
    const [rowOne, rowTwo] = [rowsOf(one)[0]!, rowsOf(two)[0]!]
    expect(rowTwo.rttMs).toBeCloseTo(rowOne.rttMs, 3)
    expect(rowTwo.deviationMs).toBeCloseTo(rowOne.deviationMs, 3)
    expect(rowTwo.samples).toBe(rowOne.samples)
  })

  test('services and families are kept apart, and networks have the length asked for', () => {
    const subnets = new Subnets({ ...rules, ipv4Prefix: 20, ipv6Prefix: 33 }, 1)
    const v6 = Uint8Array.from([0x20, 1, 0xd, 0xb8, 0xff, ...new Array(11).fill(0xff)])
    subnets.add(0, 4, v4(10, 1, 31, 3), 0, 1, 1, 0)
    subnets.add(1, 4, v4(10, 1, 31, 3), 0, 1, 1, 0)
    subnets.add(0, 6, v6, 0, 1, 1, 0)
    expect(rowsOf(subnets).map(({ subnet }) => subnet)).toEqual([
      ...['10.1.16.0/20', '10.1.16.0/20', '2001:db8:8000::/33'],
    ])
  })

  test('networks that were silent too long are forgotten, and so are services that are gone', () => {
    const subnets = new Subnets(rules, 1)
    subnets.add(0, 4, v4(10, 1, 2, 3), 0, 1, 1, 0)
    subnets.add(1, 4, v4(10, 1, 3, 3), 0, 1, 1, 900)
    subnets.prune(1_000, 500)
    expect(rowsOf(subnets).map(({ subnet }) => subnet)).toEqual(['10.1.3.0/24'])
    subnets.retain(new Set([0]))
    expect(subnets.size).toBe(0)
    expect(subnets.pruned).toBe(2)
  })
})

test('a hundred thousand networks take less than 16 MB, and more push out the silent ones', () => {
  const subnets = new Subnets(rules, 7)
  const add = (index: number) =>
    subnets.add(0, 4, v4(10 + (index >> 16), index >> 8, index, 1), 0, 5, 1, index)
  for (let index = 0; index < 100_000; index++) add(index)
  expect(subnets.size).toBe(100_000)
  expect(subnets.bytes).toBeLessThan(16 * 1_024 * 1_024)
  // The first hundred stay in use; of the others some must go.
  for (let index = 100_000; index < 150_000; index++) {
    add(index)
    add(index % 100)
  }
  expect(subnets.size).toBe(100_000)
  // The first round of the hand finds all alike, and may take some that are in use.
  expect(subnets.evicted).toBeLessThanOrEqual(50_200)
  const held = new Set(rowsOf(subnets).map(({ subnet }) => subnet))
  for (let index = 0; index < 100; index++) expect(held.has(`10.0.${index}.0/24`)).toBe(true)
})

describe('reports', () => {
  const filled = (count: number, samples = 5) => {
    const subnets = new Subnets(rules, 3)
    for (let index = 0; index < count; index++)
      for (let turn = 0; turn < samples; turn++)
        subnets.add(index % 2, 4, v4(10, index >> 8, index, 1), 0, 5, 1, 0)
    return subnets
  }
  const names = (pages: ReturnType<Reports['take']>) =>
    pages.flatMap(({ rows }) => rows.map(({ subnet }) => subnet))

  test('hold each network with enough samples once, in pages of one service', () => {
    const subnets = filled(1_000)
    const few = filled(10, 4)
    const pages = new Reports().take(subnets, 5)
    expect(new Set(names(pages)).size).toBe(1_000)
    expect(Math.max(...pages.map(({ rows }) => rows.length))).toBe(limits.latencyPageRows.default)
    expect(new Reports().take(few, 5)).toEqual([])
  })

  test('hold what changed, and in turn all the rest', () => {
    const subnets = filled(2_000)
    const reports = new Reports()
    expect(names(reports.take(subnets, 5))).toHaveLength(2_000)
    subnets.add(0, 4, v4(10, 0, 4, 1), 0, 9, 1, 1)
    const again = names(reports.take(subnets, 5))
    expect(again).toContain('10.0.4.0/24')
    expect(again).toHaveLength(1 + limits.latencyRefreshRows.default)
    const rest = new Set(again)
    for (let turn = 0; turn < 4; turn++)
      for (const one of names(reports.take(subnets, 5))) rest.add(one)
    expect(rest.size).toBe(2_000)
  })

  test('of more changes than fit go on in the next', () => {
    const subnets = new Subnets({ ...rules, ipv4Prefix: 32 }, 3)
    const count = limits.latencyReportRows.default + 500
    for (let index = 0; index < count; index++)
      subnets.add(0, 4, v4(10, index >> 16, index >> 8, index), 0, 5, 5, 0)
    const reports = new Reports()
    const first = names(reports.take(subnets, 5))
    const second = names(reports.take(subnets, 5))
    expect(first).toHaveLength(limits.latencyReportRows.default)
    expect(new Set([...first, ...second]).size).toBe(count)
  })
})
