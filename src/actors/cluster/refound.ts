/**
 * `--force-new-cluster`: the data goes on without the other members, which are thrown out.
 *
 * That is for one start, after a loss of most of them. The flag is easily left in a unit or a
 * file, and obeyed again it would end a cluster that is well: its members hear that they were
 * removed, and what they alone had stored is gone. So it is obeyed once for the data of a member,
 * and never while another member runs.
 */
import { limits } from '../../core/base/limits.ts'
import { membersOfPage } from '../../core/cluster/gateway.ts'
import type { ClusterPorts, EmbeddedConfig } from './contract.ts'
import type { ClusterCtx } from './standing.ts'

/** In `cluster.raft.data_dir`: the flag was obeyed. */
const NOTE = 'founded-anew.json'

export interface RefoundWorld {
  readonly log: Pick<ClusterCtx['log'], 'warn'>
  readonly ports: Pick<ClusterPorts, 'knock' | 'readText' | 'writeText'>
  readonly config: Pick<EmbeddedConfig, 'folder' | 'tls'>
  /** Name and address of this node. */
  readonly self: { readonly name: string; readonly peerUrl: string }
}

export class Refounding {
  readonly #world: RefoundWorld

  constructor(world: RefoundWorld) {
    this.#world = world
  }

  get #path(): string {
    return `${this.#world.config.folder}/${NOTE}`
  }

  /** Whether it was obeyed for this data before; the log says how to have it obeyed again. */
  async isDone(): Promise<boolean> {
    const { log, ports } = this.#world
    if ((await ports.readText(this.#path)) === undefined) return false
    const hint = `take the flag away; to throw members out once more, remove ${this.#path}`
    log.warn('--force-new-cluster is ignored: it was obeyed before', { hint })
    return true
  }

  /** @param peers `host:port` of members that are known; the one of them that runs. */
  async whoRuns(peers: readonly string[]): Promise<string | undefined> {
    const { ports, config, self } = this.#world
    const { tls } = config
    const scheme = tls === undefined ? 'http' : 'https'
    const timeoutMs = limits.clusterCallMs.default
    const found = await Promise.all(
      peers.map(async (peer) => {
        const page = await ports.knock(`${scheme}://${peer}/members`, undefined, timeoutMs, tls)
        if (page.code !== 'answered' || page.status !== 200) return false
        // Of the own cluster: one that holds this node for a member.
        return membersOfPage(page.text).some(
          ({ name, peerUrls }) => name === self.name || peerUrls.includes(self.peerUrl),
        )
      }),
    )
    return peers.find((_, index) => found[index])
  }

  /** The member of this node serves, without the others. */
  async done(atMs: number): Promise<void> {
    const note = { version: 1, at: new Date(atMs).toISOString() }
    const fault = await this.#world.ports.writeText(this.#path, JSON.stringify(note))
    if (fault === undefined) return
    const hint = 'take the flag away now: the next start would obey it again'
    this.#world.log.warn('it is not on disk that --force-new-cluster was obeyed', {
      ...{ error: fault, hint },
    })
  }
}
