/** What a configuration says of where clients are, beside its regions. */
import type { GeoSource } from '../geo/source.ts'
import type { Config } from './schema/root.ts'

export interface GeoConfig extends Omit<GeoSource, 'regions'> {
  /** Database files; empty for none. */
  readonly databasePath: string
  readonly asnPath: string
  readonly checkIntervalMs: number
}

export function geoConfigOf({ overwatch }: Config): GeoConfig {
  const { geolocation } = overwatch
  return {
    custom: geolocation.custom_mappings.map(({ cidr, region, comment }) => ({
      ...{ cidr, region, comment },
    })),
    defaultRegion: geolocation.default_region,
    databasePath: geolocation.database_path,
    asnPath: geolocation.asn_database_path,
    checkIntervalMs: geolocation.check_interval,
  }
}
