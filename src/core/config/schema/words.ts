/**
 * Words that several sections share.
 */
import type { LeafAlgorithm } from '../../steer/policy-tree.ts'
import type { WhenAllDown } from '../../steer/topology.ts'
import { oneOf } from '../kinds/texts.ts'

export const whenAllDownWords = [
  'servfail',
  'last_healthy',
  'all',
  'nodata',
  'fallback',
] as const satisfies readonly WhenAllDown[]

const algorithms = [
  'round-robin',
  'weighted',
  'failover',
  'geolocation',
  'latency',
  'learned_latency',
] as const satisfies readonly LeafAlgorithm[]

/** The algorithms with the spellings that older files use. */
export const routingAlgorithm = oneOf(algorithms, {
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
