/**
 * One thread answers as fast as the kernel allows: OpenGSLB beside a bare C loop and NSD, Knot,
 * gdnsd and PowerDNS, each where it is installed.
 *
 * The protocol is in bench/support/hotpath/measure.ts and told to readers in docs/performance.md;
 * the flags are in bench/support/hotpath/options.ts.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { release } from 'node:os'
import { isEnclosed, refusal, runEnclosed } from '../support/hotpath/enclosed.ts'
import {
  goalsOf,
  type Judged,
  judgeGoal,
  judgeLatency,
  judgeMemory,
  summarize,
} from '../support/hotpath/judge.ts'
import { type Entrant, type Machine, measure, type Showing } from '../support/hotpath/measure.ts'
import { compileNative, installed, type Native } from '../support/hotpath/native.ts'
import { placingOf, readOptions } from '../support/hotpath/options.ts'
import { type Facts, type Outcome, writePage } from '../support/hotpath/page.ts'
import { peers } from '../support/hotpath/peers.ts'
import { ECHO, OURS, PEERS, type Scenario } from '../support/hotpath/scenario.ts'
import { scenariosOf } from '../support/hotpath/scenarios.ts'
import type { Subject } from '../support/hotpath/subject.ts'
import { Patience } from '../support/hotpath/quiet.ts'
import { echo } from '../support/hotpath/subject-echo.ts'
import { named, ours } from '../support/hotpath/subject-ours.ts'
import { doubtsText, judgedText, rowOf, textTable } from '../support/hotpath/table.ts'
import { commit, machine as machineFacts, median } from '../support/report.ts'
import { startSink } from '../support/server.ts'

/** Pairs of rounds a goal needs; a smoke run judges none. */
const PAIRS_MIN = 11

const options = readOptions(process.argv.slice(2))
const progress = (text: string): void => {
  if (!options.smoke) process.stderr.write(`  ${text}\n`)
}
const print = (text: string): void => {
  if (!options.json) process.stdout.write(text)
}

interface Cast {
  readonly subjects: ReadonlyMap<string, Subject>
  readonly versions: ReadonlyMap<string, string>
}

function castOf(native: Native, sinkPort: number): Cast {
  const program = options.ours === undefined ? {} : { program: options.ours }
  const all = [
    echo(native.echo),
    ours({ sinkPort, ...program, nodeFlags: options.nodeFlags }),
    ...(options.peers ? peers : []),
    ...options.named.map(([name, command]) => named(name, command, sinkPort)),
  ]
  const subjects = new Map<string, Subject>()
  const versions = new Map<string, string>()
  for (const subject of all) {
    const version = subject.version()
    if (version === undefined) continue
    subjects.set(subject.name, subject)
    versions.set(subject.name, version)
  }
  return { subjects, versions }
}

/** Who takes part, and who cannot. */
function entrantsOf({ contenders, smoke }: Scenario, { subjects }: Cast): [Entrant[], string[]] {
  const remarks: string[] = []
  const alone = options.smoke && smoke === 'alone'
  const entrants = contenders.flatMap((contender): Entrant[] => {
    const names =
      contender.subject === PEERS
        ? alone
          ? []
          : [...subjects.keys()].filter((name) => name !== ECHO && name !== OURS)
        : [contender.subject]
    return names.flatMap((name) => {
      const subject = subjects.get(name)
      if (subject === undefined) remarks.push(`${name} is not installed`)
      const refusal = subject?.refuses(contender.setup)
      if (refusal !== undefined) remarks.push(`${name} ${refusal}`)
      if (subject === undefined || refusal !== undefined) return []
      const label = contender.subject === PEERS ? name : contender.label
      return [{ subject, contender: { ...contender, subject: name, label } }]
    })
  })
  return [entrants, remarks]
}

/** Half of what our first showing reached, by CPU where no rate counts. */
function halfRate(showings: readonly Showing[]): number {
  const mine = showings.find(({ entrant }) => entrant.subject.name === OURS)
  const rounds = mine?.rounds.filter((round) => round !== undefined) ?? []
  const valid = rounds.filter((round) => round.valid).map((round) => round.rate)
  if (valid.length > 0) return median(valid) / 2
  // On a crowded machine a short round may pass without a moment of the server in it.
  const costs = rounds.map(({ cpuNs }) => cpuNs).filter((cpuNs) => cpuNs > 0)
  return costs.length > 0 ? 0.5e9 / median(costs) : 10_000
}

async function run(scenario: Scenario, cast: Cast, machine: Machine): Promise<Outcome> {
  const { name, title } = scenario
  if (scenario.limited === true && !isEnclosed) {
    const why = refusal()
    const cpus = [...machine.serverCpus, ...machine.generatorCpus]
    if (why === undefined) return runEnclosed(name, cpus)
    return { name, title, summaries: [], judged: [], remarks: [`not measured: ${why}`] }
  }
  const [entrants, remarks] = entrantsOf(scenario, cast)
  const asked = entrants.filter(({ contender }) => contender.atRest !== true)
  const threads = Math.max(1, ...asked.map(({ contender }) => contender.setup.threads))
  if (threads > machine.serverCpus.length) {
    const cores = machine.serverCpus.length * 2
    const remark = `not measured: ${threads} threads need ${threads * 2} cores, there are ${cores}`
    return { name, title, summaries: [], judged: [], remarks: [remark] }
  }
  if (entrants.length < 2)
    return { name, title, summaries: [], judged: [], remarks: ['not measured', ...remarks] }
  const showings = await measure(scenario, entrants, machine, halfRate)
  const versionOf = ({ entrant }: Showing) => cast.versions.get(entrant.subject.name) ?? '?'
  const summaries = showings.map((one) => summarize(one, showings[0]!, versionOf(one)))
  const judged: Judged[] = options.smoke
    ? []
    : goalsOf(scenario, showings).map((goal) => judgeGoal(goal, showings, PAIRS_MIN))
  if (!options.smoke)
    judged.push(...(scenario.memory ?? []).map((goal) => judgeMemory(goal, showings)))
  const latency = options.smoke ? undefined : judgeLatency(summaries)
  if (latency !== undefined) judged.push(latency)
  return { name, title, summaries, judged, remarks }
}

