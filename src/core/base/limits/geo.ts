/** Limits of geography: databases, places and regions. */
import { type Limit, limit } from '../limit.ts'

export const geoLimits = {
  geoFileBytes: limit(
    268_435_456,
    [1_024, 1_073_741_824],
    'bytes',
    'the largest city databases are about 130 MB; it is read whole',
  ),
  geoMetadataBytes: limit(
    131_072,
    [1_024, 1_048_576],
    'bytes',
    'the format says that metadata begins in the last 128 KiB of a file',
  ),
  geoRecordDepth: limit(
    16,
    [4, 64],
    'levels',
    'records of cities nest four levels; a deeper one is hostile',
  ),
  geoRecordValues: limit(
    4_096,
    [64, 65_536],
    'values',
    'a record of a city has about 150 values; pointers could make one endless',
  ),
  geoTextBytes: limit(
    4_096,
    [64, 65_536],
    'bytes',
    'names of places are short; this many of each would still be a few megabytes',
  ),
  geoRanges: limit(
    16_000_000,
    [1_000, 64_000_000],
    'ranges',
    'of a family; a city database has 4 to 10 million, of 8 bytes (IPv4) or 20 bytes (IPv6) each',
  ),
  geoPlaces: limit(4_000_000, [1_000, 16_000_000], 'places', 'distinct records of one database'),
  geoSamples: limit(
    10_000,
    [100, 1_000_000],
    'addresses',
    'looked up in the old and the new map, to tell how much a new database changes',
  ),
  geoScopeNeighbours: limit(
    8,
    [0, 256],
    'ranges',
    'to each side: how far it is looked whether a resolver may keep an answer for more clients',
  ),
} as const satisfies Record<string, Limit>
