/**
 * The first look: what is wrong, how much goes through, and where it goes.
 */
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { h } from '../h.ts'
import type { Alarm } from '../alarms.ts'
import { count, millis, percent, rate, span } from '../format.ts'
import { happenings, mode } from '../feed.ts'
import { useLive, useOffered } from '../live.ts'
import { icon } from '../parts/icons.ts'
import { Panel, quiet, readNote, Tile } from '../parts/panel.ts'
import { type Line, Plot } from '../parts/plot.ts'
import { toneIcon } from '../parts/status.ts'
import { linkTo } from '../route.ts'
import { addPoints, historyOf, pointOf, points } from '../series.ts'
import { type BackendTold, type MetricsTold, objectIn } from '../shapes.ts'
import { useNow, useShared } from '../state.ts'
import { eventLine } from './event-line.ts'
import { RegionsPanel, TrafficPanel } from './traffic.ts'
import { useCell } from '../use-cell.ts'

const METRICS = '/api/v1/metrics'
const HISTORY = '/api/v1/metrics/history'
const RECENT = 5
/** One for each name and backend that a change touches; the view of events has them. */
const TOO_MANY = 'delta'

export function Overview(): VNode {
  return h(
    'div',
    { class: 'view overview' },
    h(AlarmsPanel, null),
    h(Figures, null),
    h(Plots, null),
    h('div', { class: 'columns' }, h(RegionsPanel, null), h(RecentPanel, null)),
    h(TrafficPanel, null),
  )
}

function AlarmsPanel(): VNode {
  const { alarms, backends } = useShared()
  const body =
    alarms.length > 0
      ? h('ul', { class: 'alarms' }, alarms.map(alarmItem))
      : backends.known && backends.fault === undefined
        ? h('p', { class: 'all-well' }, icon('check'), 'Nothing needs attention.')
        : readNote(backends)
  return h(Panel, { title: 'Alarms', class: 'alarm-panel' }, body)
}

const alarmItem = ({ key, level, title, detail, link }: Alarm): VNode =>
  h(
    'li',
    { key, class: `alarm ${level}` },
    icon(toneIcon[level]),
    h(
      'div',
      null,
      h('strong', null, link === undefined ? title : h('a', { href: link }, title)),
      h('span', null, detail),
    ),
  )

function Figures(): VNode {
  const read = useLive(METRICS)
  const metrics = objectIn<MetricsTold>(read.value, 'overview')
  const agentsKnown = useOffered('/api/v1/overwatch/agents')
  const { all, agents, cluster } = useShared()
  const serving = all.filter((backend: BackendTold) => backend.serving === true).length
  const heard = agents.filter(({ connected }) => connected === true).length
  const uptime = metrics.uptime_seconds ?? cluster.overwatch?.uptime_seconds
  const { p50_ms: p50, p99_ms: p99 } = metrics.response_times ?? {}
  const tiles = [
    h(Tile, {
      key: 'queries',
      label: 'Queries a second',
      value: rate(metrics.queries_per_sec),
      detail: `${count(metrics.queries_total)} in all`,
    }),
    h(Tile, {
      key: 'latency',
      label: 'Latency (99th)',
      value: millis(p99),
      detail: `median ${millis(p50)}`,
    }),
    h(Tile, { key: 'errors', label: 'Error rate', value: percent(metrics.error_rate) }),
  ]
  return h(
    'dl',
    { class: 'tiles' },
    read.value === undefined ? null : tiles,
    h(Tile, {
      label: 'Backends serving',
      value: `${serving} of ${all.length}`,
      ...(all.length > 0 && serving === 0 ? { tone: 'bad' as const } : {}),
    }),
    agentsKnown ? h(Tile, { label: 'Agents heard', value: `${heard} of ${agents.length}` }) : null,
    h(Tile, { label: 'Running for', value: span(uptime) }),
  )
}

const QUERY_LINES: readonly Line[] = [
  { label: 'queries', value: (one) => one.queries, color: '--plot-1', isFilled: true },
  { label: 'failures', value: (one) => one.errors, color: '--plot-3', dash: [5, 4] },
]

const LATENCY_LINES: readonly Line[] = [
  { label: 'median', value: (one) => one.p50, color: '--plot-1' },
  { label: '95th', value: (one) => one.p95, color: '--plot-2', dash: [7, 4] },
  { label: '99th', value: (one) => one.p99, color: '--plot-3', dash: [2, 3] },
]

function Plots(): VNode | null {
  const metrics = useLive(METRICS)
  const history = useLive(`${HISTORY}?duration=15m`)
  const held = useCell(points)
  useEffect(() => addPoints(historyOf(history.value)), [history.value])
  useEffect(() => {
    const point = pointOf(objectIn(metrics.value, 'overview'), metrics.atMs || undefined)
    if (point !== undefined && metrics.atMs > 0) addPoints([point])
  }, [metrics.atMs])
  if (metrics.value === undefined && held.length === 0) return null
  const empty = 'Two readings make a line; the second comes in a few seconds.'
  return h(
    'div',
    { class: 'columns' },
    h(
      Panel,
      { title: 'Queries a second' },
      h(Plot, {
        title: 'Queries a second',
        points: held,
        lines: QUERY_LINES,
        format: rate,
        reach: 4,
        empty,
      }),
    ),
    h(
      Panel,
      { title: 'Time to answer' },
      h(Plot, {
        title: 'Time to answer',
        points: held,
        lines: LATENCY_LINES,
        format: millis,
        reach: 0.4,
        empty,
      }),
    ),
  )
}

function RecentPanel(): VNode | null {
  const events = useCell(happenings).filter(({ topic }) => topic !== TOO_MANY)
  const nowMs = useNow()
  if (useCell(mode) === 'none') return null
  return h(
    Panel,
    { title: 'Latest events', aside: h('a', { href: linkTo('events') }, 'All events') },
    events.length === 0
      ? quiet('No events yet.')
      : h(
          'ol',
          { class: 'event-lines' },
          events
            .slice(0, RECENT)
            .map((event) => eventLine(event, nowMs, `${event.number}/${event.atMs}`)),
        ),
  )
}
