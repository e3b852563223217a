/** The delays that matter, without load: median and maximum of N runs of each. */
import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Verdict } from '../../support/report.ts'
import { until } from './process.ts'
import { median } from './runs.ts'
import { type Row, writeTable } from './table.ts'
import type { Site, World } from './world.ts'

interface Delay {
  readonly name: string
  readonly goalMs: number
  /** One run, in milliseconds. */
  readonly run: (world: World, site: Site) => Promise<number>
}

/** From the declaration to the first answer without it; then the drain is lifted again. */
async function changed(
  world: World,
  site: Site,
  declare: () => Promise<void> | void,
  lift: () => Promise<void> | void,
): Promise<number> {
  const answers = world.inAnswers(site.address, false)
  const startedMs = Date.now()
  await declare()
  const took = (await answers) - startedMs
  await lift()
  await world.inAnswers(site.address, true)
  // Past the time in which declarations that follow each other are taken together.
  await sleep(300)
  return took
}

async function byApi(world: World, site: Site): Promise<number> {
  let id = ''
  const declare = async () => {
    id = await world.api.drain(site.address)
  }
  return changed(world, site, declare, () => world.api.lift(id))
}

const byFile = (world: World, site: Site) =>
  changed(
    world,
    site,
    () => writeFileSync(site.drainFile, 'demo\n'),
    () => rmSync(site.drainFile),
  )

const bySignal = (world: World, site: Site) =>
  changed(
    world,
    site,
    () => site.agent?.kill('SIGUSR1'),
    () => site.agent?.kill('SIGUSR1'),
  )

async function byTermination(world: World, site: Site): Promise<number> {
  const answers = world.inAnswers(site.address, false)
  const startedMs = Date.now()
  site.agent?.kill('SIGTERM')
  const took = (await answers) - startedMs
  await site.agent?.exited
  site.startAgent()
  await world.inAnswers(site.address, true)
  return took
}

/** The agent is stopped and started: from its first passing check to the first answer. */
async function agentStart(world: World, site: Site): Promise<number> {
  site.agent?.kill('SIGTERM')
  await world.inAnswers(site.address, false)
  await site.agent?.exited
  site.startAgent()
  const answeredMs = await world.inAnswers(site.address, true)
  await until('it was checked', () => site.checkedMs.length > 0)
  return Math.max(0, answeredMs - site.checkedMs[0]!)
}

async function backendDown(world: World, site: Site): Promise<number> {
  // Anywhere between two checks.
  await sleep(Math.random() * 1_000)
  const answers = world.inAnswers(site.address, false)
  const startedMs = Date.now()
  site.backend?.kill()
  const took = (await answers) - startedMs
  await site.startBackend()
  await world.inAnswers(site.address, true)
  return took
}

const delays: readonly Delay[] = [
  { name: 'drain by API to changed answer', goalMs: 100, run: byApi },
  { name: 'drain by file to changed answer', goalMs: 100, run: byFile },
  { name: 'drain by SIGUSR1 to changed answer', goalMs: 100, run: bySignal },
  { name: 'SIGTERM of the agent to changed answer', goalMs: 100, run: byTermination },
  { name: "agent's first passing check to answer", goalMs: 1_000, run: agentStart },
  { name: 'backend down (1 s, 2 failures) to answer', goalMs: 2_500, run: backendDown },
]

export async function measureTimes(
  world: World,
  runs: number,
  table: string | undefined,
): Promise<{ figures: Record<string, string>; verdict: Verdict }> {
  const figures: Record<string, string> = {}
  const missed: string[] = []
  const rows: Row[] = []
  for (const { name, goalMs, run } of delays) {
    const took: number[] = []
    rows.push({ name, goalMs, tookMs: took })
    for (let at = 0; at < runs; at++) {
      took.push(await run(world, world.sites[at % world.sites.length]!))
      if (table !== undefined) writeTable(table, 'Delays of drains', rows)
    }
    const most = Math.max(...took)
    figures[name] = `median ${median(took)} ms, max ${most} ms of ${runs} (goal ${goalMs} ms)`
    if (most > goalMs) missed.push(name)
  }
  const sentence =
    missed.length === 0 ? 'every delay is within its goal' : `past the goal: ${missed.join('; ')}`
  return { figures, verdict: { holds: missed.length === 0, sentence } }
}
