/**
 * How the counts of a DNS thread lie in memory: what it writes by number, and what the numbers mean
 * to who reads them (scrape.ts).
 */
import { cookieStates } from '../../core/dns/cookie.ts'
import { outcomes } from '../../core/dns/outcomes.ts'
import { rcodes, types } from '../../core/dns/types.ts'
import { routeMethods } from '../../core/steer/routes.ts'

/** Types told apart; the rest counts as "other". */
export const TYPES = [
  types.A,
  types.AAAA,
  types.NS,
  types.CNAME,
  types.SOA,
  types.PTR,
  types.MX,
  types.TXT,
  types.SRV,
  types.DS,
  types.DNSKEY,
  types.SVCB,
  types.HTTPS,
  types.ANY,
  types.CAA,
] as const
/** The slot of each type number up to the largest told apart. */
export const SLOT_OF_TYPE = new Uint8Array(types.CAA + 1).fill(TYPES.length)
for (const [slot, type] of TYPES.entries()) SLOT_OF_TYPE[type] = slot

/** The rcodes this server sends: 0-15, BADVERS and BADCOOKIE. */
export const STATUS_SLOTS = rcodes.BADCOOKIE + 1
/** Pairs of type and rcode. */
export const KINDS = (TYPES.length + 1) * STATUS_SLOTS

// Tallies of what needs no domain: outcomes, transports, cookies, fates, losses.
export const UDP = outcomes.length
export const TCP = UDP + 1
export const COOKIES = TCP + 1
export const SLIPPED = COOKIES + cookieStates.length
export const HELD = SLIPPED + 1
export const SHED = HELD + 1
export const DROPPED = SHED + 1
export const TALLIES = DROPPED + 1

/** Methods of learned latency (core/steer/routes.ts), then answers of `latency` without times. */
export const UNTIMED = routeMethods.length
export const ROUTED_KINDS = UNTIMED + 1

/** What a thread counts as long as it lives. */
export interface ThreadTallies {
  readonly kind: 'dns-thread'
  readonly tallies: Int32Array
}

/**
 * What it counts while it serves an epoch. Domains are numbered: the pools, then the zones, then
 * "other".
 */
export interface EpochCounts {
  readonly kind: 'dns-epoch'
  /** Keys domain * KINDS + type slot * STATUS_SLOTS + rcode. */
  readonly queries: Int32Array
  /** Keys domain * KINDS + rcode. */
  readonly times: Int32Array
  /** Servers answered, by address index. */
  readonly chosen: Int32Array
  /**
   * Decisions that depended on the client, keys (pool * labels + label) * (regions + 1) + region,
   * `regions` where nobody was given; empty where there are none.
   */
  readonly placed: Int32Array
  /** By pool, ROUTED_KINDS numbers: decisions by latency, by method, and those without times. */
  readonly routed: Int32Array
  /** What the labels and regions are called (core/geo/parts.ts); empty for none. */
  readonly geo: Uint8Array
  /** Names of the pools (core/dns/labels.ts) and of the zones, a line each; empty for none. */
  readonly labels: Uint8Array
  readonly apexes: Uint8Array
}
