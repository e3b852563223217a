/**
 * What one check found, and when a reply counts as healthy.
 *
 * The real prober and the simulated one share these rules, so a simulated world cannot be kinder
 * than the real one. What several checks in a row mean is decided in verdicts.ts.
 */
import type { CheckSpec } from '../steer/topology.ts'
import { type Result, fail, ok } from '../base/result.ts'

export interface Outcome {
  readonly ok: boolean
  /** From the first packet to the decision, milliseconds. */
  readonly latencyMs: number
  /**
   * Why it failed, a few words from a closed set: `refused`, `timed-out`, `reset`, `unreachable`,
   * `malformed`, `body`, `status 503`, `tls handshake`, `tls CERT_HAS_EXPIRED`, `local EMFILE`,
   * `cancelled`.
   */
  readonly error?: string
  /** The fault was our own (no descriptor, no port left): it says nothing about the target. */
  readonly inconclusive?: boolean
  /** End of the certificate that was shown, Unix milliseconds; https only. */
  readonly certificateExpiresMs?: number
}

/** Whether a status lies in one of the inclusive ranges; with no range given, in 200-299. */
export function statusAccepted(ranges: CheckSpec['expectedStatus'], status: number): boolean {
  if (ranges.length === 0) return status >= 200 && status <= 299
  return ranges.some(([low, high]) => status >= low && status <= high)
}

export type BodyMatch = (body: string) => boolean

const REGULAR = /^\/(.+)\/([imsu]*)$/s

export const isPattern = (bodyMatch: string): boolean => REGULAR.test(bodyMatch)

/**
 * Reads `bodyMatch`: `/pattern/flags` (flags i, m, s, u) is a regular expression, anything else a
 * substring, and the empty text matches without reading a body (undefined).
 */
export function compileBodyMatch(text: string): Result<BodyMatch | undefined, string> {
  if (text === '') return ok(undefined)
  const parts = REGULAR.exec(text)
  if (parts === null) return ok((body) => body.includes(text))
  try {
    const pattern = new RegExp(parts[1]!, parts[2]!)
    return ok((body) => pattern.test(body))
  } catch (error) {
    return fail(error instanceof Error ? error.message : `"${text}" is not a pattern`)
  }
}

/** Whether two checks ask the same question, so that what one learned still holds for the other. */
export function sameCheck(one: CheckSpec, other: CheckSpec): boolean {
  return (
    one.type === other.type &&
    one.intervalMs === other.intervalMs &&
    one.timeoutMs === other.timeoutMs &&
    one.path === other.path &&
    one.host === other.host &&
    one.serverName === other.serverName &&
    one.bodyMatch === other.bodyMatch &&
    one.verifyCertificate === other.verifyCertificate &&
    one.certificateWarnDays === other.certificateWarnDays &&
    one.failureThreshold === other.failureThreshold &&
    one.successThreshold === other.successThreshold &&
    sameRanges(one.expectedStatus, other.expectedStatus)
  )
}

function sameRanges(one: CheckSpec['expectedStatus'], other: CheckSpec['expectedStatus']) {
  if (one.length !== other.length) return false
  return one.every(([low, high], index) => {
    const range = other[index]!
    return low === range[0] && high === range[1]
  })
}
