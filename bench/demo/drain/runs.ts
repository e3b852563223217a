/** One run of a scenario: its clients, its length, and the figures that come of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sized } from '../../support/report.ts'
import type { PoolName } from './clients.ts'
import { addresses, TTL_SECONDS } from './configs.ts'
import { type Moment, Recorder } from './recorder.ts'
import { type Scenario, servedName } from './scenarios.ts'
import type { Row } from './table.ts'
import type { World } from './world.ts'

const fullRates: Readonly<Record<PoolName, number>> = {
  direct: 300,
  unbound: 250,
  'keep-alive': 400,
  holder: 50,
}
const smokeRates: Readonly<Record<PoolName, number>> = {
  direct: 60,
  unbound: 50,
  'keep-alive': 100,
  holder: 40,
}

export const sizes = {
  rates: sized(fullRates, smokeRates),
  holdMs: sized(30_000, 3_000),
  keepMs: sized(5_000, 1_500),
  calmMs: sized(4_000, 800),
  requestsMin: sized(50_000, 1_000),
  /** How often a run is tried that a busy machine spoils. */
  attempts: 3,
} as const

export interface Run {
  readonly scenario: Scenario
  readonly recorder: Recorder
  /** Backends that were called safe to stop, and lost a request after that. */
  readonly falseSafe: number
  /** Why the run shows nothing: clients that a busy machine silenced cannot be waited for. */
  readonly voidFor: string | undefined
}

/** Silent for so long a client is as good as gone: nobody came while an answer lived. */
const SILENT_MS_MAX = (TTL_SECONDS * 1_000) / 2

function voidOf({ skipped, silentMs }: Recorder): string | undefined {
  if (silentMs > SILENT_MS_MAX) return `clients were silent for ${Math.round(silentMs)} ms`
  return skipped > 0 ? `clients could not send ${skipped} requests in time` : undefined
}

/** Runs it with clients of its own, for as long as the requests of a run take. */
export async function stage(world: World, scenario: Scenario): Promise<Run> {
  const { rates, holdMs, keepMs, calmMs } = sizes
  const { unboundPort } = world
  const recorder = new Recorder({
    name: servedName,
    port: world.appPort,
    overwatch: { host: addresses.overwatch, port: world.ports.dns },
    resolver: unboundPort === 0 ? undefined : { host: addresses.resolver, port: unboundPort },
    ...{ rates, holdMs, keepMs },
  })
  try {
    await scenario.run({ world, recorder, holdMs, calmMs })
    while (recorder.requests < sizes.requestsMin) await sleep(100)
    await recorder.stop()
  } finally {
    recorder.kill()
  }
  const [falseSafe, voidFor] = [falseSafes(recorder), voidOf(recorder)]
  return { scenario, recorder, falseSafe, voidFor }
}

/** A backend stopped when it was called safe, where a request failed until it was back. */
function falseSafes({ moments, failures }: Recorder): number {
  return moments.filter(({ what, address, atMs }) => {
    if (what !== 'safe') return false
    const until = moments.find((one) => one.what === 'start' && one.atMs > atMs)?.atMs ?? Infinity
    return failures.some(
      (one) => one.address === address && one.atMs >= atMs && one.atMs <= until + 1_000,
    )
  }).length
}

const between = (moments: readonly Moment[], from: Moment['what'], to: Moment['what']) =>
  moments
    .filter(({ what }) => what === from)
    .flatMap((begun) => {
      const end = moments.find(
        (one) => one.what === to && one.address === begun.address && one.atMs >= begun.atMs,
      )
      return end === undefined ? [] : [end.atMs - begun.atMs]
    })

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const span = (values: readonly number[], unit: string) =>
  values.length === 0
    ? 'none'
    : `${Math.round(median(values))} ${unit} median, ${Math.round(Math.max(...values))} ${unit} max`

const timesOf = (runs: readonly Run[], from: Moment['what'], to: Moment['what']) =>
  runs.flatMap(({ recorder }) => between(recorder.moments, from, to))

/** Rows of the table, by scenario. */
export function rowsOf(runs: readonly Run[]): Row[] {
  return [...new Set(runs.map(({ scenario }) => scenario.name))].flatMap((name) => {
    const own = runs.filter(({ scenario }) => scenario.name === name)
    const isLossless = own.some(({ scenario }) => scenario.lossless)
    const changed = [...timesOf(own, 'drain', 'dns'), ...timesOf(own, 'peak', 'dns')]
    const died = isLossless ? [] : timesOf(own, 'stop', 'dns')
    return [
      { name: `${name}: to changed answer`, tookMs: changed },
      { name: `${name}: death to changed answer`, tookMs: died },
      { name: `${name}: drain to safe to stop`, tookMs: timesOf(own, 'drain', 'safe') },
    ]
  })
}

/** Runs with notice that show something. */
export const soundOf = (runs: readonly Run[]): Run[] =>
  runs.filter(({ scenario, voidFor }) => scenario.lossless && voidFor === undefined)

/** What else a table of all runs says. */
export function countsOf(runs: readonly Run[]): Record<string, number> {
  const sound = soundOf(runs)
  const sum = (of: readonly Run[], count: (run: Run) => number) =>
    of.reduce((total, run) => total + count(run), 0)
  return {
    'runs with notice': sound.length,
    'requests in them': sum(sound, ({ recorder }) => recorder.requests),
    'failed requests in them': sum(sound, ({ recorder }) => recorder.failures.length),
    'false "safe to stop"': sum(sound, ({ falseSafe }) => falseSafe),
    'void, for a busy machine': runs.filter(({ voidFor }) => voidFor !== undefined).length,
  }
}

/** Lines of the report, by scenario. */
export function figuresOf(runs: readonly Run[]): Record<string, string> {
  const figures: Record<string, string> = {}
  for (const name of new Set(runs.map(({ scenario }) => scenario.name))) {
    const own = runs.filter(({ scenario }) => scenario.name === name)
    const requests = own.reduce((sum, { recorder }) => sum + recorder.requests, 0)
    const failures = own.flatMap(({ recorder }) => recorder.failures)
    const faults = [...new Set(failures.map(({ fault, pool }) => `${fault} of ${pool}`))]
      .map((kind) => {
        const count = failures.filter(({ fault, pool }) => `${fault} of ${pool}` === kind).length
        return `${count} ${kind}`
      })
      .join(', ')
    const times = (from: Moment['what'], to: Moment['what']) => timesOf(own, from, to)
    figures[`${name}: requests, failed`] =
      `${requests}, ${failures.length}${faults === '' ? '' : ` (${faults})`}`
    const changed = [...times('drain', 'dns'), ...times('peak', 'dns')]
    if (changed.length > 0) figures[`${name}: to changed answer`] = span(changed, 'ms')
    const found = own.some(({ scenario }) => !scenario.lossless) ? times('stop', 'dns') : []
    if (found.length > 0) figures[`${name}: death to changed answer`] = span(found, 'ms')
    const safe = times('drain', 'safe')
    if (safe.length > 0) figures[`${name}: drain to safe to stop`] = span(safe, 'ms')
  }
  return figures
}
