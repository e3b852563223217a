/**
 * What a database says of a network: country, continent, subdivisions, position, and the number of
 * the autonomous system. Of MaxMind's and DB-IP's country, city and ASN files.
 */
import { fail, ok, type Result } from '../base/result.ts'
import type { Mmdb } from './mmdb.ts'
import { type MmdbValue, readValue } from './mmdb-data.ts'

export interface Place {
  /** ISO 3166-1, two capitals; empty where the file does not say. */
  readonly country: string
  /** AF, AN, AS, EU, NA, OC, SA; empty where the file does not say. */
  readonly continent: string
  /** ISO 3166-2 without the country, the widest first: `['ENG', 'WBK']`. */
  readonly subdivisions: readonly string[]
  readonly city: string
  /** Degrees; absent where the file gives none. */
  readonly latitude?: number
  readonly longitude?: number
  /** 0 where the file does not say. */
  readonly asn: number
}

export const NO_PLACE: Place = { country: '', continent: '', subdivisions: [], city: '', asn: 0 }

type Fields = Readonly<Record<string, MmdbValue>>

const fieldsOf = (value: MmdbValue | undefined): Fields =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)
    ? (value as Fields)
    : {}

const textOf = (value: MmdbValue | undefined): string => (typeof value === 'string' ? value : '')
const codeOf = (value: MmdbValue | undefined, key: string): string => textOf(fieldsOf(value)[key])

function degreesOf(value: MmdbValue | undefined, most: number): number | undefined {
  return typeof value === 'number' && Math.abs(value) <= most ? value : undefined
}

/** What a record says; of anything unexpected, nothing. */
export function placeOf(record: MmdbValue): Place {
  const fields = fieldsOf(record)
  const { country, registered_country: registered, continent, subdivisions } = fields
  const location = fieldsOf(fields['location'])
  const latitude = degreesOf(location['latitude'], 90)
  const longitude = degreesOf(location['longitude'], 180)
  const asn = fields['autonomous_system_number']
  return {
    // An anycast or satellite network has no country it is in, only one it is registered in.
    country: codeOf(country, 'iso_code') || codeOf(registered, 'iso_code'),
    continent: codeOf(continent, 'code'),
    subdivisions: (Array.isArray(subdivisions) ? (subdivisions as readonly MmdbValue[]) : [])
      .map((one) => codeOf(one, 'iso_code'))
      .filter((code) => code !== ''),
    city: textOf(fieldsOf(fieldsOf(fields['city'])['names'])['en']),
    ...(latitude === undefined || longitude === undefined ? {} : { latitude, longitude }),
    asn: typeof asn === 'number' && Number.isSafeInteger(asn) && asn > 0 ? asn : 0,
  }
}

/** The places of the records at these offsets, in their order. */
export function placesOf(db: Mmdb, offsets: readonly number[]): Result<Place[], string> {
  const places: Place[] = []
  for (const offset of offsets) {
    const value = readValue(db.bytes, db.data, offset)
    if (!value.ok) return fail(`a record: ${value.error}`)
    places.push(placeOf(value.value))
  }
  return ok(places)
}
