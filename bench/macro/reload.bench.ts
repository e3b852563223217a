/**
 * A reload of a large zone does not show in the answers.
 *
 * One question a millisecond, and the longest time between two answers: while nothing happens, and
 * from a SIGHUP until the changed zone is answered. The quiet time is the peer: what it shows is
 * the machine.
 */
import { createSocket } from 'node:dgram'
import { median, report, sized } from '../support/report.ts'
import { LoadedServer, startSink } from '../support/server.ts'

const records = sized(200_000, 5_000)
const rounds = sized(5, 1)
const PORT = 15_411
const GAP_MS_MAX = 20
const QUERY = Buffer.concat([
  Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  Buffer.from('\u0003www\u0005bench\u0004test\0', 'latin1'),
  Buffer.from([0, 1, 0, 1]),
])
/** Behind the question: a pointer, type and class, then the TTL (RFC 1035 section 4.1.3). */
const TTL_AT = QUERY.length + 6

const address = (index: number) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`
const zoneWith = (ttl: number) =>
  [
    `@ 300 SOA ns1 hostmaster ${ttl} 3600 600 86400 60`,
    '@ 300 NS ns1',
    'ns1 300 A 127.0.0.1',
    `www ${ttl} A 192.0.2.1`,
    ...Array.from({ length: records }, (_, index) => `h${index} 300 A ${address(index)}`),
    '',
  ].join('\n')

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks every millisecond and keeps the longest time between two answers. */
class Asker {
  ttl = 0
  answers = 0
  #longestMs = 0
  #lastMs = performance.now()
  readonly #socket = createSocket('udp4')
  readonly #timer = setInterval(() => this.#socket.send(QUERY, PORT, '127.0.0.1'), 1)

  constructor() {
    this.#socket.on('error', () => {})
    this.#socket.on('message', (reply) => {
      const nowMs = performance.now()
      this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs)
      this.#lastMs = nowMs
      this.answers++
      if ((reply[3]! & 15) === 0 && reply[7]! > 0) this.ttl = reply.readUInt32BE(TTL_AT)
    })
  }

  begin(): void {
    this.#longestMs = 0
    this.#lastMs = performance.now()
  }

  get longestMs(): number {
    return Math.max(this.#longestMs, performance.now() - this.#lastMs)
  }

  async sees(ttl: number): Promise<void> {
    while (this.ttl !== ttl) await sleep(2)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#socket.close()
  }
}

const sink = await startSink()
const plan = { backends: 3, sinkPort: sink.port, intervalSeconds: 600, port: PORT }
const server = new LoadedServer({ ...plan, zone: zoneWith(1) })
const asker = new Asker()
try {
  await server.start()
  await asker.sees(1)
  await sleep(sized(3_000, 100))
  const quiet: number[] = []
  const during: number[] = []
  const tookMs: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const next = zoneWith(round + 1)
    asker.begin()
    await sleep(sized(3_000, 100))
    quiet.push(asker.longestMs)
    server.setZone(next)
    await sleep(100)
    asker.begin()
    const beganMs = performance.now()
    server.reload()
    await asker.sees(round + 1)
    tookMs.push(performance.now() - beganMs)
    await sleep(sized(500, 50))
    during.push(asker.longestMs)
  }
  const gapMs = median(during)
  report(
    'reload',
    {
      'records of the zone': records,
      reloads: rounds,
      'longest gap between answers, quiet, median (ms)': median(quiet),
      'longest gap between answers, reload, median (ms)': gapMs,
      'longest gap between answers, reload, worst (ms)': Math.max(...during),
      'from SIGHUP to the new answer, median (ms)': median(tookMs),
      'resident set (MB)': server.residentMb(),
      answers: asker.answers,
    },
    {
      holds: gapMs < GAP_MS_MAX || gapMs < 2 * median(quiet),
      sentence: `a reload of ${records} records leaves at most ${gapMs.toFixed(1)} ms between two answers`,
    },
  )
} finally {
  asker.stop()
  await server.stop()
  sink.close()
}
