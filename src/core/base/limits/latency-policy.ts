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
  latencyResolversMax: limit(
    512,
    [1, 10_000],
    'resolvers',
    'pairs of system and place from which a name is asked for unknown clients; the busiest decide',
  ),
  latencyCatchmentMs: limit(
    300_000,
    [10_000, 3_600_000],
    'ms',
    'who is behind resolvers is found this often: as long as most agents take to report',
  ),
  latencyResolverPlacesMax: limit(
    64,
    [1, 1_000],
    'places',
    'places in which resolvers of one system ask for its own clients; few systems have more',
  ),
  latencyEstimateMsMax: limit(
    60_000,
    [1_000, 600_000],
    'ms',
    'a round trip longer than a minute is a broken clock or a lie, and is not learned',
  ),
} as const satisfies Record<string, Limit>
