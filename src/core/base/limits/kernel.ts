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
  startDeadlineMs: limit(10_000, [100, 120_000], 'ms', 'a first start that takes longer is stuck'),
} as const satisfies Record<string, Limit>
