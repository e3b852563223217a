/** Limits of steering. */
import { type Limit, limit } from '../limit.ts'

export const steerLimits = {
  routingLogMs: limit(
    1_000,
    [100, 60_000],
    'ms',
    'a decision of each name with learned latency is told in the log this often',
  ),
  routingMovesMax: limit(
    64,
    [1, 4_096],
    'lines',
    'clients routed otherwise than before that a DNS thread tells at once; the rest is counted',
  ),
  askersMax: limit(
    4_096,
    [16, 65_536],
    'rows',
    'networks of resolvers, by name and region, that a DNS thread counts between two messages',
  ),
  askersTellMs: limit(
    60_000,
    [1_000, 600_000],
    'ms',
    'who asked for clients nobody knows is told this often; who is behind them is found slower',
  ),
  poolsMax: limit(
    65_536,
    [1, 65_536],
    'pools',
    'turn counters live in one shared table of this size',
  ),
  poolMembersMax: limit(65_535, [1, 65_535], 'servers', 'member indices fit 16 bits'),
  stickyTellMs: limit(
    5_000,
    [100, 60_000],
    'ms',
    'DNS threads tell this often what they answered with servers that clients stick to',
  ),
  stickyRowsMax: limit(
    10_000,
    [1, 100_000],
    'servers',
    'told of at once by one thread; the rest follows with the next message',
  ),
  stickySettleMs: limit(
    10_000,
    [1_000, 600_000],
    'ms',
    'how many clients a full server passes on changes this often at most',
  ),
  policyDepth: limit(
    8,
    [1, 16],
    'levels',
    'a policy is walked by functions that call themselves, and nobody reads a deeper one',
  ),
  policyNodes: limit(
    256,
    [1, 4_096],
    'parts',
    'each leaf of a policy has a copy of the servers that it may give',
    'domains[].policy',
  ),
  answersMax: limit(
    32,
    [1, 32],
    'records',
    'more than 32 AAAA records do not fit a 1232-byte answer',
    'domains[].answers',
  ),
} as const satisfies Record<string, Limit>
