/**
 * Who is behind resolvers, from one table of nodes to another: through a restart, or when names and
 * databases change. Numbers of nodes and resolvers are of one table, so networks go by their
 * names and resolvers by an address.
 */
import { parsePrefix } from '../net/address.ts'
import { NETWORK } from './beliefs.ts'
import type { Divided } from './catchments.ts'
import type { KeptCatchments } from './kept-catchments.ts'
import { networkName, type Nodes } from './nodes.ts'
import type { Resolvers } from './resolvers.ts'

type Kept = Omit<KeptCatchments, 'name'>

/** Fewer connections than this make no part of a network that counts. */
const CONNECTIONS_LEAST = 0.05

export function catchmentsToKeep({ names, levels }: Nodes, resolvers: Resolvers): Kept {
  const known = [...resolvers.known()]
  const places = new Map(known.map(([id], at) => [id, at]))
  const networks: Kept['networks'][number][] = []
  for (const [node, { own, parts }] of resolvers.catchments.divided()) {
    const prefix = parsePrefix(names[node]!)
    if (levels[node] !== NETWORK || !prefix.ok) continue
    const placed = parts.flatMap(([id, part]) =>
      part < CONNECTIONS_LEAST ? [] : [[places.get(id)!, part] as const],
    )
    if (own > 0 || placed.length > 0) networks.push([prefix.value, { own, parts: placed }])
  }
  return { resolvers: known.map(([, address]) => address), networks }
}

/** What is not taken up yet: of networks that were not measured again. */
export class Keeping {
  readonly #resolvers: readonly Uint8Array[]
  /** By the name of its node. */
  readonly #networks: Map<string, Divided>
  #ids: readonly number[] | undefined

  /** @param trust 0 to 1: so much each connection of then counts now */
  constructor({ resolvers, networks }: Kept, trust: number) {
    this.#resolvers = resolvers
    this.#networks = new Map(
      networks.map(([{ address, length }, { own, parts }]) => [
        networkName(address, length),
        { own: own * trust, parts: parts.map(([at, part]) => [at, part * trust] as const) },
      ]),
    )
  }

  /** @param restore takes in the resolver of an address; its number, or -1 */
  takeUp(nodes: Nodes, { catchments }: Resolvers, restore: (address: Uint8Array) => number): void {
    this.#ids ??= this.#resolvers.map(restore)
    for (const [name, { own, parts }] of this.#networks) {
      const node = nodes.find(name)
      if (node < 0) continue
      this.#networks.delete(name)
      const known = parts.map(([at, part]) => [this.#ids![at]!, part] as const)
      catchments.restore(node, { own, parts: known.filter(([id]) => id >= 0) })
    }
  }
}
