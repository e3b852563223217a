/**
 * Two clusters where one was meant: nodes that were each told to found one do, where they did not
 * hear of each other in time, and then each leads and answers.
 *
 * So the addresses of `cluster.join`, and those of the overwatches that gossip here, are asked now
 * and then for their cluster and its members. Who is of the cluster of this node, and has it among
 * the members, is not apart. Both go by ids: an address in that list is the one by which a node was
 * added, and may be an older one.
 */
import { limits } from '../../core/base/limits.ts'
import { clusterIdOf, membersOfPage } from '../../core/cluster/gateway.ts'
import { formatEndpoint, parseEndpoint } from '../../core/net/address.ts'
import type { Client, Identity } from './client.ts'
import type { ClusterPorts, EmbeddedConfig } from './contract.ts'
import type { ClusterCtx } from './standing.ts'

export interface OthersWorld {
  readonly ctx: ClusterCtx
  readonly ports: Pick<ClusterPorts, 'knock'>
  readonly config: Pick<EmbeddedConfig, 'join' | 'tls'>
  /** Of the own member. */
  readonly client: Pick<Client, 'identity'>
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

  /**
   * Asks each once, and says so of one that was of this cluster, or silent, before. A node whose
   * own member does not answer knows of no cluster, and waits for the next look.
   */
  async look(): Promise<void> {
    const { ctx, ports, config, client, address, peers } = this.#world
    const own = new Set([address, ...peers()])
    const all = new Set([...config.join, ...this.#gossiping])
    const asked = [...all].filter((one) => !own.has(one))
    if (asked.length === 0) return
    const self = await client.identity(limits.clusterCallMs.default)
    if (self === undefined) return
    for (const other of asked) {
      const found = await foundAt(ports, config, other, self)
      const isApart = found === 'missing' || found === 'another-cluster'
      if (isApart && !this.#apart.has(other)) {
        const where = config.join.includes(other) ? 'of cluster.join' : 'that gossips with this one'
        const said = { node: other, hint: HINT }
        ctx.log.error(`two clusters: a node ${where} is a member of another one`, said)
      }
      if (isApart) this.#apart.add(other)
      else this.#apart.delete(other)
    }
  }
}

/**
 * What the member at `other` (`host:port`) says of a member, by the page it shows its peers:
 * whether it has it in its list, or is of another cluster; undefined where it says neither.
 */
export async function foundAt(
  ports: OthersWorld['ports'],
  { tls }: Pick<EmbeddedConfig, 'tls'>,
  other: string,
  { clusterId, memberId }: Identity,
): Promise<'listed' | 'missing' | 'another-cluster' | undefined> {
  const scheme = tls === undefined ? 'http' : 'https'
  const timeoutMs = limits.clusterCallMs.default
  const page = await ports.knock(`${scheme}://${other}/members`, undefined, timeoutMs, tls)
  if (page.code !== 'answered' || page.status !== 200) return undefined
  const members = membersOfPage(page.text)
  const ofCluster = clusterIdOf(page.clusterId ?? '')
  if (members.length === 0 || ofCluster === '' || clusterId === '') return undefined
  if (ofCluster !== clusterId) return 'another-cluster'
  return members.some(({ id }) => id === memberId) ? 'listed' : 'missing'
}
