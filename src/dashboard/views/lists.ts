/**
 * The views that are one list: agents, domains, members of the gossip cluster.
 */
import type { VNode } from 'preact'
import { h } from '../h.ts'
import { ago, dateAndTime, NOTHING, plural } from '../format.ts'
import { useLive } from '../live.ts'
import { Panel, readNote } from '../parts/panel.ts'
import { badge, statusBadge } from '../parts/status.ts'
import { type Column, dataTable } from '../parts/table.ts'
import { linkTo } from '../route.ts'
import { type AgentTold, type DomainTold, listIn, type NodeTold } from '../shapes.ts'
import { AGENTS, useNow } from '../state.ts'

interface ListProps<Row> {
  readonly title: string
  readonly path: string
  readonly field: string
  readonly noun: string
  readonly columns: (nowMs: number) => readonly Column<Row>[]
  readonly keyOf: (row: Row) => string
  readonly empty: string
}

function listView<Row>({ title, path, field, noun, columns, keyOf, empty }: ListProps<Row>) {
  return function List(): VNode {
    const read = useLive(path)
    const nowMs = useNow()
    const rows = listIn<Row>(read.value, field)
    return h(
      'div',
      { class: 'view' },
      h(
        Panel,
        {
          title,
          aside: h('span', { class: 'muted' }, read.known ? plural(rows.length, noun) : ''),
        },
        readNote(read),
        read.known
          ? dataTable({ caption: title, columns: columns(nowMs), rows, keyOf, empty })
          : null,
      ),
    )
  }
}

const agentStatus = ({ revoked, connected }: AgentTold): string =>
  revoked === true ? 'revoked' : connected === true ? 'connected' : 'disconnected'

const certificateEnd = (agent: AgentTold, nowMs: number) => {
  const { not_after: end, expires_in_hours: hours } = agent
  if (end === undefined) return 'has none'
  const soon = hours !== undefined && hours < 24 * 30
  const text = ago(end, nowMs)
  return h('span', { title: dateAndTime(end) }, soon ? badge('warn', 'clock', text) : text)
}

export const Agents = listView<AgentTold>({
  title: 'Agents',
  path: AGENTS,
  field: 'agents',
  noun: 'agent',
  keyOf: ({ agent_id: id }) => id ?? '',
  empty: 'No agent has reported here.',
  columns: (nowMs) => [
    { title: 'Agent', isName: true, cell: ({ agent_id: id }) => h('code', null, id) },
    { title: 'Region', cell: ({ region }) => region || NOTHING },
    { title: 'State', cell: (agent) => statusBadge(agentStatus(agent)) },
    { title: 'Heard', isFigure: true, cell: ({ last_seen: seen }) => ago(seen, nowMs) },
    { title: 'Backends', isFigure: true, cell: ({ backends }) => backends ?? NOTHING },
    {
      title: 'Services',
      isLong: true,
      cell: ({ services = [] }) => services.join(', ') || NOTHING,
    },
    { title: 'Address', cell: ({ address }) => address || NOTHING },
    { title: 'Certificate ends', cell: (agent) => certificateEnd(agent, nowMs) },
    {
      title: 'Key',
      cell: ({ fingerprint = '', algorithm = '' }) =>
        fingerprint === ''
          ? algorithm
          : h('code', { title: `${algorithm} ${fingerprint}` }, `${fingerprint.slice(0, 8)}…`),
    },
  ],
})

export const Domains = listView<DomainTold>({
  title: 'Domains',
  path: '/api/v1/domains',
  field: 'domains',
  noun: 'domain',
  keyOf: ({ id, name }) => id ?? name ?? '',
  empty: 'No domain is configured.',
  columns: () => [
    {
      title: 'Name',
      isName: true,
      cell: ({ name = '' }) =>
        h('a', { href: linkTo('backends', [], { text: name }) }, h('code', null, name)),
    },
    { title: 'Policy', cell: ({ routing_policy: policy }) => policy ?? NOTHING },
    { title: 'TTL', isFigure: true, cell: ({ ttl }) => (ttl === undefined ? NOTHING : `${ttl} s`) },
    {
      title: 'Healthy',
      isFigure: true,
      cell: ({ healthy_backends: healthy, backend_count: all }) =>
        all === undefined ? NOTHING : `${healthy ?? 0} of ${all}`,
    },
    {
      title: 'Served',
      cell: ({ enabled }) =>
        enabled === false ? badge('mute', 'cross', 'no') : badge('good', 'check', 'yes'),
    },
    {
      title: 'DNSSEC',
      cell: ({ dnssec_enabled: signed }) => (signed === true ? 'signed' : 'unsigned'),
    },
    {
      title: 'Ask',
      isSilent: true,
      cell: ({ name = '' }) => h('a', { href: linkTo('why', [], { name }) }, 'Why'),
    },
  ],
})

export const Members = listView<NodeTold>({
  title: 'Gossip members',
  path: '/api/v1/gossip/nodes',
  field: 'nodes',
  noun: 'member',
  keyOf: ({ id, name }) => id ?? name ?? '',
  empty: 'Nobody gossips here.',
  columns: (nowMs) => [
    {
      title: 'Member',
      isName: true,
      cell: ({ name, self }) => [
        h('code', { key: 'name' }, name),
        self === true ? h('span', { key: 'self', class: 'muted' }, ' (this node)') : null,
      ],
    },
    { title: 'Role', cell: ({ role }) => role ?? NOTHING },
    { title: 'Region', cell: ({ region }) => region || NOTHING },
    { title: 'State', cell: ({ state, status }) => statusBadge(state || status) },
    {
      title: 'Address',
      cell: ({ address, port }) => h('code', null, `${address ?? ''}:${port ?? ''}`),
    },
    { title: 'Seen', isFigure: true, cell: ({ last_seen: seen }) => ago(seen, nowMs) },
    { title: 'Started', isFigure: true, cell: ({ joined_at: joined }) => ago(joined, nowMs) },
  ],
})
