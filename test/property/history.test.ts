// Goal: the checker of histories calls a history linearizable when it is, and only then.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge, type Operation } from '../harness/history.ts'

const op = (
  kind: 'read' | 'write',
  value: string,
  calledMs: number,
  endedMs: number,
): Operation => ({ kind, value, calledMs, endedMs })
const NEVER = Number.POSITIVE_INFINITY

describe('a history', () => {
  for (const [name, holds, history] of [
    ['of nothing', true, []],
    ['with a read of what was written', true, [op('write', 'a', 0, 1), op('read', 'a', 2, 3)]],
    ['with a read of what was there before', false, [op('write', 'a', 0, 1), op('read', '', 2, 3)]],
    ['with a read during the write, before', true, [op('write', 'a', 0, 9), op('read', '', 2, 3)]],
    ['with a read during the write, after', true, [op('write', 'a', 0, 9), op('read', 'a', 2, 3)]],
    [
      'that goes back during a write',
      false,
      [op('write', 'a', 0, 9), op('read', 'a', 2, 3), op('read', '', 4, 5)],
    ],
    [
      'with a write of which nobody knows, and that took place late',
      true,
      [op('write', 'a', 0, NEVER), op('read', '', 4, 5), op('read', 'a', 6, 7)],
    ],
    [
      'with a write of which nobody knows, and that never took place',
      true,
      [op('write', 'a', 0, NEVER), op('write', 'b', 1, 2), op('read', 'b', 6, 7)],
    ],
    [
      'with such a write that takes place twice',
      false,
      [
        ...[op('write', 'a', 0, NEVER), op('read', 'a', 1, 2), op('write', 'b', 3, 4)],
        ...[op('read', 'b', 5, 6), op('read', 'a', 7, 8)],
      ],
    ],
    [
      'with two writes at once, read in two orders',
      false,
      [
        ...[op('write', 'a', 0, 1), op('write', 'b', 0, 1)],
        ...[op('read', 'a', 2, 3), op('read', 'b', 4, 5)],
      ],
    ],
    [
      'with a lost write',
      false,
      [op('write', 'a', 0, 1), op('write', 'b', 2, 3), op('read', 'a', 4, 5)],
    ],
    [
      'that is cleared twice',
      true,
      [
        ...[op('write', 'a', 0, 1), op('write', '', 2, 3), op('read', '', 4, 5)],
        ...[op('write', 'b', 6, 7), op('write', '', 8, 9), op('read', '', 10, 11)],
      ],
    ],
    [
      'with a clear that is lost',
      false,
      [op('write', 'a', 0, 1), op('write', '', 2, 3), op('read', 'a', 4, 5)],
    ],
    [
      'with a clear of which nobody knows, once, and late',
      true,
      [
        ...[op('write', 'a', 0, 1), op('write', '', 2, NEVER), op('read', 'a', 4, 5)],
        ...[op('read', '', 6, 7), op('write', 'b', 8, 9), op('read', 'b', 10, 11)],
      ],
    ],
    [
      'with such a clear that takes place twice',
      false,
      [
        ...[op('write', 'a', 0, 1), op('write', '', 2, NEVER), op('read', '', 4, 5)],
        ...[op('write', 'b', 6, 7), op('read', '', 8, 9)],
      ],
    ],
    [
      'with such a clear before it was called',
      false,
      [op('write', 'a', 0, 1), op('read', '', 2, 3), op('write', '', 4, NEVER)],
    ],
    [
      'with one clear of two that nobody knows of, and reads back and forth',
      false,
      [
        ...[op('write', 'a', 0, 1), op('write', '', 2, NEVER), op('write', '', 2, NEVER)],
        ...[op('read', '', 3, 4), op('read', 'a', 5, 6)],
      ],
    ],
  ] as const satisfies readonly (readonly [string, boolean, readonly Operation[]])[])
    test(`${name} is ${holds ? '' : 'not '}linearizable`, () => {
      expect(judge(history).holds).toBe(holds)
    })

  /** Operations with a moment each at which they take place, and what a register does then. */
  const real = fc
    .array(
      fc.record({
        isWrite: fc.boolean(),
        isClear: fc.boolean(),
        calledMs: fc.nat(200),
        untilMs: fc.nat(20),
        afterMs: fc.nat(20),
        isAnswered: fc.boolean(),
      }),
      { maxLength: 30 },
    )
    .map((rows) => {
      let value = ''
      const moments = rows.map((row, at) => ({ ...row, at, momentMs: row.calledMs + row.untilMs }))
      return [...moments]
        .sort((a, b) => a.momentMs - b.momentMs || a.at - b.at)
        .map(({ isWrite, isClear, calledMs, momentMs, afterMs, isAnswered, at }): Operation => {
          if (isWrite) value = isClear ? '' : `w${at}`
          const endedMs = isWrite && !isAnswered ? NEVER : momentMs + afterMs
          return op(isWrite ? 'write' : 'read', value, calledMs, endedMs)
        })
    })

  test('of a register is linearizable, whatever overlaps', () => {
    fc.assert(fc.property(real, (history) => judge(history).holds))
  })

  test('with one read of a value that nobody wrote is not', () => {
    fc.assert(
      fc.property(real, fc.nat(200), (history, atMs) => {
        return !judge([...history, op('read', 'nobody', atMs, atMs + 5)]).holds
      }),
    )
  })
})
