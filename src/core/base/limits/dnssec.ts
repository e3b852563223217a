/** Limits of signing zones, of what is checked of signatures, and of files of keys. */
import { type Limit, limit } from '../limit.ts'

export const dnssecLimits = {
  signatureValiditySeconds: limit(
    1_209_600,
    [3_600, 31_536_000],
    'seconds',
    'two weeks outlive a long weekend without a signer, and bound how long an old answer replays',
  ),
  signatureInceptionOffsetSeconds: limit(
    3_600,
    [0, 86_400],
    'seconds',
    'a validator whose clock is an hour behind still accepts a signature made just now',
  ),
  signatureJitterSeconds: limit(
    43_200,
    [0, 2_592_000],
    'seconds',
    'signatures made together end over half a day, so that they are not all made again together',
  ),
  signatureRefreshSeconds: limit(
    604_800,
    [600, 15_552_000],
    'seconds',
    'a week before the end a signature is made anew: as long as the signer may be down',
  ),
  dnskeyTtlSeconds: limit(
    3_600,
    [0, 604_800],
    'seconds',
    'how long a validator keeps a set of keys, and so how long each step of a rollover takes',
  ),
  rsaModulusBits: limit(
    2_048,
    [1_024, 4_096],
    'bits',
    'RFC 5702 section 2 ends at 4,096; below 1,024 validators refuse, and 2,048 is customary',
  ),
  nsec3IterationsChecked: limit(
    100,
    [0, 150],
    'iterations',
    'RFC 9276 section 3.2: a validator bounds them, since each one is a hash for every name asked',
  ),
  signaturesCheckedPerSet: limit(
    16,
    [1, 64],
    'signatures',
    'many keys of one tag times many signatures must not buy an attacker minutes of verifying',
  ),
  answerSetsSigned: limit(
    256,
    [1, 65_536],
    'sets',
    'of one pool and family: all sets of 2 of 22 servers, or of up to 4 of 8, signed in 10 ms',
  ),
  answerSetsWanted: limit(
    256,
    [0, 65_536],
    'sets',
    'of one pool and family, past those: what was really asked for, the newest first',
  ),
  answerSetsNoted: limit(
    64,
    [1, 4_096],
    'sets',
    'a thread tells them once a second; a set it could not note is asked for again',
  ),
  keySetKeys: limit(
    32,
    [1, 128],
    'keys',
    'a rollover of two algorithms has eight; a set that holds more is not one of ours',
  ),
  keyFileChars: limit(
    16_384,
    [1_024, 65_536],
    'characters',
    'a private file with a key of RSA of 4,096 bits is about 3,300 characters',
  ),
  signedAckMs: limit(
    2_000,
    [100, 10_000],
    'milliseconds',
    'an operator waits so long for an edit to be signed; it goes on by itself after that',
  ),
  signedHeldMs: limit(
    1_000,
    [100, 60_000],
    'milliseconds',
    'an edit is signed in a few milliseconds; what takes longer than this is told',
  ),
  signingSliceSets: limit(
    64,
    [1, 1_000],
    'sets',
    'about 15 milliseconds of signing and examining between two looks at the mailbox',
  ),
  signatureRefreshCheckMs: limit(
    60_000,
    [1_000, 3_600_000],
    'milliseconds',
    'how often it is looked whether a signature is due, and so how late a stepped clock is seen',
  ),
  wantedSets: limit(
    4_096,
    [16, 65_536],
    'sets',
    'answers of several servers signed on demand; the oldest gives way, and is asked for again',
  ),
  wantedTellMs: limit(
    25,
    [5, 1_000],
    'milliseconds',
    'how long an answer that is wanted and not signed waits to be told to the signer',
  ),
  signatureFileBytes: limit(
    268_435_456,
    [4_096, 1_073_741_824],
    'bytes',
    'signatures of half a million sets; it is read at once, into memory',
  ),
  signatureSaveMs: limit(
    5_000,
    [100, 600_000],
    'milliseconds',
    'signatures lost with the process are made again, so they need not be saved at once',
  ),
  keyStoreKeys: limit(
    50_000,
    [16, 1_000_000],
    'keys',
    'ten thousand zones with a key or two, and as many on their way in or out',
  ),
  keyStoreBytes: limit(
    67_108_864,
    [4_096, 268_435_456],
    'bytes',
    'fifty thousand keys of P-256 take about 25 million; it is read at once, into memory',
  ),
} as const satisfies Record<string, Limit>
