/** Limits of the numbered events that operators follow, on disk and on their way to them. */
import { type Limit, limit } from '../limit.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

export const feedLimits = {
  feedDataBytes: limit(
    4 * KIB,
    [256, 16 * KIB],
    'bytes',
    'what one event tells, as JSON; it is told to every reader and kept for a day',
  ),
  feedRecordBytes: limit(
    32 * KIB,
    [KIB, 64 * KIB],
    'bytes',
    'one event on disk with its labels; no longer record is ours',
  ),
  feedSegmentBytes: limit(
    4 * MIB,
    [4 * KIB, 64 * MIB],
    'bytes',
    'retention removes whole segments, and one is scanned in about ten milliseconds',
  ),
  feedLogShare: limit(
    0.25,
    [0.05, 0.9],
    'of overwatch.event_log.max_size',
    'numbered events are as many as the changes of health they tell of, and longer lived',
  ),
  feedMarkEvery: limit(
    128,
    [1, 4_096],
    'events',
    'how far reading may have to look for a number from a place that is known',
  ),
  feedCommitDelayMs: limit(
    10,
    [1, 50],
    'ms',
    'the least time between two commits: events that come together share one',
  ),
  feedCommitLeadMs: limit(
    2,
    [0, 50],
    'ms',
    'how long the first event after a pause waits for others; it is told that much later',
  ),
  feedPendingEvents: limit(
    65_536,
    [1_024, 1_048_576],
    'events',
    'a stuck disk must not grow the memory of the registry; past it events are dropped and counted',
  ),
  feedGroupBytes: limit(
    64 * MIB,
    [MIB, 256 * MIB],
    'bytes',
    'a larger segment than this and a full one was not written by us',
  ),
  feedPageEvents: limit(
    512,
    [1, 4_096],
    'events',
    'one page of what is resumed: short enough for live events to go in between',
  ),
  feedPageBytes: limit(512 * KIB, [64 * KIB, 4 * MIB], 'bytes', 'the same, where events are long'),
  feedMemoryEvents: limit(
    16_384,
    [16, 262_144],
    'events',
    'the newest events, held encoded, so that resuming after a short absence needs no disk',
  ),
  feedMemoryBytes: limit(16 * MIB, [64 * KIB, 256 * MIB], 'bytes', 'the same, in bytes'),
  feedToldEvents: limit(128, [1, 1_024], 'events', 'one message from the API to the sockets'),
  feedCompiledEvents: limit(
    256,
    [1, 4_096],
    'events',
    'a reload that changes more backends than this is told by its counts',
  ),
  feedConnections: limit(
    12_288,
    [1, 65_536],
    'connections',
    'ten thousand idle readers with room; past it a reader is refused with 503',
  ),
  feedMessageBytes: limit(
    4 * KIB,
    [128, 64 * KIB],
    'bytes',
    'a reader sends nothing but subscriptions',
  ),
  feedMessagesBurst: limit(
    20,
    [1, 1_000],
    'messages',
    'a reader may change its mind so often at once, and once a second after that',
  ),
  feedFilterNames: limit(
    64,
    [1, 1_024],
    'names',
    'services or regions in one subscription; who wants more wants all',
  ),
  feedNameChars: limit(255, [16, 1_024], 'characters', 'the longest name DNS has'),
  feedMessageDepth: limit(4, [2, 64], 'levels', 'a subscription is an object of lists'),
  feedQueueBytes: limit(
    MIB,
    [16 * KIB, 64 * MIB],
    'bytes',
    'what may wait for one reader: about a second of the busiest feed; past it the reader is cut',
  ),
  feedQueueTotalBytes: limit(
    256 * MIB,
    [MIB, 4_096 * MIB],
    'bytes',
    'what may wait for all readers together; past it each may hold feedPauseBytes only',
  ),
  feedPaceMs: limit(
    10,
    [0, 100],
    'ms',
    'how long live events may be gathered where there are many readers; nobody sees the difference',
  ),
  feedPauseBytes: limit(
    128 * KIB,
    [4 * KIB, 16 * MIB],
    'bytes',
    'a reader that resumes gets its next page once less than this waits for it',
  ),
  feedReadsAtOnce: limit(
    16,
    [1, 256],
    'reads',
    'readers that resume together take turns at the log, and live events go first',
  ),
  feedReadRetries: limit(
    20,
    [0, 100],
    'times',
    'the API or the registry is back within seconds; after ten the reader is told to come again',
  ),
  feedReadRetryMs: limit(500, [1, 60_000], 'ms', 'the pause between two such tries'),
  feedRightsMs: limit(
    3_600_000,
    [1_000, 86_400_000],
    'ms',
    'a clock that is set may bring the end of a token nearer: so often it is looked for again',
  ),
  feedStallMs: limit(
    60_000,
    [100, 600_000],
    'ms',
    'a reader that resumes and reads nothing for so long is gone',
  ),
  feedPingMs: limit(30_000, [100, 300_000], 'ms', 'keeps what lies between from closing it'),
  feedCloseMs: limit(
    2_000,
    [10, 60_000],
    'ms',
    'a reader that was cut gets the reason if it reads on within this time',
  ),
} as const satisfies Record<string, Limit>
