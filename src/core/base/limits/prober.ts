/** Limits of the prober: how much it checks at once, how often, and how much it reads. */
import { type Limit, limit } from '../limit.ts'

export const proberLimits = {
  probesInFlight: limit(
    512,
    [1, 16_384],
    'checks',
    'enough for 1,000 checks a second at half a second each; a slower check moves to probesSlow',
  ),
  probesSlow: limit(
    2_048,
    [1, 65_536],
    'checks',
    'a check that has waited for probeSlowMs is a socket and little else; a site gone dark must ' +
      'not take the places of the targets that still answer',
  ),
  probeSlowMs: limit(
    1_000,
    [10, 60_000],
    'ms',
    'a healthy target answers sooner, so one that has not is waiting for its timeout',
  ),
  probeCrowdedLogMs: limit(
    60_000,
    [1_000, 3_600_000],
    'ms',
    'both lanes may fill and empty again and again; a line a minute tells that as well',
  ),
  probeStartsPerTurn: limit(
    64,
    [1, 1_024],
    'checks',
    'keeps one turn near 10 ms, so that answers already received are read in time',
  ),
  probeTickMs: limit(
    5,
    [1, 100],
    'ms',
    'checks due within a tick start in one turn of the loop, which saves a fifth of the CPU time',
  ),
  probeIntervalMsMin: limit(
    100,
    [10, 10_000],
    'ms',
    'a shorter interval is an attack on the target, whatever asked for it',
  ),
  probeUnknownIntervalMs: limit(
    500,
    [10, 60_000],
    'ms',
    'a server is not served before its first verdict, so that verdict must come soon',
  ),
  probeFirstWithinMs: limit(
    2_000,
    [10, 60_000],
    'ms',
    'a verdict taken over from an earlier run is confirmed this soon, without a burst',
  ),
  probeJitterShare: limit(
    0.05,
    [0, 0.5],
    'share of the interval',
    'keeps checks from falling into step, with each other or with jobs on the target',
  ),
  probeTargets: limit(
    131_072,
    [1, 1_048_576],
    'targets',
    'about 1 KB each; past it further targets are refused aloud',
  ),
  probeSeries: limit(
    1_000,
    [1, 100_000],
    'servers or services',
    'a histogram is twelve lines of a scrape; with 10,000 of them a scrape is 12 MB',
  ),
  probeHeaderBytes: limit(
    16_384,
    [1_024, 1_048_576],
    'bytes',
    'more header than any server sends is a fault or an attack',
  ),
  probeBodyBytes: limit(
    65_536,
    [1_024, 16_777_216],
    'bytes',
    'a body to match is a status page; what lies past this is not looked at',
  ),
  probeTimesMs: limit(
    100,
    [10, 10_000],
    'ms',
    'times of checks are told together, and answers follow them within seconds all the same',
  ),
  probeTimesRows: limit(
    2_000,
    [10, 4_000],
    'rows',
    'times in one message, below its size with the longest keys',
  ),
  probeTallyMs: limit(
    1_000,
    [100, 60_000],
    'ms',
    'how many checks failed is a rate over a minute, so once a second is soon enough',
  ),
  probeCertificateWarnEveryMs: limit(
    86_400_000,
    [60_000, 604_800_000],
    'ms',
    'once a day reminds; once a check would bury the log',
  ),
} as const satisfies Record<string, Limit>
