/**
 * Names that do not exist leave no trace: memory stays flat under ten million of them, asked
 * without DO and with it.
 *
 * Flat means that the resident set, as the minimum of each fiftieth of a flood (what is left after
 * collections), grows by less than 0.5 MB a minute over its last two thirds. The zone is signed,
 * and each flood has a server of its own; with DO every reply has to hold its proof.
 */
import { report, sized, smoke } from '../support/report.ts'
import { load, LoadedServer, startSink } from '../support/server.ts'

const total = sized(10_000_000, 100_000)
const parts = sized(50, 10)

interface Sample {
  readonly minutes: number
  readonly mb: number
}

interface Flood {
  readonly answered: number
  readonly nxdomain: number
  readonly proven: number
  /** Of the replies of the last part. */
  readonly meanBytes: number
  readonly cpuUs: number
  readonly samples: readonly Sample[]
}

/** Least-squares slope of the samples, MB a minute. */
function slope(samples: readonly Sample[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const atMean = mean(samples.map((sample) => sample.minutes))
  const mbMean = mean(samples.map((sample) => sample.mb))
  let above = 0
  let below = 0
  for (const { minutes, mb } of samples) {
    above += (minutes - atMean) * (mb - mbMean)
    below += (minutes - atMean) ** 2
  }
  return below === 0 ? 0 : above / below
}

/** Asks a server that was just started; `flags` are those of the load. */
async function flood(server: LoadedServer, flags: readonly '--do'[]): Promise<Flood> {
  await server.start()
  const samples: Sample[] = []
  const started = performance.now()
  const cpuBefore = server.cpuSeconds()
  const sum = { answered: 0, nxdomain: 0, proven: 0, meanBytes: 0 }
  for (let part = 0; part < parts; part++) {
    const lowest: number[] = []
    const timer = setInterval(() => lowest.push(server.residentMb()), 100)
    const done = await load(server.plan.port, total / parts, 'random:bench.test', flags)
    clearInterval(timer)
    sum.answered += done.received
    sum.nxdomain += done.rcodes['3'] ?? 0
    sum.proven += done.proven
    sum.meanBytes = done.meanBytes
    const mb = Math.min(server.residentMb(), ...lowest)
    samples.push({ minutes: (performance.now() - started) / 60_000, mb })
  }
  const cpuUs = ((server.cpuSeconds() - cpuBefore) * 1e6) / Math.max(1, sum.answered)
  return { ...sum, cpuUs, samples }
}

const lateOf = ({ samples }: Flood) => samples.slice(Math.floor(parts / 3))
const growthOf = (one: Flood): number => slope(lateOf(one))

/** Every name denied, proven where that was asked for and only there, and no growth. */
function holdsOf(one: Flood, proven: boolean): boolean {
  const { answered, nxdomain } = one
  const right = nxdomain === answered && one.proven === (proven ? answered : 0)
  return right && answered > total * 0.99 && (smoke || growthOf(one) < 0.5)
}

const figuresOf = (one: Flood, how: string): Record<string, number> => ({
  [`${how}: answered`]: one.answered,
  [`${how}: answered NXDOMAIN`]: one.nxdomain,
  [`${how}: answered with a proof`]: one.proven,
  [`${how}: bytes of a reply`]: one.meanBytes,
  [`${how}: CPU of a reply (us)`]: one.cpuUs,
  [`${how}: resident after the first part (MB)`]: one.samples[0]!.mb,
  [`${how}: resident at one third (MB)`]: lateOf(one)[0]!.mb,
  [`${how}: resident at the end (MB)`]: one.samples.at(-1)!.mb,
  [`${how}: slope of the last two thirds (MB/min)`]: growthOf(one),
})

const sink = await startSink()

async function run(flags: readonly '--do'[]): Promise<Flood> {
  const plan = { backends: 3, sinkPort: sink.port, intervalSeconds: 600, port: 15_403 }
  const server = new LoadedServer(plan)
  try {
    return await flood(server, flags)
  } finally {
    await server.stop()
  }
}

try {
  const bare = await run([])
  const proven = await run(['--do'])
  const [grown, grownProven] = [growthOf(bare).toFixed(2), growthOf(proven).toFixed(2)]
  report(
    'random-names',
    { names: total, ...figuresOf(bare, 'without DO'), ...figuresOf(proven, 'with DO') },
    {
      holds: holdsOf(bare, false) && holdsOf(proven, true),
      sentence: `${total} random names, resident memory moves ${grown} MB a minute, with DO ${grownProven}`,
    },
  )
} finally {
  sink.close()
}
