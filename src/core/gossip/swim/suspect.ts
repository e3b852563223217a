/**
 * A member is accused of being dead, and given time to refute (SWIM, section 4.2).
 */
import type { Suspect } from '../messages.ts'
import type { Cluster } from './cluster.ts'
import { receiveDead } from './dead.ts'
import { isNewer, isOlder, type NodeRecord, viewOfNode } from './node.ts'
import { refute } from './refute.ts'
import { confirmationsWanted, comeAroundMs, suspicionBounds } from './settings.ts'

export function receiveSuspect(cluster: Cluster, suspect: Suspect, nowMs: number): void {
  const { members, self, suspicions, news, settings } = cluster
  const { node: name, from, incarnation } = suspect
  const node = members.get(name)
  if (node === undefined || isOlder(incarnation, node.incarnation)) return
  if (suspicions.has(name)) {
    // The accused must refute the newest incarnation it is accused under, so we keep that one.
    if (isNewer(incarnation, node.incarnation)) node.incarnation = incarnation
    if (suspicions.confirm(name, from)) news.queue(name, suspect)
    return
  }
  if (node.state !== 'alive') return
  if (node === self) {
    refute(cluster, incarnation)
    return
  }
  node.incarnation = incarnation
  members.setState(node, 'suspect', nowMs)
  news.queue(name, suspect)
  const terms = {
    ...suspicionBounds(settings, members.size),
    wanted: confirmationsWanted(settings, members.size),
    warnMs: comeAroundMs(settings),
  }
  suspicions.start(name, from, terms, nowMs)
  cluster.emit({ kind: 'suspected', member: viewOfNode(node), by: from })
}

/** Warns those about to be declared dead, and declares dead those that did not refute in time. */
export function expireSuspicions(cluster: Cluster, nowMs: number): void {
  const { suspicions, members, self } = cluster
  for (;;) {
    const suspicion = suspicions.due(nowMs)
    if (suspicion === undefined) return
    const node = members.get(suspicion.name)
    if (!suspicion.warned) {
      suspicions.warn(suspicion, nowMs)
      if (node !== undefined && !suspicion.confirmedFully) warnUnconfirmed(cluster, node)
      continue
    }
    suspicions.cancel(suspicion.name)
    if (node?.state !== 'suspect') continue
    const { incarnation, name } = node
    receiveDead(cluster, { type: 'dead', incarnation, node: name, from: self.name }, nowMs)
  }
}

/**
 * Accuses a member to its face. When hardly anybody agrees that it is dead, it may live and never
 * have heard of the suspicion: its news is told for seconds only, and a partition outlasts that.
 */
function warnUnconfirmed(cluster: Cluster, node: NodeRecord): void {
  const { name, incarnation } = node
  const suspect = { type: 'suspect', incarnation, node: name, from: cluster.self.name } as const
  cluster.send(node, [suspect], node.vsn[1])
}
