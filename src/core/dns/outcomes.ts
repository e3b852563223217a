/**
 * What came of a query, in one word: the reasons that counters tell apart.
 */
import { ANSWER, type Exchange } from './exchange.ts'
import { HUSH, SEND } from './response-rate.ts'
import { CLASS_CH, extendedErrors, rcodes } from './types.ts'

/** The order gives the numbers of `outcomeOf`. */
export const outcomes = [
  'answered',
  'answered-last-healthy',
  'referred',
  'no-data',
  'no-name',
  'chaos',
  'truncated',
  'not-ready',
  'all-down',
  'does-not-fit',
  'not-served-here',
  'prohibited',
  'malformed',
  'not-implemented',
  'bad-version',
  'bad-cookie',
  'alias-too-long',
  'rate-limited',
  'not-a-query',
  'not-signed',
  'not-leader',
  'no-leader',
] as const
export type Outcome = (typeof outcomes)[number]

const numberOf = (outcome: Outcome): number => outcomes.indexOf(outcome)

const ANSWERED = numberOf('answered')
const LAST_HEALTHY = numberOf('answered-last-healthy')
const REFERRED = numberOf('referred')
const NO_DATA = numberOf('no-data')
const NO_NAME = numberOf('no-name')
const CHAOS = numberOf('chaos')
const TRUNCATED = numberOf('truncated')
const NOT_READY = numberOf('not-ready')
const ALL_DOWN = numberOf('all-down')
const DOES_NOT_FIT = numberOf('does-not-fit')
const NOT_SERVED = numberOf('not-served-here')
const PROHIBITED = numberOf('prohibited')
const NOT_SIGNED = numberOf('not-signed')
const NOT_LEADER = numberOf('not-leader')
const NO_LEADER = numberOf('no-leader')
const RATE_LIMITED = numberOf('rate-limited')
/** What was not a query got no reply. */
export const NOT_A_QUERY = numberOf('not-a-query')

/** The outcomes that are an rcode of their own. */
const OF_RCODE = new Uint8Array(rcodes.BADCOOKIE + 1)
OF_RCODE[rcodes.FORMERR] = numberOf('malformed')
OF_RCODE[rcodes.NOTIMP] = numberOf('not-implemented')
OF_RCODE[rcodes.NXDOMAIN] = NO_NAME
OF_RCODE[rcodes.YXDOMAIN] = numberOf('alias-too-long')
OF_RCODE[rcodes.BADVERS] = numberOf('bad-version')
OF_RCODE[rcodes.BADCOOKIE] = numberOf('bad-cookie')

/** The number of the outcome of a query, replied to or held back. */
export function outcomeOf(x: Exchange): number {
  if (x.fate !== SEND) return x.fate === HUSH ? NO_LEADER : RATE_LIMITED
  if (x.truncated) return TRUNCATED
  if (x.rcode === rcodes.NOERROR) {
    if (x.counts[ANSWER]! > 0) {
      if (x.qclass === CLASS_CH) return CHAOS
      return x.ede === extendedErrors.STALE_ANSWER ? LAST_HEALTHY : ANSWERED
    }
    return x.authoritative ? NO_DATA : REFERRED
  }
  if (x.rcode === rcodes.SERVFAIL) {
    if (x.ede === extendedErrors.NOT_READY) return NOT_READY
    if (x.ede === extendedErrors.RRSIGS_MISSING) return NOT_SIGNED
    return x.ede === extendedErrors.NO_REACHABLE_AUTHORITY ? ALL_DOWN : DOES_NOT_FIT
  }
  if (x.rcode === rcodes.REFUSED) {
    if (x.ede === extendedErrors.NOT_READY) return NOT_LEADER
    return x.ede === extendedErrors.PROHIBITED ? PROHIBITED : NOT_SERVED
  }
  return OF_RCODE[x.rcode]!
}
