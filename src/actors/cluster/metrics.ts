/**
 * Series of cluster mode, under the names of its guide and of the documents before it.
 */
import type { Metrics } from '../../kernel/metrics.ts'
import type { ClusterView } from '../../messages/cluster-views.ts'
import type { Replica } from './replica.ts'
import type { Snapshots } from './snapshots.ts'

export interface StoreLevels {
  /** Of the file of etcd; 0 before it was read. */
  readonly bytes: number
  /** What it may come to; 0 where that is not known. */
  readonly quotaBytes: number
  readonly hasAlarm: boolean
}

export interface ClusterLevels {
  readonly view: () => ClusterView
  /** Whether another node is heard that leads and answers. */
  readonly hears: () => boolean
  readonly counts: Replica['counts']
  /** Absent where the members are those of another cluster. */
  readonly snapshots: Pick<Snapshots, 'counts' | 'lastMs'> | undefined
}

const STATES = ['leader', 'follower', 'candidate', 'learner', 'stopped'] as const

function snapshotMetrics(metrics: Metrics, snapshots: ClusterLevels['snapshots']): void {
  if (snapshots === undefined) return
  const last = metrics.gauge({
    name: 'opengslb_cluster_last_snapshot_timestamp',
    help: 'When this node last saved a snapshot, Unix seconds; 0 for not since its start.',
  })
  const total = metrics.counter({
    name: 'opengslb_cluster_snapshots_total',
    help: 'Snapshots of the store that this node saved, or failed to save.',
    labels: ['outcome'],
  })
  let before = { saved: 0, failed: 0 }
  metrics.onCollect(() => {
    const { counts, lastMs } = snapshots
    last.set(lastMs / 1_000)
    for (const outcome of ['saved', 'failed'] as const)
      total.add(counts[outcome] - before[outcome], { outcome })
    before = { ...counts }
  })
}

export function storeMetrics(metrics: Metrics, store: () => StoreLevels): void {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help })
  const bytes = gauge('opengslb_cluster_store_bytes', 'Size of the file of etcd.')
  const quota = gauge(
    'opengslb_cluster_store_quota_bytes',
    'Size past which etcd takes no writes; 0 where an etcd of others sets it.',
  )
  const alarm = gauge(
    'opengslb_cluster_store_alarm',
    '1 while etcd raises an alarm, and takes no writes.',
  )
  metrics.onCollect(() => {
    const now = store()
    bytes.set(now.bytes)
    quota.set(now.quotaBytes)
    alarm.set(now.hasAlarm ? 1 : 0)
  })
}

function answerMetrics(metrics: Metrics, { view, hears }: ClusterLevels): void {
  const answers = metrics.gauge({
    name: 'opengslb_cluster_answers',
    help: '1 while this node answers DNS queries.',
  })
  const heard = metrics.gauge({
    name: 'opengslb_cluster_leader_heard',
    help: '1 while this node hears another say that it leads and answers DNS queries.',
  })
  metrics.onCollect(() => {
    answers.set(view().answers ? 1 : 0)
    heard.set(hears() ? 1 : 0)
  })
}

export function clusterMetrics(metrics: Metrics, levels: ClusterLevels): void {
  const { view, counts, snapshots } = levels
  snapshotMetrics(metrics, snapshots)
  answerMetrics(metrics, levels)
  const gauge = (name: string, help: string, labels?: readonly string[]) =>
    metrics.gauge({ name, help, ...(labels === undefined ? {} : { labels }) })
  const isLeader = gauge('opengslb_cluster_is_leader', '1 while this node leads, else 0.')
  const state = gauge('opengslb_cluster_state', '1 for the state of this node.', ['state'])
  const raftState = gauge(
    'opengslb_cluster_raft_state',
    '0 for a follower, 1 for a candidate, 2 for the leader, by node.',
    ['node'],
  )
  const live = gauge('opengslb_cluster_members', 'Members that are alive.')
  const total = gauge('opengslb_cluster_members_total', 'Members, alive or not.')
  const healthy = gauge('opengslb_cluster_healthy_members', 'Members that are alive.')
  const lastElection = gauge(
    'opengslb_cluster_last_election_timestamp',
    'When this node last saw a leader elected, Unix seconds; 0 for never.',
  )
  const pending = gauge(
    'opengslb_cluster_pending_records',
    'Orders of this node that the cluster has not stored yet.',
  )
  const changes = metrics.counter({
    name: 'opengslb_cluster_leader_changes_total',
    help: 'Leaders that this node saw elected.',
  })
  const elections = metrics.counter({
    name: 'opengslb_cluster_elections_total',
    help: 'The same, under the name of earlier documents.',
  })
  const records = metrics.counter({
    name: 'opengslb_cluster_records_total',
    help: 'Records written to the cluster and learned from it, and writes that came too late.',
    labels: ['what'],
  })
  let seen = 0
  let before = { written: 0, learned: 0, conflicts: 0 }
  metrics.onCollect(() => {
    const now = view()
    isLeader.set(now.state === 'leader' ? 1 : 0)
    for (const one of STATES) state.set(one === now.state ? 1 : 0, { state: one })
    raftState.reset()
    raftState.set(['follower', 'candidate', 'leader'].indexOf(now.state), { node: now.node })
    const alive = now.members.filter((member) => member.isAlive).length
    live.set(alive)
    healthy.set(alive)
    total.set(now.members.length)
    lastElection.set(now.lastElectionMs / 1_000)
    pending.set(now.pending)
    changes.add(now.elections - seen)
    elections.add(now.elections - seen)
    seen = now.elections
    for (const what of ['written', 'learned', 'conflicts'] as const)
      records.add(counts[what] - before[what], { what })
    before = { ...counts }
  })
}
