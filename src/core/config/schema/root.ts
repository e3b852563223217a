/**
 * The whole configuration: one schema, from which types, validation and documents come.
 */
import type { z } from 'zod'
import { key, keys, list } from '../keys.ts'
import { filePath, oneOf } from '../kinds/texts.ts'
import { agent } from './agent.ts'
import { cluster } from './cluster.ts'
import { dns } from './dns.ts'
import { api, logging, metrics } from './operations.ts'
import { overwatch } from './overwatch.ts'
import { domains, regions } from './regions.ts'

export const modes = ['overwatch', 'agent'] as const

export const configSchema = keys({
  mode: key(
    oneOf(modes, { standalone: 'overwatch', cluster: 'overwatch', '': 'overwatch' }),
    'overwatch',
    'What this process is. `standalone` and `cluster` mean an overwatch and set cluster.mode.',
    { restart: true },
  ),
  includes: list(filePath, [], 'Files or globs, relative to the file that names them.'),
  dns,
  regions,
  domains,
  overwatch,
  agent,
  cluster,
  api,
  metrics,
  logging,
})

/** Names as in the file, durations in milliseconds, sizes in bytes, addresses canonical. */
export type Config = z.output<typeof configSchema>
export type RegionConfig = Config['regions'][number]
export type ServerConfig = RegionConfig['servers'][number]
export type DomainConfig = Config['domains'][number]
export type ZoneConfig = Config['dns']['zones'][number]
export type RecordConfig = ZoneConfig['records'][number]
export type HealthCheckConfig = NonNullable<RegionConfig['health_check']>
