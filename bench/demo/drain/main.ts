/**
 * `npm run demo:drain [-- FLAGS]`: stops backends under load and counts the requests that fail.
 *
 * Flags: `--scenario=api,file` (default all), `--runs=N` of each, `--smoke`, `--json`, `--write`
 * (draws docs/demo-drain.svg), `--times` (delays alone, N runs of each), `--keep` (keeps logs),
 * `--table=PATH` (writes the delays of all runs to PATH.md and PATH.json, after each run).
 */
import { report, type Verdict } from '../../support/report.ts'
import { countsOf, figuresOf, type Run, rowsOf, sizes, soundOf, stage } from './runs.ts'
import { scenarios } from './scenarios.ts'
import { writeTable } from './table.ts'
import { measureTimes } from './times.ts'
import { unboundVersion, World } from './world.ts'
import { drawing } from './draw.ts'
import { writeFileSync } from 'node:fs'

const SHOWN_FAILURES = 10
/** Around the first failure. */
const SHOWN_MS = 5_000

const flag = (name: string): string | undefined => {
  const found = process.argv.find((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  return found === undefined ? undefined : (found.split('=')[1] ?? '')
}

async function scenarioRuns(world: World, runsOfEach: number): Promise<Run[]> {
  const wanted = flag('scenario')?.split(',')
  const chosen = scenarios.filter(({ name }) => wanted?.includes(name) ?? true)
  if (chosen.length === 0) throw new Error(`--scenario: ${scenarios.map(({ name }) => name)}`)
  const runs: Run[] = []
  for (const scenario of chosen)
    for (let run = 1; run <= runsOfEach; run++)
      for (let attempt = 1; attempt <= sizes.attempts; attempt++) {
        const done = await stage(world, scenario)
        runs.push(done)
        explain(done)
        const table = flag('table')
        if (table !== undefined)
          writeTable(table, 'Drains under load', rowsOf(runs), countsOf(runs))
        if (!process.argv.includes('--json'))
          tell(done, runsOfEach > 1 ? ` ${run}/${runsOfEach}` : '')
        if (done.voidFor === undefined || !scenario.lossless) break
      }
  return runs
}

function tell({ scenario, recorder, falseSafe, voidFor }: Run, label: string): void {
  process.stdout.write(
    `${scenario.name}${label}: ${recorder.requests} requests, ` +
      `${recorder.failures.length} failed, ${falseSafe} false "safe to stop"` +
      `${voidFor === undefined ? '' : `; void: ${voidFor}`}\n`,
  )
}

/** What was lost although notice was given: when, after which moments, by whom. */
function explain({ recorder, scenario }: Run): void {
  if (!scenario.lossless || recorder.failures.length === 0) return
  const second = (ms: number) => ((ms - recorder.startedMs) / 1_000).toFixed(3)
  for (const { atMs, what, address } of recorder.moments)
    process.stderr.write(`  ${second(atMs)} ${what} ${address}\n`)
  for (const { atMs, text } of recorder.said)
    process.stderr.write(`  ${second(atMs)} said ${text}\n`)
  const firstMs = Math.min(...recorder.failures.map(({ atMs }) => atMs))
  for (const { atMs, served } of recorder.samples)
    if (Math.abs(atMs - firstMs) < SHOWN_MS)
      process.stderr.write(`  ${second(atMs)} served ${JSON.stringify(served)}\n`)
  for (const { atMs, pool, address, fault } of recorder.failures.slice(0, SHOWN_FAILURES))
    process.stderr.write(`  ${second(atMs)} FAILED ${fault} of ${pool} at ${address}\n`)
}

const nameOf = ({ scenario }: Run) => scenario.name

function verdictOf(runs: readonly Run[]) {
  const sound = soundOf(runs)
  const expected = new Set(runs.filter(({ scenario }) => scenario.lossless).map(nameOf))
  const seen = new Set(sound.map(nameOf))
  const failed = sound.reduce((sum, { recorder }) => sum + recorder.failures.length, 0)
  const wrong = sound.reduce((sum, { falseSafe }) => sum + falseSafe, 0)
  const requests = sound.reduce((sum, { recorder }) => sum + recorder.requests, 0)
  const enough = runs.every(({ recorder }) => recorder.requests >= sizes.requestsMin)
  const lost = runs
    .filter(({ scenario }) => !scenario.lossless)
    .reduce((sum, { recorder }) => sum + recorder.failures.length, 0)
  const sentence =
    `${failed} of ${requests} requests failed and ${wrong} false "safe to stop" in ` +
    `${sound.length} runs with notice; without notice ${lost} were lost` +
    (enough ? '' : '; a run had too few requests') +
    (seen.size === expected.size ? '' : '; not measured, the machine is busy')
  const isWhole = enough && seen.size === expected.size
  return { holds: failed === 0 && wrong === 0 && isWhole, sentence }
}

/** Nothing of this makes an actor fall, whatever the figures say. */
function withFalls({ holds, sentence }: Verdict, world: World): Verdict {
  const falls = world.falls()
  return falls === 0
    ? { holds, sentence }
    : { holds: false, sentence: `${falls} falls; ${sentence}` }
}

async function main(): Promise<void> {
  const runsOfEach = Math.max(1, Number(flag('runs') ?? 1))
  const world = new World()
  try {
    await world.start()
    if (flag('times') !== undefined) {
      const { figures, verdict } = await measureTimes(world, runsOfEach, flag('table'))
      report('demo:drain --times', figures, withFalls(verdict, world))
      return
    }
    const runs = await scenarioRuns(world, runsOfEach)
    const figures = { unbound: unboundVersion(), ...figuresOf(runs) }
    if (flag('write') !== undefined) writeFileSync('docs/demo-drain.svg', drawing(runs))
    report('demo:drain', figures, withFalls(verdictOf(runs), world))
  } finally {
    await world.stop(flag('keep') !== undefined)
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.stdout.write(`DOES NOT HOLD: ${error instanceof Error ? error.message : 'ended early'}\n`)
  process.exitCode = 1
})
process.exit()
