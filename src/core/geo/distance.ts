/**
 * How far two places on the earth are from each other.
 */

export interface Position {
  /** Degrees, -90 to 90. */
  readonly latitude: number
  /** Degrees, -180 to 180. */
  readonly longitude: number
}

/** The mean radius of the earth (IUGG). */
const EARTH_KM = 6_371.0088

const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** Kilometres along a great circle, by the haversine formula. */
export function distanceKm(one: Position, other: Position): number {
  const latitude = radians(other.latitude - one.latitude)
  const longitude = radians(other.longitude - one.longitude)
  const a =
    Math.sin(latitude / 2) ** 2 +
    Math.cos(radians(one.latitude)) *
      Math.cos(radians(other.latitude)) *
      Math.sin(longitude / 2) ** 2
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(a)))
}
