/**
 * What may befall a backend while clients send requests, and what is done about it.
 *
 * Each scenario marks its moments with the recorder. A backend is killed (SIGKILL) in the instant
 * the overwatch says that it is safe to stop, and never waits a little longer.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NAME, TTL_SECONDS } from './configs.ts'
import { until } from './process.ts'
import type { Recorder } from './recorder.ts'
import type { Site, World } from './world.ts'

export interface Stage {
  readonly world: World
  readonly recorder: Recorder
  /** How long the clients that disregard the TTL hold an address. */
  readonly holdMs: number
  /** Time at the beginning and at the end in which nothing happens. */
  readonly calmMs: number
}

export interface Scenario {
  readonly name: string
  readonly says: string
  /** Whether every request is to succeed. */
  readonly lossless: boolean
  readonly run: (stage: Stage) => Promise<void>
}

const SAFE_LIMIT_MS = 120_000
const ASK_MS = 50

/** Declares the drain and marks when it began and when the answers changed. */
async function drained(stage: Stage, site: Site, declare: () => Promise<void> | void) {
  const { world, recorder } = stage
  recorder.mark('drain', site.address)
  const changed = world.inAnswers(site.address, false)
  await declare()
  recorder.mark('dns', site.address, await changed)
}

/** Asks until the overwatch says yes, and kills the backend in that instant. */
async function killWhenSafe({ world, recorder }: Stage, site: Site): Promise<void> {
  const isSafe = async () => {
    const seen = await world.drainOf(site)
    recorder.note(seen)
    return seen?.safe === true
  }
  await until(`${site.address} is safe to stop`, isSafe, SAFE_LIMIT_MS, ASK_MS)
  recorder.mark('safe', site.address)
  site.backend?.kill()
  recorder.mark('stop', site.address)
  await site.backend?.exited
}

async function back({ world, recorder }: Stage, site: Site): Promise<void> {
  await site.startBackend()
  recorder.mark('start', site.address)
  await world.inAnswers(site.address, true)
}

async function drainAndReturn(
  stage: Stage,
  site: Site,
  declare: () => Promise<void> | void,
  lift: () => Promise<void> | void,
): Promise<void> {
  await sleep(stage.calmMs)
  await drained(stage, site, declare)
  await killWhenSafe(stage, site)
  await sleep(stage.calmMs)
  // Back before the drain is lifted, as an operator would: health decides from then on.
  await site.startBackend()
  stage.recorder.mark('start', site.address)
  await lift()
  await stage.world.inAnswers(site.address, true)
  await sleep(stage.calmMs)
}

function byApi(stage: Stage, site: Site): Promise<void> {
  let id = ''
  const declare = async () => {
    id = await stage.world.api.drain(site.address)
  }
  return drainAndReturn(stage, site, declare, () => stage.world.api.lift(id))
}

const byFile = (stage: Stage, site: Site) =>
  drainAndReturn(
    stage,
    site,
    () => writeFileSync(site.drainFile, 'demo\n'),
    () => rmSync(site.drainFile),
  )

const bySignal = (stage: Stage, site: Site) =>
  drainAndReturn(
    stage,
    site,
    () => site.agent?.kill('SIGUSR1'),
    () => site.agent?.kill('SIGUSR1'),
  )

/**
 * The agent leaves, so nobody counts connections any more and time alone speaks: until the last
 * address that any client holds has been given up, and the last kept connection ended.
 */
async function byTermination(stage: Stage, site: Site): Promise<void> {
  const { recorder, world } = stage
  await sleep(stage.calmMs)
  const agent = site.agent
  await drained(stage, site, () => agent?.kill('SIGTERM'))
  await sleep(stage.holdMs + 2 * TTL_SECONDS * 1_000)
  recorder.mark('safe', site.address)
  site.backend?.kill()
  recorder.mark('stop', site.address)
  await Promise.all([site.backend?.exited, agent?.exited])
  await sleep(stage.calmMs)
  await site.startBackend()
  recorder.mark('start', site.address)
  site.startAgent()
  await world.inAnswers(site.address, true, 30_000)
  await sleep(stage.calmMs)
}

async function reactive(stage: Stage, site: Site): Promise<void> {
  const { recorder, world } = stage
  await sleep(stage.calmMs)
  const changed = world.inAnswers(site.address, false)
  recorder.mark('stop', site.address)
  site.backend?.kill()
  recorder.mark('dns', site.address, await changed)
  await sleep(stage.calmMs + stage.holdMs)
  await back(stage, site)
  await sleep(stage.calmMs)
}

/** Requests to the address in the last second, as a share of all. */
function shareOf({ recorder }: Stage, address: string): number {
  const last = recorder.samples.slice(-5)
  const sum = (pick: (address: string) => boolean) =>
    last.reduce((total, { served }) => {
      const counted = Object.entries(served).filter(([one]) => pick(one))
      return total + counted.reduce((all, [, count]) => all + count, 0)
    }, 0)
  return (
    sum((one) => one === address) /
    Math.max(
      1,
      sum(() => true),
    )
  )
}

const LOW_SHARE = 0.05
const USUAL_SHARE = 0.2

async function predictive(stage: Stage, site: Site): Promise<void> {
  const { recorder } = stage
  const limitMs = stage.holdMs + 60_000
  await sleep(stage.calmMs)
  recorder.mark('peak', site.address)
  site.cgroup.share = 0.97
  await until('its share falls', () => shareOf(stage, site.address) < LOW_SHARE, limitMs, 200)
  recorder.mark('dns', site.address)
  await sleep(stage.calmMs)
  recorder.mark('calm', site.address)
  site.cgroup.calm()
  await until('its share returns', () => shareOf(stage, site.address) > USUAL_SHARE, limitMs, 200)
  await sleep(stage.calmMs)
}

const first = (run: (stage: Stage, site: Site) => Promise<void>) => (stage: Stage) =>
  run(stage, stage.world.sites[0]!)

async function rolling(stage: Stage): Promise<void> {
  for (const site of stage.world.sites) await byApi({ ...stage, calmMs: stage.calmMs / 2 }, site)
}

const lossless = true

export const scenarios: readonly Scenario[] = [
  {
    name: 'reactive',
    says: 'killed without a drain; checks find out',
    lossless: false,
    run: first(reactive),
  },
  { name: 'file', says: 'drained by the drain file', lossless, run: first(byFile) },
  { name: 'api', says: "drained by the overwatch's API", lossless, run: first(byApi) },
  { name: 'sigusr1', says: 'drained by SIGUSR1 to the agent', lossless, run: first(bySignal) },
  { name: 'sigterm', says: 'drained by SIGTERM to the agent', lossless, run: first(byTermination) },
  { name: 'rolling', says: 'all three deployed anew, one by one', lossless, run: rolling },
  { name: 'predictive', says: 'a CPU peak on one', lossless, run: first(predictive) },
]

/** The name every client resolves. */
export const servedName = NAME
