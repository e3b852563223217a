/** The runs of all worlds as figures, as a page with its charts, and as a verdict. */
import type { WorldParameters } from './parameters.ts'
import { type ChartText, type Line, lineChart } from './chart.ts'
import { schedule } from './parameters.ts'
import { BY_CATCHMENT, BY_COUNTRY } from './guesses.ts'
import type { Run } from './simulate.ts'

export interface Outcome {
  readonly world: WorldParameters
  readonly runs: readonly Run[]
}

const colours: Readonly<Record<string, string>> = {
  'round-robin': '#adb5bd',
  geography: '#e8590c',
  'first with data': '#7048e8',
  learned: '#0b7285',
  'learned, by country': '#e64980',
}

const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`

export const excessOf = ({ account }: Run): number =>
  account.excessMs / Math.max(1, account.oracleMs)

export const kindExcessOf = ({ account }: Run, kind: 'ecs' | 'own' | 'anycast'): number =>
  account.byKind[kind].excessMs / Math.max(1, account.byKind[kind].oracleMs)

/** Without those whose clients nothing can be known of. */
export const knowableExcessOf = ({ account: { byKind } }: Run): number =>
  (byKind.ecs.excessMs + byKind.own.excessMs) /
  Math.max(1, byKind.ecs.oracleMs + byKind.own.oracleMs)

export const learnedOf = ({ runs }: Outcome): Run => runs.find(({ name }) => name === 'learned')!

/** With who is behind resolvers learned, or taken for their country. */
export const isLearned = ({ name }: Run): boolean => name.startsWith('learned')

/** Oracles that see no more than a query carries; they are no policies. */
export const isSeer = ({ name }: Run): boolean => name === BY_COUNTRY || name === BY_CATCHMENT

/** What the learned choice loses, by cause, as shares of the oracle's time; they add up. */
export function causesOf(outcome: Outcome): [string, number][] {
  const named = (wanted: string) => outcome.runs.find(({ name }) => name === wanted)!
  const lostBy = (run: Run, kind: 'ecs' | 'own' | 'anycast') =>
    run.account.byKind[kind].excessMs / Math.max(1, run.account.oracleMs)
  const [own, country, catchment] = [learnedOf(outcome), named(BY_COUNTRY), named(BY_CATCHMENT)]
  return (
    [
      ['anycast without ECS: who of a catchment is behind it', lostBy(catchment, 'anycast')],
      [
        'anycast without ECS: its country stands for its catchment',
        lostBy(country, 'anycast') - lostBy(catchment, 'anycast'),
      ],
      [
        'anycast without ECS: what is not learned of the country',
        lostBy(own, 'anycast') - lostBy(country, 'anycast'),
      ],
      ['own resolvers: who is behind them', lostBy(country, 'own')],
      ['own resolvers: what is not learned', lostBy(own, 'own') - lostBy(country, 'own')],
      ['ECS: what is not learned', lostBy(own, 'ecs')],
    ] as const
  ).map(([cause, share]) => [cause, share])
}

export function figuresOf(outcomes: readonly Outcome[]): Record<string, number | string> {
  const figures: Record<string, number | string> = {}
  for (const outcome of outcomes) {
    const { world, runs } = outcome
    for (const run of runs) {
      const { account } = run
      const key = `${world.name}, ${run.name}: `
      figures[`${key}excess`] = percent(excessOf(run), 2)
      figures[`${key}p95, ms`] = account.percentileMs(0.95)
      figures[`${key}on best`] = percent(account.onBest / account.connections)
      if (!isLearned(run)) continue
      figures[`${key}excess, ECS`] = percent(kindExcessOf(run, 'ecs'), 2)
      figures[`${key}excess, own resolvers`] = percent(kindExcessOf(run, 'own'), 2)
      figures[`${key}excess, anycast without ECS`] = percent(kindExcessOf(run, 'anycast'), 2)
      figures[`${key}recovery, intervals`] = run.recovery ?? 'none'
      figures[`${key}explored`] = percent(account.explored / account.connections, 2)
      figures[`${key}cost of exploring`] = percent(account.exploredExcessMs / account.oracleMs, 2)
      figures[`${key}changes of lead`] = account.changes
      figures[`${key}flaps without cause`] = account.flaps
    }
    for (const [cause, share] of causesOf(outcome))
      figures[`${world.name}, lost, ${cause}`] = percent(share, 2)
  }
  return figures
}

const row = (run: Run): string => {
  const { account } = run
  const cells = [
    run.name,
    percent(excessOf(run)),
    `${(account.excessMs / account.connections).toFixed(1)} ms`,
    `${account.percentileMs(0.95)} ms`,
    percent(account.onBest / account.connections),
    run.recovery === undefined ? 'never' : String(run.recovery),
    percent(account.explored / account.connections, 2),
    percent(account.exploredExcessMs / account.oracleMs, 2),
    String(account.changes),
    String(account.flaps),
  ]
  return `| ${cells.join(' | ')} |`
}

const HEAD = `| policy | mean excess | | p95 excess | on best | recovery | explored | its cost | changes | flaps |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|`

const curves = ({ runs }: Outcome): Line[] =>
  runs
    .filter((run) => !isSeer(run))
    .map(({ name, curve }) => ({
      name,
      colour: colours[name] ?? '#212529',
      points: curve.map(({ hour, excess }) => [hour, excess * 100] as const),
    }))

/** The learned choice without those of whom nothing can be known. */
const knownCurve = (outcome: Outcome): Line => ({
  name: 'no anycast',
  colour: '#2f9e44',
  points: learnedOf(outcome).curve.map(({ hour, known }) => [hour, known * 100] as const),
})

export function chartOf(outcome: Outcome): string {
  const { doubling, outage, reroute, hours } = schedule
  const bands = [
    { from: doubling.fromHour, to: doubling.toHour, says: 'busiest region doubles' },
    { from: outage.fromHour, to: outage.toHour, says: 'outage' },
    { from: reroute.fromHour, to: hours, says: 'routes change' },
  ]
  const chart: ChartText = {
    title: `Mean time beyond the oracle's, world: ${outcome.world.name}`,
    x: 'hour',
    y: '',
    bands,
    goal: 5,
    least: 0.3,
    most: 1000,
  }
  return lineChart(chart, [...curves(outcome), knownCurve(outcome)])
}

