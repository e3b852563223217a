/**
 * Runs the load generator for one round and reads its line of figures.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface Load {
  readonly port: number
  readonly transport: 'udp' | 'tcp'
  /** In the notation of bench/native/query.h. */
  readonly kinds: readonly string[]
  readonly seconds: number
  readonly warmupSeconds: number
  /** Queries a second; undefined asks as fast as answers come. */
  readonly rate?: number
  readonly echo: boolean
  /** Where the 4,096 networks of clients begin, one /24 after the other; absent: on loopback. */
  readonly clients?: string
  /** Seconds after which a question counts as lost. */
  readonly patienceSeconds?: number
  readonly watched: readonly string[]
}

/** What the generator prints. */
export interface Counted {
  readonly seconds: number
  readonly idleShare: number
  readonly asked: number
  readonly answered: number
  /** Right answers that came after the end of the round. */
  readonly drained: number
  readonly wrong: number
  readonly wrongBy: Readonly<Record<string, number>>
  readonly strays: number
  readonly lost: number
  /** Questions due under a rate for which there was no room. */
  readonly skipped: number
  readonly meanBytes: number
  readonly meanQueryBytes: number
  /** Different addresses answered. */
  readonly addresses: number
  readonly latencyNs: Readonly<Record<'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>
  /** Nanoseconds of CPU of each watched thread. */
  readonly threads: readonly number[]
  /** Ticks of each processor: user nice system idle iowait irq softirq steal. */
  readonly cpus: readonly (readonly number[])[]
  readonly ownCpuNs: number
}

/**
 * Saturation needs a window wide enough that the server's queue never runs dry and narrow enough
 * that it fits the default socket buffer of a server that does not ask for a larger one.
 */
const WINDOW = { udp: 192, tcp: 512 } as const
/** Under a rate the window only bounds what a stalled server may owe. */
const OPEN_WINDOW = 4_096

function wordsOf(load: Load): string[] {
  const open = load.rate !== undefined
  return [
    `port=${load.port}`,
    `transport=${load.transport}`,
    `echo=${load.echo ? 1 : 0}`,
    `seconds=${load.seconds}`,
    `warmup=${load.warmupSeconds}`,
    `window=${open ? OPEN_WINDOW : WINDOW[load.transport]}`,
    `rate=${load.rate ?? 0}`,
    `watch=${load.watched.join(',')}`,
    ...(load.clients === undefined ? [] : [`clients=${load.clients}`]),
    ...(load.patienceSeconds === undefined ? [] : [`patience=${load.patienceSeconds}`]),
    ...load.kinds.map((kind) => `kind=${kind}`),
  ]
}

/** One generator for each processor; the second and further ones add to the first. */
export async function runLoad(
  program: string,
  cpus: readonly number[],
  load: Load,
): Promise<Counted> {
  const limitMs = (load.seconds + load.warmupSeconds) * 1000 + 20_000
  const runs = cpus.map(async (cpu, index) => {
    const words = wordsOf(index === 0 ? load : { ...load, watched: [] })
    const command = ['-c', String(cpu), program, ...words, `seed=${process.hrtime()[1] + index}`]
    const { stdout } = await execute('taskset', command, { timeout: limitMs })
    return JSON.parse(stdout) as Counted
  })
  return (await Promise.all(runs)).reduce(merged)
}

const merged = (one: Counted, other: Counted): Counted => ({
  ...one,
  asked: one.asked + other.asked,
  answered: one.answered + other.answered,
  wrong: one.wrong + other.wrong,
  strays: one.strays + other.strays,
  lost: one.lost + other.lost,
  skipped: one.skipped + other.skipped,
  idleShare: Math.min(one.idleShare, other.idleShare),
  latencyNs: {
    p50: Math.max(one.latencyNs.p50, other.latencyNs.p50),
    p90: Math.max(one.latencyNs.p90, other.latencyNs.p90),
    p99: Math.max(one.latencyNs.p99, other.latencyNs.p99),
    p999: Math.max(one.latencyNs.p999, other.latencyNs.p999),
    max: Math.max(one.latencyNs.max, other.latencyNs.max),
  },
})
