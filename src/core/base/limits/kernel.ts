/** Limits of the actor runtime. */
import { type Limit, limit } from '../limit.ts'

export const kernelLimits = {
  unackedBatchesPerPeer: limit(4, [1, 64], 'batches', 'a MessagePort has no bound of its own'),
  outboxMessagesPerPeer: limit(
    65_536,
    [16, 1_048_576],
    'messages',
    'one word for each of 10,000 servers and room to spare; past it `each` drops its oldest',
  ),
  outboxBytesPerPeer: limit(
    134_217_728,
    [65_536, 1_073_741_824],
    'bytes',
    'two snapshots of 10,000 servers with room',
  ),
  batchMessages: limit(
    1_024,
    [1, 65_536],
    'messages',
    'keeps one decode short enough for timers to run between batches',
  ),
  batchBytes: limit(
    1_048_576,
    [4_096, 67_108_864],
    'bytes',
    'bounds what is posted and not yet read; one larger message travels alone',
  ),
  batchesPerTurn: limit(
    16,
    [1, 1_024],
    'batches',
    'timers and sockets get a turn before the next ones are handled',
  ),
  turnMs: limit(5, [1, 1_000], 'ms', 'the same, where single batches are slow to handle'),
  replyBytes: limit(
    67_108_864,
    [1_048_576, 134_217_728],
    'bytes',
    'a list of 10,000 servers is a few MB; more than this is an error, not an answer',
  ),
  pendingAsksPerPeer: limit(
    1_024,
    [1, 65_536],
    'asks',
    'a stuck peer must not hold the memory of its askers',
  ),
  askTimeoutMs: limit(
    2_000,
    [1, 60_000],
    'ms',
    'an operator waiting on a page gives up after about two seconds',
  ),
  askTimeoutMsMax: limit(60_000, [1, 600_000], 'ms', 'no caller may wait longer than a minute'),
  restartBackoffMs: limit(100, [1, 10_000], 'ms', 'the first restart is nearly at once'),
  restartBackoffMaxMs: limit(
    10_000,
    [100, 600_000],
    'ms',
    'a broken actor must not burn a core restarting',
  ),
  restartResetMs: limit(
    30_000,
    [1_000, 3_600_000],
    'ms',
    'thirty healthy seconds forgive earlier restarts',
  ),
  restartIntensity: limit(
    5,
    [1, 100],
    'restarts',
    'restarts in restartWindowMs before dns escalates or another is flagged degraded',
  ),
  restartWindowMs: limit(30_000, [1_000, 3_600_000], 'ms', 'the window of restartIntensity'),
  stopDeadlineMs: limit(
    2_000,
    [10, 60_000],
    'ms',
    'six actors in a row still end inside the ten seconds of systemd and the spec',
  ),
  stopDrainMs: limit(
    200,
    [1, 10_000],
    'ms',
    'the last facts of a stopping actor leave unless their reader is stuck',
  ),
  sayAgainDelayMs: limit(
    1_000,
    [1, 60_000],
    'ms',
    'a publisher whose outbox overflowed repeats itself at most this often',
  ),
  collectDeadlineMs: limit(
    1_000,
    [10, 10_000],
    'ms',
    'a scrape must not wait for an actor that is stuck',
  ),
  startDeadlineMs: limit(10_000, [100, 120_000], 'ms', 'a first start that takes longer is stuck'),
  shutdownMs: limit(
    10_000,
    [1_000, 60_000],
    'ms',
    'the whole stop; past it the process ends itself, before systemd does it',
  ),
} as const satisfies Record<string, Limit>
