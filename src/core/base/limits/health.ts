/** Limits of the state of servers and of what keeps it on disk. */
import { type Limit, limit } from '../limit.ts'

const MIB = 1_048_576
const HOUR_MS = 3_600_000

export const healthLimits = {
  stateCommitDelayMs: limit(
    20,
    [1, 50],
    'ms',
    'a change is on disk within 50 ms, and a burst shares one commit',
  ),
  stateRowBytesMax: limit(
    32_768,
    [1_024, 65_536],
    'bytes',
    'one server with the longest texts of its check, reason and override; no larger row is ours',
  ),
  rowSeatsMax: limit(
    32,
    [1, 256],
    'pools',
    'a server of the configuration is in one pool; the row of one in more remembers as many',
  ),
  stateRowsMax: limit(
    131_072,
    [1_024, 1_048_576],
    'rows',
    'ten times the servers of a large deployment; reading stops there',
  ),
  stateKeyBytesMax: limit(
    1_500,
    [256, 1_900],
    'bytes',
    'a name with every byte escaped, an address and a port',
  ),
  stateFileBytesMax: limit(
    512 * MIB,
    [MIB, 2_000 * MIB],
    'bytes',
    'four times the largest set of rows with room; a larger file was not written by us',
  ),
  stateCompactBytes: limit(
    MIB,
    [4_096, 64 * MIB],
    'bytes',
    'a smaller state file is not worth writing anew, however little of it still holds',
  ),
  stateCompactRatio: limit(
    4,
    [2, 100],
    'times',
    'the file is written anew when it is this much larger than the rows that hold',
  ),
  statePendingRowsMax: limit(
    131_072,
    [1_024, 1_048_576],
    'rows',
    'a stuck disk must not hold more than one row for each server',
  ),
  eventBytesMax: limit(
    16_384,
    [1_024, 65_536],
    'bytes',
    'longest event: an override with its text',
  ),
  eventKeysMax: limit(
    64,
    [1, 1_024],
    'keys',
    'a guard-rail event names this many servers, which tells the operator which pool it was',
  ),
  eventSegmentBytes: limit(
    8 * MIB,
    [4_096, 64 * MIB],
    'bytes',
    'retention removes whole segments; a segment is also what is read at once to check a tail',
  ),
  eventSegmentsPerRetention: limit(
    24,
    [2, 1_000],
    'segments',
    'a segment is closed after retention / 24, so that age is kept to the hour by default',
  ),
  eventLogRetentionMs: limit(
    24 * HOUR_MS,
    [60_000, 8_760 * HOUR_MS],
    'ms',
    'a day of changes answers what happened last night',
    'overwatch.event_log.retention',
  ),
  eventLogBytesMax: limit(
    1_000_000_000,
    [MIB, 1_000_000_000_000],
    'bytes',
    'changes only, so a gigabyte is some eight million of them',
    'overwatch.event_log.max_size',
  ),
  eventLogPendingBytesMax: limit(
    16 * MIB,
    [65_536, 256 * MIB],
    'bytes',
    'a stuck disk must not grow the memory of the registry; past it events are dropped and counted',
  ),
  eventMendBytes: limit(
    32 * MIB,
    [MIB, 256 * MIB],
    'bytes',
    'as much of the newest log as a start reads to mend a damaged state file: about a second',
  ),
  diskRetryMs: limit(1_000, [10, 60_000], 'ms', 'a full disk is tried again once a second'),
  overrideTextCharsMax: limit(
    1_024,
    [64, 4_096],
    'characters',
    'the reason and the author of an override are for people to read',
  ),
  persistAckMs: limit(
    500,
    [50, 1_500],
    'ms',
    'an override is answered once it is on disk, or after this long with a warning',
  ),
  registrySettleMs: limit(
    250,
    [0, 5_000],
    'ms',
    'a restarted registry hears the verdicts of the living prober before it speaks',
  ),
  dueTimerMsMax: limit(
    HOUR_MS,
    [1_000, 2_147_483_647],
    'ms',
    'timers of Node end at 2^31 ms; a far expiry is looked at once an hour',
  ),
  guardMaxWithdrawnShare: limit(
    0.5,
    [0, 1],
    'share',
    'half of a pool can usually carry its load; more at once is more often a mistake',
    'overwatch.guard_rail.max_withdrawn_share',
  ),
} as const satisfies Record<string, Limit>
