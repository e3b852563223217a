/**
 * Ratios to the bare C loop as bars with their intervals, one group a scenario, as SVG.
 */
import type { Summary } from './judge.ts'
import type { Estimate } from './statistics.ts'

export interface Group {
  readonly title: string
  readonly summaries: readonly Summary[]
}

const LEFT = 150
const WIDTH = 620
const BAR = 16
const GAP = 5
const SCALE_TO = 1.2

const COLOURS: Readonly<Record<string, string>> = {
  OpenGSLB: '#0b7285',
  'C echo': '#868e96',
}
const OTHER = '#adb5bd'

const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

const x = (ratio: number): number => LEFT + (Math.min(ratio, SCALE_TO) / SCALE_TO) * WIDTH

function bar(one: Summary, found: Estimate, top: number): string {
  const fill = COLOURS[one.subject] ?? OTHER
  const middle = top + BAR / 2
  const wide = (x(found.median) - LEFT).toFixed(1)
  const from = x(found.low).toFixed(1)
  const to = x(found.high).toFixed(1)
  return [
    `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${escaped(one.label)}</text>`,
    `<rect x="${LEFT}" y="${top}" width="${wide}" height="${BAR}" fill="${fill}"/>`,
    `<path d="M${from} ${middle}H${to}" stroke="#212529" stroke-width="2"/>`,
    `<text x="${LEFT + WIDTH + 8}" y="${middle + 4}">${found.median.toFixed(2)}</text>`,
  ].join('\n')
}

/** The ratio by rate, or by CPU a query where no rate counts. */
export const ratioOf = (one: Summary): Estimate | undefined => one.ratio ?? one.cpuRatio

export function chart(groups: readonly Group[]): string {
  const parts: string[] = []
  let top = 40
  for (const { title, summaries } of groups) {
    parts.push(`<text x="${LEFT}" y="${top + 12}" font-weight="600">${escaped(title)}</text>`)
    top += 22
    for (const one of summaries) {
      const found = ratioOf(one)
      if (found === undefined) continue
      parts.push(bar(one, found, top))
      top += BAR + GAP
    }
    top += 14
  }
  const one = x(1).toFixed(1)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 60}" height="${top}" \
font-family="system-ui, sans-serif" font-size="12" fill="#212529">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="20" font-size="14" font-weight="600">Answers a second on one core, the bare C loop = 1</text>
${parts.join('\n')}
<path d="M${one} 30V${top - 8}" stroke="#212529" stroke-dasharray="3 3"/>
</svg>
`
}
