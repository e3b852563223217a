/** Limits of what an agent measures of its machine, its drains and its clients. */
import { type Limit, limit } from '../limit.ts'

const KIB = 1_024
const MIB = 1_024 * KIB

export const vitalsLimits = {
  shareStepThousandths: limit(
    50,
    [1, 500],
    'thousandths',
    'twenty steps take a share down gently; each step is a message to every overwatch',
  ),
  rampTickMs: limit(
    250,
    [50, 5_000],
    'ms',
    'how often a moving share is looked at; a ramp of seconds still takes all its steps',
  ),
  predictiveReadingsMax: limit(
    4_096,
    [16, 65_536],
    'readings',
    'an hour of readings a second for each signal; the oldest go first',
  ),
  predictiveChecksMin: limit(
    5,
    [1, 1_000],
    'checks',
    'fewer say nothing of a rate: one failed check in three is no third of the requests',
  ),
  vitalsSilenceMs: limit(
    60_000,
    [1_000, 3_600_000],
    'ms',
    'readings that hardly change are said again this seldom',
  ),
  machineFileBytes: limit(
    64 * KIB,
    [4 * KIB, MIB],
    'bytes',
    'the largest file read, memory.stat, has some 2 KiB; /proc/stat of 512 processors has 40 KiB',
  ),
  metricsPageBytes: limit(
    4 * MIB,
    [64 * KIB, 64 * MIB],
    'bytes',
    'a metrics page of an application; what lies past this is not looked at',
  ),
  metricsPageMs: limit(2_000, [100, 30_000], 'ms', 'a page slower than this is no reading'),
  logReadBytes: limit(
    MIB,
    [64 * KIB, 64 * MIB],
    'bytes',
    'what one reading takes from a log; a log that grows faster is read in part, evenly for both',
  ),
  drainFileBytes: limit(
    4 * KIB,
    [64, 64 * KIB],
    'bytes',
    'a drain file holds a reason and a moment; what lies past this is not read',
  ),
  drainFilePollMs: limit(
    250,
    [50, 5_000],
    'ms',
    'where the file system tells nothing (a network share), a drain file is seen this late',
  ),
  drainReasonCharsMax: limit(
    256,
    [32, 1_024],
    'characters',
    'a reason is for people, and travels in every report while the drain lasts',
  ),
  drainDeclarationsMax: limit(
    4_096,
    [16, 65_536],
    'declarations',
    'four for each of a thousand backends; further ones are refused',
  ),
  drainStateBytes: limit(
    2 * MIB,
    [4 * KIB, 16 * MIB],
    'bytes',
    'every declaration with its longest reason; a larger file was not written by us',
  ),
  drainSettleMs: limit(
    300,
    [0, 5_000],
    'ms',
    'a drain taken over from before a restart holds until its file and its signal were looked at',
  ),
  clientsPollMs: limit(
    100,
    [20, 5_000],
    'ms',
    'how often the TCP table is read while a backend drains: two of these see most connections',
  ),
  clientsSayMs: limit(
    250,
    [50, 5_000],
    'ms',
    'counts that change with every poll are reported this often',
  ),
  clientsSayAgainMs: limit(
    1_000,
    [200, 30_000],
    'ms',
    'unchanged counts are said again, so that a reader sees that they are fresh',
  ),
  clientsRowsMax: limit(
    262_144,
    [1_024, 1_048_576],
    'connections',
    '24 MiB of rows; a larger table is read in part, and then never called empty',
  ),
  clientsTableBytes: limit(
    32 * MIB,
    [MIB, 256 * MIB],
    'bytes',
    '/proc/net/tcp with some 200,000 sockets, read where the native addon is absent',
  ),
  clientNetworksMax: limit(
    4_096,
    [16, 65_536],
    'networks',
    'client networks remembered while a backend drains; the quietest go first',
  ),
  clientNetworksReported: limit(
    16,
    [1, 64],
    'networks',
    'the busiest ones tell the operator who still comes',
  ),
  clientNetworkMs: limit(
    60_000,
    [1_000, 3_600_000],
    'ms',
    'a network whose clients left this long ago is no longer named',
  ),
  ownCheckMs: limit(
    2_000,
    [200, 60_000],
    'ms',
    'a connection from a port our checks used this recently is one of our checks',
  ),
  connectionsStaleMs: limit(
    5_000,
    [500, 60_000],
    'ms',
    'counts older than this say nothing of now: five times the interval they are said again in',
  ),
  stopGraceMs: limit(
    1_000,
    [0, 60_000],
    'ms',
    'a TTL is counted in whole seconds, and an answer may be under way for as long',
  ),
} as const satisfies Record<string, Limit>
