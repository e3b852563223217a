/** Limits of choosing by latency. */
import { type Limit, limit } from '../limit.ts'

export const latencyPolicyLimits = {
  latencyRegionsMax: limit(
    64,
    [1, 64],
    'regions',
    'a row of a table holds each region of a pool once; no known deployment has more',
  ),
  latencyNodesMax: limit(
    200_000,
    [1, 1_000_000],
    'nodes',
    'networks and what they lie in; each takes 74 bytes for each region, 300 MB with 20 of them',
  ),
  latencyEstimateMsMax: limit(
    60_000,
    [1_000, 600_000],
    'ms',
    'a round trip longer than a minute is a broken clock or a lie, and is not learned',
  ),
} as const satisfies Record<string, Limit>
