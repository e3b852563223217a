/**
 * A member is accused of being dead, and given time to refute (SWIM, section 4.2).
 */
import type { Suspect } from '../messages.ts'
import type { Cluster } from './cluster.ts'
import { receiveDead } from './dead.ts'
import { isGone, isNewer, isOlder, type NodeRecord, viewOfNode } from './node.ts'
import { refute } from './refute.ts'
import { confirmationsWanted, comeAroundMs, suspicionBounds } from './settings.ts'
import type { Suspicion } from './suspicion.ts'

export function receiveSuspect(cluster: Cluster, suspect: Suspect, nowMs: number): void {
  const { members, self, suspicions, news, settings } = cluster
  const { node: name, from, incarnation } = suspect
  const node = members.get(name)
  if (node === undefined || isOlder(incarnation, node.incarnation)) return
  if (suspicions.has(name) && !isNewer(incarnation, node.incarnation)) {
    if (suspicions.confirm(name, from)) news.queue(name, suspect)
    return
  }
  if (isGone(node)) return
  if (node === self) {
    refute(cluster, incarnation)
    return
  }
  // A newer incarnation than the one under suspicion: it refuted, we missed it, and it is accused
  // anew. The time to refute starts anew too, or it would be killed for the older accusation.
  const again = node.state === 'suspect'
  node.incarnation = incarnation
  if (!again) members.setState(node, 'suspect', nowMs)
  news.queue(name, suspect)
  const terms = {
    ...suspicionBounds(settings, members.size),
    wanted: confirmationsWanted(settings, members.size),
    warnMs: comeAroundMs(settings),
    answerMs: settings.probeTimeoutMs,
  }
  suspicions.start(name, from, terms, nowMs)
  if (!again) cluster.emit({ kind: 'suspected', member: viewOfNode(node), by: from })
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
      if (node !== undefined) warn(cluster, suspicion, node)
      continue
    }
    suspicions.cancel(suspicion.name)
    if (node?.state !== 'suspect') continue
    const { incarnation, name } = node
    receiveDead(cluster, { type: 'dead', incarnation, node: name, from: self.name }, nowMs)
  }
}

/**
 * Accuses a member to its face, and before others, so that whoever knows better can say so.
 *
 * When hardly anybody agrees that it is dead, it may live and never have heard of the suspicion:
 * its news is told for seconds only, and a partition outlasts that. And it may have refuted long
 * ago, and the gossip of that have missed us: then any other member answers (corrections.ts).
 */
function warn(cluster: Cluster, suspicion: Suspicion, node: NodeRecord): void {
  const { members, settings, self } = cluster
  const { name, incarnation, vsn } = node
  const from = suspicion.accuser
  const suspect = { type: 'suspect', incarnation, node: name, from } as const
  if (!suspicion.confirmedFully) cluster.send(node, [suspect], vsn[1])
  if (!suspicion.warned) return
  const askable = (one: NodeRecord) => one !== self && one.state === 'alive'
  for (const peer of members.pick(settings.indirectChecks, askable))
    cluster.send(peer, [suspect], peer.vsn[1])
}
