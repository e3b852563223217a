/**
 * An operator knows that nodes which are not heard are dead, and says so.
 *
 * The law of the majority guards against two leaders, of nodes that are parted; of who is dead an
 * operator alone can know. Where he is wrong the two documents become one when the nodes hear each
 * other again, but what was over here in the meantime may still be served there.
 */
import { leaderOf } from '../roll/status.ts'
import type { RollEvent, RollState } from '../roll/types.ts'
import { withLeader } from './lineage.ts'
import { heardSince } from './refusal.ts'
import type { TurnSettings } from './types.ts'
import type { ZonePeers } from './zone-peers.ts'

export interface Forced {
  readonly state: RollState
  /** Nodes that nothing waits for any more. */
  readonly dead: readonly string[]
  readonly events: readonly RollEvent[]
}

/** The document without the dead, led by this node; undefined while its leader is heard. */
export function forcedState(
  state: RollState,
  node: string,
  peers: ZonePeers,
  settings: TurnSettings,
): Forced | undefined {
  const { nowSeconds: atSeconds } = settings
  const leader = leaderOf(state)
  const sinceSeconds = heardSince(settings)
  if (leader !== node && peers.isHeard(leader, sinceSeconds)) return undefined
  const all = [...new Set([leader, ...state.members, ...state.guests])]
  const unheard = peers.unheard(all, sinceSeconds, settings)
  const dead = all.filter((name) => unheard.includes(name) || peers.hasLeft(name))
  for (const name of dead) peers.bury(name, atSeconds)
  const { zone } = state
  const events = dead.map((name): RollEvent => {
    const text = `${name} is taken for dead by an operator: nothing waits for it any more.`
    return { kind: 'member-forgotten', zone, atSeconds, text, isAlarm: true }
  })
  const lives = (name: string) => !dead.includes(name)
  const members = [...new Set([node, ...state.members.filter(lives)])]
  const guests = state.guests.filter(lives)
  const revision = state.revision + 1
  const left = dead.length === 0 ? state : { ...state, members, guests, revision }
  if (leader === node) return { state: left, dead, events }
  const text = `${node} leads the keys from now on, by order of an operator.`
  const led: RollEvent = { kind: 'leader-changed', zone, atSeconds, text, isAlarm: false }
  return { state: withLeader(left, node), dead, events: [...events, led] }
}
