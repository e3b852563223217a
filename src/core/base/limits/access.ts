/** Limits of who may ask how often, and of the record of what was asked. */
import { type Limit, limit } from '../limit.ts'

export const accessLimits = {
  accessBucketsMax: limit(
    10_000,
    [100, 1_000_000],
    'clients',
    'about 1 MB; past it the client that was silent longest is forgotten',
  ),
  accessTokensMax: limit(
    1_000,
    [1, 10_000],
    'tokens',
    'each request is compared with all of them, at about 0.1 us each',
  ),
  accessTokenChars: limit(
    4_096,
    [64, 8_192],
    'characters',
    'longer than any signed token; what is longer is refused before it is hashed',
  ),
  accessFailuresTold: limit(
    20,
    [1, 1_000],
    'addresses',
    'a summary of refused requests names this many addresses and counts the others',
  ),
  accessFailureAddresses: limit(
    1_000,
    [10, 100_000],
    'addresses',
    'kept apart between two summaries; the others are counted together',
  ),
  accessSummaryMs: limit(
    60_000,
    [1_000, 3_600_000],
    'ms',
    'refused requests are anybody’s to send, so they are told once a minute, not one by one',
  ),
  auditRecordBytes: limit(
    16_384,
    [1_024, 65_536],
    'bytes',
    'one line of the audit log; what a request carried is left out where it makes more',
  ),
  auditValueBytes: limit(
    4_096,
    [256, 16_384],
    'bytes',
    'what a record keeps of a state before, a state after, or details; more is left out and said',
  ),
  auditSegmentBytes: limit(
    8_388_608,
    [65_536, 67_108_864],
    'bytes',
    'read and checked in one go, some 100 ms; an eighth of api.audit.max_size where that is less',
  ),
  auditSegmentsPerRetention: limit(
    8,
    [2, 64],
    'segments',
    'whole segments are removed, so this is how finely retention keeps its time',
  ),
  auditPendingRecords: limit(
    1_000,
    [10, 100_000],
    'records',
    'what waits for a disk that fails; past it records are lost, counted, and the loss recorded',
  ),
  auditMemoryRecords: limit(
    1_000,
    [10, 100_000],
    'records',
    'kept by a node without a data directory; about 1 MB',
  ),
  auditReadsWaiting: limit(
    8,
    [1, 64],
    'requests',
    'each reads the whole log from disk; one does so at a time and the others wait',
  ),
  auditExportRecords: limit(
    100_000,
    [100, 1_000_000],
    'records',
    'one answer is built in memory; a longer log is fetched by time ranges',
  ),
} as const satisfies Record<string, Limit>
