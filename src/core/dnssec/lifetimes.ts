/**
 * From when to when a signature holds, and when it is made anew.
 *
 * The end is moved back by a share of the jitter that depends on the seed, the owner and the type
 * alone: the same wherever and whenever it is computed, so nodes agree and a restart moves nothing.
 * Times are seconds since 1970, as numbers; in an RRSIG they are taken modulo 2^32 (RFC 4034
 * section 3.1.5).
 */
import { crc32 } from '../base/crc32.ts'
import { limits } from '../base/limits.ts'

export interface LifetimePolicy {
  readonly validitySeconds: number
  readonly inceptionOffsetSeconds: number
  readonly jitterSeconds: number
  /** This long before its end a signature is made anew. */
  readonly refreshSeconds: number
  readonly seed: number
}

export const defaultLifetimes: LifetimePolicy = {
  validitySeconds: limits.signatureValiditySeconds.default,
  inceptionOffsetSeconds: limits.signatureInceptionOffsetSeconds.default,
  jitterSeconds: limits.signatureJitterSeconds.default,
  refreshSeconds: limits.signatureRefreshSeconds.default,
  seed: 1,
}

export interface SignatureTimes {
  readonly inceptionSeconds: number
  readonly expirationSeconds: number
}

/** A share in [0, 1) that belongs to an rrset. */
function shareOf(seed: number, owner: Uint8Array, type: number): number {
  const bytes = new Uint8Array(owner.length + 6)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, seed >>> 0)
  view.setUint16(4, type)
  bytes.set(owner, 6)
  return (crc32(bytes) >>> 0) / 0x1_0000_0000
}

/** The owner in wire form and lower case. */
export function lifetimeOf(
  policy: LifetimePolicy,
  nowSeconds: number,
  owner: Uint8Array,
  type: number,
): SignatureTimes {
  // A jitter as long as the validity would make signatures that end as they begin.
  const jitterMax = Math.min(policy.jitterSeconds, policy.validitySeconds / 4)
  const jitter = Math.floor(shareOf(policy.seed, owner, type) * jitterMax)
  return {
    inceptionSeconds: nowSeconds - policy.inceptionOffsetSeconds,
    expirationSeconds: nowSeconds + policy.validitySeconds - jitter,
  }
}

/** When a signature is to be made anew. */
export const dueSecondsOf = (policy: LifetimePolicy, times: SignatureTimes): number =>
  // A refresh as long as the validity would make signatures that are due when they are made.
  times.expirationSeconds - Math.min(policy.refreshSeconds, policy.validitySeconds / 2)

/** Whether a signature has to be made anew; also when the clock was set back before its begin. */
export const isDue = (policy: LifetimePolicy, times: SignatureTimes, nowSeconds: number): boolean =>
  nowSeconds >= dueSecondsOf(policy, times) || nowSeconds < times.inceptionSeconds
