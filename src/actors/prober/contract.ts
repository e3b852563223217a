/**
 * What the prober needs: one function that checks one server, and two settings.
 */
import { limits } from '../../core/base/limits.ts'
import type { Outcome } from '../../core/health/outcome.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'

export interface ProberPorts {
  /**
   * Checks one server once, as `member.check` says, within `member.check.timeoutMs` for the whole
   * of connecting, handshake, headers and body. Every fault is an outcome; it never rejects. An
   * aborted signal closes the connection at once; the outcome then is `cancelled`, inconclusive.
   */
  probe(member: MemberSpec, signal?: AbortSignal): Promise<Outcome>
}

export interface ProberConfig {
  /** Checks running at once that may still be quick; slow ones are counted apart. */
  readonly maxInFlight: number
  /** Each interval varies by up to this share of itself, either way; 0-0.5. */
  readonly jitterShare: number
  /** Further trusted certificate authorities, PEM, beside those Node.js comes with. */
  readonly trustedAuthorities?: readonly string[]
  /** Local addresses checks are made from, one of each family at most; else the system's choice. */
  readonly sourceAddresses?: readonly string[]
  /** Of an agent: what it checks; an overwatch hears that from its registry. */
  readonly targets?: readonly MemberSpec[]
  /** Of an agent: checks begin once gossip runs, so that whatever they say can be told at once. */
  readonly awaitsGossip?: boolean
  /** Of an agent: where the local ports of checks are marked; see core/health/clients-marks.ts. */
  readonly checkMarks?: SharedArrayBuffer
  /** Of an agent: publish `prober.checks-counted`. */
  readonly countChecks?: boolean
}

export const proberDefaults: ProberConfig = {
  maxInFlight: limits.probesInFlight.default,
  jitterShare: limits.probeJitterShare.default,
}
