/**
 * Why a node does not take an order to roll keys: what is said is the reason that holds.
 */
import { limits } from '../../base/limits.ts'
import type { RollCommand } from '../roll/types.ts'
import { keysFor } from '../roll/goals.ts'
import { leaderOf } from '../roll/status.ts'
import type { Bundle, CommandRefusal, TurnSettings } from './types.ts'
import type { ZonePeers } from './zone-peers.ts'

/** Half of the time after which others take over: a leader has ceased when they begin. */
export const heardSince = ({ nowSeconds, takeoverSeconds }: TurnSettings): number =>
  nowSeconds - takeoverSeconds / 2

/** Undefined where the order is taken. */
export function refusalOf(
  held: Bundle | undefined,
  node: string,
  peers: ZonePeers,
  command: RollCommand,
  settings: TurnSettings,
): CommandRefusal | undefined {
  if (held === undefined) return { kind: 'no-keys' }
  const { state } = held
  const leader = leaderOf(state)
  const sinceSeconds = heardSince(settings)
  if (leader !== node)
    return { kind: 'led-elsewhere', leader, isHeard: peers.isHeard(leader, sinceSeconds) }
  if (!peers.hears(state.members, sinceSeconds, settings))
    return { kind: 'too-few', unheard: peers.unheard(state.members, sinceSeconds, settings) }
  const made = keysFor(state, command).length
  if (made === 0) return { kind: 'no-such-key' }
  const isFull = state.keys.length + made > limits.rollKeys.default
  return isFull ? { kind: 'full', held: state.keys.length } : undefined
}
