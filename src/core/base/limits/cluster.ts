/** Limits of cluster mode: its lease, its engine, and what nodes ask each other. */
import { type Limit, limit } from '../limit.ts'

export const clusterLimits = {
  clusterPollMs: limit(
    50,
    [5, 1_000],
    'ms',
    'how often a node reads its own member: a new leader is seen this late at most',
  ),
  clusterProofs: limit(
    4,
    [1, 32],
    'calls',
    'proofs of leadership on the way at once: a lease of 350 ms is renewed seven times',
  ),
  clusterCallMs: limit(
    1_000,
    [50, 10_000],
    'ms',
    'a member that does not answer for two elections has no quorum, or is gone',
  ),
  clusterWriteMs: limit(
    1_500,
    [100, 10_000],
    'ms',
    'an order waits this long for the cluster before its operator is told that it is not stored',
  ),
  clusterJoinPatienceMs: limit(
    40_000,
    [1_000, 50_000],
    'ms',
    'a member that was just added keeps the next one out for 5 s; a start may take 60 s',
  ),
  clusterServePatienceMs: limit(
    30_000,
    [1_000, 50_000],
    'ms',
    'a new member answers within a second; a slow disk may need several',
  ),
  clusterResumePatienceMs: limit(
    2_000,
    [100, 30_000],
    'ms',
    'a member with data may have to wait for others: the node starts, and refuses until then',
  ),
  clusterAskPauseMs: limit(
    250,
    [10, 5_000],
    'ms',
    'between two tries to join, and two looks at a member that starts',
  ),
  clusterRestartMs: limit(
    500,
    [10, 60_000],
    'ms',
    'the wait before a member that ended is started again',
  ),
  clusterHandOverMs: limit(
    250,
    [10, 2_000],
    'ms',
    'a hand-over takes some 10 ms; a stop does not wait longer for one that does not come',
  ),
  clusterEngineStopMs: limit(
    1_200,
    [100, 10_000],
    'ms',
    'a member syncs its log in well under a second; then it is killed, which loses nothing stored',
  ),
  clusterMembersMs: limit(
    1_000,
    [100, 60_000],
    'ms',
    'how often the list of members is read, and a new one is offered its vote',
  ),
  clusterPresenceSeconds: limit(
    3,
    [1, 60],
    's',
    'a node that is gone no longer counts as alive after this long',
  ),
  clusterGatewayBytes: limit(
    16_777_216,
    [65_536, 134_217_728],
    'bytes',
    'one answer of a member: some ten thousand records',
  ),
  clusterDoorBytes: limit(
    65_536,
    [1_024, 1_048_576],
    'bytes',
    'one request to join, or its answer: seven members with long names',
  ),
  clusterDoorRequests: limit(
    16,
    [1, 256],
    'requests',
    'nodes that join at once; the cluster takes them one after the other',
  ),
  clusterMembersMax: limit(
    9,
    [1, 31],
    'members',
    'more voters make every write slower and survive no more faults that happen',
  ),
  clusterOutputLines: limit(
    40,
    [5, 1_000],
    'lines',
    'the last words of a process that ended, to tell why',
  ),
  clusterRecordsPage: limit(
    500,
    [10, 10_000],
    'records',
    'read in one answer; a page of the largest records is 32 MB of base64 at most',
  ),
  clusterPendingRecords: limit(
    65_536,
    [256, 1_048_576],
    'records',
    'orders that wait while there is no quorum; the newest of each server is what counts',
  ),
  sharedEditsMs: limit(
    20,
    [1, 1_000],
    'ms',
    'edits of other nodes that come within this make one epoch; a node that starts learns of many',
  ),
  clusterTextChars: limit(
    4_096,
    [256, 65_536],
    'characters',
    'a name, an address or an error of a member',
  ),
} as const satisfies Record<string, Limit>
