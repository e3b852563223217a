// Goal: past its deadline nobody answers, whoever wrote it and whatever the clock reads.
import { describe, expect, test } from 'vitest'
import { Lease, leaseMemory } from '../../../../src/core/cluster/lease.ts'

const pair = () => {
  const memory = leaseMemory()
  return { writer: new Lease(memory), reader: new Lease(memory) }
}

describe('the leave to answer', () => {
  test('is not there before it is granted', () => {
    expect(pair().reader.holds(0)).toBe(false)
  })

  test('holds until its deadline, for every reader of the memory', () => {
    const { writer, reader } = pair()
    writer.grant(1_000.9)
    expect([999.9, 1_000, 1_001].map((at) => reader.holds(at))).toEqual([true, false, false])
  })

  test('that has ended stays ended, also for a clock read before', () => {
    const { writer, reader } = pair()
    writer.grant(1_000)
    expect(reader.holds(2_000)).toBe(false)
    expect(writer.holds(500)).toBe(false)
    writer.grant(3_000)
    expect(reader.holds(2_000)).toBe(true)
  })

  test('for good holds until it is taken back', () => {
    const { writer, reader } = pair()
    writer.grantForGood()
    expect(reader.holds(1e12)).toBe(true)
    writer.revoke()
    expect(reader.holds(0)).toBe(false)
  })

  test('is beside a silence that ends by itself, and with a word', () => {
    const { writer, reader } = pair()
    expect(reader.isSilent(0)).toBe(false)
    writer.hush(1_000)
    expect([999, 1_000, 999].map((at) => reader.isSilent(at))).toEqual([true, false, false])
    writer.hush(3_000)
    writer.hush(0)
    expect(reader.isSilent(2_000)).toBe(false)
  })

  test.each([2 ** 31 - 200, 2 ** 32 - 200, 2 ** 33 + 2 ** 31 - 200])(
    'is told right where the milliseconds of a machine up for long pass %d',
    (startMs) => {
      const { writer, reader } = pair()
      writer.grant(startMs + 350)
      expect(reader.holds(startMs + 300)).toBe(true)
      expect(reader.holds(startMs + 351)).toBe(false)
      writer.hush(startMs + 350)
      expect(reader.isSilent(startMs + 300)).toBe(true)
      expect(reader.isSilent(startMs + 351)).toBe(false)
    },
  )
})