export function recoveryChartOf(outcome: Outcome): string {
  const { doubling, intervalMs } = schedule
  const step = intervalMs / 3_600_000
  const lines = outcome.runs
    .filter((run) => !isSeer(run) && run.name !== 'round-robin' && run.name !== 'first with data')
    .map(({ name, doubled }) => ({
      name,
      colour: colours[name] ?? '#212529',
      points: doubled.map(
        (excess, at) => [doubling.fromHour - 1 + at * step, excess * 100] as const,
      ),
    }))
  const bands = [{ from: doubling.fromHour, to: doubling.toHour, says: 'their region doubles' }]
  return lineChart(
    {
      ...{ title: 'Clients of the busiest region, before, while and after it doubles' },
      ...{ x: 'hour', y: '', bands, goal: 5, least: 0.3, most: 300 },
    },
    lines,
  )
}

export function pageOf(outcomes: readonly Outcome[], facts: string): string {
  const tables = outcomes.map((outcome) => {
    const learned = learnedOf(outcome)
    return `## World: ${outcome.world.name}

${HEAD}
${outcome.runs.map(row).join('\n')}

Learned, by who asks: ${percent(kindExcessOf(learned, 'ecs'))} with ECS, \
${percent(kindExcessOf(learned, 'own'))} behind a resolver of their own network, \
${percent(kindExcessOf(learned, 'anycast'))} behind an anycast resolver without ECS.

| of the learned choice's excess | of the oracle's time |
|---|--:|
${causesOf(outcome)
  .map(([cause, share]) => `| ${cause} | ${percent(share, 2)} |`)
  .join('\n')}

![mean excess by hour](../img/steering-${outcome.world.name.replace(' ', '-')}.svg)
`
  })
  return `# Steering, against an oracle

Written by \`npm run bench:steering -- --write\`. ${facts}

The worlds, who asks, and what the columns mean: [decision 0017](../adr/0017-learned-latency.md).
Figures are of the hours after the warm-up. Recovery counts reporting intervals of five minutes.

${tables.join('\n')}
## When a region doubles

![excess of the clients of the region that doubles](../img/steering-recovery.svg)
`
}
