/**
 * Where the clients of the load are, and what was learned of them: three regions with a server
 * each, a database that places every network of /24 in 198.0.0.0/16, and round-trip times of the
 * busiest of them.
 *
 * The networks that ask (flag `z` of bench/native/query.h) are as many, drawn by Zipf's law; which
 * network has which rank is scattered alike here and there.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeMmdb } from '../../../src/core/geo/mmdb-write.ts'
import { encodeRows } from '../../../src/core/latency/rows-codec.ts'
import type { Heard } from '../../../src/core/latency/table.ts'
import { parsePrefix } from '../../../src/core/net/address.ts'
import { type Setup, serverAddress, ZONE } from './setup.ts'

const NETWORKS = 65_536
const COUNTRIES = ['US', 'DE', 'JP'] as const
const REGIONS = ['near', 'far', 'farthest'] as const
/** Odd, so that every rank has a network of its own. */
const SCATTER = 40_503

/** The network of a rank, as bench/native/query.cc counts it. */
export const networkOf = (rank: number): string => {
  const network = Math.imul(rank, SCATTER) & (NETWORKS - 1)
  return `198.${network >> 8}.${network & 255}.0/24`
}

/** Neighbours differ, as they do in no real database: ranges stay as narrow as they can be. */
function database(builtSeconds: number): Uint8Array {
  return writeMmdb({
    type: 'OpenGSLB-Bench-Country',
    ipVersion: 4,
    recordBits: 24,
    builtSeconds,
    description: 'Networks of a benchmark',
    networks: Array.from({ length: NETWORKS }, (_, rank) => {
      const country = COUNTRIES[(Math.imul(rank + 1, 0x9e3779b1) >>> 8) % COUNTRIES.length]!
      return [networkOf(rank), { country: { iso_code: country } }]
    }),
  })
}

/** Every region's time for each of the busiest networks, in three orders. */
function learned(networks: number, nowMs: number): Heard[] {
  return Array.from({ length: networks }, (_, rank) => {
    const prefix = parsePrefix(networkOf(rank))
    if (!prefix.ok) throw new Error(prefix.error)
    const said = { prefix: prefix.value, service: `app.${ZONE}`, samples: 50, observedMs: nowMs }
    return REGIONS.map((region, at) => ({
      ...{ ...said, region, source: `agent-${region}`, deviationMs: 1 },
      rttMs: 10 + 30 * ((rank + at) % REGIONS.length),
    }))
  }).flat()
}

/** The files that a start of the program reads, in its folder. */
export function writePlaces(folder: string, { learnedNetworks }: Setup): void {
  const nowMs = Date.now()
  writeFileSync(join(folder, 'places.mmdb'), database(Math.floor(nowMs / 1_000)))
  const data = join(folder, 'data')
  mkdirSync(data, { recursive: true })
  writeFileSync(join(data, 'latency.rows'), encodeRows(learned(learnedNetworks, nowMs)), {
    mode: 0o600,
  })
}

/** The configuration's `regions`, `domains`, and what belongs into `overwatch`. */
export function placesYaml(
  { algorithm }: Setup,
  folder: string,
  checkedPort: number,
  interval: string,
): { readonly top: string; readonly overwatch: string } {
  const check = `type: tcp, interval: ${interval}, timeout: 5s, success_threshold: 1`
  const regions = REGIONS.map((region, at) => {
    const server = `address: ${serverAddress(at)}, port: ${checkedPort}, service: app.${ZONE}`
    return `  - name: ${region}
    countries: [${COUNTRIES[at]}]
    servers: [{ ${server} }]
    health_check: { ${check} }`
  })
  return {
    overwatch: `  geolocation: { database_path: "${folder}/places.mmdb", default_region: near }\n`,
    top: `regions:
${regions.join('\n')}
domains:
  - name: app.${ZONE}
    regions: [${REGIONS.join(', ')}]
    routing_algorithm: ${algorithm}
    latency_config: { max_latency_ms: 500, min_samples: 1 }
    ttl: 60`,
  }
}
