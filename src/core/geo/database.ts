/**
 * A database file read whole and checked whole: its tree walked to every leaf, every record read.
 *
 * What comes of it holds nothing of the file. A file that is cut off, points outside itself or
 * claims too much is refused with a sentence, and nothing is half taken.
 */
import { fail, ok, type Result } from '../base/result.ts'
import type { GeoDatabase } from './classes.ts'
import { openMmdb, rangesOfMmdb } from './mmdb.ts'
import { placesOf } from './places.ts'

export interface GeoFile {
  readonly database: GeoDatabase
  /** As the file calls itself: `GeoLite2-City`. */
  readonly type: string
  /** Unix seconds; when the file was made. */
  readonly builtSeconds: number
}

export function readGeoFile(bytes: Uint8Array): Result<GeoFile, string> {
  const db = openMmdb(bytes)
  if (!db.ok) return db
  const ranges = rangesOfMmdb(db.value)
  if (!ranges.ok) return ranges
  const { v4, v6, offsets } = ranges.value
  const places = placesOf(db.value, offsets)
  if (!places.ok) return places
  if (places.value.length === 0) return fail('it says nothing of any network')
  const { type, builtSeconds } = db.value
  return ok({ database: { v4, v6, places: places.value }, type, builtSeconds })
}
