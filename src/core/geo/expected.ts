/**
 * How long a round trip between a class of clients and each region is expected to take, before
 * anything was measured.
 *
 * By distance where positions are known, for cables are not straight and the last mile takes its
 * time; else by rank alone. The order is that of the class, so that a region an operator named for
 * a country is expected to be its nearest.
 */
import type { RegionSpec } from '../steer/topology.ts'
import type { GeoClass } from './classes.ts'
import { distanceKm } from './distance.ts'

/** A last mile, and light in fibre over a way 1.4 times as long as the distance. */
const LAST_MILE_MS = 3
const MS_A_KM = 1.4 / 100
/** Where only the order is known: a neighbour is a country away, and none is farther than this. */
const FIRST_MS = 30
const STEP_MS = 40
const MOST_MS = 190

/** By region, in ms; all 0 for a class of which nothing is known. */
export function expectedTimes(
  { ranking, position }: Pick<GeoClass, 'ranking' | 'position'>,
  regions: readonly RegionSpec[],
): number[] {
  const expected = regions.map(() => 0)
  const home = regions[ranking[0] ?? -1]
  if (home === undefined) return expected
  const from = position ?? positionOf(home)
  const times = ranking.map((region, rank) => {
    const to = positionOf(regions[region]!)
    if (from === undefined || to === undefined) return Math.min(MOST_MS, FIRST_MS + STEP_MS * rank)
    return LAST_MILE_MS + distanceKm(from, to) * MS_A_KM
  })
  times.sort((one, other) => one - other)
  for (const [rank, region] of ranking.entries()) expected[region] = times[rank]!
  return expected
}

function positionOf({ latitude, longitude }: RegionSpec) {
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude }
}
