/** Limits of what the API remembers: answers by idempotency key, samples, small documents. */
import { type Limit, limit } from '../limit.ts'

export const apiExchangeLimits = {
  idempotencyMs: limit(
    600_000,
    [1_000, 86_400_000],
    'ms',
    'how long a client may take to ask again for the answer it did not get',
  ),
  idempotencyKeys: limit(
    1_000,
    [1, 100_000],
    'keys',
    'changes in that time, far above what operators and their tools make',
  ),
  idempotencyBytes: limit(
    16_384,
    [256, 1_048_576],
    'bytes',
    'an answer to a change is small; a larger one is not kept and its request not repeated safely',
  ),
  idempotencyKeyChars: limit(255, [16, 4_096], 'characters', 'a UUID is 36 characters'),
  requestIdChars: limit(128, [16, 1_024], 'characters', 'it is kept with every line it causes'),
  problemValueChars: limit(
    128,
    [8, 1_024],
    'characters',
    'of a value at fault this much is shown; the sender has the rest',
  ),
  problemFaults: limit(16, [1, 256], 'faults', 'a request with more is of another API'),
  countsTellMs: limit(
    1_000,
    [100, 60_000],
    'ms',
    'rates are shown by the second; with 10,000 busy servers it costs about a millisecond',
  ),
  countsRows: limit(
    512,
    [16, 10_000],
    'rows',
    'domains, and servers, told at a time: about 40 KiB; the others follow in the next message',
  ),
  countsRetellMs: limit(
    60_000,
    [1_000, 3_600_000],
    'ms',
    'after this the whole table is told again, so that a lost message is lost for no longer',
  ),
  historyFineMs: limit(5_000, [1_000, 60_000], 'ms', 'the step of the last hour'),
  historyFineSamples: limit(720, [12, 100_000], 'samples', 'an hour of them'),
  historyCoarseMs: limit(60_000, [1_000, 3_600_000], 'ms', 'the step of the last day'),
  historyCoarseSamples: limit(1_440, [12, 100_000], 'samples', 'a day of them'),
  historyRegions: limit(
    64,
    [1, 1_024],
    'regions',
    'regions with a series of their own; with the samples above it bounds the memory',
  ),
  rateOverMs: limit(10_000, [1_000, 60_000], 'ms', 'a rate is the mean over this time'),
  preferencesBytes: limit(
    65_536,
    [1_024, 1_048_576],
    'bytes',
    'settings of a dashboard, with room for custom ones',
  ),
} as const satisfies Record<string, Limit>
