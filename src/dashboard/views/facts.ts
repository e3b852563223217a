/**
 * DNSSEC and the cluster: shown as the API tells them, where it does.
 */
import type { VNode } from 'preact'
import { h } from '../h.ts'
import { ago, NOTHING, span } from '../format.ts'
import { useLive } from '../live.ts'
import { anything, factList, Panel, readNote } from '../parts/panel.ts'
import { badge, statusBadge } from '../parts/status.ts'
import { type Column, dataTable } from '../parts/table.ts'
import { type ClusterTold, type Facts, factsOf, listIn, numberIn, textIn } from '../shapes.ts'
import { CLUSTER, useNow } from '../state.ts'

export const DNSSEC = '/api/v1/dnssec/status'

const KEYS: readonly Column<Facts>[] = [
  { title: 'Zone', isName: true, cell: (key) => h('code', null, textIn(key, 'zone')) },
  { title: 'Key tag', isFigure: true, cell: (key) => String(key['key_tag'] ?? NOTHING) },
  { title: 'Algorithm', cell: (key) => String(key['algorithm'] ?? NOTHING) },
  { title: 'Flags', isFigure: true, cell: (key) => String(key['flags'] ?? NOTHING) },
  { title: 'Age', isFigure: true, cell: (key) => span(numberIn(key, 'age_seconds')) },
  { title: 'Signs', cell: (key) => (key['can_sign'] === false ? 'no' : 'yes') },
]

export function Dnssec(): VNode {
  const read = useLive(DNSSEC)
  const status = factsOf(read.value)
  const keys = listIn<Facts>(status, 'keys')
  const { keys: _, generated_at: __, enabled, ...rest } = status
  return h(
    'div',
    { class: 'view' },
    h(
      Panel,
      {
        title: 'DNSSEC',
        aside:
          enabled === true
            ? badge('good', 'check', 'signing')
            : badge('mute', 'cross', 'not signing'),
      },
      readNote(read),
      dataTable({
        caption: 'Keys',
        columns: KEYS,
        rows: keys,
        keyOf: (key) => `${textIn(key, 'zone')}/${key['key_tag']}`,
        empty: 'No keys.',
      }),
      Object.keys(rest).length === 0 ? null : anything(rest),
    ),
  )
}

type ClusterAgent = NonNullable<ClusterTold['agents']>[number]

const agentColumns = (nowMs: number): Column<ClusterAgent>[] => [
  { title: 'Agent', isName: true, cell: ({ agent_id: id }) => h('code', null, id) },
  { title: 'Region', cell: ({ region }) => region || NOTHING },
  { title: 'State', cell: ({ status }) => statusBadge(status) },
  { title: 'Heard', isFigure: true, cell: ({ last_seen: seen }) => ago(seen, nowMs) },
]

/** In cluster mode: who leads, and who is there. */
export function leadership(cluster: ClusterTold): [string, string][] {
  if (cluster.mode !== 'cluster') return []
  const does = cluster.answers === true ? 'answers queries' : 'refuses queries'
  const names = (cluster.members ?? []).map(({ name, status }) =>
    status === 'alive' ? (name ?? '') : `${name ?? ''} (${status ?? NOTHING})`,
  )
  return [
    ['Leader', cluster.leader_id === '' ? 'none' : (cluster.leader_id ?? NOTHING)],
    ['This node is', `${cluster.state ?? NOTHING}, ${does}`],
    ['Members', names.join(', ')],
  ]
}

export function Cluster(): VNode {
  const read = useLive(CLUSTER)
  const nowMs = useNow()
  const cluster = factsOf(read.value) as ClusterTold
  const well = cluster.cluster_healthy
  return h(
    'div',
    { class: 'view' },
    h(
      Panel,
      {
        title: 'Cluster',
        aside:
          well === undefined
            ? null
            : well
              ? badge('good', 'check', 'whole')
              : badge('warn', 'warning', 'not whole'),
      },
      readNote(read),
      factList([
        ['This node', h('code', null, cluster.overwatch?.node_id)],
        ['Running for', span(cluster.overwatch?.uptime_seconds)],
        ...leadership(cluster),
        ['Live overwatches', cluster.overwatches?.join(', ')],
        ['Gossip members alive', String(cluster.gossip_members ?? NOTHING)],
        ['Healthy agents', String(cluster.healthy_agents ?? NOTHING)],
      ]),
      dataTable({
        caption: 'Agents of the cluster',
        columns: agentColumns(nowMs),
        rows: cluster.agents ?? [],
        keyOf: ({ agent_id: id }) => id ?? '',
        empty: 'No agent has reported here.',
      }),
    ),
  )
}
