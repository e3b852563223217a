/**
 * The parameters of the simulated worlds in which routing policies are compared.
 *
 * They were set before any policy was written and are not tuned to one. Three worlds: one such as
 * the internet is, one in which geography says all there is to know, and one in which all regions
 * are equally far from everybody, so that every preference is a mistake about noise.
 */

export interface WorldParameters {
  readonly name: 'normal' | 'geography' | 'no signal'
  /** Client networks, /24 each. */
  readonly prefixes: number
  readonly asns: number
  /** Of the Zipf law of demand by prefix, and of prefixes by autonomous system. */
  readonly zipfDemand: number
  readonly zipfAsn: number
  /** Connections of a prefix in an interval, on the average over the day. */
  readonly connectionsPerPrefix: number
  /** Cable length to great circle. */
  readonly fibreStretch: number
  /** What every path costs; median and spread (of the logarithm) of the last mile; in ms. */
  readonly pathBaseMs: number
  readonly lastMileMs: number
  readonly lastMileSpread: number
  /** Share of (autonomous system, region) pairs whose traffic goes by way of a hub. */
  readonly detourShare: number
  /** Scale of the exponential cost of how a system is connected to a region, in ms. */
  readonly peeringMs: number
  /** Deviation of what a /20 and what a /24 has of its own with each region, in ms. */
  readonly blockSpreadMs: number
  readonly prefixSpreadMs: number
  /** Share of (system, region) pairs that are crowded in the evening, and by how much. */
  readonly crowdedShare: number
  readonly crowdedMs: number
  /** By how much the last mile grows in the evening. */
  readonly eveningGrowth: number
  /** Deviation of one measured connection: a share of its time, and at least so much. */
  readonly noiseShare: number
  readonly noiseMs: number
  /** Share of /20 blocks that the geographic database puts in a wrong city. */
  readonly geoErrorShare: number
  /** Shares of prefixes behind a public resolver with ECS, and one without; others use own ones. */
  readonly ecsShare: number
  readonly anycastShare: number
  /** Prefixes for each resolver of a system, and the share that uses one not the nearest. */
  readonly prefixesPerResolver: number
  readonly farResolverShare: number
  /** False makes all regions equal. */
  readonly signal: boolean
}

const normal: WorldParameters = {
  name: 'normal',
  prefixes: 50_000,
  asns: 500,
  zipfDemand: 0.9,
  zipfAsn: 1,
  connectionsPerPrefix: 20,
  fibreStretch: 1.5,
  pathBaseMs: 2,
  lastMileMs: 8,
  lastMileSpread: 0.6,
  detourShare: 0.12,
  peeringMs: 6,
  blockSpreadMs: 2,
  prefixSpreadMs: 1,
  crowdedShare: 0.08,
  crowdedMs: 30,
  eveningGrowth: 0.3,
  noiseShare: 0.15,
  noiseMs: 2,
  geoErrorShare: 0.08,
  ecsShare: 0.3,
  anycastShare: 0.15,
  prefixesPerResolver: 200,
  farResolverShare: 0.15,
  signal: true,
}

export const worlds: readonly WorldParameters[] = [
  normal,
  {
    ...normal,
    name: 'geography',
    detourShare: 0,
    peeringMs: 0,
    blockSpreadMs: 0,
    prefixSpreadMs: 0,
    crowdedShare: 0,
    geoErrorShare: 0,
  },
  { ...normal, name: 'no signal', detourShare: 0, crowdedShare: 0, signal: false },
]

/** What happens in the run, and when; the same in each world. */
export interface Schedule {
  readonly intervalMs: number
  /** How long resolvers keep an answer. */
  readonly ttlMs: number
  readonly hours: number
  /** Figures are taken after it. */
  readonly warmUpHours: number
  readonly doubling: Span
  readonly outage: Span
  /** From this hour some (autonomous system, region) pairs are so much slower, to the end. */
  readonly reroute: { readonly fromHour: number; readonly share: number; readonly addedMs: number }
}

export interface Span {
  /** Rank of the region among all by demand served at the start: 0 is the busiest. */
  readonly rank: number
  readonly fromHour: number
  readonly toHour: number
}

export const schedule: Schedule = {
  intervalMs: 300_000,
  ttlMs: 60_000,
  hours: 36,
  warmUpHours: 12,
  doubling: { rank: 0, fromHour: 18, toHour: 22 },
  outage: { rank: 1, fromHour: 26, toHour: 28 },
  reroute: { fromHour: 31, share: 0.02, addedMs: 60 },
}
