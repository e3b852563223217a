/**
 * When a name may move to another address.
 *
 * A name whose holder left is free. A name whose holder is dead is free after DeadNodeReclaimTime,
 * or never when that is 0: the holder may only be cut off, and would then find its name taken.
 */
import type { NodeRecord } from './node.ts'
import type { SwimSettings } from './settings.ts'

export function mayMove(node: NodeRecord, settings: SwimSettings, nowMs: number): boolean {
  if (node.state === 'left') return true
  const { deadNodeReclaimMs } = settings
  return node.state === 'dead' && deadNodeReclaimMs > 0 && nowMs - node.sinceMs > deadNodeReclaimMs
}