function show(outcome: Outcome): void {
  print(`\n${outcome.title}\n`)
  if (outcome.summaries.length > 0) {
    print(textTable(outcome.summaries.map(rowOf)))
    print(`${doubtsText(outcome.summaries)}\n`)
  }
  for (const { label, opinion } of outcome.summaries)
    if (opinion !== undefined) print(`dnsperf, ${label}: ${opinion}\n`)
  for (const remark of outcome.remarks) print(`${remark}\n`)
  for (const one of outcome.judged) print(`${judgedText(one)}\n`)
}

function factsOf(): Facts {
  const { seconds, sweeps, generations, settleSeconds } = options.sizes
  const date = new Date().toISOString().slice(0, 10)
  // The commit of this checkout says nothing about a build from elsewhere.
  const own = `commit ${commit()}${hasChanges() ? ' with changes' : ''}`
  const at = options.ours === undefined ? own : 'a build from elsewhere, given by --ours'
  return {
    ...machineFacts(),
    kernel: release(),
    build: at,
    date,
    sweeps,
    seconds,
    generations,
    settleSeconds,
    peers: options.peers,
  }
}

/** Whether the program is not the one of the commit. */
function hasChanges(): boolean {
  const { status } = spawnSync('git', ['diff', '--quiet', 'HEAD', '--', 'src'], { stdio: 'ignore' })
  return status === 1
}

/** One figure a contender, for those who read every bench the same way. */
const figuresOf = (outcomes: readonly Outcome[]): Record<string, number> =>
  Object.fromEntries(
    outcomes.flatMap(({ name, summaries }) =>
      summaries.map(({ label, cpuNs = 0 }) => [`${name}: ${label}, CPU ns an answer`, cpuNs]),
    ),
  )

/** The last line: whether every answer was right and every goal that was measured holds. */
function verdict(outcomes: readonly Outcome[]): void {
  const wrong = outcomes.flatMap(({ summaries }) => summaries).filter((one) => one.wrong > 0)
  const judged = outcomes.flatMap((outcome) => outcome.judged)
  const missed = judged.filter(({ outcome }) => outcome === 'missed')
  const unmeasured = judged.filter(({ outcome }) => outcome === 'not measured').length
  const holds = wrong.length === 0 && missed.length === 0
  process.exitCode = holds ? 0 : 1
  const met = judged.length - missed.length - unmeasured
  const goals = options.smoke
    ? 'goals are not judged at smoke size'
    : `${met} goals met, ${missed.length} missed, ${unmeasured} not measured`
  const answers =
    wrong.length === 0
      ? 'every answer right'
      : `wrong answers of ${wrong.map((one) => one.label).join(', ')}`
  const sentence = `${answers}; ${goals}`
  if (options.json) {
    const size = options.smoke ? 'smoke' : 'full'
    const figures = figuresOf(outcomes)
    const whole = { name: 'hotpath', size, facts: factsOf(), figures, outcomes, holds, sentence }
    process.stdout.write(`${JSON.stringify(whole)}\n`)
  } else process.stdout.write(`${holds ? 'HOLDS' : 'DOES NOT HOLD'}: ${sentence}\n`)
}

function notMeasured(why: string): void {
  const sentence = `not measured: ${why}`
  const whole = { name: 'hotpath', figures: { sentence }, outcomes: [], holds: true, sentence }
  process.stdout.write(options.json ? `${JSON.stringify(whole)}\n` : `HOLDS: ${sentence}\n`)
}

function isChosen({ name, onRequest, smoke }: Scenario): boolean {
  if (options.scenarios.length > 0) return options.scenarios.includes(name)
  return options.smoke ? smoke !== 'none' : onRequest !== true
}

async function main(): Promise<void> {
  const native = compileNative()
  if (typeof native === 'string') return notMeasured(native)
  if (!installed('taskset')) return notMeasured('taskset is not installed')
  const placing = placingOf(options.cpus)
  if (placing.serverCpus.length === 0) return notMeasured('one core is too few')
  // The harness itself must not run where the servers do.
  const cpus = placing.generatorCpus.join(',')
  execFileSync('taskset', ['-acp', cpus, String(process.pid)], { stdio: 'ignore' })
  const sink = await startSink()
  const facts = factsOf()
  print(`hotpath (${options.smoke ? 'smoke' : 'full'}) ${facts.build}\n`)
  print(`machine: ${facts.cpu}, ${facts.cores} cores, Linux ${facts.kernel}, Node ${facts.node}\n`)
  try {
    const cast = castOf(native, sink.port)
    const { sizes } = options
    const patience = new Patience(sizes.patienceSeconds)
    const { generator } = native
    const machine = { ...placing, generator, sizes, patience, say: progress }
    const outcomes: Outcome[] = []
    for (const scenario of scenariosOf(options.smoke)) {
      if (!isChosen(scenario)) continue
      outcomes.push(await run(scenario, cast, machine))
      show(outcomes.at(-1)!)
    }
    const order = scenariosOf(options.smoke).map(({ name }) => name)
    if (options.write) writePage(facts, outcomes, order)
    verdict(outcomes)
  } finally {
    sink.close()
  }
}

await main()
// The agent of the API keeps its connections; nothing else is open.
process.exit()
