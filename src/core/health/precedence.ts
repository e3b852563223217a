/**
 * Who wins when several voices speak about one server.
 *
 * Operator override, then declared drain, then the verdict of checks with thresholds, then the
 * agent's own claim, then the age of that claim. A server nobody has spoken about is UNKNOWN and is
 * not served: there is no "healthy until shown otherwise". Loss of an agent's voice does not by
 * itself outrank a check that still passes.
 */
import type { Cause, Status } from '../steer/words.ts'
import type { Verdict } from './fold.ts'

export interface Voices {
  readonly override?: { readonly healthy: boolean } | undefined
  /** Its owner declared that it is going out of service. */
  readonly draining?: boolean
  readonly verdict: Verdict
  /** The verdict comes from disk and no check of this process has confirmed it yet. */
  readonly restored: boolean
  /** `silent`: not heard of for longer than `stale.threshold`. */
  readonly agent?: { readonly healthy: boolean; readonly silent: boolean }
}

export interface Judgement {
  readonly status: Status
  /** The rule that decided. */
  readonly cause: Cause
  readonly serving: boolean
}

const judgement = (status: Status, cause: Cause): Judgement => ({
  status,
  cause,
  serving: status === 'healthy',
})

const word = (healthy: boolean): Status => (healthy ? 'healthy' : 'unhealthy')

/** The one decision on whether a server may serve. Pure. */
export function judge(voices: Voices): Judgement {
  if (voices.override !== undefined) return judgement(word(voices.override.healthy), 'override')
  if (voices.draining === true) return judgement('draining', 'drain')
  if (voices.verdict !== 'unknown') {
    return judgement(word(voices.verdict === 'up'), voices.restored ? 'restored' : 'validation')
  }
  if (voices.agent === undefined) return judgement('unknown', 'none')
  if (voices.agent.silent) return judgement('stale', 'age')
  return judgement(word(voices.agent.healthy), 'agent')
}
