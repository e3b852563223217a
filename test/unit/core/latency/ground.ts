/** A small ground for tests of learned latency: two systems in a country, two networks in each. */
import {
  ASN,
  COUNTRY,
  type LatencyEstimate,
  NETWORK,
  WORLD,
} from '../../../../src/core/latency/beliefs.ts'
import { keyOf } from '../../../../src/core/latency/rows.ts'
import {
  defaultLatencySettings,
  LatencyPolicy,
  type LatencySettings,
} from '../../../../src/core/latency/policy.ts'

/** 0 world, 1 country, 2 and 3 systems, 4 and 5 networks of the first, 6 and 7 of the second. */
export const tree = {
  parents: Int32Array.of(0, 0, 1, 1, 2, 2, 3, 3),
  levels: Uint8Array.of(WORLD, COUNTRY, ASN, ASN, NETWORK, NETWORK, NETWORK, NETWORK),
}

export const REGIONS = 3
export const MINUTE_MS = 60_000

/** One row for each node, all at one place with these expectations. */
export function policyOf(
  expected: readonly number[] = [10, 20, 100],
  settings: Partial<LatencySettings> = {},
  allowed?: Uint32Array,
): LatencyPolicy {
  const nodes = Int32Array.from(tree.parents, (_, node) => node)
  const places = new Int32Array(nodes.length)
  const keys = Uint32Array.from(nodes, (node) => keyOf(`node ${node}`))
  const placed = expected.some((ms) => ms > 0)
  const ground = { tree, regions: REGIONS, nodePlaces: places, placed }
  return new LatencyPolicy(
    { ...ground, expected: Float32Array.from(expected) },
    { nodes, places, keys, ...(allowed === undefined ? {} : { allowed }) },
    { ...defaultLatencySettings, ...settings },
  )
}

export const estimate = (ewmaMs: number, lastMs: number, samples = 50): LatencyEstimate => ({
  ewmaMs,
  variance: 9,
  samples,
  lastMs,
})

/** Tells the same of a network for some rounds of five minutes; returns the time after. */
export function repeat(
  policy: LatencyPolicy,
  node: number,
  times: readonly (number | undefined)[],
  fromMs: number,
  rounds = 6,
): number {
  let nowMs = fromMs
  for (let round = 0; round < rounds; round++) {
    nowMs += 5 * MINUTE_MS
    for (const [region, ms] of times.entries())
      if (ms !== undefined) policy.tell(node, region, estimate(ms, nowMs))
    policy.compile(nowMs)
  }
  return nowMs
}

export const leadOf = (policy: LatencyPolicy, row: number): number =>
  policy.rows.ranking[row * REGIONS]!
