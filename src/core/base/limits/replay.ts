/** Limits of what is remembered of answers: samples, history, capsules. */
import { type Limit, limit } from '../limit.ts'

export const replayLimits = {
  sampleSignatures: limit(
    4,
    [1, 64],
    'sets of signatures',
    'of one epoch: signatures made anew while it lasts; answers of older ones are not made again',
  ),
  samplesPerSecond: limit(
    100,
    [0, 10_000],
    'samples',
    'of each DNS thread; shows a share of 1 % within minutes, and is not measurable on the path',
    'dns.samples.per_second',
  ),
  sampleFlushMs: limit(200, [20, 5_000], 'ms', 'how old a sample is when it leaves its thread'),
  sampleRingBytes: limit(
    524_288,
    [16_384, 1_048_576],
    'bytes',
    'the most samples of one thread between two flushes; past it queries go unsampled',
  ),
  sampleQueryBytes: limit(
    1_232,
    [512, 4_096],
    'bytes',
    'a longer query is no question that a resolver asks; it goes unsampled',
  ),
  sampleWords: limit(
    256,
    [0, 4_096],
    'words',
    'health words a sample carries; of a larger pool it carries a hash of them',
  ),
  samplesKept: limit(
    20_000,
    [100, 200_000],
    'samples',
    'what plans, rehearsals and capsules are made from: minutes of a busy server, some 6 MB',
  ),
  sampleEpochs: limit(
    8,
    [1, 64],
    'epochs',
    'compiled tables kept so that samples of before a reload can still be executed',
  ),
  sampleEpochBytes: limit(
    268_435_455,
    [16_777_216, 1_073_741_823],
    'bytes',
    'tables of past epochs held for that; the newest is held whatever its size',
  ),
  historyReplyBytes: limit(
    4_194_304,
    [65_536, 67_108_864],
    'bytes',
    'pools and words of one past moment; 10,000 servers are about 1.5 MB',
  ),
  historyReadBytes: limit(
    67_108_864,
    [1_048_576, 1_073_741_823],
    'bytes',
    'newest part of the history that is searched; a checkpoint each hour keeps it far below',
  ),
  historyCheckpointMs: limit(
    3_600_000,
    [60_000, 86_400_000],
    'ms',
    'a past moment is found by folding at most this much behind a checkpoint',
  ),
  historyStretchWords: limit(
    5_000,
    [100, 1_000_000],
    'words',
    'the same for a storm of changes: so many are read back within a second on a busy machine',
  ),
  historyRecordBytes: limit(
    8_388_608,
    [65_536, 67_108_864],
    'bytes',
    'one checkpoint: every server with its word; 50,000 servers fit',
  ),
  keptConfigs: limit(
    64,
    [1, 1_024],
    'files',
    'configurations of past epochs, without secrets; the oldest go first',
  ),
  keptConfigBytes: limit(
    1_048_576,
    [4_096, 16_777_216],
    'bytes',
    'a larger configuration is not kept beside the history and not put into capsules',
  ),
  capsuleSamples: limit(
    5_000,
    [1, 100_000],
    'samples',
    'newest first; with capsuleBytes they bound what one answer of the API holds',
  ),
  capsuleBytes: limit(
    3_145_728,
    [65_536, 3_145_728],
    'bytes',
    'a capsule must fit one message between actors',
  ),
  capsuleReadBytes: limit(
    67_108_864,
    [65_536, 268_435_456],
    'bytes',
    'the largest file the command line takes for a capsule',
  ),
  planSamples: limit(
    5_000,
    [100, 100_000],
    'samples',
    'a plan answers each twice, which takes some 200 ms for so many',
  ),
  planFlows: limit(
    1_000,
    [10, 10_000],
    'flows',
    'pairs of from and to that are told apart in one answer',
  ),
  whyTextBytes: limit(255, [64, 255], 'bytes', 'one character string of TXT'),
  whyCandidates: limit(
    64,
    [1, 256],
    'servers',
    'told of in one answer over DNS; the API tells of all',
  ),
} as const satisfies Record<string, Limit>
