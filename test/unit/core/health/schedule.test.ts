import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/core/base/random.ts'
import { type Entry, Schedule, type ScheduleOptions } from '../../../../src/core/health/schedule.ts'
import { type Due, DueHeap } from '../../../../src/core/health/schedule-heap.ts'

const usual: ScheduleOptions = { quickMax: 512, slowMax: 2_048, slowMs: 1_000, jitterShare: 0.05 }

const schedule = (options: Partial<ScheduleOptions> = {}, seed = 1) =>
  new Schedule<string>({ ...usual, ...options }, seededRandom(seed))

/**
 * Runs the schedule for a while on a made-up clock; a check takes what `takesMs` says.
 * Tells when each target's checks started.
 */
function run(
  one: Schedule<string>,
  untilMs: number,
  options: { intervalMs?: number; takesMs?: (task: string) => number; stepMs?: number } = {},
) {
  const { intervalMs = 10_000, takesMs = () => 1, stepMs = 1 } = options
  const starts = new Map<string, number[]>()
  let running: { entry: Entry<string>; endsMs: number }[] = []
  let maxLagMs = 0
  let maxRunning = 0
  for (let nowMs = 0; nowMs <= untilMs; nowMs += stepMs) {
    for (const { entry } of running.filter(({ endsMs }) => endsMs <= nowMs))
      one.done(entry, nowMs, intervalMs, false)
    running = running.filter(({ endsMs }) => endsMs > nowMs)
    for (let entry = one.take(nowMs); entry !== undefined; entry = one.take(nowMs)) {
      const { task } = entry
      // The schedule promises that a target never runs twice at once.
      expect(running.some((other) => other.entry.task === task)).toBe(false)
      running.push({ entry, endsMs: nowMs + takesMs(task) })
      starts.set(task, [...(starts.get(task) ?? []), nowMs])
      if (takesMs(task) < 500) maxLagMs = Math.max(maxLagMs, entry.lagMs)
    }
    maxRunning = Math.max(maxRunning, one.running)
  }
  return { starts, maxLagMs, maxRunning }
}

