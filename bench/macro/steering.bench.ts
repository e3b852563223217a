/**
 * How close routing comes to an oracle that knows every round trip: round-robin, geography, the
 * rule that the first region with data wins, and the learned choice, in three simulated worlds.
 *
 * Two more oracles know all round trips but must guess who is behind a resolver; what was lost is
 * told by cause, of which the guess is one. `--scale=0.1` makes a world of so much of its size.
 *
 * What must hold leaves out clients of anycast resolvers without ECS, of whom the oracle knows what
 * no query tells; the sentence says both. `--write` writes the charts and the page of results.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commit, machine, report, sized, smoke } from '../support/report.ts'
import {
  chartOf,
  figuresOf,
  excessOf,
  isLearned,
  isSeer,
  knowableExcessOf,
  learnedOf,
  type Outcome,
  pageOf,
  recoveryChartOf,
} from '../steering/figures.ts'
import { schedule, worlds } from '../steering/parameters.ts'
import { Journey } from '../steering/simulate.ts'
import {
  firstWithData,
  geographic,
  learned,
  learnedByCountry,
  roundRobin,
} from '../steering/steerers.ts'
import { makeWorld } from '../steering/world.ts'

const scaled = process.argv.find((word) => word.startsWith('--scale='))?.slice(8)
const SCALE = scaled === undefined ? sized(1, 0.02) : Number(scaled)
const SEED = 7
const makers = [roundRobin, geographic, firstWithData, learned, learnedByCountry]

const outcomes: Outcome[] = worlds.map((world) => {
  const size = {
    prefixes: Math.round(world.prefixes * SCALE),
    asns: Math.round(world.asns * SCALE),
  }
  const made = makeWorld({ ...world, ...size }, SEED)
  return { world, runs: new Journey(made, schedule, makers, SEED + 4).run() }
})

if (process.argv.includes('--write')) {
  const root = process.cwd()
  const { cpu, cores, node } = machine()
  const facts =
    `${worlds[0]!.prefixes * SCALE} networks, ${schedule.hours} hours, seed ${SEED}; ` +
    `commit ${commit()}, ${cpu}, ${cores} cores, Node ${node}.`
  mkdirSync(join(root, 'docs', 'img'), { recursive: true })
  for (const outcome of outcomes) {
    const name = `steering-${outcome.world.name.replace(' ', '-')}.svg`
    writeFileSync(join(root, 'docs', 'img', name), chartOf(outcome))
  }
  writeFileSync(join(root, 'docs', 'img', 'steering-recovery.svg'), recoveryChartOf(outcomes[0]!))
  writeFileSync(join(root, 'docs', 'results', 'steering.md'), pageOf(outcomes, facts))
}

const [normal, geography] = outcomes.map(learnedOf)
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
// A small world is a world of few systems, whose luck decides; there only the order must hold.
const others = outcomes[0]!.runs.filter((run) => !isLearned(run) && !isSeer(run))
const holds = smoke
  ? others.every((run) => excessOf(normal!) < excessOf(run))
  : knowableExcessOf(normal!) <= 0.05 &&
    excessOf(geography!) <= 0.05 &&
    (normal!.recovery ?? 99) <= 5
report('steering', figuresOf(outcomes), {
  holds,
  sentence:
    `beyond an oracle's mean time: ${percent(excessOf(normal!))}, ` +
    `${percent(knowableExcessOf(normal!))} but for anycast resolvers without ECS, ` +
    `${percent(excessOf(geography!))} where geography says all; ` +
    `a doubled region is left in ${normal!.recovery ?? 'no'} intervals`,
})
