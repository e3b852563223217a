/**
 * No answer is lost or wrong while everything happens at once: load at 80 % of capacity, changes of
 * health, reloads, and the DNS thread killed again and again.
 *
 * Capacity is what the generator reaches at saturation just before, with the changes of health on
 * the same core. A question for which there is
 * no room in the generator's window, because a thread is being replaced, is counted as skipped: it
 * was never asked. Every answer is checked.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Counted, type Load, runLoad } from '../support/hotpath/generator.ts'
import { compileNative, root } from '../support/hotpath/native.ts'
import { askSteered, plain } from '../support/hotpath/setup.ts'
import { freePort, newFolder } from '../support/hotpath/subject.ts'
import { ours } from '../support/hotpath/subject-ours.ts'
import { report, sized } from '../support/report.ts'
import { startSink } from '../support/server.ts'

const SECONDS = sized(60, 3)
/** `--without=kills,reloads` leaves some of it out, to see what a loss comes from. */
const without = process.argv.find((word) => word.startsWith('--without=')) ?? ''
const RELOAD_MS = sized(5_000, 1_000)
const KILL_MS = sized(10_000, 2_000)
const DELTAS_PER_SECOND = 100
const SHARE = 0.8
const SERVERS = 100

const native = compileNative()
const cores = availableParallelism()
const subjectFile = join(root, 'dist-bench', 'bench', 'macro', 'soak-subject.js')

interface Soaked {
  readonly capacity: number
  readonly counted: Counted
  readonly deltas: number
  readonly reloads: number
  readonly kills: number
}

async function soak(generator: string): Promise<Soaked> {
  const sink = await startSink()
  const setup = { ...plain, servers: SERVERS, deltasPerSecond: DELTAS_PER_SECOND }
  const subject = ours({ sinkPort: sink.port, program: subjectFile })
  const port = await freePort()
  const start = { setup, transport: 'udp', port, cpus: [0], appendedBytes: 16 } as const
  const running = await subject.start({ ...start, folder: newFolder('soak') })
  const { server } = running
  const load: Load = {
    port,
    transport: 'udp',
    kinds: [askSteered(SERVERS, '', 4), askSteered(SERVERS, 'ec', 1)],
    seconds: sized(4, 0.5),
    warmupSeconds: sized(3, 1),
    echo: false,
    watched: [],
    // What a resolver waits before it asks the next server.
    patienceSeconds: 1,
  }
  let [reloads, kills] = [0, 0]
  const timers: NodeJS.Timeout[] = []
  try {
    // Changes of health and their API cost the same core: capacity is what is left beside them.
    const [full] = await Promise.all([
      runLoad(generator, [1], load),
      running.disturb?.((load.seconds + load.warmupSeconds) * 1000),
    ])
    const capacity = full.answered / full.seconds
    timers.push(
      setInterval(() => {
        if (without.includes('reloads')) return
        reloads++
        server.signal('SIGHUP')
      }, RELOAD_MS),
      setInterval(() => {
        if (without.includes('kills')) return
        kills++
        server.signal('SIGUSR2')
      }, KILL_MS),
      setTimeout(() => {
        for (const timer of timers) clearInterval(timer)
      }, SECONDS * 1000),
    )
    const seconds = SECONDS
    const [counted, deltas] = await Promise.all([
      runLoad(generator, [1], { ...load, seconds, warmupSeconds: 0.5, rate: capacity * SHARE }),
      running.disturb?.((SECONDS + 0.5) * 1000) ?? 0,
    ])
    if (server.ended) throw new Error(`the server ended: ${server.output()}`)
    return { capacity, counted, deltas, reloads, kills }
  } finally {
    for (const timer of timers) clearInterval(timer)
    await running.stop()
    sink.close()
  }
}

if (typeof native === 'string' || cores < 2 || !existsSync(subjectFile)) {
  const why = typeof native === 'string' ? native : 'two processors are needed'
  report('soak', { measured: 'no' }, { holds: true, sentence: `not measured: ${why}` })
} else {
  const { capacity, counted, deltas, reloads, kills } = await soak(native.generator)
  const { asked, answered, drained, wrong, lost, skipped, latencyNs } = counted
  const unharmed = lost === 0 && wrong === 0
  report(
    'soak',
    {
      'capacity, answers/s': capacity,
      'asked for, queries/s': capacity * SHARE,
      asked,
      answered: answered + drained,
      lost,
      wrong,
      'wrong by kind': JSON.stringify(counted.wrongBy),
      'skipped for want of room': skipped,
      'health changes': deltas,
      reloads,
      'threads killed': kills,
      'p50 ms': latencyNs.p50 / 1e6,
      'p99 ms': latencyNs.p99 / 1e6,
      'p99.9 ms': latencyNs.p999 / 1e6,
      'max ms': latencyNs.max / 1e6,
    },
    {
      holds: unharmed && asked > 0 && (without !== '' || (kills > 0 && reloads > 0)),
      sentence: unharmed
        ? `${asked} queries, ${kills} threads killed, ${reloads} reloads: none lost, none wrong`
        : `${lost} of ${asked} queries lost, ${wrong} answered wrongly`,
    },
  )
}
