/**
 * 5,000 agents on one overwatch: under one core of its own CPU, flat memory, no heartbeat lost.
 *
 * Agents and overwatch are processes of their own. Each agent is a member with sockets, key pair
 * and certificate, beats every 10 s and asks for the overwatch's start every 5 s. Counted is the
 * whole process of the overwatch's gossip actor, once all agents are believed.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { KEY, overwatchConfig } from '../../test/harness/gossip-actors.ts'
import { report, sized } from '../support/report.ts'
import type { GeneratorOrder, Said } from './agents-generator.ts'
import type { Standing, SubjectFigures, SubjectOrder } from './agents-subject.ts'

const agents = sized(5_000, 50)
const intervalMs = sized(10_000, 1_000)
const spreadMs = sized(30_000, 500)
const settleMs = sized(15_000, 1_000)
const windows = sized(12, 2)
const windowMs = sized(15_000, 1_500)
const believedMsMax = sized(180_000, 20_000)
/** What the RSS may grow a minute, in MB, over the last two thirds of the window. */
const GROWTH_MAX = 0.5

const child = (name: string) =>
  fork(new URL(`./${name}.js`, import.meta.url), { execArgv: ['--expose-gc'] })

function ask<T>(process: ChildProcess, message: GeneratorOrder | SubjectOrder): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a child ended with ${code}`))
    process.once('exit', ended)
    process.once('message', (answer) => {
      process.off('exit', ended)
      resolve(answer as T)
    })
    process.send(message)
  })
}

const wait = (delayMs: number) => new Promise((done) => setTimeout(done, delayMs))

/** MB a minute by least squares over the last two thirds of the samples. */
function growthOf(rssMb: readonly number[], minutes: number): number {
  const from = Math.floor(rssMb.length / 3)
  const part = rssMb.slice(from)
  const meanX = (part.length - 1) / 2
  const meanY = part.reduce((sum, mb) => sum + mb, 0) / part.length
  let [over, under] = [0, 0]
  for (const [index, mb] of part.entries()) {
    over += (index - meanX) * (mb - meanY)
    under += (index - meanX) ** 2
  }
  return under === 0 ? 0 : (over / under) * (rssMb.length / minutes)
}

/** What was said and heard, counted while nothing is on its way. */
async function counted(): Promise<{ sent: number; standing: Standing }> {
  await ask<Said>(generator, { pause: true })
  await wait(1_500)
  const { heartbeats: sent } = await ask<Said>(generator, { count: true })
  const standing = await ask<Standing>(subject, { count: true })
  await ask<Said>(generator, { pause: false })
  return { sent, standing }
}

const subject = child('agents-subject')
const generator = child('agents-generator')
try {
  const config = overwatchConfig({ bindAddress: '127.0.0.1:0' })
  const { port } = await ask<Standing>(subject, { listen: config })
  const overwatch = { name: config.node, port }
  const startedMs = performance.now()
  await ask<Said>(generator, { agents, key: KEY, overwatch, intervalMs, spreadMs })
  let now = await ask<Standing>(subject, { count: true })
  while (now.agents < agents && performance.now() - startedMs < believedMsMax) {
    await wait(200)
    now = await ask<Standing>(subject, { count: true })
  }
  const believedMs = performance.now() - startedMs
  await wait(settleMs)
  const rssMb: number[] = []
  const seen: SubjectFigures[] = []
  const before = await counted()
  const measuringMs = performance.now()
  for (let window = 0; window < windows; window++) {
    seen.push(await ask<SubjectFigures>(subject, { windowMs }))
    rssMb.push(await ask<number>(subject, { collect: true }))
    await wait(500)
  }
  const minutes = (performance.now() - measuringMs) / 60_000
  const after = await counted()
  const { standing: end } = after
  const sent = after.sent - before.sent
  const heard = after.standing.heartbeats - before.standing.heartbeats
  const sumOf = (of: (figures: SubjectFigures) => number) =>
    seen.reduce((sum, figures) => sum + of(figures), 0)
  const cores = sumOf((figures) => figures.cores) / windows
  const left = sumOf((figures) => figures.left)
  const growth = growthOf(rssMb, minutes)
  const lost = sent - heard
  const faults = [
    ...(cores >= 1 ? [`takes ${cores.toFixed(2)} cores`] : []),
    ...(end.agents < agents ? [`${agents - end.agents} agents are not believed`] : []),
    ...(lost > 0 ? [`${lost} heartbeats were lost`] : []),
    ...(left > 0 ? [`${left} agents left`] : []),
    ...(growth > GROWTH_MAX && minutes > 1 ? [`memory grows ${growth.toFixed(2)} MB/min`] : []),
  ]
  report(
    'agents',
    {
      agents,
      'all believed after ms': believedMs,
      'members alive': end.alive,
      'cores of the overwatch': cores,
      'share of time without a core': sumOf((figures) => figures.waitedForCore) / windows,
      'heartbeats sent': sent,
      'heartbeats heard': heard,
      'datagrams the kernel dropped': sumOf(({ dropped }) => dropped),
      'us of CPU a heartbeat': (cores * minutes * 6e7) / Math.max(1, heard),
      'RSS MB': rssMb.at(-1) ?? 0,
      'RSS growth MB a minute': growth,
      'agents refused': end.refused,
    },
    {
      holds: faults.length === 0,
      sentence:
        faults.length === 0
          ? `${agents} agents take ${cores.toFixed(3)} cores of one overwatch, no heartbeat lost`
          : faults.join('; '),
    },
  )
} finally {
  subject.disconnect()
  generator.disconnect()
}
