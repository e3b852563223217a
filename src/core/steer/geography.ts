/**
 * The steps of a decision that depends on where the client is, for those who ask why.
 *
 * Read off the tables that `decide` reads, after it was asked; it decides nothing.
 */
import { formatAddress } from '../net/address.ts'
import { readGeoNames } from '../geo/parts.ts'
import type { Question } from './decide.ts'
import { FIXED, FIXED_ORDINALS } from './pool-layout.ts'
import type { Pool } from './pool.ts'
import { decisionScope } from './scope.ts'

export interface GeographyStep {
  readonly region: string
  /** `other-part`: a policy made of others has its servers in a part that does not answer here. */
  readonly outcome:
    | 'answers'
    | 'no-servers'
    | 'other-part'
    | 'none-healthy'
    | 'further'
    | 'fenced-off'
}

export interface Geography {
  /** The address that was looked up: the client's, or that of the prefix asked for. */
  readonly client: string
  readonly match: 'custom_mapping' | 'geoip' | 'default' | 'none'
  /** The mapping that decided. */
  readonly cidr?: string
  /** Empty where no database says. */
  readonly country: string
  readonly continent: string
  /** Bits of the client's address on which the answer rests now. */
  readonly scope: number
  /** The regions in the order of the client, nearest first. */
  readonly steps: readonly GeographyStep[]
}

/** @param question as `decide` was asked it; its outputs are left as they are */
export function geographyOf(
  pool: Pick<Pool, 'pools' | 'index' | 'spec'>,
  question: Question,
): Geography | undefined {
  const { pools, index } = pool
  const { geo } = pools
  if (geo === undefined || pools.groupsOf(index) === 0) return undefined
  const { client, family } = question
  const place = geo.map.classOf(client.length === 16 ? 6 : 4, client)
  const { labels, regions } = readGeoNames(geo.parts.labels)
  const { match, country, continent, cidr } = labels[geo.labelNumber(place)]!
  const table = pools.layout.fixed[index * FIXED + FIXED_ORDINALS]!
  const own = pools.segmentsFrom(index, family)
  let wanted = Math.max(1, pool.spec.answers)
  const ranking = geo.rankings.subarray(place * geo.stride, (place + 1) * geo.stride)
  const steps: GeographyStep[] = []
  // The segments are made with the mode.
  pools.modeOf(index, family)
  for (const [rank, region] of ranking.entries()) {
    if (region < 0) break
    const group = pools.layout.ordinals[table + region]!
    const size = group < 0 ? 0 : pools.segments[own + group + 1]! - pools.segments[own + group]!
    const isFenced = pools.isFenced(index) && rank > 0
    const outcome = isFenced
      ? 'fenced-off'
      : group < 0
        ? 'no-servers'
        : size === 0
          ? 'none-healthy'
          : wanted > 0
            ? 'answers'
            : 'further'
    if (outcome === 'answers') wanted -= size
    steps.push({ region: regions[region] ?? '', outcome })
  }
  return {
    ...{ client: formatAddress(client), match, country, continent },
    ...(cidr === undefined ? {} : { cidr }),
    scope: decisionScope(pools, index, question),
    steps,
  }
}
