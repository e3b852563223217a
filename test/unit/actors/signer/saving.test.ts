// Goal: who changed a key waits for the write that has it and for nothing later, however often
// others change something meanwhile; nothing is told that is not on disk.
import { expect, test } from 'vitest'
import { Saving } from '../../../../src/actors/signer/saving.ts'

/** A disk on which each write ends when it is told to. */
function slowDisk() {
  const log: string[] = []
  const ends: ((outcome: 'saved' | 'failed') => void)[] = []
  const saving = new Saving({
    write: () => {
      log.push('write')
      return new Promise((resolve) => ends.push(resolve))
    },
    saved: () => void log.push('told'),
    failed: () => void log.push('failed'),
  })
  const change = (name: string) => {
    saving.changed()
    return saving.store().then((isKept) => void log.push(`${name} ${isKept}`))
  }
  const end = async (outcome: 'saved' | 'failed' = 'saved') => {
    ends.shift()!(outcome)
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  return { saving, log, change, end, writes: () => ends.length }
}

test('a change is answered after its own write though others go on changing', async () => {
  const { log, change, end } = slowDisk()
  void change('a')
  for (let later = 0; later < 20; later++) {
    void change(`later ${later}`)
    await end()
  }
  expect(log.slice(0, 4)).toEqual(['write', 'a true', 'write', 'later 0 true'])
  // Each change was made during a write, so that there is always one more before it is told.
  expect(log).not.toContain('told')
  await end()
  expect(log.slice(-2)).toEqual(['told', 'later 19 true'])
})

test('a change made during a write is answered by the next one, one write for all of them', async () => {
  const { log, change, end, writes } = slowDisk()
  void change('a')
  void change('b')
  void change('c')
  expect(writes()).toBe(1)
  await end()
  await end()
  expect(log).toEqual(['write', 'a true', 'write', 'told', 'b true', 'c true'])
})

test('a write that fails is told to all who wait, and tried again when asked', async () => {
  const { saving, log, change, end, writes } = slowDisk()
  void change('a')
  void change('b')
  await end('failed')
  expect(log).toEqual(['write', 'failed', 'a false', 'b false'])
  expect(writes()).toBe(0)
  saving.retry()
  saving.retry()
  expect(writes()).toBe(1)
  await end()
  expect(log.slice(4)).toEqual(['write', 'told'])
  saving.retry()
  expect(writes()).toBe(0)
  await saving.close()
})

test('where nothing changed it is told at once', async () => {
  const { saving, log } = slowDisk()
  expect(await saving.store()).toBe(true)
  expect(await saving.store()).toBe(true)
  expect(log).toEqual(['told', 'told'])
})
