/**
 * Leaving on purpose: a death that the dying node declares itself, so that nobody suspects it.
 *
 * After it a node still answers and spreads what waits, for as long as its owner lets it, but it
 * judges nobody and refutes nothing.
 */
import type { Cluster } from './cluster.ts'
import { receiveDead } from './dead.ts'

/** Tells of our leaving; `leave-told` follows once it was sent as often as news is. */
export function leaveCluster(cluster: Cluster, nowMs: number): void {
  if (cluster.leaving) return
  cluster.leaving = true
  const { name, incarnation } = cluster.self
  const told = () => cluster.emit({ kind: 'leave-told' })
  receiveDead(cluster, { type: 'dead', incarnation, node: name, from: name }, nowMs, told)
  // Nobody is there to be told, so nothing would ever end the wait.
  const { members, suspicions, news } = cluster
  if (members.aliveCount === 0 && suspicions.size === 0) news.drop(name)
}
