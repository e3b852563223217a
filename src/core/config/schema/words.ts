/**
 * Words that several sections share.
 */
import type { Policy, WhenAllDown } from '../../steer/topology.ts'
import { oneOf } from '../kinds/texts.ts'

export const whenAllDownWords = [
  'servfail',
  'last_healthy',
  'all',
  'nodata',
  'fallback',
] as const satisfies readonly WhenAllDown[]

const policies = [
  'round-robin',
  'weighted',
  'failover',
  'geolocation',
  'latency',
  'learned_latency',
] as const satisfies readonly Policy[]

/** The algorithms with the spellings that older files use. */
export const routingAlgorithm = oneOf(policies, {
  roundrobin: 'round-robin',
  round_robin: 'round-robin',
  rr: 'round-robin',
  weight: 'weighted',
  'active-standby': 'failover',
  activestandby: 'failover',
  active_standby: 'failover',
  geo: 'geolocation',
  'learned-latency': 'learned_latency',
})
