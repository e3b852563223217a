/**
 * The region that clients are taken to be in, by the very map that an answer was chosen with.
 */
import type { GeoNames, GeoParts } from '../../core/geo/parts.ts'
import { readGeoNames } from '../../core/geo/parts.ts'
import { ClientMap } from '../../core/net/client-map.ts'

interface Atlas {
  readonly map: ClientMap
  readonly names: GeoNames
}

/** Read once for each map: a page of decisions asks thousands of times. */
const atlases = new WeakMap<GeoParts, Atlas>()

function atlasOf(parts: GeoParts): Atlas {
  const known = atlases.get(parts)
  if (known !== undefined) return known
  const made = { map: new ClientMap(parts.map), names: readGeoNames(parts.labels) }
  atlases.set(parts, made)
  return made
}

export const UNKNOWN_REGION = 'unknown'

/**
 * The region nearest to the client, `unknown` where nothing says which that is.
 * @param parts the map of the epoch; undefined where there is none
 * @param client 4 or 16 octets
 */
export function regionOfClient(parts: GeoParts | undefined, client: Uint8Array): string {
  if (parts === undefined) return UNKNOWN_REGION
  const { map, names } = atlasOf(parts)
  const place = map.classOf(client.length === 16 ? 6 : 4, client)
  const home = parts.rankings[place * parts.stride] ?? -1
  return home < 0 ? UNKNOWN_REGION : (names.regions[home] ?? UNKNOWN_REGION)
}
