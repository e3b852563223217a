/** Line charts as SVG text, for the pages of results. */

export interface Line {
  readonly name: string
  readonly colour: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface ChartText {
  readonly title: string
  readonly x: string
  readonly y: string
  /** What lies between two values of x, drawn as a band. */
  readonly bands: readonly { readonly from: number; readonly to: number; readonly says: string }[]
  /** A level that is aimed at. */
  readonly goal?: number
  /** Least and most of a logarithmic y axis, in percent. */
  readonly least: number
  readonly most: number
}

const WIDTH = 890
const HEIGHT = 360
const LEFT = 64
const RIGHT = 160
const TOP = 44
const BOTTOM = 48

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${words}</text>`

/** Labels of the lines at their ends, moved apart where they would touch. */
function labels(lines: readonly Line[], yOf: (y: number) => number): string[] {
  const ends = lines
    .map(({ name, colour, points }) => ({ name, colour, at: yOf(points.at(-1)?.[1] ?? 0) }))
    .sort((one, other) => one.at - other.at)
  // The lowest ones are moved up as far as they would leave the chart.
  for (const [index, end] of ends.entries())
    end.at = Math.min(end.at, HEIGHT - BOTTOM - 14 * (ends.length - 1 - index))
  let last = 0
  return ends.map(({ name, colour, at }) => {
    last = Math.max(at, last + 14)
    return text(WIDTH - RIGHT + 8, last + 4, name, `fill="${colour}" font-weight="600"`)
  })
}

export function lineChart(chart: ChartText, lines: readonly Line[]): string {
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x))
  const [first, last] = [Math.min(...xs), Math.max(...xs)]
  const xOf = (x: number) => LEFT + ((x - first) / (last - first)) * (WIDTH - LEFT - RIGHT)
  const span = Math.log(chart.most / chart.least)
  const yOf = (y: number) => {
    const kept = Math.min(chart.most, Math.max(chart.least, y))
    return HEIGHT - BOTTOM - (Math.log(kept / chart.least) / span) * (HEIGHT - TOP - BOTTOM)
  }
  const ticks = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000].filter(
    (tick) => tick >= chart.least && tick <= chart.most,
  )
  const step = last - first > 20 ? 6 : 1
  const hours = Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, at) => Math.ceil(first / step) * step + at * step,
  ).filter((hour) => hour <= last)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" ` +
      'font-family="system-ui, sans-serif" font-size="12" fill="#212529">',
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(LEFT, 20, chart.title, 'font-size="14" font-weight="600"'),
    ...chart.bands.flatMap(({ from, to, says }) => [
      `<rect x="${xOf(from).toFixed(1)}" y="${TOP}" width="${(xOf(to) - xOf(from)).toFixed(1)}" ` +
        `height="${HEIGHT - TOP - BOTTOM}" fill="#f1f3f5"/>`,
      text((xOf(from) + xOf(to)) / 2, TOP - 6, says, 'text-anchor="middle" fill="#868e96"'),
    ]),
    ...ticks.flatMap((tick) => [
      `<path d="M${LEFT} ${yOf(tick).toFixed(1)}H${WIDTH - RIGHT}" stroke="#dee2e6"/>`,
      text(LEFT - 6, yOf(tick) + 4, `${tick} %`, 'text-anchor="end"'),
    ]),
    ...hours.map((hour) =>
      text(xOf(hour), HEIGHT - BOTTOM + 18, `${hour}`, 'text-anchor="middle"'),
    ),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, chart.x, 'text-anchor="middle"'),
    text(LEFT, TOP - 6, chart.y, 'text-anchor="start" fill="#495057"'),
  ]
  if (chart.goal !== undefined)
    parts.push(
      `<path d="M${LEFT} ${yOf(chart.goal).toFixed(1)}H${WIDTH - RIGHT}" stroke="#e03131" ` +
        'stroke-dasharray="4 4"/>',
    )
  for (const { colour, points } of lines) {
    const path = points.map(([x, y]) => `${xOf(x).toFixed(1)} ${yOf(y).toFixed(1)}`).join('L')
    parts.push(`<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>`)
  }
  return `${[...parts, ...labels(lines, yOf)].join('\n')}\n</svg>\n`
}
