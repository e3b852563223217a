/**
 * Every backend, with a filter; each leads to all that is known of it.
 */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { h } from '../h.ts'
import { ago, millis, NOTHING, plural, rate } from '../format.ts'
import { Panel, readNote } from '../parts/panel.ts'
import { statusBadge } from '../parts/status.ts'
import { type Column, dataTable } from '../parts/table.ts'
import { linkTo, type Place } from '../route.ts'
import { type BackendTold, keyOf, statuses } from '../shapes.ts'
import { useNow, useShared } from '../state.ts'
import { BackendPage } from './backend.ts'

interface Filter {
  readonly text: string
  readonly status: string
  readonly region: string
  readonly only: string
}

const severity = ['unhealthy', 'stale', 'draining', 'unknown', 'healthy']

function passes(backend: BackendTold, { text, status, region, only }: Filter): boolean {
  const { service, address, port, agent_id: agent, effective_status: own } = backend
  if (status !== '' && own !== status) return false
  if (region !== '' && backend.region !== region) return false
  if (only === 'override' && backend.override_status === undefined) return false
  const sought = text.trim().toLowerCase()
  return `${service} ${address}:${port} ${backend.region} ${agent}`.toLowerCase().includes(sought)
}

/** What needs a look first, then by name. */
const byUrgency = (one: BackendTold, other: BackendTold): number =>
  severity.indexOf(one.effective_status ?? '') - severity.indexOf(other.effective_status ?? '') ||
  keyOf(one).localeCompare(keyOf(other), 'en', { numeric: true })

export function Backends({ place }: { readonly place: Place }): VNode {
  const [key] = place.parts
  return key === undefined
    ? h(BackendList, { key: place.query.toString(), place })
    : h(BackendPage, { key, name: key })
}

function BackendList({ place }: { readonly place: Place }): VNode {
  const from = (name: string) => place.query.get(name) ?? ''
  const [filter, setFilter] = useState<Filter>({
    text: from('text'),
    status: from('status'),
    region: from('region'),
    only: from('only'),
  })
  const { all, backends } = useShared()
  const nowMs = useNow()
  const shown = all.filter((one) => passes(one, filter)).sort(byUrgency)
  const regions = [...new Set(all.map(({ region }) => region ?? ''))].sort()
  return h(
    'div',
    { class: 'view' },
    h(
      Panel,
      {
        title: 'Backends',
        aside: h(
          'span',
          { class: 'muted', role: 'status' },
          shown.length === all.length
            ? plural(all.length, 'backend')
            : `${shown.length} of ${plural(all.length, 'backend')}`,
        ),
      },
      filterFields(filter, setFilter, regions),
      readNote(backends),
      dataTable({
        caption: 'Backends',
        columns: columnsAt(nowMs),
        rows: shown,
        keyOf,
        empty: all.length === 0 ? 'No backend yet.' : 'No backend fits the filter.',
      }),
    ),
  )
}

function filterFields(
  filter: Filter,
  set: (filter: Filter) => void,
  regions: readonly string[],
): VNode {
  const choose = (
    name: 'status' | 'region' | 'only',
    label: string,
    options: readonly (readonly [string, string])[],
  ) =>
    h(
      'label',
      { class: 'inline' },
      h('span', null, label),
      h(
        'select',
        {
          value: filter[name],
          onChange: (event: Event) =>
            set({ ...filter, [name]: (event.currentTarget as HTMLSelectElement).value }),
        },
        h('option', { value: '' }, 'all'),
        options.map(([value, text]) => h('option', { key: value, value }, text)),
      ),
    )
  return h(
    'form',
    { class: 'filters', role: 'search', onSubmit: (event: Event) => event.preventDefault() },
    h(
      'label',
      { class: 'inline grow' },
      h('span', null, 'Filter'),
      h('input', {
        type: 'search',
        value: filter.text,
        placeholder: 'service, address, region, agent',
        onInput: (event: Event) =>
          set({ ...filter, text: (event.currentTarget as HTMLInputElement).value }),
      }),
    ),
    choose(
      'status',
      'State',
      statuses.map((status) => [status, status] as const),
    ),
    choose(
      'region',
      'Region',
      regions.map((region) => [region, region] as const),
    ),
    choose('only', 'Orders', [['override', 'with an override']]),
  )
}

const CAUSES: Readonly<Record<string, string>> = {
  override: 'operator override',
  drain: 'declared drain',
  validation: 'health checks',
  agent: 'its agent',
  age: 'age of what is known',
  restored: 'state before the restart',
  predictive: 'prediction',
  none: 'nobody yet',
}

export const causeText = (cause: string | undefined): string => CAUSES[cause ?? ''] ?? cause ?? ''

const columnsAt = (nowMs: number): Column<BackendTold>[] => [
  {
    title: 'Backend',
    isName: true,
    cell: (one) =>
      h(
        'a',
        { href: linkTo('backends', [keyOf(one)]) },
        h('code', null, `${one.address}:${one.port}`),
      ),
  },
  { title: 'Service', cell: ({ service }) => service },
  { title: 'Region', cell: ({ region }) => region || NOTHING },
  { title: 'State', cell: ({ effective_status: status }) => statusBadge(status) },
  { title: 'Decided by', cell: ({ cause }) => causeText(cause) },
  { title: 'In service', cell: ({ serving }) => (serving === true ? 'yes' : 'no') },
  {
    title: 'Weight',
    isFigure: true,
    cell: ({ weight, share }) =>
      share === undefined || share === 1 ? rate(weight) : `${rate(weight)} × ${rate(share)}`,
  },
  { title: 'Check', isFigure: true, cell: ({ latency_ms: latency }) => millis(latency) },
  { title: 'Since', isFigure: true, cell: ({ since }) => ago(since, nowMs) },
]
