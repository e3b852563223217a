/**
 * What cluster mode says in the log, in the words of its guide, and records in the feed.
 */
import type { Change } from '../../core/cluster/leadership.ts'
import type { DataOf, DurableName } from '../../core/events/definitions.ts'
import { partsOf, presentData } from '../../core/events/definitions.ts'
import type { ClusterConfig } from './contract.ts'
import type { ClusterCtx } from './standing.ts'

export class Notices {
  readonly #ctx: ClusterCtx
  readonly #config: ClusterConfig
  #hasFollowed = false

  constructor(ctx: ClusterCtx, config: ClusterConfig) {
    this.#ctx = ctx
    this.#config = config
  }

  changed(change: Change): void {
    const { log } = this.#ctx
    const { self } = this.#config
    switch (change.kind) {
      case 'elected': {
        const { leader, epoch } = change
        log.info('leader elected', { leader_id: leader, term: epoch })
        this.#note('cluster.leader-elected', { leader, term: epoch })
        return
      }
      case 'became-leader':
        log.info('this node is now the cluster leader', { term: change.epoch })
        this.#note('cluster.leadership-gained', { node: self, term: change.epoch })
        return
      case 'became-follower':
        this.#followed(change.leader)
        return
      case 'stepped-down':
        log.warn('this node no longer leads', { why: change.why })
        this.#note('cluster.leadership-lost', { node: self, why: change.why })
        return
      default:
        log.warn('the cluster has no leader')
        this.#note('cluster.leader-lost', { node: self })
    }
  }

  #followed(leader: string): void {
    const { log } = this.#ctx
    if (!this.#hasFollowed) log.info('joined cluster', { leader_id: leader })
    this.#hasFollowed = true
    log.info('this node is now a follower', { leader_id: leader })
    if (this.#config.followerDns === 'refuse') log.info('DNS queries will be refused (not leader)')
  }

  #note<Name extends DurableName>(name: Name, data: DataOf<Name>): void {
    const { topic, kind } = partsOf(name)
    this.#ctx.publish('cluster.event-noted', {
      topic,
      event: kind,
      service: '',
      region: '',
      atMs: this.#ctx.clock.nowMs(),
      data: presentData(data),
    })
  }
}
