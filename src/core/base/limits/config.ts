/** Limits of configuration files. */
import { type Limit, limit } from '../limit.ts'

export const configLimits = {
  configFileBytes: limit(
    8_388_608,
    [1_024, 67_108_864],
    'bytes',
    'about 80,000 servers in one file; a larger one is a mistake or an attack',
  ),
  configTotalBytes: limit(
    33_554_432,
    [1_024, 268_435_456],
    'bytes',
    'all files of one configuration; parsing takes about half a second a megabyte',
  ),
  configFiles: limit(
    4_096,
    [1, 65_536],
    'files',
    'a file for each team of a very large organisation',
  ),
  configDepth: limit(
    32,
    [8, 256],
    'levels',
    'the deepest key has eight levels; deeper input only burns the stack',
  ),
  configNodes: limit(
    1_000_000,
    [1_000, 10_000_000],
    'values',
    'aliases multiply, so values are counted after they are followed',
  ),
  configIncludeDepth: limit(10, [1, 100], 'levels', 'the depth of includes the spec promises'),
  configGlobEntries: limit(
    100_000,
    [100, 1_000_000],
    'directory entries',
    'a `**` at the root of a file system must end',
  ),
  configProblems: limit(
    500,
    [10, 10_000],
    'problems',
    'all faults are told at once, but a log must survive a file of a million of them',
  ),
  configZoneFileBytes: limit(
    33_554_432,
    [1_024, 268_435_456],
    'bytes',
    'about half a million records in one zone file',
  ),
  configListItems: limit(
    65_536,
    [1, 1_048_576],
    'items',
    'domains and servers are indexed by 16-bit numbers',
  ),
  configTextChars: limit(
    4_096,
    [64, 65_536],
    'characters',
    'one value; nothing in the schema is longer, only record values are (65,535 octets)',
  ),
} as const satisfies Record<string, Limit>
