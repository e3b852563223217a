/**
 * The full exchange of what two members know, and how the other one's is merged.
 *
 * An exchange never kills: who is dead for the other is only suspected here, and so gets a chance
 * to refute. That is also how the two sides of a healed partition find together again.
 */
import { limits } from '../../base/limits.ts'
import { fail, ok, type Result } from '../../base/result.ts'
import type { PushNodeState, PushPull } from '../messages.ts'
import { receiveAlive } from './alive.ts'
import type { Cluster } from './cluster.ts'
import { receiveDead } from './dead.ts'
import { toldInExchange } from './node.ts'
import { receiveSuspect } from './suspect.ts'
import { checkVersions, type Incompatible } from './versions.ts'

export type Unmergeable = Incompatible | { readonly code: 'too-many-nodes'; readonly nodes: number }

export interface Merged {
  readonly nodes: number
  /** Whether the other side held us for gone, so that it must hear our contradiction. */
  readonly refuted: boolean
}

export function localState(cluster: Cluster, join: boolean, userState: Uint8Array): PushPull {
  const nodes = cluster.members.values().map(toldInExchange)
  return { type: 'push-pull', join, nodes, userState }
}

/** Merges all of it or, when it cannot be trusted to be understood, nothing. */
export function mergeRemote(
  cluster: Cluster,
  { nodes }: PushPull,
  nowMs: number,
): Result<Merged, Unmergeable> {
  if (nodes.length > limits.swimExchangeNodes.default) {
    return fail({ code: 'too-many-nodes', nodes: nodes.length })
  }
  const isAlive = ({ state }: { readonly state: string }) => state === 'alive'
  const versions = checkVersions([
    ...cluster.members.values().filter(isAlive),
    ...nodes.filter(isAlive),
  ])
  if (!versions.ok) return versions
  const before = cluster.self.incarnation
  for (const node of nodes) mergeNode(cluster, node, nowMs)
  return ok({ nodes: nodes.length, refuted: cluster.self.incarnation !== before })
}

function mergeNode(cluster: Cluster, told: PushNodeState, nowMs: number): void {
  const { name: node, incarnation, state, addr, port, meta, vsn } = told
  if (state === 'alive') {
    const alive = { type: 'alive', incarnation, node, addr, port, meta, vsn } as const
    receiveAlive(cluster, alive, nowMs)
  } else if (state === 'left') {
    receiveDead(cluster, { type: 'dead', incarnation, node, from: node }, nowMs)
  } else {
    const from = cluster.self.name
    receiveSuspect(cluster, { type: 'suspect', incarnation, node, from }, nowMs)
  }
}
