/**
 * The steps of a policy made of others: which part went on at each, and whom that removed.
 *
 * Read off the leaf that `decide` found, which stands at one place of the policy, and off the
 * tables it read; it decides nothing. Paths are those of the configuration file.
 */
import { readGeoNames } from '../geo/parts.ts'
import { leafPools, othersOf, ROOT_LEAF, ruleFor } from './composed-layout.ts'
import type { Question } from './decide.ts'
import { basisAt, choosesAt } from './modes.ts'
import type { Pool } from './pool.ts'
import { childrenOf, type FenceNode, type Leaf, leafCount, leavesOf } from './policy-tree.ts'
import type { PolicyNode } from './policy-tree.ts'
import type { ServingPool } from './snapshot.ts'
import { BASIS_SERVING } from './view.ts'

export interface PolicyStep {
  /** Where it is written: `policy.failover[1]`. */
  readonly path: string
  readonly kind: 'geofence' | 'failover' | 'weighted' | 'choose'
  /** One sentence for an operator. */
  readonly reason: string
  /** Keys of the servers that are out of question from here on. */
  readonly removed: readonly string[]
  /** How many remain. */
  readonly left: number
}

/** A leaf as those who tell of a pool look at it. */
export interface LeafFace {
  readonly pools: Pool['pools']
  readonly index: number
  readonly spec: ServingPool
}

/** The leaf that answered; undefined where none did, and for flat policies. */
export function leafFaceOf({ pools, spec, index }: Pool, { leaf }: Question): LeafFace | undefined {
  if (pools.composed === undefined || leaf === undefined || leaf < 0) return undefined
  const { layout, leaves } = pools.composed
  const number = leaf - layout.roots[layout.rootOf[index]! + ROOT_LEAF]!
  return { pools: leaves, index: leaf, spec: leafPools(spec)[number]! }
}

const NAMES = { geofence: 'geofence', failover: 'failover', split: 'weighted' } as const

class Walk {
  readonly steps: PolicyStep[] = []
  readonly #pool: Pool
  readonly #question: Question
  readonly #leaves: readonly Leaf[]
  readonly #first: number
  /** Members that are still in question. */
  #left: ReadonlySet<number>

  constructor(pool: Pool, question: Question) {
    const { layout } = pool.pools.composed!
    this.#pool = pool
    this.#question = question
    this.#leaves = leavesOf(pool.spec.tree!, pool.spec.members)
    this.#first = layout.roots[layout.rootOf[pool.index]! + ROOT_LEAF]!
    this.#left = new Set(pool.spec.members.keys())
  }

  /** @param from the number of the node's first leaf */
  go(node: PolicyNode, from: number, path: string): void {
    const leaf = this.#question.leaf ?? -1
    if (node.kind === 'choose') {
      this.#step(path, 'choose', from, 1, reasonOfLeaf(node.algorithm))
      return
    }
    const kind = NAMES[node.kind]
    const children = childrenOf(node)
    let first = from
    for (const [at, child] of children.entries()) {
      const count = leafCount(child)
      const own = leaf - this.#first
      if (leaf >= 0 && own >= first && own < first + count) {
        const below = `${path}.${kind}[${at}]`
        this.#step(below, kind, first, count, this.#reason(node, at, from))
        this.go(child, first, below)
        return
      }
      first += count
    }
    const reason =
      node.kind === 'geofence' && this.#rule(node) < 0
        ? `no part is for ${this.#client()}`
        : 'no part has a server to answer with'
    this.#step(`${path}.${kind}`, kind, 0, 0, reason)
  }

  /** Goes on with the members of some leaves. */
  #step(path: string, kind: PolicyStep['kind'], from: number, count: number, reason: string): void {
    const next = new Set(this.#leaves.slice(from, from + count).flatMap(({ members }) => members))
    const kept = new Set([...this.#left].filter((member) => next.has(member)))
    const { members } = this.#pool.spec
    const removed = [...this.#left].filter((member) => !kept.has(member))
    const keys = removed.map((member) => members[member]!.key)
    this.#left = kept
    this.steps.push({ path, kind, reason, removed: keys, left: kept.size })
  }

  #reason(node: PolicyNode, at: number, from: number): string {
    if (node.kind === 'geofence') {
      const isOthers = at === othersOf(node)
      return isOthers ? `for all others, as ${this.#client()}` : `for ${this.#client()}`
    }
    if (node.kind === 'split') return 'this turn falls to its weight'
    if (at === 0) return this.#standing('the first has servers to answer with')
    const before = node.kind === 'failover' ? node.tiers.slice(0, at) : []
    const skipped = before.reduce((sum, tier) => sum + leafCount(tier), 0)
    const isAnyUp = Array.from({ length: skipped }, (_, one) => one).some((one) =>
      this.#serves(this.#first + from + one),
    )
    const why = isAnyUp ? 'none before it has a server for this client' : 'none before it serves'
    return this.#standing(why)
  }

  #standing(otherwise: string): string {
    const leaf = this.#question.leaf ?? -1
    return this.#serves(leaf)
      ? otherwise
      : `no part in reach serves (when_all_down: ${this.#pool.spec.whenAllDown})`
  }

  #serves(leaf: number): boolean {
    const mode = this.#pool.pools.composed!.leaves.modeOf(leaf, this.#question.family)
    return choosesAt(mode) && basisAt(mode) === BASIS_SERVING
  }

  #label() {
    const { geo } = this.#pool.pools
    const place = this.#question.place ?? -1
    if (geo === undefined || place < 0) return undefined
    return readGeoNames(geo.parts.labels).labels[geo.labelNumber(place)]
  }

  #rule(node: FenceNode): number {
    const { geo } = this.#pool.pools
    const label = this.#label()
    if (geo === undefined || label === undefined) return othersOf(node)
    return ruleFor(node, label, readGeoNames(geo.parts.labels).regions)
  }

  #client(): string {
    const { geo } = this.#pool.pools
    const label = this.#label()
    if (geo === undefined || label === undefined) return 'a client of which nothing is known'
    const { country, continent, home } = label
    const region = readGeoNames(geo.parts.labels).regions[home]
    const facts = [
      ...(country === '' ? [] : [`country ${country}`]),
      ...(continent === '' ? [] : [`continent ${continent}`]),
      ...(region === undefined ? [] : [`region ${region}`]),
    ]
    return facts.length === 0 ? 'a client that is nowhere' : `a client of ${facts.join(', ')}`
  }
}

const reasonOfLeaf = (algorithm: string): string => `chosen by ${algorithm}`

/** @param question as `decide` was asked it, with what that wrote */
export function policyStepsOf(pool: Pool, question: Question): readonly PolicyStep[] | undefined {
  const { tree } = pool.spec
  if (tree === undefined || pool.pools.composed === undefined) return undefined
  const walk = new Walk(pool, question)
  walk.go(tree, 0, 'policy')
  return walk.steps
}
