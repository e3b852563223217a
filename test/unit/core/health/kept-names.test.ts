import { describe, expect, test } from 'vitest'
import { KeptNames } from '../../../../src/core/health/kept-names.ts'

const zones = new Set(['gslb.test'])
const served = (...names: string[]) => new Set(names)

describe('names of services without a server', () => {
  test('a name outlives its last server by the given time and no longer', () => {
    const kept = new KeptNames()
    expect(kept.note(served('web.gslb.test'), zones, 1_000, 0)).toEqual([])
    expect(kept.note(served(), zones, 1_000, 100)).toEqual(['web.gslb.test'])
    expect(kept.nextDueMs()).toBe(1_100)
    expect(kept.note(served(), zones, 1_000, 1_099)).toEqual(['web.gslb.test'])
    expect(kept.note(served(), zones, 1_000, 1_100)).toEqual([])
    expect(kept.nextDueMs()).toBe(Number.POSITIVE_INFINITY)
  })

  test('a server that comes back ends the wait, and its next end begins another', () => {
    const kept = new KeptNames()
    kept.note(served('web.gslb.test'), zones, 1_000, 0)
    kept.note(served(), zones, 1_000, 100)
    expect(kept.note(served('web.gslb.test'), zones, 1_000, 900)).toEqual([])
    expect(kept.note(served(), zones, 1_000, 1_000)).toEqual(['web.gslb.test'])
    expect(kept.nextDueMs()).toBe(2_000)
  })

  test('a name whose zone is served no more is given up', () => {
    const kept = new KeptNames()
    kept.note(served('web.gslb.test'), zones, 1_000, 0)
    expect(kept.note(served(), new Set(['other.test']), 1_000, 100)).toEqual([])
  })
})
