/**
 * Noticing that we stood still, from a call that comes long after a tick was due.
 *
 * After a stall the timers of this node run out before it reads the answers that wait in its socket
 * buffers, so everybody would look dead to it. It gives those answers one more probe timeout to be
 * read, and trusts itself less (the thought of Lifeguard, section IV-A, applied to our own clock).
 */
import type { Cluster } from './cluster.ts'
import type { Prober } from './probe.ts'

/** Puts judgements off when a call came later than the tick that was due. */
export function forgiveStall(
  cluster: Cluster,
  prober: Prober,
  lateMs: number,
  nowMs: number,
): void {
  if (lateMs <= cluster.settings.stallToleranceMs) return
  const untilMs = nowMs + cluster.settings.probeTimeoutMs
  prober.putOff(untilMs)
  cluster.suspicions.putOff(untilMs)
  cluster.awareness.apply(1)
  cluster.emit({ kind: 'stalled', lateMs })
}
