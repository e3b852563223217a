/**
 * Reads what the DNS threads count of decisions that depended on the client.
 *
 * A query counts one number; what it means for each metric is worked out here: the class of the
 * client says its country, its home and the mapping that decided, and a region other than its home
 * says that it was handed over. Each decision that fell back counts one reason.
 */
import { type GeoNames, readGeoNames } from '../../core/geo/parts.ts'
import type { Counter, Metrics } from '../../kernel/metrics.ts'
import { counterOf } from '../../kernel/metrics-alias.ts'
import { Growth, takeCounts } from './counts.ts'
import { routeMethods } from '../../core/steer/routes.ts'
import { type EpochCounts, ROUTED_KINDS } from './tallies.ts'

export interface PlacedMeters {
  readonly decisions: Pick<Counter, 'add'>
  readonly fallbacks: Pick<Counter, 'add'>
  readonly customHits: Pick<Counter, 'add'>
}

export function placedMeters(metrics: Metrics): PlacedMeters {
  const counter = (
    names: readonly [string, ...string[]],
    help: string,
    labels: readonly string[],
  ) => counterOf(metrics, { names, help, labels })
  return {
    decisions: counter(
      ['opengslb_routing_geo_decisions_total', 'opengslb_geo_routing_decision'],
      'Decisions by where the client is; the region is that of the first answer.',
      ['domain', 'country', 'continent', 'region'],
    ),
    fallbacks: counter(
      ['opengslb_routing_geo_fallback_total', 'opengslb_geo_fallback'],
      'Decisions that did not find the client or left its region: lookup_failed (the default ' +
        'region), no_match (nothing is known of the client), no_servers_in_region.',
      ['domain', 'reason'],
    ),
    customHits: counter(
      ['opengslb_routing_geo_custom_hits_total', 'opengslb_geo_custom_mapping_hit'],
      'Decisions by a network that is mapped to a region.',
      ['domain', 'region', 'cidr'],
    ),
  }
}

export interface RoutedMeters {
  readonly hits: Pick<Counter, 'add'>
  readonly decisions: Pick<Counter, 'add'>
  readonly fallbacks: Pick<Counter, 'add'>
}

export function routedMeters(metrics: Metrics): RoutedMeters {
  return {
    hits: metrics.counter({
      name: 'opengslb_overwatch_latency_routing_hits_total',
      help: 'Decisions by learned latency: learned, geo_fallback, cold_start.',
      labels: ['method'],
    }),
    decisions: metrics.counter({
      name: 'opengslb_latency_routing_decision',
      help: 'Decisions by learned latency, by steered name and how they were found.',
      labels: ['domain', 'method'],
    }),
    fallbacks: metrics.counter({
      name: 'opengslb_routing_latency_fallback_total',
      help:
        'Decisions by latency that had nothing measured to go by: no_learned_data (by geography ' +
        'or turns), no_latency_data (by turns).',
      labels: ['domain', 'reason'],
    }),
  }
}

export function readingOfRoutes(
  { hits, decisions, fallbacks }: RoutedMeters,
  { routed }: EpochCounts,
  domainOf: (pool: number) => string,
): () => void {
  const grown = new Growth(routed)
  return () => {
    for (let at = 0; at < routed.length; at++) {
      const count = grown.take(at)
      if (count === 0) continue
      const domain = domainOf(Math.floor(at / ROUTED_KINDS))
      const method = routeMethods[at % ROUTED_KINDS]
      if (method === undefined) {
        fallbacks.add(count, { domain, reason: 'no_latency_data' })
        continue
      }
      hits.add(count, { method })
      decisions.add(count, { domain, method })
      if (method !== 'learned') fallbacks.add(count, { domain, reason: 'no_learned_data' })
    }
  }
}

export function readingOfPlaces(
  meters: PlacedMeters,
  { placed, geo }: EpochCounts,
  domainOf: (pool: number) => string,
): () => void {
  if (geo.length === 0) return () => {}
  const grown = new Growth(placed)
  let names: GeoNames | undefined
  return () => {
    takeCounts(grown, (key, count) => {
      names ??= readGeoNames(geo)
      const step = names.regions.length + 1
      const number = key % step
      const classed = Math.floor(key / step)
      const label = names.labels[classed % names.labels.length]!
      const domain = domainOf(Math.floor(classed / names.labels.length))
      const region = names.regions[number] ?? ''
      const { match, country, continent, home, cidr } = label
      meters.decisions.add(count, { domain, country, continent, region })
      const isAway = home >= 0 && number !== home
      const reason = isAway ? 'no_servers_in_region' : REASONS[match]
      if (reason !== undefined) meters.fallbacks.add(count, { domain, reason })
      if (cidr !== undefined)
        meters.customHits.add(count, { domain, region: names.regions[home] ?? '', cidr })
    })
  }
}

const REASONS: Readonly<Record<string, string | undefined>> = {
  default: 'lookup_failed',
  none: 'no_match',
}
