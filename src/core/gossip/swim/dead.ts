/**
 * A member is declared dead, or says itself that it leaves: then it is the one who tells of it.
 */
import type { Dead } from '../messages.ts'
import type { Cluster } from './cluster.ts'
import { isGone, isOlder, viewOfNode } from './node.ts'
import { refute } from './refute.ts'

export function receiveDead(
  cluster: Cluster,
  dead: Dead,
  nowMs: number,
  onTold?: () => void,
): void {
  const { members, self, suspicions, news, lost } = cluster
  const { node: name, from, incarnation } = dead
  const node = members.get(name)
  if (node === undefined || isOlder(incarnation, node.incarnation)) return
  suspicions.cancel(name)
  if (isGone(node)) return
  if (node === self && !cluster.leaving) {
    refute(cluster, incarnation)
    return
  }
  const left = name === from
  node.incarnation = incarnation
  members.setState(node, left ? 'left' : 'dead', nowMs)
  if (left) lost.found(name)
  else lost.add(name, node, nowMs)
  news.queue(name, dead, onTold === undefined ? {} : { onDone: onTold })
  cluster.emit({ kind: left ? 'left' : 'failed', member: viewOfNode(node) })
}
