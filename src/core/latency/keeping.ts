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

/** What is known now, and what waits in `waiting` to be taken up. */
export function catchmentsToKeep(
  { names, levels }: Nodes,
  resolvers: Resolvers,
  waiting: Keeping | undefined,
): Kept {
  if (waiting?.untouched !== undefined) return waiting.untouched
  const known = [...resolvers.known()]
  const places = new Map(known.map(([id], at) => [id, at]))
  const networks: Kept['networks'][number][] = []
  const keep = (name: string, { own, parts }: Divided): void => {
    const prefix = parsePrefix(name)
    if (!prefix.ok) return
    const placed = parts.flatMap(([id, part]) => {
      const at = places.get(id)
      return at === undefined || part < CONNECTIONS_LEAST ? [] : [[at, part] as const]
    })
    const all = placed.reduce((sum, [, part]) => sum + part, own)
    if (all >= CONNECTIONS_LEAST) networks.push([prefix.value, { own, parts: placed }])
  }
  for (const [node, divided] of resolvers.catchments.divided())
    if (levels[node] === NETWORK) keep(names[node]!, divided)
  for (const [name, divided] of waiting?.rest() ?? []) keep(name, divided)
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

  /** All of it while nothing was measured. */
  get untouched(): Kept | undefined {
    if (this.#ids !== undefined) return undefined
    const networks = [...this.#networks].flatMap(([name, divided]) => {
      const prefix = parsePrefix(name)
      return prefix.ok ? [[prefix.value, divided] as const] : []
    })
    return { resolvers: this.#resolvers, networks }
  }

  /** By the name of a network, its parts by the numbers of resolvers. */
  *rest(): Generator<readonly [string, Divided]> {
    for (const [name, divided] of this.#networks) yield [name, this.#numbered(divided)]
  }

  #numbered({ own, parts }: Divided): Divided {
    const known = parts.map(([at, part]) => [this.#ids?.[at] ?? -1, part] as const)
    return { own, parts: known.filter(([id]) => id >= 0) }
  }

  /** @param restore takes in the resolver of an address; its number, or -1 */
  takeUp(nodes: Nodes, { catchments }: Resolvers, restore: (address: Uint8Array) => number): void {
    this.#ids ??= this.#resolvers.map(restore)
    for (const [name, divided] of this.#networks) {
      const node = nodes.find(name)
      if (node < 0) continue
      this.#networks.delete(name)
      catchments.restore(node, this.#numbered(divided))
    }
  }
}
