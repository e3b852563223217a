/**
 * Where clients are sent: by region, and by backend of each name.
 */
import type { ComponentChildren, VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { h } from '../h.ts'
import { NOTHING, percent, plural, rate } from '../format.ts'
import { useLive } from '../live.ts'
import { bar, Panel, readNote } from '../parts/panel.ts'
import { statusBadge } from '../parts/status.ts'
import { type Column, dataTable } from '../parts/table.ts'
import { linkTo } from '../route.ts'
import {
  type BackendTold,
  type DrainTold,
  factsOf,
  keyOf,
  listIn,
  type RegionTold,
  statuses,
} from '../shapes.ts'
import { useShared } from '../state.ts'
import { observeRouting, sumOf, traffic } from '../traffic.ts'
import { useCell } from '../use-cell.ts'

const REGIONS = '/api/v1/health/regions'
const ROUTING = '/api/v1/metrics/routing'

/** Health of each region, and the part of the answers that goes there where that is told. */
export function RegionsPanel(): VNode {
  const read = useLive(REGIONS)
  const routing = useLive(ROUTING)
  const { all } = useShared()
  const { regions: rates } = useCell(traffic)
  useEffect(() => {
    if (routing.atMs > 0) observeRouting(factsOf(routing.value)['stats'], routing.atMs)
  }, [routing.atMs])
  const regions = listIn<RegionTold>(read.value, 'regions')
  const sum = sumOf(rates)
  return h(
    Panel,
    { title: 'Regions', class: 'regions' },
    regions.length === 0
      ? (readNote(read) ?? h('p', { class: 'quiet' }, 'No region yet.'))
      : h(
          'ul',
          { class: 'region-list' },
          regions.map((region) => regionItem(region, all, rates, sum)),
        ),
  )
}

function regionItem(
  { name = '', total_servers: total = 0, healthy_count: healthy = 0 }: RegionTold,
  all: readonly BackendTold[],
  rates: ReadonlyMap<string, number>,
  sum: number,
): VNode {
  const own = all.filter(({ region }) => region === name)
  const share = healthy / Math.max(1, total)
  const answers = rates.get(name)
  return h(
    'li',
    { key: name },
    h(
      'div',
      { class: 'region-head' },
      h('h3', null, h('a', { href: linkTo('backends', [], { region: name }) }, name)),
      h('span', { class: 'muted' }, `${healthy} of ${plural(total, 'server')} healthy`),
    ),
    bar(share, share === 1 ? 'good' : share === 0 ? 'bad' : 'warn'),
    h(
      'div',
      { class: 'region-foot' },
      statuses
        .map((status) => [status, own.filter((one) => one.effective_status === status).length])
        .filter(([, number]) => Number(number) > 0)
        .map(([status, number]) =>
          h('span', { key: status }, statusBadge(String(status)), ` ${number}`),
        ),
      answers === undefined || sum === 0
        ? null
        : h(
            'span',
            { class: 'to-right' },
            `${rate(answers)} answers/s, ${percent((answers / sum) * 100)}`,
          ),
    ),
  )
}

interface Row {
  readonly backend: BackendTold
  readonly key: string
  /** Of its service, 0-1. */
  readonly share: number | undefined
  readonly answers: number | undefined
  readonly clients: number | undefined
}

/** How many clients agents count; they do while a backend drains. */
function clientsOf(drains: readonly DrainTold[]): ReadonlyMap<string, number> {
  return new Map(
    drains.flatMap(({ backend, connections }): [string, number][] =>
      backend === undefined || connections?.remaining === undefined
        ? []
        : [[backend, connections.remaining]],
    ),
  )
}

const effective = ({ serving, weight = 0, share = 1 }: BackendTold): number =>
  serving === true ? weight * share : 0

function rowsOf(
  all: readonly BackendTold[],
  rates: ReadonlyMap<string, number>,
  clients: ReadonlyMap<string, number>,
): Row[] {
  return all.map((backend) => {
    const key = keyOf(backend)
    const own = all.filter(({ service }) => service === backend.service)
    const told = rates.size > 0
    const value = told ? (rates.get(key) ?? 0) : effective(backend)
    const sum = told
      ? own.reduce((total, one) => total + (rates.get(keyOf(one)) ?? 0), 0)
      : own.reduce((total, one) => total + effective(one), 0)
    return {
      backend,
      key,
      share: sum === 0 ? undefined : value / sum,
      answers: told ? value : undefined,
      clients: backend.connections ?? clients.get(key),
    }
  })
}

const shareCell = ({ share }: Row): ComponentChildren =>
  share === undefined ? NOTHING : h('span', { class: 'share' }, bar(share), percent(share * 100))

/** Answers of each backend, and clients as agents count them. */
export function TrafficPanel(): VNode {
  const { all, backends, drains } = useShared()
  const { backends: rates } = useCell(traffic)
  const rows = rowsOf(all, rates, clientsOf(drains))
  const told = rates.size > 0
  const columns: Column<Row>[] = [
    {
      title: 'Backend',
      isName: true,
      cell: ({ backend, key }) =>
        h(
          'a',
          { href: linkTo('backends', [key]) },
          h('code', null, `${backend.address}:${backend.port}`),
        ),
    },
    { title: 'Service', cell: ({ backend }) => backend.service },
    { title: 'Region', cell: ({ backend }) => backend.region },
    { title: 'State', cell: ({ backend }) => statusBadge(backend.effective_status) },
    ...(told
      ? [{ title: 'Answers a second', isFigure: true, cell: (row: Row) => rate(row.answers) }]
      : [
          {
            title: 'Weight in force',
            isFigure: true,
            cell: ({ backend }: Row) => rate(effective(backend)),
          },
        ]),
    { title: told ? 'Share of answers' : 'Share of weight', cell: shareCell },
    ...(rows.some(({ clients }) => clients !== undefined)
      ? [
          {
            title: 'Clients connected',
            isFigure: true,
            cell: ({ clients }: Row) => clients ?? NOTHING,
          },
        ]
      : []),
  ]
  return h(
    Panel,
    { title: 'Where traffic goes' },
    readNote(backends),
    dataTable({
      caption: 'Where traffic goes, by backend',
      columns,
      rows,
      keyOf: ({ key }) => key,
      empty: backends.known ? 'No backend yet.' : '',
    }),
  )
}
