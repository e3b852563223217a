// Goal: a number is never given twice to events that somebody may have seen, whatever happened to
// the file; what is held is found by its number; and the disk's refusal costs numbers, not news.
import { chmod, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFeedLog } from '../../../src/actors/registry/ports-feed.ts'
import type { EventDraft, FeedEvent } from '../../../src/core/events/event.ts'
import { poolOf, topologyOf } from '../core/health/sample.ts'
import { A, B, start, START_MS } from './registry-world.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'feed-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const draft = (text = 'x'): EventDraft => ({
  ...{ topic: 'health', kind: 'status-changed', atMs: START_MS, service: 'app', data: { text } },
})

async function open(name: string, maxBytes = 1e9) {
  const told: FeedEvent[] = []
  const faults = { failedCommits: 0, dropped: 0 }
  const log = await openFeedLog(join(root, name), { retentionMs: 86_400_000, maxBytes }, faults)
  log.onTold((events) => told.push(...events))
  const add = async (count: number, text?: string) => {
    for (let at = 0; at < count; at++) log.append(draft(text))
    await log.flush()
  }
  return { log, told, faults, add }
}

const folderOf = (name: string) => join(root, name, 'events')
const filesOf = async (name: string) => (await readdir(folderOf(name))).sort()
const numbers = (events: readonly FeedEvent[]) => events.map(({ number }) => number)
const upTo = (from: number, last: number) =>
  Array.from({ length: last - from + 1 }, (_, index) => from + index)

describe('numbers', () => {
  test('begin at 1, grow by one, are told after the commit, and go on after a start', async () => {
    const first = await open('grow')
    first.log.append(draft())
    expect(first.told).toEqual([])
    await first.add(4)
    expect(numbers(first.told)).toEqual([1, 2, 3, 4, 5])
    // No close: what was told is on disk already.
    const second = await open('grow')
    expect(second.log.bounds()).toEqual({ first: 1, next: 6 })
    await second.add(2)
    expect(numbers(second.told)).toEqual([6, 7])
    expect(numbers((await second.log.read(1, 100)).events)).toEqual(upTo(1, 7))
    await Promise.all([first.log.close(), second.log.close()])
  })

  test('cut at any byte, a log gives no number again that it may have told', async () => {
    const first = await open('cut')
    await first.add(3)
    await first.log.close()
    const [file] = await filesOf('cut')
    const path = join(folderOf('cut'), file!)
    const whole = await readFile(path)
    for (let length = whole.length - 1; length > 0; length -= 7) {
      // A file that ends early has lost its end; one that is damaged there still has the length.
      const damaged = Buffer.from(whole)
      damaged.fill(0xff, length)
      await writeFile(path, damaged)
      const again = await open('cut')
      expect(again.log.bounds().next, `damaged from ${length}`).toBeGreaterThan(3)
      await again.add(1)
      const { events, next } = await again.log.read(1, 100)
      expect(next).toBe(again.told[0]!.number + 1)
      expect(numbers(events).at(-1)).toBe(next - 1)
      await again.log.close()
      for (const name of await filesOf('cut'))
        if (name !== file) await rm(join(folderOf('cut'), name))
    }
  })

  test('a group that was torn off by the end of the process was told to nobody', async () => {
    const first = await open('torn')
    await first.add(3)
    await first.log.close()
    const [file] = await filesOf('torn')
    const path = join(folderOf('torn'), file!)
    await truncate(path, (await readFile(path)).length - 5)
    const again = await open('torn')
    expect(again.log.bounds().next).toBeGreaterThanOrEqual(4)
    await again.log.close()
  })
})

