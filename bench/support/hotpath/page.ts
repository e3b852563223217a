/**
 * docs/performance.md and its chart, and the figures they come from in docs/performance.json.
 *
 * A run of some scenarios replaces those and keeps the others, each with what it was measured on.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chart } from './chart.ts'
import type { Judged, Summary } from './judge.ts'
import { root } from './native.ts'
import { doubtsText, intervalText, markdownTable, rowOf, wantedText } from './table.ts'

export interface Outcome {
  readonly name: string
  readonly title: string
  readonly summaries: readonly Summary[]
  readonly judged: readonly Judged[]
  /** Why it was not measured, or who could not take part. */
  readonly remarks: readonly string[]
  /** The run it is of, in the file of figures. */
  readonly facts?: Facts
}

export interface Facts {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  /** What was measured: the commit of this checkout, or a build of unknown origin. */
  readonly build: string
  readonly date: string
  readonly sweeps: number
  readonly seconds: number
  readonly generations: number
  readonly settleSeconds: number
  /** Whether installed peers took part, or were left out by a flag. */
  readonly peers: boolean
}

const INTRODUCTION = `# Performance

How fast one thread answers, beside a bare C loop and beside other name servers on the same machine.
This page and its chart are written by \`npm run bench -- hotpath --write\`; \`npm run bench -- hotpath\`
prints the same. The peers are the Debian packages \`nsd\`, \`knot\`, \`gdnsd\`, \`pdns-server\` and
\`pdns-backend-bind\`, each where it is installed; \`--peer=NAME=COMMAND\` adds any other program
(\`{port}\`, \`{zone}\`, \`{zonefile}\` and \`{config}\` in the command stand for what it needs).

`

const startsText = (generations: number): string =>
  generations === 1
    ? 'Servers were started\n  once, so the interval holds nothing of how one start differs from another.'
    : `Servers were started\n  afresh ${generations} times on the way.`

const methodOf = ({ generations, settleSeconds }: Facts): string => `## How it is measured

- Every server is pinned to one core with all its threads, the load generator to another. The
  generator (bench/native) keeps 192 questions on the way from 4,096 client networks and checks every
  answer: id, question, rcode, and the addresses it may hold. It spins and never sleeps, so that no
  server pays for waking it.
- The C echo is the limit of the socket API: a blocking \`recvmmsg\` of 64, QR flipped, as many bytes
  appended as our answers have, \`sendmmsg\`.
- All servers of a scenario run at once and are asked one after the other, the next time in the
  opposite order; a ratio is taken within each such sweep. The figure is the median of those ratios
  with a bootstrap interval of 95 %. ${startsText(generations)}
  After each start and warming up they rest for ${settleSeconds} s.
- A round counts when the server used 98 % of its core, the generator was idle for a sixth of the
  time, and the host took less than 2 % away; others are repeated, then dropped and counted. "By CPU"
  compares the CPU time of the whole server for one answer instead, in which a busy machine shows
  less; it decides where too few rounds count, and alone where a goal is one of CPU.
- Latency is taken at half of our own rate, the same for all, from when a question was due; where
  others disturbed every such round it is marked ~.
- A goal is met when the lower end of its interval is no more than 0.02 under it.
- Clients are on loopback, which response rate limiting exempts: what is in the figures is its check
  for exemption. "Everything on" is in a network of its own instead, where they are not: every reply
  is counted and none held, and its metrics are read in every round. Limiting is off in the peers.
- Memory of a name is what a server with many holds more than one with a single name, resident, after
  that rest, median of the starts; 1.5 KB is 1,500 bytes. A second thread may add a tenth of that.
- Only ratios hold. Loopback has no network card in it, and a virtual machine has noise.

`

const factsOf = (facts: Facts): string => `## The machine

${facts.cpu}, ${facts.cores} cores, ${facts.memoryGib} GiB, Linux ${facts.kernel}, Node ${facts.node};
${facts.build}; ${facts.date}; at most ${facts.sweeps} sweeps of ${facts.seconds} s.
${facts.peers ? '' : 'Peers were left out of this run.\n'}

`

const goalRow = (title: string, one: Judged): string => {
  const value = one.estimate === undefined ? '-' : intervalText(one.estimate)
  const by = one.estimate === undefined ? '-' : one.by
  return `| ${title} | ${one.says} | ${wantedText(one)} | ${value} | ${by} | ${one.outcome} |`
}

const goalsOf = (outcomes: readonly Outcome[]): string => `## Goals

| scenario | what | wanted | found | by | |
|---|---|--:|--:|---|---|
${outcomes.flatMap(({ title, judged }) => judged.map((one) => goalRow(title, one))).join('\n')}

`

function sectionOf({ title, summaries, remarks }: Outcome): string {
  const versions = [...new Set(summaries.map(({ subject, version }) => `${subject} ${version}`))]
  const notes = [
    ...(summaries.length > 0 ? [doubtsText(summaries), versions.join(', ')] : []),
    ...summaries.flatMap(({ label, opinion }) =>
      opinion === undefined ? [] : [`dnsperf, ${label}: ${opinion}`],
    ),
    ...remarks,
  ]
  const table = summaries.length > 0 ? `${markdownTable(summaries.map(rowOf))}\n\n` : ''
  return `### ${title}\n\n${table}${notes.map((note) => `- ${note}.`).join('\n')}\n`
}

const jsonPath = join(root, 'docs', 'performance.json')

/** What was found before, with what is new in its place; the order is that of the scenarios. */
function merged(facts: Facts, outcomes: readonly Outcome[], order: readonly string[]): Outcome[] {
  const before = existsSync(jsonPath)
    ? (JSON.parse(readFileSync(jsonPath, 'utf8')) as readonly Outcome[])
    : []
  const all = new Map(before.map((outcome) => [outcome.name, outcome]))
  for (const outcome of outcomes) all.set(outcome.name, { ...outcome, facts })
  return order.flatMap((name) => all.get(name) ?? [])
}

/** Which run a scenario is of, where that is not the run of the page. */
function earlier(facts: Facts, outcome: Outcome): string[] {
  const own = outcome.facts
  if (own === undefined || (own.build === facts.build && own.date === facts.date)) return []
  const { date, build, sweeps, seconds } = own
  return [`Measured on ${date}, ${build}, at most ${sweeps} sweeps of ${seconds} s`]
}

/** Writes the page, the chart it shows and the figures; `order` names all scenarios. */
export function writePage(facts: Facts, found: readonly Outcome[], order: readonly string[]): void {
  const outcomes = merged(facts, found, order).map((outcome) => ({
    ...outcome,
    remarks: [...outcome.remarks, ...earlier(facts, outcome)],
  }))
  writeFileSync(jsonPath, `${JSON.stringify(merged(facts, found, order), undefined, 1)}\n`)
  const shown = outcomes.filter(({ summaries }) => summaries[0]?.label === 'C echo')
  writeFileSync(join(root, 'docs', 'performance.svg'), chart(shown))
  const text = [
    INTRODUCTION,
    '![Ratios to the bare C loop](performance.svg)\n\n',
    factsOf(facts),
    goalsOf(outcomes),
    methodOf(facts),
    '## Scenarios\n\n',
    outcomes.map(sectionOf).join('\n'),
  ]
  writeFileSync(join(root, 'docs', 'performance.md'), text.join(''))
}
