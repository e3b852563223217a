/**
 * A member is said to live: at this address, with this metadata, in this incarnation.
 *
 * Unlike memberlist, a name that moves to a new address needs a newer incarnation too. A stale copy
 * of an old alive can then never bring back a node that left, and a restarted node is not hindered:
 * it learns of its old incarnation when it joins, and refutes it.
 */
import { limits } from '../../base/limits.ts'
import type { Alive } from '../messages.ts'
import type { Cluster } from './cluster.ts'
import {
  isGone,
  isNewer,
  isOlder,
  type NodeRecord,
  sameEndpoint,
  sameOctets,
  sameVersions,
  viewOfNode,
} from './node.ts'
import { mayMove } from './reclaim.ts'
import { refute } from './refute.ts'
import { saneVersions } from './versions.ts'

export function receiveAlive(cluster: Cluster, alive: Alive, nowMs: number): void {
  if (!isSane(alive)) return
  const known = cluster.members.get(alive.node)
  if (known === undefined) addMember(cluster, alive, nowMs)
  else if (known === cluster.self) receiveAliveOfSelf(cluster, alive)
  else receiveAliveOfOther(cluster, known, alive, nowMs)
}

function receiveAliveOfOther(
  cluster: Cluster,
  known: NodeRecord,
  alive: Alive,
  nowMs: number,
): void {
  const moved = !sameEndpoint(known, alive)
  if (moved && !mayMove(known, cluster.settings, nowMs)) {
    const { addr, port } = alive
    cluster.emit({ kind: 'conflict', member: viewOfNode(known), claimed: { addr, port } })
    return
  }
  if (!isNewer(alive.incarnation, known.incarnation)) {
    const contradicts = known.state === 'dead' && alive.incarnation === known.incarnation
    if (contradicts) cluster.corrections.challenge(known, nowMs)
    return
  }
  takeOver(cluster, known, alive, moved, nowMs)
}

/** Somebody tells of us; it may be an older life of ours, or another node of our name. */
function receiveAliveOfSelf(cluster: Cluster, alive: Alive): void {
  const { self } = cluster
  if (cluster.leaving) return
  if (!sameEndpoint(self, alive)) {
    // Two nodes of one name would outbid each other for ever, so neither answers the other.
    const { addr, port } = alive
    cluster.emit({ kind: 'conflict', member: viewOfNode(self), claimed: { addr, port } })
    return
  }
  if (isOlder(alive.incarnation, self.incarnation)) return
  if (
    alive.incarnation === self.incarnation &&
    sameOctets(alive.meta, self.meta) &&
    sameVersions(alive.vsn, self.vsn)
  ) {
    return
  }
  refute(cluster, alive.incarnation)
}

function addMember(cluster: Cluster, alive: Alive, nowMs: number): void {
  const { node: name, addr, port, meta, vsn, incarnation } = alive
  const node: NodeRecord = {
    name,
    addr,
    port,
    meta,
    vsn,
    incarnation,
    state: 'alive',
    sinceMs: nowMs,
  }
  if (!cluster.members.add(node)) {
    cluster.emit({ kind: 'refused', name, why: 'full' })
    return
  }
  cluster.lost.found(name)
  cluster.news.queue(name, alive)
  cluster.emit({ kind: 'joined', member: viewOfNode(node) })
}

function takeOver(
  cluster: Cluster,
  node: NodeRecord,
  alive: Alive,
  moved: boolean,
  nowMs: number,
): void {
  const before = node.state
  const gone = isGone(node)
  const changed = moved || !sameOctets(node.meta, alive.meta) || !sameVersions(node.vsn, alive.vsn)
  cluster.suspicions.cancel(node.name)
  node.addr = alive.addr
  node.port = alive.port
  node.meta = alive.meta
  node.vsn = alive.vsn
  node.incarnation = alive.incarnation
  if (before !== 'alive') cluster.members.setState(node, 'alive', nowMs)
  cluster.lost.found(node.name)
  cluster.news.queue(node.name, alive)
  if (gone) cluster.emit({ kind: 'joined', member: viewOfNode(node) })
  else if (before === 'suspect') cluster.emit({ kind: 'cleared', member: viewOfNode(node) })
  if (!gone && changed) cluster.emit({ kind: 'updated', member: viewOfNode(node) })
}

/** What we could not keep, send to or understand is not told on. */
function isSane({ node, addr, port, meta, vsn }: Alive): boolean {
  return (
    node.length > 0 &&
    node.length <= limits.swimNameChars.default &&
    (addr.length === 4 || addr.length === 16) &&
    port > 0 &&
    port <= 65_535 &&
    meta.length <= limits.swimMetaBytes.default &&
    saneVersions(vsn)
  )
}
