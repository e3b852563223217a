/** Limits of the process as a whole: its replacement, and what it tells the service manager. */
import { type Limit, limit } from '../limit.ts'

export const processLimits = {
  handoverAskMs: limit(
    3_000,
    [100, 60_000],
    'ms',
    'a running process hands out its sockets at once, unless its main thread is stuck',
  ),
  handoverReleaseMs: limit(
    15_000,
    [1_000, 120_000],
    'ms',
    'every part but the answering one stops within its own deadline first',
  ),
  handoverServingMs: limit(
    60_000,
    [1_000, 600_000],
    'ms',
    'a successor compiles its zones; one that is not there by then is given up',
  ),
  handoverLeaveMs: limit(
    10_000,
    [1_000, 60_000],
    'ms',
    'two processes may answer beside each other, but not for ever: state goes out of date',
  ),
  handoverLingerMs: limit(
    1_000,
    [0, 10_000],
    'ms',
    'most TCP connections ask once and close; one kept open for later is closed then',
  ),
  handoverHeaderBytes: limit(
    16_384,
    [1_024, 65_536],
    'bytes',
    'names the sockets of 64 threads; what is longer is not from this program',
  ),
  handoverDescriptors: limit(
    200,
    [3, 250],
    'descriptors',
    'two for each thread and address, and one for TCP; the kernel takes 253 in one message',
  ),
  handoverWordChars: limit(64, [16, 1_024], 'characters', 'the words of a hand-over are short'),
  watchdogAskMs: limit(
    1_000,
    [100, 10_000],
    'ms',
    'a quiet server answers its own question within a millisecond; a busy one is not asked',
  ),
} as const satisfies Record<string, Limit>
