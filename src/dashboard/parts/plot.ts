/**
 * A plot over time, with its last values, or those under the pointer, in words beneath.
 *
 * The canvas is for the eyes; the words hold the same and are what a screen reader gets. Lines
 * differ in their dashes as well as in colour.
 */
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { h } from '../h.ts'
import { NOTHING, timeOfDay } from '../format.ts'
import type { Point } from '../series.ts'
import { theme } from '../theme.ts'
import { useCell } from '../use-cell.ts'

export interface Line {
  readonly label: string
  readonly value: (point: Point) => number | undefined
  /** Name of a CSS custom property. */
  readonly color: string
  readonly dash?: readonly number[]
  readonly isFilled?: boolean
}

interface PlotProps {
  readonly title: string
  readonly points: readonly Point[]
  readonly lines: readonly Line[]
  readonly format: (value: number | undefined) => string
  /** The values reach to this at least: lines along zero have a scale as well. */
  readonly reach: number
  readonly empty: string
}

const HEIGHT = 180

/** Seconds between two times on the axis: those of a clock, and never parts of a second. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400]

/** Room for half a time at the end of the axis. */
const END = 32

/** A break longer than this is drawn as one: nothing is known of it. */
const GAP_SECONDS = 70

const cssColor = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim()

function dataOf(points: readonly Point[], lines: readonly Line[]): uPlot.AlignedData {
  const times: number[] = []
  const values: (number | null | undefined)[][] = lines.map(() => [])
  let before = Number.POSITIVE_INFINITY
  for (const point of points) {
    if (point.at - before > GAP_SECONDS) {
      times.push(before + 1)
      for (const row of values) row.push(null)
    }
    before = point.at
    times.push(point.at)
    // What a point does not tell is passed over by the line; null would break it.
    lines.forEach((line, at) => {
      values[at]?.push(line.value(point))
    })
  }
  return [times, ...values]
}

function optionsOf(
  { lines, format, reach }: PlotProps,
  width: number,
  onPoint: (index: number | undefined) => void,
): uPlot.Options {
  const axis = {
    stroke: () => cssColor('--muted'),
    grid: { stroke: () => cssColor('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  return {
    width,
    height: HEIGHT,
    padding: [null, END, null, null],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, reach)] } },
    axes: [
      {
        ...axis,
        values: (_, times) => times.map((at) => timeOfDay(at * 1_000)),
        incrs: STEPS,
        space: 90,
        size: 28,
      },
      { ...axis, values: (_, values) => values.map((value) => format(value)), size: 62 },
    ],
    series: [
      {},
      ...lines.map(({ label, color, dash, isFilled }) => ({
        label,
        stroke: () => cssColor(color),
        width: 1.75,
        spanGaps: false,
        ...(dash === undefined ? {} : { dash: [...dash] }),
        ...(isFilled === true ? { fill: () => `${cssColor(color)}22` } : {}),
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? undefined)] },
  }
}

export function Plot(props: PlotProps): VNode {
  const { title, points, lines, format, empty } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const [pointed, setPointed] = useState<number | undefined>(undefined)
  const colors = useCell(theme)
  const data = dataOf(points, lines)
  const hasData = points.length > 1

  useEffect(() => {
    const parent = place.current
    if (parent === null || !hasData) return
    const drawn = new uPlot(optionsOf(props, parent.clientWidth, setPointed), data, parent)
    plot.current = drawn
    const observer = new ResizeObserver(() =>
      drawn.setSize({ width: parent.clientWidth, height: HEIGHT }),
    )
    observer.observe(parent)
    return () => {
      observer.disconnect()
      plot.current = undefined
      drawn.destroy()
    }
  }, [hasData])
  useEffect(() => plot.current?.setData(data), [points])
  useEffect(() => plot.current?.redraw(false), [colors])

  const at = pointed ?? data[0].length - 1
  return h(
    'figure',
    { class: 'plot' },
    h('div', { ref: place, 'aria-hidden': 'true', class: hasData ? 'canvas' : 'canvas none' }),
    hasData ? null : h('p', { class: 'quiet' }, empty),
    h(
      'figcaption',
      null,
      h('span', { class: 'aloud' }, `${title}: `),
      lines.map((line, index) =>
        h(
          'span',
          { key: line.label, class: 'key' },
          swatch(line),
          `${line.label} `,
          h('strong', null, format(lastKnown(data[index + 1] ?? [], at))),
        ),
      ),
      h('span', { class: 'when' }, hasData ? whenOf(data[0][at]) : NOTHING),
    ),
  )
}

const whenOf = (at: number | undefined) => (at === undefined ? NOTHING : timeOfDay(at * 1_000))

/** The value at the place or the nearest before it. */
function lastKnown(row: ArrayLike<number | null | undefined>, from: number): number | undefined {
  for (let at = from; at >= 0 && from - at < 30; at--) {
    const value = row[at]
    if (value !== null && value !== undefined) return value
  }
  return undefined
}

const swatch = ({ color, dash }: Line): VNode =>
  h(
    'svg',
    { class: 'swatch', viewBox: '0 0 24 6', 'aria-hidden': 'true', focusable: 'false' },
    h('path', {
      d: 'M0 3h24',
      style: { stroke: `var(${color})` },
      'stroke-dasharray': dash?.join(' ') ?? 'none',
    }),
  )
