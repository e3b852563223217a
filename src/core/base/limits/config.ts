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
  objectsMax: limit(
    65_536,
    [16, 1_048_576],
    'objects',
    'what the API made or edited: as many as there may be servers in the file',
  ),
  objectBytesMax: limit(
    32_768,
    [1_024, 262_144],
    'bytes',
    'a domain that lists a hundred regions, with a description and tags',
  ),
  objectFieldsMax: limit(64, [8, 1_024], 'fields', 'twice the keys that the largest object has'),
  objectListItemsMax: limit(
    1_024,
    [16, 65_536],
    'items',
    'regions of a domain or countries of a region; there are 249 country codes',
  ),
  objectTextCharsMax: limit(
    8_192,
    [256, 65_536],
    'characters',
    'one text of an edit: a description, or what the file said of a key',
  ),
  objectRounds: limit(
    32,
    [1, 1_024],
    'rounds',
    'edits that no longer fit the file are set aside one after another; past it all are',
  ),
} as const satisfies Record<string, Limit>
