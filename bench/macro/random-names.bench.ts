/**
 * Names that do not exist leave no trace: memory stays flat under ten million of them.
 *
 * Flat means that the resident set, as the minimum of each tenth of the last two thirds of the run
 * (what is left after collections), grows by less than 0.5 MB a minute.
 */
import { report, sized, smoke } from '../support/report.ts'
import { load, LoadedServer, startSink } from '../support/server.ts'

const total = sized(10_000_000, 100_000)
const parts = sized(50, 10)

const sink = await startSink()
const server = new LoadedServer({
  backends: 3,
  sinkPort: sink.port,
  intervalSeconds: 600,
  port: 15_403,
})

/** Least-squares slope of the samples, MB a minute. */
function slope(samples: readonly { minutes: number; mb: number }[]): number {
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

try {
  await server.start()
  const samples: { minutes: number; mb: number }[] = []
  const started = performance.now()
  let answered = 0
  let nxdomain = 0
  for (let part = 0; part < parts; part++) {
    const lowest: number[] = []
    const timer = setInterval(() => lowest.push(server.residentMb()), 100)
    const done = await load(server.plan.port, total / parts, 'random:bench.test')
    clearInterval(timer)
    answered += done.received
    nxdomain += done.rcodes['3'] ?? 0
    const mb = Math.min(server.residentMb(), ...lowest)
    samples.push({ minutes: (performance.now() - started) / 60_000, mb })
  }
  const late = samples.slice(Math.floor(parts / 3))
  const growth = slope(late)
  report(
    'random-names',
    {
      names: total,
      answered,
      'answered NXDOMAIN': nxdomain,
      'resident after the first part (MB)': samples[0]!.mb,
      'resident at one third (MB)': late[0]!.mb,
      'resident at the end (MB)': samples.at(-1)!.mb,
      'slope over the last two thirds (MB a minute)': growth,
    },
    {
      holds: nxdomain === answered && answered > total * 0.99 && (smoke || growth < 0.5),
      sentence: `${total} random names, resident memory moves ${growth.toFixed(2)} MB a minute`,
    },
  )
} finally {
  await server.stop()
  sink.close()
}
