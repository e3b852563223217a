// Goal: what was published can be looked at as of any moment since the first checkpoint, also after
// a kill; damage costs the words behind it and nothing else. Method: the history on a real disk and
// the one in memory, the same suite.
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { History } from '../../src/actors/registry/contract.ts'
import { openHistory } from '../../src/actors/registry/ports-history.ts'
import { memoryHistory } from '../../src/actors/registry/ports-memory.ts'
import { limits } from '../../src/core/base/limits.ts'
import type { Checkpoint, WordRecord } from '../../src/core/replay/history.ts'
import { poolSpecOf } from '../harness/dns-world.ts'

const START = 1_700_000_000_000
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const freshDir = () => {
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-history-'))
  folders.push(folder)
  return folder
}

const SETTINGS = { retentionMs: 1_000_000_000_000, maxBytes: 100_000_000 }
const faults = { failedCommits: 0, dropped: 0 }

const pool = poolSpecOf(
  { name: 'app.test', zone: 'app.test', addresses: ['192.0.2.1', '192.0.2.2'] },
  0,
)
const keys = pool.members.map(({ key }) => key)

const checkpoint = (atMs: number, epoch: number, words: number[], configHash = ''): Checkpoint => ({
  kind: 'checkpoint',
  ...{ atMs, epoch, version: 0, configHash, pools: [pool], words: [words] },
})
const word = (atMs: number, epoch: number, version: number, member: number, value: number) =>
  ({
    kind: 'word',
    ...{ atMs, epoch, version, pool: 'app.test', server: keys[member]!, word: value },
  }) satisfies WordRecord

async function fill(history: History): Promise<void> {
  history.checkpoint(checkpoint(START, 1, [1, 1]))
  history.append(word(START + 10, 1, 1, 0, 2))
  history.append(word(START + 20, 1, 2, 1, 3))
  history.checkpoint(checkpoint(START + 100, 2, [9, 9]))
  history.append(word(START + 110, 2, 1, 1, 8))
  await history.flush()
}

const wordsAt = async (history: History, atMs: number) =>
  (await history.read(atMs)).past?.words[0] ?? 'nothing'

const worlds: readonly (readonly [string, () => Promise<History>])[] = [
  ['on disk', () => openHistory(freshDir(), SETTINGS, faults)],
  ['in memory', async () => memoryHistory()],
]

describe.each(worlds)('the history %s', (_name, open) => {
  test('gives the words as of each moment', async () => {
    const history = await open()
    await fill(history)
    expect(await wordsAt(history, START - 1)).toBe('nothing')
    expect(await wordsAt(history, START)).toEqual([1, 1])
    expect(await wordsAt(history, START + 15)).toEqual([2, 1])
    expect(await wordsAt(history, START + 99)).toEqual([2, 3])
    expect(await wordsAt(history, START + 100)).toEqual([9, 9])
    expect(await wordsAt(history, START + 999)).toEqual([9, 8])
    expect(await history.read(START - 1)).toMatchObject({
      outcome: 'nothing-held',
      heldFromMs: START,
    })
    await history.close()
  })

  test('a word of another epoch changes nothing', async () => {
    const history = await open()
    history.checkpoint(checkpoint(START, 5, [1, 1]))
    history.append(word(START + 1, 4, 99, 0, 7))
    await history.flush()
    expect(await wordsAt(history, START + 2)).toEqual([1, 1])
    await history.close()
  })

  test('a checkpoint brings its configuration with it', async () => {
    const history = await open()
    const hash = 'ab'.repeat(32)
    history.keepConfig(hash, 'dns: {}')
    history.checkpoint(checkpoint(START, 1, [1, 1], hash))
    await history.flush()
    expect((await history.read(START)).past?.configuration).toBe('dns: {}')
    await history.close()
  })
})

describe('the history on disk', () => {
  test('on a full disk a checkpoint waits in one file, and is there once there is room', async () => {
    const folder = freshDir()
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder])
    expect(mounted.status).toBe(0)
    try {
      const failed = { failedCommits: 0, dropped: 0 }
      const history = await openHistory(folder, SETTINGS, failed)
      const fillers = Array.from({ length: 16 }, (_, at) => join(folder, `filler-${at}`))
      for (const filler of fillers) {
        try {
          writeFileSync(filler, Buffer.alloc(4_096))
        } catch {
          break
        }
      }
      history.checkpoint(checkpoint(START, 1, [1, 1]))
      while (failed.failedCommits < 3) await sleep(50)
      expect(readdirSync(join(folder, 'history'))).toHaveLength(1)
      for (const filler of fillers) rmSync(filler, { force: true })
      await history.flush()
      expect(await wordsAt(history, START)).toEqual([1, 1])
      await history.close()
    } finally {
      spawnSync('umount', [folder])
    }
  })

  test('outlives the process, and a torn end costs only what is behind it', async () => {
    const folder = freshDir()
    const first = await openHistory(folder, SETTINGS, faults)
    await fill(first)
    // No close: the process was killed.
    const files = readdirSync(join(folder, 'history')).sort()
    expect(files).toHaveLength(2)
    const last = join(folder, 'history', files[1]!)
    appendFileSync(last, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    const second = await openHistory(folder, SETTINGS, faults)
    expect(await wordsAt(second, START + 999)).toEqual([9, 8])
    expect(await wordsAt(second, START + 15)).toEqual([2, 1])
    truncateSync(last, 20)
    // The whole checkpoint of the last stretch is gone: the one before it is what is known.
    expect(await wordsAt(second, START + 999)).toEqual([2, 3])
    await second.close()
    await first.close()
  })

  test('retention removes whole stretches, oldest first, and says since when it holds', async () => {
    const history = await openHistory(freshDir(), { ...SETTINGS, maxBytes: 4_000 }, faults)
    for (let at = 0; at < 20; at++) {
      history.checkpoint(checkpoint(START + at * 100, at + 1, [at, at]))
      await history.flush()
    }
    const { outcome, heldFromMs } = await history.read(START + 50)
    expect(outcome).toBe('nothing-held')
    expect(heldFromMs).toBeGreaterThan(START + 1_000)
    expect(await wordsAt(history, START + 1_900)).toEqual([19, 19])
    await history.close()
  })

  test('keeps so many configurations and no more, and no name that is not a hash', async () => {
    const folder = freshDir()
    const history = await openHistory(folder, SETTINGS, faults)
    history.keepConfig('../../evil', 'x')
    for (let at = 0; at < limits.keptConfigs.default + 5; at++)
      history.keepConfig(at.toString(16).padStart(64, '0'), 'dns: {}')
    await history.read(0)
    expect(readdirSync(join(folder, 'configs'))).toHaveLength(limits.keptConfigs.default)
    await history.close()
  })
})
