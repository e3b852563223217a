/** Limits of zones and their records. */
import { type Limit, limit } from '../limit.ts'

export const zoneLimits = {
  zoneFileChars: limit(
    268_435_456,
    [1_024, 536_870_912],
    'characters',
    'a zone of a million records is about 60 million; past this the text does not fit a string',
  ),
  zoneFileLineChars: limit(
    524_288,
    [1_024, 4_194_304],
    'characters',
    'the longest rdata with every octet written as \\DDD takes 262,144',
  ),
  zoneFileEntryTokens: limit(
    65_536,
    [64, 1_048_576],
    'tokens',
    'a forgotten parenthesis must not gather the rest of the file into one entry',
  ),
  zoneFileRecords: limit(
    1_000_000,
    [1, 10_000_000],
    'records',
    'a zone is held in memory once, for all DNS threads; a million is about 130 MB',
  ),
  zoneFileFaults: limit(
    100,
    [1, 10_000],
    'faults',
    'nobody reads more at once, and a file that is no zone file has one on every line',
  ),
  compileAtOnceBytes: limit(
    65_536,
    [0, 1_048_576],
    'bytes',
    'names and records up to this take 10 ms at most; a thread for more takes 60 ms to start',
  ),
  rdataBytes: limit(
    65_000,
    [512, 65_000],
    'bytes',
    'a record has to fit a message of 65,535 octets beside its header, question and OPT',
  ),
  recordTtlSecondsMax: limit(
    2_147_483_647,
    [1, 2_147_483_647],
    'seconds',
    'RFC 2181 section 8: a TTL is an unsigned number of 31 bits',
  ),
} as const satisfies Record<string, Limit>
