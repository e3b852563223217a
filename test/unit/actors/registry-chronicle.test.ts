// Goal: the account of what was published has a checkpoint with each epoch, each hour, after so
// many words and when the clock is set back, and a word for each change between them. Method: the
// registry with a disk in memory, and the chronicle alone with a clock of its own.
import { describe, expect, test } from 'vitest'
import { Chronicle } from '../../../src/actors/registry/chronicle.ts'
import type { RegistryPorts } from '../../../src/actors/registry/contract.ts'
import { memoryPorts } from '../../../src/actors/registry/ports-memory.ts'
import { limits } from '../../../src/core/base/limits.ts'
import type { HistoryRecord } from '../../../src/core/replay/history.ts'
import type { WordChange } from '../../../src/core/steer/snapshot.ts'

const HOUR_MS = limits.historyCheckpointMs.default

function world() {
  const records: HistoryRecord[] = []
  const add = (record: HistoryRecord) => void records.push(record)
  const history = { ...memoryPorts().history, checkpoint: add, append: add }
  const ports: RegistryPorts = { ...memoryPorts(), history }
  const clock = { nowMs: 1_000_000_000 }
  const timers: (() => void)[] = []
  const after = (_delayMs: number, run: () => void) => {
    timers.push(run)
    return () => {}
  }
  const published = {
    snapshot: () => ({ epoch: 1, version: 0, pools: [], words: [] }),
    named: ({ member }: WordChange) => ({ name: 'app', key: member === 0 ? 'a' : 'b' }),
  }
  const chronicle = new Chronicle(ports, { nowMs: () => clock.nowMs, after }, () => published)
  chronicle.checkpoint()
  const word = (version: number) => ({ epoch: 1, version, pool: 0, member: 1, word: 7 })
  const kinds = () => records.splice(0).map(({ kind }) => kind)
  kinds()
  return { chronicle, clock, records, word, kinds, timers }
}

describe('the chronicle', () => {
  test('names pool and server of each word', () => {
    const { chronicle, records, word } = world()
    chronicle.words([word(3)])
    expect(records).toEqual([
      {
        kind: 'word',
        ...{ atMs: 1_000_000_000, epoch: 1, version: 3, pool: 'app', server: 'b', word: 7 },
      },
    ])
  })

  test.each([
    ['within the hour', HOUR_MS, ['word']],
    ['after it', HOUR_MS + 1, ['checkpoint']],
    ['when the clock was set back', -1, ['checkpoint']],
  ])('%s', (_what, laterMs, expected) => {
    const { chronicle, clock, word, kinds } = world()
    clock.nowMs += laterMs
    chronicle.words([word(1)])
    expect(kinds()).toEqual(expected)
  })

  test('a storm of words begins a new stretch', () => {
    const { chronicle, word, kinds } = world()
    const most = limits.historyStretchWords.default
    chronicle.words(Array.from({ length: most }, (_, at) => word(at)))
    expect(kinds()).toHaveLength(most)
    chronicle.words([word(most)])
    chronicle.words([word(most + 1)])
    expect(kinds()).toEqual(['checkpoint', 'word'])
  })

  test('editions that follow each other share a checkpoint, made before a word of them', () => {
    const { chronicle, clock, records, word, kinds, timers } = world()
    for (let edition = 0; edition < 3; edition++) {
      clock.nowMs++
      chronicle.issued()
    }
    const sinceMs = clock.nowMs
    expect([records, timers.length]).toEqual([[], 1])
    clock.nowMs += limits.historyGatherMs.default
    timers[0]!()
    expect(records).toMatchObject([{ kind: 'checkpoint', atMs: sinceMs }])
    kinds()
    chronicle.issued()
    chronicle.words([word(1)])
    chronicle.words([word(2)])
    expect(kinds()).toEqual(['checkpoint', 'word'])
    chronicle.issued()
    chronicle.settle()
    chronicle.settle()
    clock.nowMs += 1
    expect(kinds(), 'whoever reads finds it').toEqual(['checkpoint'])
  })

  test('no words are no reason for a checkpoint', () => {
    const { chronicle, clock, kinds } = world()
    clock.nowMs += HOUR_MS * 2
    chronicle.words([])
    expect(kinds()).toEqual([])
  })
})
