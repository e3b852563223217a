/**
 * A policy that is made of others: geofences, tiers, splits, and at the leaves one of the flat
 * algorithms over the servers of some regions.
 *
 * It is data without functions, so that it crosses threads and lies in checkpoints as it is. Leaves
 * are numbered in the order in which they are written; whoever compiles, counts or explains gets
 * the same numbers from `leavesOf`.
 */
import { steerLimits } from '../base/limits/steer.ts'
import type { Policy } from './topology.ts'

/** What a leaf may choose by. */
export type LeafAlgorithm = Exclude<Policy, 'composed'>

export const leafAlgorithms: readonly LeafAlgorithm[] = [
  'round-robin',
  'weighted',
  'failover',
  'geolocation',
  'latency',
  'learned_latency',
]

export interface LeafNode {
  readonly kind: 'choose'
  readonly algorithm: LeafAlgorithm
  /** Names of regions, in order; empty for all that the name has. */
  readonly regions: readonly string[]
}

/** The first that has a server to serve answers. */
export interface FailoverNode {
  readonly kind: 'failover'
  readonly tiers: readonly PolicyNode[]
}

/** Turns fall to parts by weight; those of a part without a server fall to the others. */
export interface SplitNode {
  readonly kind: 'split'
  readonly parts: readonly { readonly weight: number; readonly node: PolicyNode }[]
}

/** Who a rule of a geofence is for; one without any is for all others. */
export interface FenceRule {
  readonly countries?: readonly string[]
  readonly continents?: readonly string[]
  /** Regions that geography gives clients, or a mapping. */
  readonly homes?: readonly string[]
  readonly node: PolicyNode
}

/** The first rule that a client fits decides, and no other ever does. */
export interface FenceNode {
  readonly kind: 'geofence'
  readonly rules: readonly FenceRule[]
}

export type PolicyNode = LeafNode | FailoverNode | SplitNode | FenceNode

export interface Leaf {
  readonly node: LeafNode
  /** Indices of its servers in the pool, in its order. */
  readonly members: readonly number[]
}

/** The nodes right below one, in order. */
export function childrenOf(node: PolicyNode): readonly PolicyNode[] {
  if (node.kind === 'failover') return node.tiers
  if (node.kind === 'split') return node.parts.map((part) => part.node)
  return node.kind === 'geofence' ? node.rules.map((rule) => rule.node) : []
}

export function leafNodesOf(node: PolicyNode): readonly LeafNode[] {
  return node.kind === 'choose' ? [node] : childrenOf(node).flatMap(leafNodesOf)
}

/** How many leaves there are below a node; 1 for a leaf. */
export const leafCount = (node: PolicyNode): number => leafNodesOf(node).length

/** The leaves in the order of their numbers. */
export function leavesOf(tree: PolicyNode, members: readonly { region: string }[]): Leaf[] {
  return leafNodesOf(tree).map((node) => ({ node, members: membersOf(node, members) }))
}

function membersOf({ regions }: LeafNode, members: readonly { region: string }[]): number[] {
  const all = [...members.keys()]
  if (regions.length === 0) return all
  const order = new Map(regions.map((region, at) => [region, at]))
  const placeOf = (member: number) => order.get(members[member]!.region) ?? -1
  // Regions in the order of the policy, servers in that of the configuration.
  return all
    .filter((member) => placeOf(member) >= 0)
    .sort((one, other) => placeOf(one) - placeOf(other) || one - other)
}

const readsPlaceAt = (node: PolicyNode): boolean =>
  node.kind === 'geofence' ||
  (node.kind === 'choose' &&
    (node.algorithm === 'geolocation' || node.algorithm === 'learned_latency'))

/** Whether answers depend on where the client is. */
export const readsClient = (node: PolicyNode): boolean =>
  readsPlaceAt(node) || childrenOf(node).some(readsClient)

export const hasKind = (node: PolicyNode, kind: PolicyNode['kind']): boolean =>
  node.kind === kind || childrenOf(node).some((child) => hasKind(child, kind))

/** What rows of learned latency are called that are for some regions of a name alone. */
export const routesNameOf = (name: string, { regions }: LeafNode): string =>
  regions.length === 0 ? name : `${name} [${[...regions].sort().join(' ')}]`

const TEXTS_MAX = 1_024
const { policyDepth, policyNodes } = steerLimits

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= TEXTS_MAX && value.every((one) => typeof one === 'string')

const areTexts = (...values: readonly unknown[]): boolean =>
  values.every((value) => value === undefined || isTexts(value))

/** Whether untrusted data is a policy, within the limits of one. */
export function isPolicyNode(value: unknown): value is PolicyNode {
  let left: number = policyNodes.default
  const isNode = (node: unknown, depth: number): boolean => {
    if (typeof node !== 'object' || node === null) return false
    if (depth > policyDepth.default || --left < 0) return false
    const below = (list: unknown, of: (one: Record<string, unknown>) => boolean): boolean =>
      Array.isArray(list) &&
      list.length > 0 &&
      list.every((one) => typeof one === 'object' && one !== null && of(one))
    const { kind, algorithm, regions, tiers, parts, rules } = node as Record<string, unknown>
    if (kind === 'choose')
      return (leafAlgorithms as readonly unknown[]).includes(algorithm) && isTexts(regions)
    if (kind === 'failover') return below(tiers, (tier) => isNode(tier, depth + 1))
    if (kind === 'split')
      return below(parts, ({ weight, node: inner }) => isWeight(weight) && isNode(inner, depth + 1))
    return (
      kind === 'geofence' &&
      below(
        rules,
        ({ countries, continents, homes, node: inner }) =>
          areTexts(countries, continents, homes) && isNode(inner, depth + 1),
      )
    )
  }
  return isNode(value, 1)
}

const isWeight = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535
