/**
 * What the rounds of a scenario say: a summary of each contender, and whether each goal holds.
 */
import { median } from '../report.ts'
import type { Doubt } from './round.ts'
import type { Showing } from './measure.ts'
import {
  ECHO,
  type Goal,
  MARGIN,
  type Measure,
  type MemoryGoal,
  OURS,
  type Scenario,
} from './scenario.ts'
import { type Estimate, estimate } from './statistics.ts'

export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Lost or never asked for want of room, of all that were due. */
  readonly lostShare: number
  /** Rounds that nobody disturbed; where there is none, disturbed ones are shown. */
  readonly quietRounds: number
}

export interface Summary {
  readonly label: string
  readonly subject: string
  readonly version: string
  /** Answers a second, of the rounds that count; undefined where none does. */
  readonly rate?: number
  readonly cpuNs?: number
  readonly threadCpuNs?: number
  /** Rate to that of the first contender. */
  readonly ratio?: Estimate
  /** The same by CPU a query, which a busy machine disturbs less. */
  readonly cpuRatio?: Estimate
  /** Microseconds, median of the rounds at half load. */
  readonly latency?: Latency
  readonly lostShare: number
  readonly wrong: number
  readonly meanBytes: number
  readonly addresses: number
  readonly residentMb: number
  readonly roundsValid: number
  readonly rounds: number
  readonly doubts: Readonly<Record<Doubt, number>>
  /** Changes of state made under load, or scrapes. */
  readonly changes: number
  /** What dnsperf says, where it was asked. */
  readonly opinion?: string
}

export interface Judged {
  readonly says: string
  readonly atLeast: number
  readonly by: Measure
  readonly estimate?: Estimate
  readonly outcome: 'met' | 'missed' | 'not measured'
}

type Figure = (showing: Showing, sweep: number) => number | undefined

const rate: Figure = ({ rounds }, sweep) => {
  const round = rounds[sweep]
  return round?.valid === true ? round.rate : undefined
}

/** A full core by what one answer costs: the rate that a quiet machine would show. */
const perCpu: Figure = ({ rounds }, sweep) => {
  const round = rounds[sweep]
  return round?.fed === true && round.cpuNs > 0 ? 1e9 / round.cpuNs : undefined
}

/** The same of the thread that answers, which shares its core with threads that do other work. */
const perThread: Figure = ({ rounds }, sweep) => {
  const round = rounds[sweep]
  return round?.fed === true && round.threadCpuNs > 0 ? 1e9 / round.threadCpuNs : undefined
}

const FIGURES: Readonly<Record<Measure, Figure>> = {
  rate,
  'CPU a query': perCpu,
  'CPU a query of the thread': perThread,
}

/** One value a sweep in which everybody concerned has a round. */
function ratiosOf(over: readonly Showing[], under: readonly Showing[], figure: Figure): number[] {
  const sweeps = Math.max(0, ...over.map(({ rounds }) => rounds.length))
  const ratios: number[] = []
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const above = over.map((showing) => figure(showing, sweep))
    const below = under.map((showing) => figure(showing, sweep))
    if ([...above, ...below].includes(undefined)) continue
    const product = (values: readonly (number | undefined)[]) =>
      values.reduce<number>((sum, value) => sum * value!, 1)
    ratios.push(product(above) / product(below))
  }
  return ratios
}

export function judgeGoal(goal: Goal, showings: readonly Showing[], pairsMin: number): Judged {
  const find = (labels: readonly string[]) =>
    labels.map((label) => showings.find((one) => one.label === label))
  const over = find(goal.over)
  const under = find(goal.under)
  const base = { says: goal.says, atLeast: goal.atLeast }
  if ([...over, ...under].includes(undefined))
    return { ...base, by: 'rate', outcome: 'not measured' }
  const measures: readonly Measure[] = goal.by ? [goal.by] : ['rate', 'CPU a query']
  for (const by of measures) {
    const ratios = ratiosOf(over as Showing[], under as Showing[], FIGURES[by])
    if (ratios.length < pairsMin) continue
    const found = estimate(ratios)!
    const outcome = found.low >= goal.atLeast - MARGIN ? 'met' : 'missed'
    return { ...base, by, estimate: found, outcome }
  }
  return { ...base, by: 'rate', outcome: 'not measured' }
}

