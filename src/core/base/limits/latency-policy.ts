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
    1_000_000,
    [1, 4_000_000],
    'nodes',
    'networks and what they lie in; each takes about 33 bytes for each region',
  ),
  latencyEstimateMsMax: limit(
    60_000,
    [1_000, 600_000],
    'ms',
    'a round trip longer than a minute is a broken clock or a lie, and is not learned',
  ),
} as const satisfies Record<string, Limit>
