/** Limits of what is learned of round-trip times, by agents and by overwatches. */
import { type Limit, limit } from '../limit.ts'

export const latencyLimits = {
  latencySocketsMax: limit(
    262_144,
    [1_024, 1_048_576],
    'connections',
    'as many as a reading of the TCP table may hold; of more the least lately seen are forgotten',
  ),
  latencyServicesMax: limit(
    4_096,
    [16, 65_535],
    'services',
    'names of services and of regions that rows may have; an agent stands beside a few',
  ),
  latencySourcesMax: limit(
    65_535,
    [16, 1_048_576],
    'agents',
    'agents whose rows are told apart; more than an overwatch believes at once',
  ),
  latencySamplesPerLook: limit(
    4,
    [1, 64],
    'samples',
    'what one connection may count for in one reading, so that one download is not a network',
  ),
  latencyEndsMs: limit(
    200,
    [20, 5_000],
    'ms',
    'how often ended connections are taken from the kernel, whose queue holds some thousands',
  ),
  latencyEndsRounds: limit(
    64,
    [1, 4_096],
    'buffers',
    'buffers of ended connections taken in one turn; the rest waits for the next',
  ),
  latencyPruneMs: limit(
    60_000,
    [1_000, 3_600_000],
    'ms',
    'how often rows are looked at for their age; an age is hours or days',
  ),
  latencyReportRows: limit(
    20_000,
    [100, 1_000_000],
    'rows',
    'changed networks in one report, some 3 MB; others follow in the next',
  ),
  latencyRefreshRows: limit(
    500,
    [0, 100_000],
    'rows',
    'unchanged networks said again with each report, in turn, for overwatches that lost them',
  ),
  latencyPageRows: limit(
    300,
    [10, 1_000],
    'rows',
    'rows in one message, below reportPageBytes with the longest networks',
  ),
  latencyPageMs: limit(
    20,
    [0, 1_000],
    'ms',
    'between two messages of one report: a stream is opened for each',
  ),
  latencyRttMsMax: limit(
    60_000,
    [1_000, 86_400_000],
    'ms',
    'a round trip longer than this is a fault of the clock or of the sender',
  ),
  latencyEntriesMax: limit(
    200_000,
    [100, 2_000_000],
    'entries',
    'a hundred thousand networks seen from two regions; the least lately told go first',
  ),
  latencyRowsMax: limit(
    400_000,
    [100, 4_000_000],
    'rows',
    'two agents in each region; the least lately told go first',
  ),
  latencySourceRows: limit(
    200_000,
    [100, 4_000_000],
    'rows',
    'rows of one agent, so that none pushes out the words of all others',
  ),
  latencyRowMs: limit(
    604_800_000,
    [60_000, 31_536_000_000],
    'ms',
    'a week without a sample of a network, after which its rows are forgotten',
  ),
  latencyHalfLifeMs: limit(
    21_600_000,
    [60_000, 604_800_000],
    'ms',
    'in six hours a network is on another side of the daily load, so a sample counts half',
  ),
  latencySamplesTrusted: limit(
    1_000,
    [10, 1_000_000],
    'samples',
    'one agent counts for at most this many, so that the busiest does not silence the others',
  ),
  latencyPublishMs: limit(
    1_000,
    [100, 60_000],
    'ms',
    'changed rows are handed on this often: a report of many pages is one change',
  ),
  latencySaveMs: limit(
    30_000,
    [1_000, 3_600_000],
    'ms',
    'rows are written this often while they change: what a crash loses is told again',
  ),
  latencyFileBytes: limit(
    67_108_864,
    [1_048_576, 1_073_741_824],
    'bytes',
    'the largest file is the most rows with the longest names; a larger one is not ours',
  ),
  latencyShareMs: limit(
    60_000,
    [1_000, 3_600_000],
    'ms',
    'rows heard here are told to other overwatches this often: agents tell each one themselves',
  ),
  latencyShareRows: limit(
    400,
    [10, 1_000],
    'rows',
    'rows in one shared record, below sharedRecordBytesMax',
  ),
} as const satisfies Record<string, Limit>
