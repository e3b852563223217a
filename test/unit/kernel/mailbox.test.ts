/** Goal: control first, peers in turn, and no peer keeps the event loop to itself. */
import { expect, test } from 'vitest'
import { Mailbox } from '../../../src/kernel/mailbox.ts'

function box(handleMs = 0, batchesPerTurn = 3) {
  const seen: string[] = []
  const deferred: (() => void)[] = []
  let nowMs = 0
  const mailbox = new Mailbox<string>({
    batchesPerTurn,
    turnMs: 5,
    monotonicMs: () => nowMs,
    defer: (run) => void deferred.push(run),
    pollControl: () => void seen.push('control'),
    handle: (batch) => {
      nowMs += handleMs
      seen.push(batch)
    },
  })
  const turn = () => {
    for (const run of deferred.splice(0)) run()
  }
  return { mailbox, seen, turn }
}

test('control is polled before every batch', () => {
  const { mailbox, seen } = box()
  for (const batch of ['a', 'b']) mailbox.arrive(batch)
  expect(seen).toEqual(['control', 'a', 'control', 'b'])
})

test('after so many batches the event loop turns before the next', () => {
  const { mailbox, seen, turn } = box()
  const batches = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  for (const batch of batches) mailbox.arrive(batch)
  const handled = () => seen.filter((entry) => entry !== 'control').join('')
  expect(handled()).toBe('abc')
  turn()
  expect(handled()).toBe('abcdef')
  turn()
  expect(handled()).toBe('abcdefg')
  expect(mailbox.waiting).toBe(0)
})

test('a slow batch ends the turn early', () => {
  const { mailbox, seen } = box(5)
  for (const batch of ['a', 'b']) mailbox.arrive(batch)
  expect(seen).toEqual(['control', 'a'])
})
