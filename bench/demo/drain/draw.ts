/** The drawing of a run: requests a second by backend, failures, and the moments that count. */
import { addresses } from './configs.ts'
import type { Moment, Recorder } from './recorder.ts'
import type { Run } from './runs.ts'

const WIDTH = 900
const ROW = 170
const LEFT = 60
const RIGHT = 20
const TOP = 34
const PLOT = 100
const colours = ['#3b6ea5', '#c98a1b', '#4d9a5b'] as const
const words: Readonly<Record<Moment['what'], string>> = {
  drain: 'drain',
  dns: 'DNS changed',
  safe: '',
  stop: 'stopped',
  start: 'started',
  peak: 'peak',
  calm: 'calm',
}

/** Requests of each second of the run, by address. */
function seconds({ samples, startedMs }: Recorder): Map<string, number[]> {
  const series = new Map<string, number[]>(addresses.backends.map((one) => [one, []]))
  for (const { atMs, served } of samples) {
    const at = Math.floor((atMs - startedMs) / 1_000)
    for (const [address, counts] of series) {
      while (counts.length <= at) counts.push(0)
      counts[at]! += served[address] ?? 0
    }
  }
  return series
}

function plot({ scenario, recorder }: Run, top: number): string {
  const series = seconds(recorder)
  const lengthSeconds = Math.max(2, ...[...series.values()].map((counts) => counts.length))
  const highest = Math.max(1, ...[...series.values()].flat())
  const x = (second: number) => LEFT + (second / lengthSeconds) * (WIDTH - LEFT - RIGHT)
  const y = (count: number) => top + TOP + PLOT - (count / highest) * PLOT
  const at = (ms: number) => x((ms - recorder.startedMs) / 1_000).toFixed(1)
  const base = top + TOP + PLOT
  const lines = [...series.values()].map((counts, index) => {
    const points = counts.slice(0, -1).map((count, second) => {
      return `${x(second + 0.5).toFixed(1)},${y(count).toFixed(1)}`
    })
    return `<polyline fill="none" stroke="${colours[index]}" points="${points.join(' ')}"/>`
  })
  const moments = recorder.moments.flatMap(({ what, atMs }, index) => {
    if (words[what] === '') return []
    const line = `<line x1="${at(atMs)}" x2="${at(atMs)}" y1="${top + TOP}" y2="${base}" stroke="#999" stroke-dasharray="3 3"/>`
    const height = base + 12 + (index % 3) * 10
    return [line, `<text x="${at(atMs)}" y="${height}" font-size="9">${words[what]}</text>`]
  })
  const failed = recorder.failures.map(
    ({ atMs }) => `<path d="M${at(atMs)} ${base - 4}v4" stroke="#c22" stroke-width="1"/>`,
  )
  const title =
    `${scenario.name}: ${scenario.says} — ${recorder.requests} requests, ` +
    `${recorder.failures.length} failed`
  return [
    `<text x="${LEFT}" y="${top + 20}" font-size="13">${title}</text>`,
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${base}" y2="${base}" stroke="#333"/>`,
    `<text x="${LEFT - 6}" y="${top + TOP + 8}" font-size="10" text-anchor="end">${highest}/s</text>`,
    ...lines,
    ...moments,
    ...failed,
  ].join('\n')
}

/** The first run of each scenario, one below the other. */
export function drawing(runs: readonly Run[]): string {
  const shown = runs.filter(
    (run, index) => runs.findIndex(({ scenario }) => scenario === run.scenario) === index,
  )
  const legend = addresses.backends.map(
    (address, index) =>
      `<text x="${LEFT + index * 130}" y="16" font-size="11" fill="${colours[index]}">` +
      `${address}</text>`,
  )
  const height = 30 + shown.length * ROW
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...legend,
    `<text x="${LEFT + 400}" y="16" font-size="11" fill="#c22">a failed request</text>`,
    ...shown.map((run, index) => plot(run, 24 + index * ROW)),
    '</svg>\n',
  ].join('\n')
}
