/**
 * Who waits out a hold-down under a policy made of others.
 *
 * Each `failover` in it, and each leaf that is one, is a ladder: servers stand on rungs, and the
 * first rung with a server that owes nothing takes the traffic. One that has come back to a better
 * rung waits. A server waits only where every place it has in the policy would have it wait, so
 * that no part is ever left without one that could serve it.
 */
import type { Family } from '../net/address.ts'
import { childrenOf, leafCount, leavesOf, type PolicyNode } from '../steer/policy-tree.ts'

/** By member its best rung, or -1 where it does not stand on the ladder. */
type Ladder = Int32Array

/** A leaf: its servers, and the rung it hangs from on each ladder above it. */
interface Place {
  readonly members: readonly number[]
  readonly above: readonly { readonly ladder: number; readonly rung: number }[]
  /** The ladder that its servers make themselves; -1 for none. */
  readonly own: number
}

interface Standing {
  readonly families: ArrayLike<number>
  readonly eligible: ArrayLike<number>
  /** Whether it still owes a hold-down. */
  owes(member: number): boolean
}

export class Ladders {
  readonly #ladders: Ladder[] = []
  readonly #places: Place[] = []
  readonly #leaves: readonly (readonly number[])[]
  readonly #wanted: Uint8Array

  constructor(tree: PolicyNode, members: readonly { region: string }[]) {
    this.#wanted = new Uint8Array(members.length)
    this.#leaves = leavesOf(tree, members).map((leaf) => leaf.members)
    this.#visit(tree, 0, [])
  }

  get isAny(): boolean {
    return this.#ladders.length > 0
  }

  #visit(node: PolicyNode, from: number, above: Place['above']): void {
    if (node.kind === 'choose') {
      const members = this.#leaves[from]!
      const isLadder = node.algorithm === 'failover'
      const own = isLadder ? this.#ladder(members.map((one) => [one])) : -1
      this.#places.push({ members, above, own })
      return
    }
    const children = childrenOf(node)
    const ends = children.map(leafCount)
    const starts = ends.map((_, at) => ends.slice(0, at).reduce((sum, one) => sum + one, from))
    const below = (at: number) => this.#leaves.slice(starts[at], starts[at]! + ends[at]!).flat()
    const ladder = node.kind === 'failover' ? this.#ladder(children.map((_, at) => below(at))) : -1
    for (const [rung, child] of children.entries())
      this.#visit(child, starts[rung]!, ladder < 0 ? above : [...above, { ladder, rung }])
  }

  #ladder(rungs: readonly (readonly number[])[]): number {
    const ladder = new Int32Array(this.#wanted.length).fill(-1)
    for (const [rung, members] of rungs.entries())
      for (const member of members) if (ladder[member] === -1) ladder[member] = rung
    return this.#ladders.push(ladder) - 1
  }

  /** By member 1 where it may serve at once; the same memory with each call. */
  wanted(family: Family, standing: Standing): Uint8Array {
    const firsts = this.#ladders.map((ladder) => firstOf(ladder, family, standing))
    this.#wanted.fill(0)
    for (const { members, above, own } of this.#places) {
      if (above.some(({ ladder, rung }) => rung < firsts[ladder]!)) continue
      for (const member of members)
        if (own < 0 || this.#ladders[own]![member]! >= firsts[own]!) this.#wanted[member] = 1
    }
    return this.#wanted
  }
}

/** The rung that takes the traffic: where all owe a hold-down nobody waits. */
function firstOf(ladder: Ladder, family: Family, standing: Standing): number {
  const { families, eligible } = standing
  let first = Number.POSITIVE_INFINITY
  let best = Number.POSITIVE_INFINITY
  for (let member = 0; member < ladder.length; member++) {
    const rung = ladder[member]!
    if (rung < 0 || eligible[member] !== 1 || families[member] !== family) continue
    if (rung < best) best = rung
    if (rung < first && !standing.owes(member)) first = rung
  }
  if (first !== Number.POSITIVE_INFINITY) return first
  return best === Number.POSITIVE_INFINITY ? 0 : best
}
