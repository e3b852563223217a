/**
 * What a node without keys does: it takes those of a peer, or makes the first ones.
 *
 * The first node makes keys, the others adopt them. A node that has peers never makes keys while
 * one may have some, except after a wait: then its keys are made in doubt, and yield
 * (`lineage.ts`).
 */

/** What was heard of a peer since the start. */
export interface StartingPeer {
  /** Its name once it answered. */
  readonly node?: string
  /** Whether it has keys of the zone, or has not said. */
  readonly hasKeys?: boolean
}

export type StartDecision = 'wait' | 'begin' | 'begin-in-doubt'

export function startDecision(
  node: string,
  named: readonly StartingPeer[],
  waitedMs: number,
  timeoutMs: number,
): StartDecision {
  // A list that is the same on all nodes names the node itself.
  const peers = named.filter((peer) => peer.node !== node)
  if (peers.length === 0) return 'begin'
  const isSure = peers.every((peer) => peer.hasKeys === false && peer.node !== undefined)
  // Of those that all have none, the first by name makes them.
  if (isSure && peers.every((peer) => node < peer.node!)) return 'begin'
  // Twice the time a peer may take: one that was asked as it started has then been asked again.
  return waitedMs >= 2 * timeoutMs ? 'begin-in-doubt' : 'wait'
}
