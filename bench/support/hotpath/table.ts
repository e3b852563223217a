/**
 * Summaries as rows of text, for a terminal and for a page.
 */
import type { Judged, Summary } from './judge.ts'
import type { Estimate } from './statistics.ts'

export const HEADINGS = [
  'server',
  'answers/s',
  'to the first',
  'CPU ns',
  'by CPU',
  'p50 us',
  'p99 us',
  'p99.9 us',
  'lost, saturated',
  'lost, half load',
  'bytes',
  'RSS MB',
] as const

const whole = (value: number | undefined): string =>
  value === undefined ? '-' : Math.round(value).toLocaleString('en-US')

export const intervalText = (found: Estimate | undefined): string =>
  found === undefined
    ? '-'
    : `${found.median.toFixed(3)} [${found.low.toFixed(3)}, ${found.high.toFixed(3)}]`

const share = (value: number | undefined): string => {
  if (value === undefined) return '-'
  return value === 0 ? '0' : `${(value * 100).toPrecision(2)} %`
}

/** A latency that others disturbed is marked. */
const disturbed = ({ latency }: Summary): string => (latency?.quietRounds === 0 ? '~' : '')

export const rowOf = (one: Summary): string[] => [
  one.label,
  one.rate === undefined ? 'not measured' : whole(one.rate),
  intervalText(one.ratio),
  whole(one.cpuNs),
  intervalText(one.cpuRatio),
  ...(['p50', 'p99', 'p999'] as const).map((key) => disturbed(one) + whole(one.latency?.[key])),
  share(one.lostShare),
  share(one.latency?.lostShare),
  whole(one.meanBytes),
  whole(one.residentMb),
]

export function textTable(rows: readonly (readonly string[])[]): string {
  const all = [HEADINGS as readonly string[], ...rows]
  const widths = HEADINGS.map((_, at) => Math.max(...all.map((row) => row[at]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
  return `${all.map(line).join('\n')}\n`
}

export const markdownTable = (rows: readonly (readonly string[])[]): string =>
  [
    `| ${HEADINGS.join(' | ')} |`,
    `|${HEADINGS.map((_, at) => (at === 0 ? '---' : '--:')).join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n')

/** What a goal asks for, three digits of it. */
export const wantedText = ({ atLeast }: Judged): string => String(Number(atLeast.toFixed(3)))

export function judgedText(one: Judged): string {
  const value = one.estimate === undefined ? '' : ` ${intervalText(one.estimate)}`
  const wanted = one.estimate === undefined ? '' : `, wanted ${wantedText(one)} (by ${one.by})`
  return `${one.outcome}: ${one.says}${value}${wanted}`
}

export function doubtsText(summaries: readonly Summary[]): string {
  const sum = (key: 'steal' | 'noisy' | 'generator-bound') =>
    summaries.reduce((total, { doubts }) => total + doubts[key], 0)
  const rounds = summaries.reduce((total, one) => total + one.rounds, 0)
  const valid = summaries.reduce((total, one) => total + one.roundsValid, 0)
  const words = `steal ${sum('steal')}, noisy ${sum('noisy')}, generator-bound ${sum('generator-bound')}`
  return `${valid} of ${rounds} rounds count; spoilt, with those repeated: ${words}`
}