/** The goals a scenario states, and those that come with its peers. */
export function goalsOf(scenario: Scenario, showings: readonly Showing[]): Goal[] {
  if (!scenario.abovePeers) return [...scenario.goals]
  const others = showings.map(({ label }) => label).filter((label) => ![ECHO, OURS].includes(label))
  const above = others.map((label) => {
    return { says: `${OURS} to ${label}`, over: [OURS], under: [label], atLeast: 1 }
  })
  return [...scenario.goals, ...above]
}

/** What a name takes more where there are many: the median of what was resident at rest. */
export function judgeMemory(goal: MemoryGoal, showings: readonly Showing[]): Judged {
  const { few, many, names, bytesAtMost } = goal
  const resting = (labels: readonly string[]): number =>
    labels.reduce((sum, label) => {
      const found = showings.find((one) => one.label === label)?.restingBytes ?? []
      return sum + (found.length === 0 ? Number.NaN : median(found))
    }, 0)
  const each = (resting(many) - resting(few)) / names
  const base = { atLeast: 1, by: 'rate' } as const
  if (Number.isNaN(each))
    return { ...base, says: `memory of a name, ${goal.says}`, outcome: 'not measured' }
  const figures = `${each.toFixed(0)} bytes, allowed ${bytesAtMost}`
  return {
    ...base,
    says: `memory of a name, ${goal.says}: ${figures}`,
    outcome: each <= bytesAtMost ? 'met' : 'missed',
  }
}

function latencyOf({ latencies }: Showing): Latency | undefined {
  if (latencies.length === 0) return undefined
  const quiet = latencies.filter((one) => one.quiet)
  const shown = (quiet.length > 0 ? quiet : latencies).map(({ counted }) => counted)
  const of = (key: 'p50' | 'p99' | 'p999') =>
    median(shown.map(({ latencyNs }) => latencyNs[key] / 1000))
  const lost = shown.map((one) => {
    const gone = one.lost + one.skipped
    return gone / Math.max(1, gone + one.answered)
  })
  return {
    p50: of('p50'),
    p99: of('p99'),
    p999: of('p999'),
    lostShare: median(lost),
    quietRounds: quiet.length,
  }
}

export function summarize(showing: Showing, base: Showing, version: string): Summary {
  const all = showing.rounds.filter((round) => round !== undefined)
  const valid = all.filter((round) => round.valid)
  const lost = all.reduce((sum, { counted }) => sum + counted.lost, 0)
  const answered = all.reduce((sum, { counted }) => sum + counted.answered, 0)
  const ratio = estimate(ratiosOf([showing], [base], rate))
  const cpuRatio = estimate(ratiosOf([showing], [base], perCpu))
  const latency = latencyOf(showing)
  return {
    label: showing.label,
    subject: showing.entrant.subject.name,
    version,
    ...(valid.length > 0 ? { rate: median(valid.map((round) => round.rate)) } : {}),
    ...(all.length > 0
      ? {
          cpuNs: median(all.map(({ cpuNs }) => cpuNs)),
          threadCpuNs: median(all.map(({ threadCpuNs }) => threadCpuNs)),
        }
      : {}),
    ...(ratio === undefined ? {} : { ratio }),
    ...(cpuRatio === undefined ? {} : { cpuRatio }),
    ...(latency === undefined ? {} : { latency }),
    lostShare: lost / Math.max(1, lost + answered),
    wrong: showing.wrong,
    meanBytes: showing.meanBytes,
    addresses: Math.max(0, ...all.map(({ counted }) => counted.addresses)),
    residentMb: showing.residentBytes / 1e6,
    roundsValid: valid.length,
    rounds: showing.rounds.length,
    doubts: showing.doubts,
    changes: showing.changes,
    ...(showing.opinion === undefined ? {} : { opinion: showing.opinion }),
  }
}

const LATENCIES_MIN = 3

/** At half load, no more than a quarter or 50 µs above NSD's p99. */
export function judgeLatency(summaries: readonly Summary[]): Judged | undefined {
  const find = (label: string) => summaries.find((one) => one.label === label)?.latency
  const [mine, nsd] = [find(OURS), find('NSD')]
  if (mine === undefined || nsd === undefined) return undefined
  const [ours, theirs] = [mine.p99, nsd.p99]
  const measured = Math.min(mine.quietRounds, nsd.quietRounds) >= LATENCIES_MIN
  const allowed = Math.max(theirs * 1.25, theirs + 50)
  return {
    says: `p99 at half load ${ours.toFixed(0)} us, NSD ${theirs.toFixed(0)} us, allowed ${allowed.toFixed(0)} us`,
    atLeast: 1,
    by: 'rate',
    outcome: !measured ? 'not measured' : ours <= allowed ? 'met' : 'missed',
  }
}
