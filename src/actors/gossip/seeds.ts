/**
 * Whom to join: what the configuration names, and what was remembered from before.
 *
 * An agent that discovers (ADR-018 keys) asks the anycast address first. Whoever answers there
 * tells of all members, so it is left alone from then on; nodes to fall back to are asked while no
 * overwatch was found after the first attempt.
 */
import type { GossipConfig } from './contract.ts'
import { isThere, type KnownMembers } from './members.ts'

export function wantedSeeds(
  config: GossipConfig,
  members: KnownMembers,
  remembered: ReadonlySet<string>,
  attempt: number,
): readonly string[] {
  if (config.mode === 'overwatch') return [...config.seeds, ...remembered]
  const { enabled, anycastAddress, fallbackNodes } = config.discovery
  const found = members.overwatches().some(({ member }) => isThere(member))
  if (!enabled || found) return config.overwatchNodes
  const anycast = anycastAddress === '' ? [] : [anycastAddress]
  const fallback = attempt > 0 || anycast.length === 0 ? fallbackNodes : []
  return [...new Set([...config.overwatchNodes, ...anycast, ...fallback])]
}