describe('schedule', () => {
  test('first checks are spread evenly over the time given', () => {
    const one = schedule()
    const dues = Array.from({ length: 1_000 }, (_, index) => one.add(`${index}`, 10_000, 0).dueMs)
    for (let tenth = 0; tenth < 10; tenth++) {
      const count = dues.filter((due) => Math.floor(due / 1_000) === tenth).length
      expect(count).toBeGreaterThan(60)
      expect(count).toBeLessThan(140)
    }
  })

  test('a target keeps its cadence on average, with a jitter of a few percent', () => {
    const one = schedule()
    one.add('a', 1_000, 0)
    const starts = run(one, 200_000, { intervalMs: 1_000, takesMs: () => 300 }).starts.get('a')!
    const gaps = starts.slice(1).map((start, index) => start - starts[index]!)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(949)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1_051)
    expect(new Set(gaps).size).toBeGreaterThan(20)
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    expect(Math.abs(mean - 1_000)).toBeLessThan(10)
  })

  test('a check longer than its interval is followed by the next at once, never joined by it', () => {
    const one = schedule()
    one.add('a', 0, 0)
    const starts = run(one, 10_000, { intervalMs: 1_000, takesMs: () => 2_500 }).starts.get('a')!
    expect(starts).toEqual([0, 2_500, 5_000, 7_500, 10_000])
  })

  test('no more checks run at once than allowed, and every target still has its turn', () => {
    const one = schedule({ quickMax: 4, slowMax: 0 })
    for (let index = 0; index < 40; index++) one.add(`${index}`, 100, 0)
    const { starts, maxRunning } = run(one, 5_000, { intervalMs: 1_000, takesMs: () => 50 })
    expect(maxRunning).toBe(4)
    expect(starts.size).toBe(40)
    for (const times of starts.values()) expect(times.length).toBeGreaterThanOrEqual(4)
  })

  test('targets that hang until their timeout do not delay those that answer', () => {
    const one = schedule({ quickMax: 80, slowMax: 1_000 })
    for (let index = 0; index < 1_000; index++) one.add(`${index}`, 10_000, 0)
    // Two in five hang for five seconds: far more than the quick lane could hold.
    const takesMs = (task: string) => (Number(task) % 5 < 2 ? 5_000 : 5)
    const { maxLagMs, maxRunning } = run(one, 40_000, { takesMs })
    expect(maxRunning).toBeGreaterThan(150)
    expect(maxLagMs).toBeLessThan(50)
  })

  test('the slow lane is bounded too', () => {
    const one = schedule({ quickMax: 5, slowMax: 10 })
    for (let index = 0; index < 100; index++) one.add(`${index}`, 100, 0)
    const { maxRunning } = run(one, 20_000, { takesMs: () => 5_000 })
    expect(maxRunning).toBe(15)
  })

  test('a target removed is not taken again; one removed while it runs ends quietly', () => {
    const one = schedule()
    const [a, b] = [one.add('a', 0, 0), one.add('b', 0, 0)]
    one.remove(a)
    expect(one.take(0)?.task).toBe('b')
    one.remove(b)
    expect([one.running, one.waiting]).toEqual([1, 0])
    one.done(b, 10, 1_000, false)
    expect([one.running, one.waiting, one.wakeAtMs()]).toEqual([0, 0, undefined])
  })

  test('a target brought forward is due within the time given, one due sooner stays', () => {
    const one = schedule()
    const late = one.add('late', 0, 60_000)
    const soon = one.add('soon', 0, 100)
    one.hasten(late, 500, 0)
    one.hasten(soon, 500, 0)
    expect(late.dueMs).toBeLessThanOrEqual(500)
    expect(soon.dueMs).toBe(100)
  })

  test('checks that ended together are spread out again on request', () => {
    const one = schedule()
    const all = Array.from({ length: 200 }, (_, index) => one.add(`${index}`, 0, 0))
    for (const _ of all) one.take(0)
    for (const entry of all) one.done(entry, 10, 10_000, true)
    const dues = all.map((entry) => entry.dueMs)
    expect(Math.max(...dues) - Math.min(...dues)).toBeGreaterThan(9_000)
  })

  test('it says when to look again: at the next due time, or when a place can come free', () => {
    const one = schedule({ quickMax: 1, slowMax: 1 })
    expect(one.wakeAtMs()).toBeUndefined()
    one.add('a', 0, 100)
    one.add('b', 0, 200)
    one.add('c', 0, 300)
    expect(one.wakeAtMs()).toBe(100)
    one.take(100)
    // The only quick place is taken; at 1,100 its check counts as slow.
    expect(one.wakeAtMs()).toBe(1_100)
    expect(one.take(1_099)).toBeUndefined()
    expect(one.take(1_100)?.task).toBe('b')
    // Both lanes are full. That the next one is late is seen when it is due, and then nothing is
    // to be done until a check ends.
    expect(one.wakeAtMs()).toBe(300)
    expect(one.take(1_100)).toBeUndefined()
    expect(one.wakeAtMs()).toBeUndefined()
  })

  test('tells how many are late from when both lanes are full until all are caught up', () => {
    const one = schedule({ quickMax: 1, slowMax: 1, slowMs: 1_000 })
    for (const task of ['a', 'b', 'c', 'd']) one.add(task, 0, 0)
    const first = one.take(0)!
    expect([one.take(500), one.lateAt(500)]).toEqual([undefined, 0])
    const second = one.take(1_000)!
    // Both places are taken, and whoever owns it is to look when the next is due.
    expect([one.lateAt(1_000), one.wakeAtMs()]).toEqual([0, 0])
    expect(one.take(1_000)).toBeUndefined()
    expect([one.lateAt(1_000), one.wakeAtMs()]).toEqual([2, undefined])
    one.done(first, 2_000, 10_000, false)
    const third = one.take(2_000)!
    expect([one.isCrowded, one.lateAt(2_000)]).toEqual([true, 1])
    one.done(second, 2_000, 10_000, false)
    one.done(third, 2_000, 10_000, false)
    expect(one.take(2_000)).toBeDefined()
    expect(one.take(2_000)).toBeUndefined()
    expect([one.isCrowded, one.lateAt(2_000)]).toEqual([false, 0])
  })
})

describe('heap of due times', () => {
  test('gives the earliest first, whatever was added and taken out', () => {
    const random = seededRandom(7)
    const heap = new DueHeap<Due>()
    let model: Due[] = []
    for (let step = 0; step < 5_000; step++) {
      if (model.length === 0 || random.below(3) > 0) {
        const item = { dueMs: random.below(500), place: -1 }
        heap.add(item)
        model.push(item)
      } else {
        const first = random.below(2) === 0
        const item = first ? heap.first()! : model[random.below(model.length)]!
        heap.remove(item)
        model = model.filter((other) => other !== item)
      }
      expect(heap.size).toBe(model.length)
      const earliest = model.length === 0 ? undefined : Math.min(...model.map((i) => i.dueMs))
      expect(heap.first()?.dueMs).toBe(earliest)
      expect(heap.countDue(step % 500)).toBe(model.filter((i) => i.dueMs <= step % 500).length)
    }
  })
})
