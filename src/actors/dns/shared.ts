/**
 * What all threads that answer share, made once in a process.
 */
import { limits } from '../../core/base/limits.ts'
import { SECRET_BYTES } from '../../core/dns/cookie.ts'
import { rateMemoryBytes } from '../../core/dns/response-rate.ts'

export interface DnsShared {
  /** Turn counters, two 32-bit numbers for each pool slot. */
  readonly turns: SharedArrayBuffer
  /** When the routing of each pool slot was told, two 32-bit numbers each. */
  readonly told: SharedArrayBuffer
  /** Starts the hashes of names and of rate limiting. */
  readonly hashSeed: number
  /** Of DNS cookies, where the configuration gives none. */
  readonly cookieSecret: Uint8Array
  /** The counts of rate limiting. */
  readonly rateMemory: SharedArrayBuffer
}

/** `randomBytes` must be fit for secrets. */
export function dnsShared(randomBytes: (count: number) => Uint8Array): DnsShared {
  return {
    turns: new SharedArrayBuffer(limits.poolsMax.default * 8),
    told: new SharedArrayBuffer(limits.poolsMax.default * 8),
    hashSeed: randomBytes(4).reduce((seed, byte) => (seed << 8) | byte, 0) >>> 0,
    cookieSecret: Uint8Array.from(randomBytes(SECRET_BYTES)),
    rateMemory: new SharedArrayBuffer(rateMemoryBytes(limits.rateBuckets.default)),
  }
}
