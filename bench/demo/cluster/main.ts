/**
 * `npm run demo:cluster [-- FLAGS]`: takes the leader of three nodes away, again and again, and
 * measures how long nobody answers, and whether two ever do.
 *
 * Flags: `--runs=N` of each fault (default 10), `--fault=kill,stop,partition,term` (default all),
 * `--seed-times` (the timeouts of the deployment guide, 1 s and 1 s), `--calm=SECONDS` (nothing is
 * done, and no other leader may come), `--out=FILE` (each run is added to it as a line of JSON),
 * `--smoke`, `--json`. A signal ends it with the table of the runs so far.
 * Needs etcd, curl, and for the partition root. A run takes some five seconds.
 */
import { appendFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { ClusterSite } from '../../../test/harness/cluster-site.ts'
import { has } from '../../../test/harness/tools.ts'
import { median, report, sized } from '../../support/report.ts'
import { calm, type Calm, faults, type Run, strike } from './faults.ts'

const NODES = 3
/** What the default times must keep to where the guide's own may take 2 s. */
const DEFAULT_GOAL_MS = 1_500

const flag = (name: string): string | undefined => {
  const found = process.argv.find((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  return found === undefined ? undefined : (found.split('=')[1] ?? '')
}

const SEED_TIMES = '    heartbeat_timeout: 1s\n    election_timeout: 1s'

function figuresOf(runs: readonly Run[]): Record<string, number> {
  const figures: Record<string, number> = {}
  for (const fault of faults) {
    const own = runs.filter((run) => run.fault === fault)
    if (own.length === 0) continue
    const times = own.map(({ failoverMs }) => failoverMs)
    figures[`${fault.name}: median to the next answer, ms`] = median(times)
    figures[`${fault.name}: longest of ${own.length}, ms`] = Math.max(...times)
    if (fault.ceasesMs !== undefined)
      figures[`${fault.name}: old leader ceased, longest, ms`] = Math.max(
        ...own.map(({ ceasedMs }) => ceasedMs),
      )
  }
  figures['answers of two leaders at once'] = runs.reduce((sum, { doubled }) => sum + doubled, 0)
  figures['right answers after the faults'] = runs.reduce((sum, { answers }) => sum + answers, 0)
  figures['load of the machine at the end'] = Math.round(loadavg()[0]! * 10) / 10
  return figures
}

/** Adds a run to the file, so that what was measured is there also where the rest is cut short. */
function keep(path: string | undefined, run: Run, isSeed: boolean): void {
  if (path === undefined) return
  const { fault, ...figures } = run
  const row = { fault: fault.name, times: isSeed ? 'seed' : 'default', ...figures }
  const at = { load: Math.round(loadavg()[0]! * 10) / 10, at: new Date().toISOString() }
  appendFileSync(path, `${JSON.stringify({ ...row, ...at })}\n`)
}

function reportCalm({ seconds, changes, gapMs, answers }: Calm): void {
  const figures = {
    'seconds without a fault': seconds,
    'leaders elected meanwhile': changes,
    'longest time between two answers, ms': Math.round(gapMs),
    'right answers': answers,
    'load of the machine at the end': Math.round(loadavg()[0]! * 10) / 10,
  }
  const sentence = `${seconds} s without a fault: ${changes} other leaders`
  report('demo:cluster calm', figures, { holds: changes === 0, sentence })
}

function verdictOf(runs: readonly Run[], isSeed: boolean) {
  const goalOf = (run: Run) =>
    isSeed ? run.fault.goalMs : Math.min(run.fault.goalMs, DEFAULT_GOAL_MS)
  const late = runs.filter((run) => run.failoverMs > goalOf(run))
  const lingering = runs.filter(({ fault, ceasedMs }) => ceasedMs > (fault.ceasesMs ?? Infinity))
  const doubled = runs.reduce((sum, run) => sum + run.doubled, 0)
  const sentence =
    `${runs.length} runs: ${late.length} later than their goal, ${lingering.length} old leaders ` +
    `answered too long, ${doubled} answers of two leaders at once`
  return { holds: late.length === 0 && lingering.length === 0 && doubled === 0, sentence }
}

async function main(): Promise<void> {
  if (!has('etcd', 'curl')) throw new Error('etcd and curl are wanted (Debian: etcd-server, curl)')
  const runsOfEach = Math.max(1, Number(flag('runs') ?? sized(10, 1)))
  const isSeed = flag('seed-times') !== undefined
  const logLevel = flag('keep') === undefined ? 'info' : 'debug'
  const site = new ClusterSite({ logLevel, ...(isSeed ? { raft: SEED_TIMES } : {}) })
  const wanted = flag('fault')?.split(',')
  const runs: Run[] = []
  let isCut = false
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      isCut = true
    })
  try {
    await site.form(NODES)
    site.ask(NODES)
    const calmSeconds = Number(flag('calm') ?? 0)
    if (calmSeconds > 0) {
      reportCalm(await calm(site, NODES, calmSeconds))
      return
    }
    for (const fault of faults) {
      if (wanted !== undefined && !wanted.includes(fault.name)) continue
      if (fault.name === 'partition' && !site.lab.inNamespaces) continue
      for (let at = 1; at <= runsOfEach && !isCut; at++) {
        const run = await strike(site, fault, NODES)
        runs.push(run)
        keep(flag('out'), run, isSeed)
        const times = `${Math.round(run.failoverMs)} ms, old leader ${Math.round(run.ceasedMs)} ms`
        const line = `${fault.text} ${at}/${runsOfEach}: ${times}, doubled ${run.doubled}\n`
        if (flag('json') === undefined) process.stdout.write(line)
      }
    }
    report('demo:cluster', figuresOf(runs), verdictOf(runs, isSeed))
  } finally {
    if (process.exitCode !== 0 && flag('keep') !== undefined)
      for (const program of site.programs.values()) process.stderr.write(program.output)
    await site.close()
  }
}

// A reader that closes the pipe must not leave the nodes running.
process.stdout.on('error', () => {})
await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.stdout.write(`DOES NOT HOLD: ${error instanceof Error ? error.message : 'ended early'}\n`)
  process.exitCode = 1
})
process.exit()
