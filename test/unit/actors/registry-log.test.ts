// Goal: the event log stays within its age and size by dropping whole segments, oldest first, and a
// disk that fails costs counted retries and never a record that was acknowledged.
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupCommit } from '../../../src/actors/registry/ports-commit.ts'
import { openEventLog, readEvents } from '../../../src/actors/registry/ports-log.ts'
import { limits } from '../../../src/core/base/limits.ts'
import type { HealthEvent } from '../../../src/core/health/events.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'log-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const DAY_MS = 86_400_000
const open = (name: string, maxBytes = 1e9, faults = { failedCommits: 0, dropped: 0 }) =>
  openEventLog(join(root, name), { retentionMs: DAY_MS, maxBytes }, faults)

const eventAt = (atMs: number, reason = ''): HealthEvent => ({
  ...{ kind: 'verdict-changed', key: 'a:10.0.0.1:80', verdict: 'up', atMs, reason },
})
const segments = (name: string) => readdir(join(root, name, 'events'))

test('past its size the log drops its oldest segments and keeps the newest events', async () => {
  const log = await open('size', 40_000)
  for (let at = 0; at < 400; at++) {
    log.append(eventAt(at, 'x'.repeat(200)))
    await log.flush()
  }
  const names = await segments('size')
  let bytes = 0
  for (const name of names) bytes += (await stat(join(root, 'size', 'events', name))).size
  const { events } = await log.read()
  await log.close()
  // The segment being written comes on top.
  expect(bytes).toBeLessThanOrEqual(40_000 + 5_000)
  expect(names[0]).not.toBe('00000001.log')
  expect(events.at(-1)).toEqual(eventAt(399, 'x'.repeat(200)))
  expect(events.map((event) => event.atMs)).toEqual(
    Array.from({ length: events.length }, (_, index) => 400 - events.length + index),
  )
})

test('a segment last written before the retention is dropped at the next opening', async () => {
  const first = await open('age', 8 * 200)
  for (let at = 0; at < 10; at++) {
    first.append(eventAt(at, 'x'.repeat(40)))
    await first.flush()
  }
  await first.close()
  const before = await segments('age')
  expect(before.length).toBeGreaterThan(3)
  const old = (Date.now() - 2 * DAY_MS) / 1_000
  await utimes(join(root, 'age', 'events', before[0]!), old, old)
  await (await open('age')).close()
  expect(await segments('age')).toEqual(before.slice(1))
})

test('a damaged older segment costs what follows in it, not the newer segments', async () => {
  const log = await open('middle', 8 * 300)
  for (let at = 0; at < 12; at++) {
    log.append(eventAt(at, 'x'.repeat(40)))
    await log.flush()
  }
  await log.close()
  const [oldest] = await segments('middle')
  const path = join(root, 'middle', 'events', oldest!)
  await truncate(path, (await stat(path)).size - 1)
  const { events, damagedSegments } = await readEvents(join(root, 'middle', 'events'))
  expect(damagedSegments).toBe(1)
  expect(events.at(-1)).toEqual(eventAt(11, 'x'.repeat(40)))
})

test('only the newest segments are read when so asked', async () => {
  const log = await open('newest', 8 * 300)
  for (let at = 0; at < 12; at++) {
    log.append(eventAt(at, 'x'.repeat(40)))
    await log.flush()
  }
  const { events } = await log.read(400)
  await log.close()
  expect(events.length).toBeLessThan(12)
  expect(events.at(-1)?.atMs).toBe(11)
})

test('files that are no segments, and a segment of nonsense, disturb nobody', async () => {
  await (await open('alien')).close()
  const folder = join(root, 'alien', 'events')
  await writeFile(join(folder, 'notes.txt'), 'hello')
  await writeFile(join(folder, '00000009.log'), 'hello')
  const log = await open('alien')
  log.append(eventAt(1))
  expect(await log.flush()).toBe('committed')
  expect((await log.read()).events).toEqual([eventAt(1)])
  await log.close()
})

test('an event too long to be one of ours is dropped and counted', async () => {
  const faults = { failedCommits: 0, dropped: 0 }
  const log = await open('long', 1e9, faults)
  log.append(eventAt(1, 'x'.repeat(limits.eventBytesMax.default)))
  await log.close()
  expect(faults.dropped).toBe(1)
})

test('a failed commit is an outcome and a count, and what waited is tried again', async () => {
  const faults = { failedCommits: 0, dropped: 0 }
  let waiting = 1
  let isFull = true
  const commit = async () => {
    if (isFull) throw new Error('ENOSPC')
    waiting = 0
  }
  const group = groupCommit(() => waiting === 0, commit, faults)
  expect(await group.flush()).toBe('failed')
  isFull = false
  expect(await group.flush()).toBe('committed')
  expect([faults.failedCommits, waiting]).toEqual([1, 0])
  await group.close()
})

test('a flush covers what was queued while a commit was under way', async () => {
  const written: number[] = []
  let waiting = [1]
  let release = () => {}
  const commit = async () => {
    const group = waiting
    waiting = []
    await new Promise<void>((resolve) => {
      release = resolve
    })
    written.push(...group)
  }
  const group = groupCommit(() => waiting.length === 0, commit, { failedCommits: 0, dropped: 0 })
  const first = group.flush()
  waiting.push(2)
  const second = group.flush()
  release()
  await first
  await Promise.resolve()
  await Promise.resolve()
  release()
  expect([await second, written]).toEqual(['committed', [1, 2]])
})
