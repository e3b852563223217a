/**
 * Tables of measured delays, as Markdown and as JSON: a row for each delay, with its median and its
 * maximum. Fifty runs have no 99th percentile; that comes from simulated ones.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { commit, machine, median } from '../../support/report.ts'

export interface Row {
  readonly name: string
  /** What the maximum must stay within; undefined where there is no goal. */
  readonly goalMs?: number | undefined
  readonly tookMs: readonly number[]
}

const whole = (value: number) => String(Math.round(value))

function lineOf({ name, goalMs, tookMs }: Row): string {
  const goal = goalMs === undefined ? '' : whole(goalMs)
  const cells = [name, tookMs.length, whole(median(tookMs)), whole(Math.max(...tookMs)), goal]
  return `| ${cells.join(' | ')} |`
}

/** Writes `path`.md and `path`.json, after each run, so that a loop cut short has a table too. */
export function writeTable(
  path: string,
  title: string,
  rows: readonly Row[],
  counts: Readonly<Record<string, number>> = {},
): void {
  const measured = rows.filter(({ tookMs }) => tookMs.length > 0)
  const facts = { title, date: new Date().toISOString(), commit: commit(), machine: machine() }
  const { cpu, cores, memoryGib, node } = facts.machine
  const text = [
    `# ${title}`,
    '',
    `${facts.date}, commit ${facts.commit}.`,
    `Machine: ${cpu}, ${cores} cores, ${memoryGib} GiB, Node ${node}.`,
    '',
    '| delay | runs | median ms | max ms | goal ms |',
    '|---|---|---|---|---|',
    ...measured.map(lineOf),
    '',
    ...Object.entries(counts).map(([name, count]) => `- ${name}: ${count}`),
  ]
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.md`, `${text.join('\n').trimEnd()}\n`)
  const json = measured.map((row) => ({
    ...row,
    medianMs: median(row.tookMs),
    maxMs: Math.max(...row.tookMs),
  }))
  writeFileSync(`${path}.json`, `${JSON.stringify({ ...facts, counts, rows: json }, null, 2)}\n`)
}