describe('what is held', () => {
  test('is found by number over many segments, page by page', async () => {
    const { log, add } = await open('pages', 8 * 2_000)
    for (let round = 0; round < 40; round++) await add(5, 'y'.repeat(50))
    expect((await filesOf('pages')).length).toBeGreaterThan(3)
    const { first, next } = log.bounds()
    expect([first > 1, next]).toEqual([true, 201])
    const found: number[] = []
    for (let from = first; from < next; ) {
      const page = numbers((await log.read(from, 7)).events)
      expect(page.length).toBeGreaterThan(0)
      found.push(...page)
      from = page.at(-1)! + 1
    }
    expect(found).toEqual(upTo(first, 200))
    expect(numbers((await log.read(1, 2)).events)).toEqual([first, first + 1])
    expect((await log.read(next, 5)).events).toEqual([])
    await log.close()
    const again = await open('pages', 8 * 2_000)
    expect(numbers((await again.log.read(first, 500)).events)).toEqual(upTo(first, 200))
    await again.log.close()
  })

  test('an unreadable segment in the middle costs its own events only', async () => {
    const { log, add } = await open('hole', 8 * 2_000)
    for (let round = 0; round < 12; round++) await add(5, 'y'.repeat(50))
    const files = await filesOf('hole')
    await writeFile(join(folderOf('hole'), files[1]!), 'nonsense')
    await log.close()
    const again = await open('hole', 8 * 2_000)
    const found = numbers((await again.log.read(1, 500)).events)
    const lost = upTo(1, 60).filter((number) => !found.includes(number))
    expect([lost[0], found.at(-1)]).toEqual([Number(files[1]!.slice(5, 21)), 60])
    expect(lost.length).toBeLessThan(30)
    await again.log.close()
  })

  test('a disk that refuses costs the numbers, not the news, and numbers go on after it', async () => {
    const { log, add, told, faults } = await open('full', 8 * 600)
    await add(2, 'y'.repeat(300))
    await rm(folderOf('full'), { recursive: true })
    await writeFile(folderOf('full'), 'a file in the way')
    await add(2, 'y'.repeat(300))
    expect(told.slice(2)).toMatchObject([{ number: 0 }, { number: 0 }])
    expect(faults.failedCommits).toBeGreaterThan(0)
    await rm(folderOf('full'))
    const { mkdir } = await import('node:fs/promises')
    await mkdir(folderOf('full'))
    await chmod(folderOf('full'), 0o700)
    await add(1)
    expect(told.at(-1)).toMatchObject({ number: 3 })
    await log.close()
  })
})

describe('the registry records', () => {
  const eventsOf = (world: Awaited<ReturnType<typeof start>>) =>
    world
      .said('registry.events-recorded')
      .flatMap(([, message]) => (message as { events: FeedEvent[] }).events)
  const named = (events: readonly FeedEvent[]) =>
    events.map(({ topic, kind }) => `${topic}.${kind}`)

  test('a change of health with its cause, the word it changes, and an emptied pool', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    world.verdict(A, 'up')
    world.verdict(B, 'up')
    await world.clock.advanceAsync(30)
    const before = eventsOf(world).length
    world.verdict(A, 'down')
    world.verdict(B, 'down')
    await world.clock.advanceAsync(30)
    const events = eventsOf(world).slice(before)
    expect(named(events)).toEqual([
      'delta.word-changed',
      'health.status-changed',
      'delta.word-changed',
      'health.status-changed',
      'health.pool-emptied',
    ])
    expect(events[1]).toMatchObject({
      service: 'app',
      data: {
        old_status: 'healthy',
        new_status: 'unhealthy',
        cause: 'validation',
        reason: 'refused',
      },
    })
    expect(numbers(events)).toEqual(upTo(before + 1, before + 5))
  })

  test('orders of operators, and their end', async () => {
    const world = await start(topologyOf(poolOf('app', [A, B])))
    await world.override(A, true, { expiresAtMs: START_MS + 60_000 })
    await world.override(B, true)
    await world.clear(B)
    await world.clock.advanceAsync(61_000)
    const events = eventsOf(world).filter(({ topic }) => topic === 'override')
    expect(named(events)).toEqual([
      'override.set',
      'override.set',
      'override.cleared',
      'override.expired',
    ])
    expect(events[0]!.data).toMatchObject({ healthy: true, by: 'ann', reason: 'work' })
  })

  test('what another actor notes, unless it is no event; never in the future', async () => {
    const world = await start(topologyOf(poolOf('app', [A])))
    const note = world.behaviour.receive['shell.event-noted']
    const labels = { service: '', region: '', data: {} }
    note({ ...labels, topic: 'config', event: 'reloaded', atMs: START_MS + 1e9 })
    note({ ...labels, topic: 'weather', event: 'rain', atMs: START_MS })
    await world.clock.advanceAsync(30)
    const events = eventsOf(world)
    expect(named(events)).toEqual(['config.topology-compiled', 'config.reloaded'])
    expect(events[1]!.atMs).toBeLessThanOrEqual(world.clock.nowMs())
  })

  test('a restarted reader hears the last event again, and the numbers go on after a crash', async () => {
    const first = await start(topologyOf(poolOf('app', [A])))
    first.verdict(A, 'up')
    await first.clock.advanceAsync(30)
    const last = eventsOf(first).at(-1)!
    const second = await start(topologyOf(poolOf('app', [A])), { disk: first.disk, incarnation: 2 })
    second.behaviour.onPeerStarted?.('api')
    await second.clock.advanceAsync(0)
    expect(eventsOf(second)[0]).toEqual(last)
    await second.clock.advanceAsync(30)
    expect(eventsOf(second).at(-1)!.number).toBe(last.number + 1)
  })
})
