/**
 * 10,000 backends cost no more a query than three, and start in time.
 *
 * The peer is the same program with three backends, in the same run, alternating (ABBA). Checks run
 * at start and then rest for ten minutes, so that what is measured is the answering.
 */
import { median, report, sized } from '../support/report.ts'
import { askOnce, load, LoadedServer, startSink } from '../support/server.ts'

const many = sized(10_000, 500)
const questions = sized(200_000, 5_000)
const rounds = sized(5, 1)

async function settle(server: LoadedServer): Promise<void> {
  let before = server.cpuSeconds()
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const now = server.cpuSeconds()
    if (now - before < 0.05) return
    before = now
  }
}

const sink = await startSink()
const ports = [15_401, 15_402]
const plan = { sinkPort: sink.port, intervalSeconds: 600 }
const small = new LoadedServer({ ...plan, backends: 3, port: ports[0]! })
const large = new LoadedServer({ ...plan, backends: many, port: ports[1]! })
try {
  const smallStartMs = await small.start()
  const largeStartMs = await large.start()
  await settle(small)
  await settle(large)
  const costs = { small: [] as number[], large: [] as number[] }
  const rates = { small: [] as number[], large: [] as number[] }
  let wrong = 0
  const measure = async (which: 'small' | 'large') => {
    const server = which === 'small' ? small : large
    const before = server.cpuSeconds()
    const done = await load(server.plan.port, questions, 'app.bench.test')
    costs[which].push(((server.cpuSeconds() - before) * 1e6) / done.received)
    rates[which].push(done.received / done.seconds)
    wrong += done.sent - (done.rcodes['0'] ?? 0)
  }
  for (let round = 0; round < rounds; round++)
    for (const which of ['small', 'large', 'large', 'small'] as const) await measure(which)
  const ratio = median(costs.large) / median(costs.small)
  await large.stop()
  const restarted = new LoadedServer({ ...plan, backends: many, port: ports[1]! })
  await restarted.start()
  await settle(restarted)
  restarted.kill()
  await new Promise((resolve) => setTimeout(resolve, 300))
  const restartMs = await restarted.start()
  await restarted.stop()
  report(
    'scale',
    {
      backends: many,
      'start to first answer, 3 backends (ms)': smallStartMs,
      [`start to first answer, ${many} backends (ms)`]: largeStartMs,
      [`kill -9 and restart to first answer, ${many} (ms)`]: restartMs,
      'CPU a query, 3 backends (us)': median(costs.small),
      [`CPU a query, ${many} backends (us)`]: median(costs.large),
      'ratio of CPU a query': ratio,
      'queries a second, 3 backends': median(rates.small),
      [`queries a second, ${many} backends`]: median(rates.large),
      'answers missing or wrong': wrong,
    },
    {
      holds:
        largeStartMs < 5_000 && restartMs < 3_000 && wrong === 0 && (ratio < 1.1 || rounds < 5),
      sentence: `${many} backends start in ${Math.round(largeStartMs)} ms and cost ${ratio.toFixed(3)} of the CPU a query of 3`,
    },
  )
} finally {
  await askOnce(1, 'x')
  await small.stop()
  await large.stop()
  sink.close()
}
