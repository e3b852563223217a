/**
 * The leaves of policies made of others, with what a thread needs to keep them in step.
 */
import { textOf } from '../base/memory.ts'
import { type ComposedLayout, ROOT_END, ROOT_LEAF } from './composed-layout.ts'
import { FIXED, FIXED_FROM, FIXED_MEMBERS, type PoolLayout } from './pool-layout.ts'
import type { Pools } from './pools.ts'
import type { ServiceRoutes } from './routes.ts'

/** The words of leaves, by address, from those of the pools. */
export function leafWords({ fixed, composed }: PoolLayout, words: Uint32Array): Uint32Array {
  const { rootOf, roots, leaves, origins } = composed!
  const own = new Uint32Array(origins.length)
  for (const [pool, root] of rootOf.entries()) {
    if (root < 0) continue
    const from = fixed[pool * FIXED + FIXED_FROM]!
    for (let leaf = roots[root + ROOT_LEAF]!; leaf < roots[root + ROOT_END]!; leaf++) {
      const first = leaves.fixed[leaf * FIXED + FIXED_FROM]!
      const end = first + leaves.fixed[leaf * FIXED + FIXED_MEMBERS]!
      for (let at = first; at < end; at++) own[at] = words[from + origins[at]!]!
    }
  }
  return own
}

export class Composed {
  readonly layout: ComposedLayout
  /** The leaves as pools, by number. */
  readonly leaves: Pools

  constructor(layout: ComposedLayout, leaves: Pools) {
    this.layout = layout
    this.leaves = leaves
  }

  /** A server stands in every leaf that may give it. */
  setWord(pool: number, member: number, word: number): void {
    const { layout, leaves } = this
    const root = layout.rootOf[pool]!
    if (root < 0) return
    const end = layout.roots[root + ROOT_END]!
    for (let leaf = layout.roots[root + ROOT_LEAF]!; leaf < end; leaf++) {
      const from = leaves.addressFrom(leaf)
      const count = leaves.membersOf(leaf)
      for (let at = 0; at < count; at++)
        if (layout.origins[from + at] === member) leaves.setWord(leaf, at, word)
    }
  }

  /** Takes what was learned of the clients of leaves, by what their rows are called. */
  setRoutes(learned: ReadonlyMap<string, ServiceRoutes>): void {
    const names = JSON.parse(textOf(this.layout.names)) as string[]
    for (const [leaf, name] of names.entries()) {
      const routes = learned.get(name)
      if (routes !== this.leaves.routes[leaf]?.parts) this.leaves.setRoutes(leaf, routes)
    }
  }
}
