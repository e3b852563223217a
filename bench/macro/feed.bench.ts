/**
 * The live feed, from an event noted by one actor, over the log on disk, to many readers: few
 * events to many, many events to few, and ten thousand that hear nothing. One reader is stuck.
 *
 * The peer is the same program on node:http and `ws`, in the same run.
 */
import { loadavg } from 'node:os'
import { report, sized } from '../support/report.ts'
import { Subject, sleep } from './feed-program.ts'
import { FeedReader, percentile, type Tally, tally } from './feed-reader.ts'

const seconds = sized(60, 2)
const loads = [
  { name: 'many readers', perSecond: 200, readers: sized(1_000, 50) },
  { name: 'many events', perSecond: sized(5_000, 1_000), readers: sized(40, 8) },
] as const
const idle = sized(10_000, 200)
const busyBeside = sized(1_000, 20)
const idleSeconds = sized(30, 1)
/** Events a second for the busy among the idle. */
const IDLE_PER_SECOND = 100
const BATCH = 200
const LATE_MS_MAX = 50
const GROWTH_MB_MAX = 20

/** Opens readers a batch at a time, each once the hello of the batch before was read. */
async function openReaders(port: number, count: number, query: string, to: Tally) {
  const readers: FeedReader[] = []
  for (let from = 0; from < count; from += BATCH) {
    const opened: Promise<void>[] = []
    for (let at = from; at < Math.min(count, from + BATCH); at++)
      opened.push(
        new Promise((resolve) => {
          readers.push(new FeedReader(port, query, to, resolve))
        }),
      )
    await Promise.all(opened)
  }
  return readers
}

interface Run {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly lost: number
  readonly disorder: number
  readonly growthMb: number
  readonly coresTotal: number
  readonly coresMain: number
  readonly microsecondsEach: number
  readonly stuckIsCut: boolean
}

/** Fills the memory set aside for the newest events, which is no growth of what is measured. */
async function fillMemory(subject: Subject): Promise<void> {
  subject.order({ perSecond: sized(5_000, 500) })
  await sleep(sized(5_000, 200))
  subject.order({ perSecond: 0 })
}

/** What readers lack of all numbers, once what is under way has come or had time to. */
async function lostBy(subject: Subject, readers: readonly FeedReader[]): Promise<number> {
  await sleep(500)
  const last = await subject.lastNumber()
  const missing = () => readers.reduce((sum, reader) => sum + (last - reader.last), 0)
  for (let waited = 0; waited < 5_000 && missing() > 0; waited += 100) await sleep(100)
  return missing()
}

async function load(subject: Subject, { perSecond, readers: count }: (typeof loads)[number]) {
  const counted = tally()
  const readers = await openReaders(subject.port, count, '', counted)
  const stuck = readers.pop()!
  // A moment of warming up is not measured.
  subject.order({ perSecond })
  await sleep(1_000)
  stuck.stick()
  counted.lateMs.fill(0)
  counted.events = 0
  const before = await subject.look()
  await sleep((seconds * 1_000) / 3)
  const middle = await subject.look()
  await sleep((seconds * 2_000) / 3)
  const after = await subject.look()
  const { events } = counted
  subject.order({ perSecond: 0 })
  const lost = await lostBy(subject, readers)
  // A socket that is not read does not see its own end.
  stuck.loosen()
  for (let waited = 0; waited < 3_000 && !stuck.isEnded; waited += 100) await sleep(100)
  const run: Run = {
    perSecond: events / seconds,
    p50Ms: percentile(counted, 0.5),
    p99Ms: percentile(counted, 0.99),
    lost,
    disorder: counted.disorder,
    growthMb: (after.rssBytes - middle.rssBytes) / 1e6,
    coresTotal: (after.cpuSeconds - before.cpuSeconds) / seconds,
    coresMain: after.mainCores,
    microsecondsEach: ((after.cpuSeconds - before.cpuSeconds) / events) * 1e6,
    stuckIsCut: stuck.isEnded,
  }
  for (const reader of [...readers, stuck]) reader.end()
  await sleep(200)
  return run
}

