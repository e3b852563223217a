/**
 * Contradicting news of our own death, and anything else that changes what we say of ourselves.
 *
 * Only a node itself raises its incarnation, so what it says last outranks what anybody said of it
 * before (SWIM, section 4.2).
 */
import type { Cluster } from './cluster.ts'
import { aliveOf, following, isNewer } from './node.ts'

/** Takes an incarnation after both our own and the one we were accused under, and tells all. */
export function refute(cluster: Cluster, accused: number): void {
  const { self, awareness } = cluster
  const own = following(self.incarnation)
  const after = following(accused)
  self.incarnation = isNewer(after, own) ? after : own
  // Being accused is a sign that we are slow ourselves (Lifeguard, section IV-A).
  awareness.apply(1)
  tellOfSelf(cluster)
  cluster.emit({ kind: 'refuted', incarnation: self.incarnation })
}

/** Puts our present state in the queue, in place of any older news of us. */
export function tellOfSelf({ news, self }: Cluster): void {
  news.queue(self.name, aliveOf(self))
}
