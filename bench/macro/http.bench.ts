/**
 * The API and the feed on uWebSockets.js and on node:http with ws, in turns of one run: requests a
 * second, their time, and the processor's time that a request and a delivered event cost.
 *
 * The registry, the API and the shell are the real ones. Rounds of the two alternate, so that what
 * else the machine does falls on both; what is compared is the median of the rounds.
 */
import { connect, type Socket } from 'node:net'
import { median, report, sized } from '../support/report.ts'
import { Subject, sleep } from './feed-program.ts'
import { FeedReader, tally } from './feed-reader.ts'

const rounds = sized(5, 1)
const roundMs = sized(4_000, 300)
const connections = sized(64, 8)
const readers = sized(400, 20)
const perSecond = sized(100, 50)

const BACK_ENDS = ['uws', 'node'] as const
type BackEnd = (typeof BACK_ENDS)[number]

const PATHS = { live: '/api/v1/live', overview: '/api/v1/metrics/overview' } as const

interface Round {
  readonly perSecond: number
  readonly p99Ms: number
  /** Of the whole process of the subject. */
  readonly cpuMicros: number
}

/** A connection that asks again as soon as it was answered. */
class Asker {
  done = 0
  readonly tookMs: number[] = []
  readonly #socket: Socket
  readonly #request: string
  #sentMs = 0
  #rest = ''
  #isOver = false

  constructor(port: number, path: string) {
    this.#request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
    this.#socket = connect(port, '127.0.0.1', () => this.#ask())
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk.toString('latin1')))
    this.#socket.on('error', () => {})
  }

  stop(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #ask(): void {
    this.#sentMs = performance.now()
    this.#socket.write(this.#request)
  }

  #take(text: string): void {
    this.#rest += text
    const end = this.#rest.indexOf('\r\n\r\n')
    if (end < 0) return
    if (!this.#rest.startsWith('HTTP/1.1 200')) throw new Error(this.#rest.slice(0, 200))
    const length = Number(/content-length: (\d+)/i.exec(this.#rest)?.[1] ?? 0)
    if (this.#rest.length < end + 4 + length) return
    this.#rest = ''
    this.done++
    this.tookMs.push(performance.now() - this.#sentMs)
    if (!this.#isOver) this.#ask()
  }
}

async function askRound(subject: Subject, path: string): Promise<Round> {
  const askers = Array.from({ length: connections }, () => new Asker(subject.port, path))
  await sleep(roundMs / 4)
  for (const asker of askers) asker.tookMs.length = 0
  const doneBefore = askers.reduce((sum, { done }) => sum + done, 0)
  const before = await subject.look()
  const startMs = performance.now()
  await sleep(roundMs)
  const seconds = (performance.now() - startMs) / 1_000
  const after = await subject.look()
  const done = askers.reduce((sum, asker) => sum + asker.done, 0) - doneBefore
  const times = askers.flatMap(({ tookMs }) => tookMs).sort((a, b) => a - b)
  for (const asker of askers) asker.stop()
  return {
    perSecond: done / seconds,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
    cpuMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / Math.max(1, done),
  }
}

async function fanOutRound(subject: Subject): Promise<Round> {
  const counted = tally()
  const all: FeedReader[] = []
  const opened = Array.from(
    { length: readers },
    () =>
      new Promise<void>((resolve) => {
        all.push(new FeedReader(subject.port, '', counted, resolve))
      }),
  )
  await Promise.all(opened)
  subject.order({ perSecond })
  await sleep(roundMs / 4)
  counted.events = 0
  counted.lateMs.fill(0)
  const before = await subject.look()
  const startMs = performance.now()
  await sleep(roundMs)
  const seconds = (performance.now() - startMs) / 1_000
  const { events } = counted
  const after = await subject.look()
  subject.order({ perSecond: 0 })
  await sleep(300)
  for (const reader of all) reader.end()
  if (counted.disorder > 0) throw new Error('events came out of order')
  return {
    perSecond: events / seconds,
    p99Ms: 0,
    cpuMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / Math.max(1, events),
  }
}

const kinds = {
  live: (subject: Subject) => askRound(subject, PATHS.live),
  overview: (subject: Subject) => askRound(subject, PATHS.overview),
  'feed fan-out': fanOutRound,
} as const
type Kind = keyof typeof kinds

const subjects = { uws: await Subject.start('uws'), node: await Subject.start('node') }
const measured = new Map<string, Round[]>()
for (let round = 0; round < rounds; round++)
  for (const kind of Object.keys(kinds) as Kind[])
    for (const backEnd of round % 2 === 0 ? BACK_ENDS : [...BACK_ENDS].reverse()) {
      const key = `${kind} ${backEnd}`
      const one = await kinds[kind](subjects[backEnd])
      measured.set(key, [...(measured.get(key) ?? []), one])
    }
for (const backEnd of BACK_ENDS) await subjects[backEnd].stop()

const figures: Record<string, number | string> = {}
const of = (kind: Kind, backEnd: BackEnd, name: keyof Round) =>
  median((measured.get(`${kind} ${backEnd}`) ?? []).map((round) => round[name]))
const ratios: number[] = []
for (const kind of Object.keys(kinds) as Kind[]) {
  for (const backEnd of BACK_ENDS) {
    const what = kind === 'feed fan-out' ? 'deliveries' : 'requests'
    figures[`${kind}, ${backEnd}: ${what} a second`] = of(kind, backEnd, 'perSecond')
    if (kind !== 'feed fan-out') figures[`${kind}, ${backEnd}: p99 ms`] = of(kind, backEnd, 'p99Ms')
    figures[`${kind}, ${backEnd}: CPU each, µs`] = of(kind, backEnd, 'cpuMicros')
  }
  const ratio = of(kind, 'node', 'cpuMicros') / of(kind, 'uws', 'cpuMicros')
  figures[`${kind}: CPU on node to CPU on uws`] = ratio
  ratios.push(ratio)
}
const served = Object.keys(kinds).every((kind) =>
  BACK_ENDS.every((backEnd) => of(kind as Kind, backEnd, 'perSecond') > 0),
)
report('http', figures, {
  holds: served && ratios.every((ratio) => Number.isFinite(ratio)),
  sentence: `node:http and ws cost ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} of what uWebSockets.js costs, for /live, the overview and each event delivered`,
})
