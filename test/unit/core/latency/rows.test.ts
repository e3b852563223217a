// Goal: a choice is a function of row, turn and slot; shares come out as laid; exploration keeps to
// its budget and never reaches what is closed; a fence is never crossed.
import { describe, expect, test } from 'vitest'
import {
  COLD_START,
  explores,
  keyOf,
  LEARNED,
  type LatencyRows,
  NO_REGION,
  regionFor,
  UNKNOWN_REGION,
} from '../../../../src/core/latency/rows.ts'

const rowsOf = (changed: Partial<LatencyRows> = {}): LatencyRows => ({
  regions: 3,
  ranking: Uint8Array.of(2, 0, 1),
  shares: Uint16Array.of(700, 300, 0),
  lengths: Uint8Array.of(3),
  explore: Int8Array.of(1),
  method: Uint8Array.of(LEARNED),
  keys: Uint32Array.of(keyOf('192.0.2.0/24 app.example.com')),
  ...changed,
})
const all = (): Uint8Array => Uint8Array.of(1, 1, 1)
const asked = (turn: number, slot = 0, budget = 0, open = all()) => ({
  ...{ turn, slot, budget, open },
})

function countsOf(rows: LatencyRows, open?: Uint8Array): number[] {
  const counts = [0, 0, 0]
  for (let turn = 0; turn < 10_000; turn++) {
    const region = regionFor(rows, 0, asked(turn, 0, 0, open))
    counts[region] = (counts[region] ?? 0) + 1
  }
  return counts
}

describe('shares', () => {
  test('turns fall on near-equals as their shares say', () => {
    const [second, , first] = countsOf(rowsOf())
    expect(first! / 10_000).toBeCloseTo(0.7, 2)
    expect(second! / 10_000).toBeCloseTo(0.3, 2)
  })

  test('what is closed leaves its share to the others, then to the next in order', () => {
    expect(countsOf(rowsOf(), Uint8Array.of(1, 1, 0))).toEqual([10_000, 0, 0])
    expect(countsOf(rowsOf(), Uint8Array.of(0, 1, 0))).toEqual([0, 10_000, 0])
  })

  test('where nothing is open, or nothing known, it says which', () => {
    expect(regionFor(rowsOf(), 0, asked(1, 0, 0, new Uint8Array(3)))).toBe(NO_REGION)
    const cold = rowsOf({ method: Uint8Array.of(COLD_START) })
    expect(regionFor(cold, 0, asked(1))).toBe(UNKNOWN_REGION)
  })

  test('a region past the row’s length is fenced off, though it be the only one open', () => {
    const rows = rowsOf({ lengths: Uint8Array.of(2) })
    expect(regionFor(rows, 0, asked(1, 0, 0, Uint8Array.of(0, 1, 0)))).toBe(NO_REGION)
  })
})

describe('exploration', () => {
  test('takes its share of slots, within a tenth', () => {
    let slots = 0
    for (let slot = 0; slot < 100_000; slot++) if (explores(0x1234, slot, 100)) slots++
    expect(slots).toBeGreaterThan(900)
    expect(slots).toBeLessThan(1100)
  })

  test('is spread over rows within one slot', () => {
    let rows = 0
    for (let row = 0; row < 100_000; row++) if (explores(keyOf(`row ${row}`), 77, 100)) rows++
    expect(rows).toBeGreaterThan(900)
    expect(rows).toBeLessThan(1100)
  })

  const slot = (() => {
    const [key] = rowsOf().keys
    let at = 0
    while (!explores(key!, at, 100)) at++
    return at
  })()

  test('sends the whole slot to the target, and the same query there again', () => {
    for (let turn = 0; turn < 50; turn++)
      expect(regionFor(rowsOf(), 0, asked(turn, slot, 100))).toBe(1)
  })

  test('never goes to what is closed, nor beyond a budget of 0', () => {
    const open = Uint8Array.of(1, 0, 1)
    for (let turn = 0; turn < 50; turn++) {
      expect(regionFor(rowsOf(), 0, asked(turn, slot, 100, open))).not.toBe(1)
      expect(regionFor(rowsOf(), 0, asked(turn, slot, 0))).not.toBe(1)
    }
  })
})
