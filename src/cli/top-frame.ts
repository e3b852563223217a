/**
 * What `top` shows, as lines of text: no clock, no terminal, no request.
 */
import { formatEndpoint } from '../core/net/address.ts'
import type { Drain } from './drain-wait.ts'
import type { FeedEvent } from './feed.ts'
import { lineOf } from './commands/events.ts'
import { duration, type Status } from './commands/status.ts'
import type { Paint } from './paint.ts'
import { table } from './table.ts'

export interface BackendRow {
  readonly service: string
  readonly address: string
  readonly port: number
  readonly region: string
  readonly effective_status: string
  readonly serving?: boolean
  readonly cause?: string
  readonly share?: number
  readonly latency_ms?: number
}

/** One second of DNS, as the feed tells it. */
export interface Rates {
  readonly queries: number
  readonly rcodes: Readonly<Record<string, number>>
}

export interface View {
  readonly api: string
  readonly at: string
  readonly status: Status
  readonly backends: readonly BackendRow[]
  readonly drains: readonly Drain[]
  /** Absent when the feed does not tell them. */
  readonly rates?: Rates | undefined
  readonly events: readonly FeedEvent[]
  /** What is wrong with what is shown; empty when nothing is. */
  readonly fault: string
}

const RANK = ['unhealthy', 'draining', 'stale', 'unknown', 'healthy']

/** What needs a look first, then by name. */
export const byNeed = (one: BackendRow, two: BackendRow): number =>
  RANK.indexOf(one.effective_status) - RANK.indexOf(two.effective_status) ||
  one.service.localeCompare(two.service) ||
  one.address.localeCompare(two.address)

/** At most `rows` lines; drains and the last events get their share before backends do. */
export function frameOf(view: View, rows: number, paint: Paint): string[] {
  const head = headOf(view, paint)
  const drains = view.drains.length === 0 ? [] : ['', ...drainLines(view.drains, paint)]
  const room = Math.max(0, rows - head.length - 2)
  const drainPart = drains.slice(0, Math.max(3, Math.floor(room / 3)))
  const eventPart = eventLines(view.events, Math.max(2, Math.floor(room / 4)))
  const left = room - drainPart.length - eventPart.length
  const backends = backendLines(view.backends, Math.max(3, left), paint)
  return [...head, '', ...backends, ...drainPart, ...eventPart].slice(0, rows)
}

function headOf({ api, at, status, rates, fault }: View, paint: Paint): string[] {
  const { health, ready, stats } = status
  const node = `OpenGSLB ${health.version} ${health.mode ?? 'overwatch'} at ${api}`
  const dns = ready.dns_ready ? 'answers' : paint('does not answer', 'unhealthy')
  const counts = [
    `Backends: ${stats.healthy_backends}/${stats.total_backends} healthy`,
    `Agents: ${stats.active_agents}`,
    `Domains: ${stats.unique_services}`,
    `Overrides: ${stats.active_overrides}`,
  ]
  return [
    `${node}: ${paint(status.state)}, up ${duration(health.uptime_seconds)}  ${at}`,
    `Queries: ${ratesText(rates)}   DNS ${dns}`,
    counts.join('   '),
    ...status.warnings.map((warning) => `${paint('Warning')}: ${warning}`),
    ...(fault === '' ? [] : [`${paint('Warning')}: ${fault}`]),
  ]
}

function ratesText(rates: Rates | undefined): string {
  if (rates === undefined) return '-'
  const parts = Object.entries(rates.rcodes)
    .filter(([, count]) => count > 0)
    .sort(([, one], [, two]) => two - one)
    .map(([rcode, count]) => `${rcode} ${count}`)
  return `${rates.queries}/s${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`
}

function backendLines(backends: readonly BackendRow[], rows: number, paint: Paint): string[] {
  const sorted = [...backends].sort(byNeed)
  const shown = sorted.length + 1 <= rows ? sorted : sorted.slice(0, Math.max(0, rows - 2))
  const more = sorted.length - shown.length
  const lines = table(HEADERS, shown.map(rowOf), paint).split('\n')
  return more === 0 ? lines : [...lines, `… and ${more} more`]
}

const HEADERS = ['SERVICE', 'ADDRESS', 'REGION', 'STATUS', 'BY', 'SHARE', 'LATENCY']

const rowOf = (one: BackendRow): string[] => [
  one.service,
  formatEndpoint(one.address, one.port),
  one.region,
  one.effective_status,
  one.cause ?? '-',
  one.serving === false ? '0%' : one.share === undefined ? '-' : `${Math.round(one.share * 100)}%`,
  one.latency_ms === undefined ? '-' : `${one.latency_ms.toFixed(1)}ms`,
]

const drainLines = (drains: readonly Drain[], paint: Paint): string[] =>
  table(
    ['DRAINING', 'SAFE TO STOP', 'WHY'],
    drains.map((one) => [
      one.backend,
      one.safe === true ? 'yes' : one.safe === false ? 'no' : 'unknown',
      one.why ?? '-',
    ]),
    paint,
  ).split('\n')

const eventLines = (events: readonly FeedEvent[], rows: number): string[] =>
  events.length === 0 ? [] : ['', ...events.slice(-Math.max(1, rows - 1)).map(lineOf)]
