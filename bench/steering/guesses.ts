/**
 * Who could be behind an asker, for one that sees what a query carries and nothing else: the
 * network of a client subnet, or the address of a resolver. What an oracle loses that knows all
 * round trips but must guess so is no fault of a policy.
 *
 * With a subnet there is nothing to guess. A resolver in a network of clients stands for that
 * system's networks in its city, as the database has them, else for all of the system. Of one whose
 * own network has no clients there are two guesses: its country, which is what a database says of
 * its address; or its catchment, all networks nearer to it than to any other such resolver, which
 * takes a list of them.
 */
import { distanceKm, type Position } from '../../src/core/geo/distance.ts'
import { cities } from './places.ts'
import type { Asker, World } from './world.ts'

export const BY_COUNTRY = 'oracle that sees countries'
export const BY_CATCHMENT = 'oracle that sees catchments'

/** Networks by a word about each. */
function groupsBy(world: World, wordOf: (prefix: number) => string): Map<string, Int32Array> {
  const lists = new Map<string, number[]>()
  for (let prefix = 0; prefix < world.demand.length; prefix++) {
    const word = wordOf(prefix)
    const list = lists.get(word)
    if (list === undefined) lists.set(word, [prefix])
    else list.push(prefix)
  }
  return new Map([...lists].map(([word, list]) => [word, Int32Array.from(list)]))
}

const placeOf = ({ latitude, longitude }: Position): string => `${latitude} ${longitude}`

/** By asker, the networks that it is taken to ask for; askers alike share one array. */
export function guessesOf(world: World): Record<string, readonly Int32Array[]> {
  const { askers, asns, blockAsn, blockListed, prefixBlock } = world
  const all = Int32Array.from(world.demand.keys())
  const asnOf = (prefix: number) => blockAsn[prefixBlock[prefix]!]!
  const listed = (prefix: number) => cities[blockListed[prefixBlock[prefix]!]!]!
  const bySystem = groupsBy(world, (prefix) => String(asnOf(prefix)))
  const byCity = groupsBy(world, (prefix) => `${asnOf(prefix)} ${placeOf(listed(prefix))}`)
  const byCountry = groupsBy(world, (prefix) => asns[asnOf(prefix)]!.country)
  const sites = askers.filter(({ kind }) => kind === 'anycast').map(({ position }) => position)
  const nearest = new Map(cities.map((city) => [placeOf(city), nearestOf(sites, city)]))
  const byCatchment = groupsBy(world, (prefix) => nearest.get(placeOf(listed(prefix)))!)
  const near = ({ asn, position, clients, kind }: Asker): Int32Array | undefined => {
    if (kind === 'ecs') return clients
    return byCity.get(`${asn} ${placeOf(position)}`) ?? bySystem.get(String(asn))
  }
  return {
    [BY_COUNTRY]: askers.map((asker) => near(asker) ?? byCountry.get(asker.country) ?? all),
    [BY_CATCHMENT]: askers.map(
      (asker) => near(asker) ?? byCatchment.get(placeOf(asker.position)) ?? all,
    ),
  }
}

function nearestOf(sites: readonly Position[], city: Position): string {
  const km = sites.map((site) => distanceKm(city, site))
  const site = sites[km.indexOf(Math.min(...km))]
  return site === undefined ? '' : placeOf(site)
}
