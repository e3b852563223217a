/**
 * Two clusters where one was meant: nodes that were each told to found one do, where they did not
 * hear of each other in time, and then each leads and answers.
 *
 * So the addresses of `cluster.join`, and those of the overwatches that gossip here, are asked now
 * and then for the members they know. Who has this node among them is of the same cluster.
 */
import { limits } from '../../core/base/limits.ts'
import { membersOf, objectOf } from '../../core/cluster/gateway.ts'
import { formatEndpoint, parseEndpoint } from '../../core/net/address.ts'
import type { ClusterPorts, EmbeddedConfig } from './contract.ts'
import type { ClusterCtx } from './standing.ts'

export interface OthersWorld {
  readonly ctx: ClusterCtx
  readonly ports: Pick<ClusterPorts, 'knock'>
  readonly config: Pick<EmbeddedConfig, 'join' | 'tls'>
  /** `host:port` where others reach this member. */
  readonly address: string
  /** `host:port` of the other members, of the last list. */
  readonly peers: () => readonly string[]
}

const HINT = 'empty cluster.raft.data_dir of the nodes that are wrong, and let them join again'

export class Others {
  readonly #world: OthersWorld
  /** `host:port` of those that gossip, as if they had the port of this one. */
  #gossiping: readonly string[] = []
  /** Who was last found to be a member of another cluster. */
  readonly #apart = new Set<string>()

  constructor(world: OthersWorld) {
    this.#world = world
  }

  /** Addresses of all overwatches that gossip here, without a port. */
  heard(addresses: readonly string[]): void {
    const own = parseEndpoint(this.#world.address)
    if (!own.ok) return
    this.#gossiping = addresses.map((host) => formatEndpoint(host, own.value.port))
  }

  /** Asks each once, and says so of one that was of this cluster, or silent, before. */
  async look(): Promise<void> {
    const { ctx, config, address, peers } = this.#world
    const own = new Set([address, ...peers()])
    const all = [...new Set([...config.join, ...this.#gossiping])]
    for (const other of all.filter((one) => !own.has(one))) {
      const isApart = await this.#isApart(other)
      if (isApart && !this.#apart.has(other)) {
        const where = config.join.includes(other) ? 'of cluster.join' : 'that gossips with this one'
        const said = { node: other, hint: HINT }
        ctx.log.error(`two clusters: a node ${where} is a member of another one`, said)
      }
      if (isApart) this.#apart.add(other)
      else this.#apart.delete(other)
    }
  }

  /** Whether it is a member of a cluster that this node is none of. */
  async #isApart(other: string): Promise<boolean> {
    const { ports, config, address } = this.#world
    return (await listsAt(ports, config, other, address)) === false
  }
}

/**
 * Whether the member at `other` lists one at `address` (both `host:port`), by the page it shows its
 * peers; undefined where it shows none.
 */
export async function listsAt(
  ports: OthersWorld['ports'],
  { tls }: Pick<EmbeddedConfig, 'tls'>,
  other: string,
  address: string,
): Promise<boolean | undefined> {
  const scheme = tls === undefined ? 'http' : 'https'
  const timeoutMs = limits.clusterCallMs.default
  const page = await ports.knock(`${scheme}://${other}/members`, undefined, timeoutMs, tls)
  if (page.code !== 'answered' || page.status !== 200) return undefined
  const members = membersOf(objectOf(`{"members":${page.text}}`)?.['members'])
  if (members.length === 0) return undefined
  return members.some(({ peerUrls }) => peerUrls.includes(`${scheme}://${address}`))
}
