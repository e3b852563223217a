/**
 * Where the clients of the bench of a DNS thread are, and what was learned of them.
 */
import { ownMemory } from '../../src/core/base/memory.ts'
import type { GeoParts } from '../../src/core/geo/parts.ts'
import { placeClients } from '../../src/core/geo/source.ts'
import { ServiceCompiler } from '../../src/core/latency/compile.ts'
import { groundOf } from '../../src/core/latency/ground.ts'
import { parsePrefix } from '../../src/core/net/address.ts'
import type { RouteParts } from '../../src/core/steer/routes.ts'

export const REGIONS = ['near', 'far', 'farthest']

/** A map of some 30,000 ranges, or 90,000, among them the `own` networks that ask. */
export function placesFor(own: number): GeoParts {
  const networks = Array.from({ length: own + 16_000 }, (_, index) => {
    const key = Math.imul(index + 1, 0x9e3779b1) >>> 8
    const first = index < own ? 127 : 1 + (key >>> 16)
    const [second, third] = index < own ? [index >> 8, index] : [key >> 8, key]
    return `${first % 224}.${second & 255}.${third & 255}.0/24`
  })
  const custom = networks.map((cidr, index) => {
    return { cidr, region: REGIONS[index % REGIONS.length]!, comment: '' }
  })
  const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
  return placeClients({ regions, custom, defaultRegion: 'near' }, {}, ownMemory)
}

/** Rows for a third of the networks that ask, in three orders. */
export function learnedFor(own: number): RouteParts {
  const compiler = new ServiceCompiler(groundOf(placesFor(own)), {
    ...{ name: 'app.bench.test', regions: REGIONS, maxLatencyMs: 500, minSamples: 1 },
  })
  const news = Array.from({ length: own }, (_, index) => {
    const prefix = parsePrefix(`127.${index >> 8}.${index & 255}.0/24`)
    if (!prefix.ok) throw new Error(prefix.error)
    const measured = { deviationMs: 1, samples: 50, weight: 50, observedMs: 1 }
    return REGIONS.map((region, at) => ({
      ...{ ...measured, prefix: prefix.value, region, rttMs: 10 + 30 * ((index + at) % 3) },
    }))
  })
  compiler.take(news.filter((_, index) => index % 3 === 0).flat())
  const routes = compiler.compile(1, 1, 0, ownMemory)
  return { version: 1, slot: 1, services: routes === undefined ? [] : [routes] }
}
