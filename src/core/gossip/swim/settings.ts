/**
 * The settings of membership in three profiles, each with the formula that uses it beside it.
 *
 * The values are those of HashiCorp memberlist, so that members of both kinds judge alike. Lines
 * marked "own" have no counterpart there. Times are in ms; `n` is the number of known members, the
 * node itself and the dead included.
 */
import { limits } from '../../base/limits.ts'

export interface SwimSettings {
  /** One member is probed each time; also the unit of suspicion. */
  readonly probeIntervalMs: number
  /** How long a direct ping may take before others are asked. Never scaled by awareness. */
  readonly probeTimeoutMs: number
  /** How many others are asked to ping in our stead. */
  readonly indirectChecks: number
  /** Whether a member that does not answer datagrams is tried over a stream. */
  readonly streamPing: boolean
  /** Awareness lies in [0, this - 1]; the probe interval is multiplied by awareness + 1. */
  readonly awarenessMultiplierMax: number
  /** See `suspicionBounds` and `confirmationsWanted`. */
  readonly suspicionMult: number
  readonly suspicionMaxTimeoutMult: number
  readonly gossipIntervalMs: number
  /** Peers that get a packet at each gossip. */
  readonly gossipNodes: number
  /** The dead are gossiped to for this long, so that they may refute; then they are forgotten. */
  readonly gossipToTheDeadMs: number
  /** See `transmissionsWanted`. */
  readonly retransmitMult: number
  /** See `exchangeIntervalMs`; 0 turns periodic exchanges off. */
  readonly pushPullIntervalMs: number
  /** The deadline of a stream, for connecting, reading and writing. */
  readonly streamTimeoutMs: number
  /** A dead member's name may be taken from a new address after this long; 0 is never. */
  readonly deadNodeReclaimMs: number
  /** The largest packet, and what label, checksum and encryption add to one. */
  readonly packetBytes: number
  readonly packetOverheadBytes: number
  /** Own: how often a failed member is called again; 0 turns it off. See reconnect.ts. */
  readonly reconnectIntervalMs: number
  /** Own: how long a failed member is called before it is given up. */
  readonly reconnectForMs: number
  /** Own: a tick that comes later than this shows that we stood still. See stall.ts. */
  readonly stallToleranceMs: number
}

const lan: SwimSettings = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectChecks: 3,
  streamPing: true,
  awarenessMultiplierMax: 8,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  retransmitMult: 4,
  pushPullIntervalMs: 30_000,
  streamTimeoutMs: 10_000,
  deadNodeReclaimMs: 0,
  packetBytes: 1_400,
  // Version 1 encryption: version 1, nonce 12, tag 16.
  packetOverheadBytes: 29,
  reconnectIntervalMs: 5_000,
  reconnectForMs: 86_400_000,
  stallToleranceMs: 250,
}

export const profiles = {
  /** One data centre. */
  lan,
  /** Members far apart. */
  wan: {
    ...lan,
    probeIntervalMs: 5_000,
    probeTimeoutMs: 3_000,
    suspicionMult: 6,
    gossipIntervalMs: 500,
    gossipNodes: 4,
    gossipToTheDeadMs: 60_000,
    pushPullIntervalMs: 60_000,
    streamTimeoutMs: 30_000,
    reconnectIntervalMs: 15_000,
    stallToleranceMs: 1_500,
  },
  /** One machine, for tests and demonstrations. */
  local: {
    ...lan,
    probeTimeoutMs: 200,
    indirectChecks: 1,
    suspicionMult: 3,
    gossipIntervalMs: 100,
    gossipToTheDeadMs: 15_000,
    retransmitMult: 2,
    pushPullIntervalMs: 15_000,
    streamTimeoutMs: 1_000,
    reconnectIntervalMs: 2_000,
    stallToleranceMs: 100,
  },
} as const satisfies Record<string, SwimSettings>

/**
 * How long a suspicion may last: at least SuspicionMult x max(1, log10(n)) x ProbeInterval, at most
 * SuspicionMaxTimeoutMult times that (Lifeguard, section IV-B).
 */
export function suspicionBounds(
  settings: SwimSettings,
  n: number,
): { minMs: number; maxMs: number } {
  const scale = Math.trunc(Math.max(1, Math.log10(Math.max(1, n))) * 1_000) / 1_000
  const minMs = Math.floor(settings.suspicionMult * scale * settings.probeIntervalMs)
  return { minMs, maxMs: minMs * settings.suspicionMaxTimeoutMult }
}

/**
 * How many others must confirm a suspicion to bring it down to its shortest: SuspicionMult - 2, and
 * none in a cluster too small to have that many others.
 */
export function confirmationsWanted(settings: SwimSettings, n: number): number {
  const wanted = Math.max(0, settings.suspicionMult - 2)
  return n - 2 < wanted ? 0 : wanted
}

/**
 * What a suspicion lasts after `confirmed` of `wanted` confirmations:
 * max - (max - min) x ln(c + 1) / ln(k + 1), in whole ms and never under min.
 */
export function suspicionMs(
  { minMs, maxMs }: { readonly minMs: number; readonly maxMs: number },
  confirmed: number,
  wanted: number,
): number {
  if (wanted < 1) return minMs
  const share = Math.log(confirmed + 1) / Math.log(wanted + 1)
  return Math.max(minMs, Math.floor(maxMs - (maxMs - minMs) * share))
}

/** How often one broadcast is sent: RetransmitMult x ceil(log10(n + 1)). */
export function transmissionsWanted(settings: SwimSettings, n: number): number {
  const wanted = settings.retransmitMult * Math.ceil(Math.log10(n + 1))
  return Math.min(Math.max(1, wanted), limits.swimTransmissions.default)
}

/**
 * The time between two full exchanges: the interval x (ceil(log2(n) - log2(32)) + 1) above 32
 * members, so that a large cluster does not drown in them.
 */
export function exchangeIntervalMs(settings: SwimSettings, n: number): number {
  if (n <= 32) return settings.pushPullIntervalMs
  return settings.pushPullIntervalMs * (Math.ceil(Math.log2(n) - Math.log2(32)) + 1)
}

/**
 * Own: how long a refutation needs to come around, so that it pays to wait for one: an answer to a
 * packet, or five rounds of gossip.
 */
export const comeAroundMs = (settings: SwimSettings): number =>
  Math.max(settings.probeTimeoutMs, 5 * settings.gossipIntervalMs)