/** Memory of a reader that hears nothing, and whether those who do are still served in time. */
async function idleReaders(subject: Subject) {
  const none = tally()
  const before = await subject.look()
  const readers = await openReaders(subject.port, idle, '?topics=none', none)
  const after = await subject.look()
  const busy = tally()
  const listening = await openReaders(subject.port, busyBeside, '', busy)
  subject.order({ perSecond: IDLE_PER_SECOND })
  await sleep(1_000)
  busy.lateMs.fill(0)
  busy.events = 0
  const from = await subject.look()
  await sleep(idleSeconds * 1_000)
  const to = await subject.look()
  const messages = busy.events / idleSeconds
  subject.order({ perSecond: 0 })
  const lost = await lostBy(subject, listening)
  const mute = listening.filter((reader) => reader.last === 0).length
  const cut = listening.filter((reader) => reader.isEnded).length
  for (const reader of [...readers, ...listening]) reader.end()
  await sleep(500)
  return {
    ...{ mute, cut },
    ...{ messages, lost: lost + busy.disorder, p99Ms: percentile(busy, 0.99) },
    bytes: (after.rssBytes - before.rssBytes) / idle,
    cores: (to.cpuSeconds - from.cpuSeconds) / idleSeconds,
    coresMain: to.mainCores,
  }
}

const figures: Record<string, number | string> = {}
const runs: Run[] = []
const crowds: Awaited<ReturnType<typeof idleReaders>>[] = []
for (const backEnd of ['uws', 'node'] as const) {
  const subject = await Subject.start(backEnd)
  await fillMemory(subject)
  for (const plan of loads) {
    const run = await load(subject, plan)
    if (backEnd === 'uws') runs.push(run)
    const of = `${backEnd}, ${plan.name}`
    figures[`${of}: messages a second`] = run.perSecond
    figures[`${of}: late p50 ms`] = run.p50Ms
    figures[`${of}: late p99 ms`] = run.p99Ms
    figures[`${of}: lost, out of order`] = `${run.lost}, ${run.disorder}`
    figures[`${of}: memory grew by MB`] = run.growthMb
    figures[`${of}: cores, of it main`] =
      `${run.coresTotal.toFixed(2)}, ${run.coresMain.toFixed(2)}`
    figures[`${of}: processor's time of a message, µs`] = run.microsecondsEach
    figures[`${of}: load average`] = loadavg()[0]!
    figures[`${of}: the stuck one was cut`] = String(run.stuckIsCut)
  }
  const crowd = await idleReaders(subject)
  if (backEnd === 'uws') crowds.push(crowd)
  const of = `${backEnd}, ${idle} idle, ${busyBeside} busy`
  figures[`${of}: bytes of an idle one`] = crowd.bytes
  figures[`${of}: messages a second`] = crowd.messages
  figures[`${of}: late p99 ms`] = crowd.p99Ms
  figures[`${of}: lost or out of order`] = crowd.lost
  figures[`${of}: readers that heard nothing, that were cut`] = `${crowd.mute}, ${crowd.cut}`
  figures[`${of}: cores, of it main`] = `${crowd.cores.toFixed(2)}, ${crowd.coresMain.toFixed(2)}`
  await subject.stop()
}

const lost =
  runs.reduce((sum, run) => sum + run.lost + run.disorder, 0) +
  crowds.reduce((sum, crowd) => sum + crowd.lost, 0)
const late = Math.max(...[...runs, ...crowds].map(({ p99Ms }) => p99Ms))
const growth = Math.max(...runs.map(({ growthMb }) => growthMb))
const holds = lost === 0 && late < LATE_MS_MAX && growth < GROWTH_MB_MAX
report('feed', figures, {
  holds,
  sentence: `${lost} events lost or out of order, p99 ${late} ms from the actor to the reader, memory grew ${growth.toFixed(1)} MB`,
})
