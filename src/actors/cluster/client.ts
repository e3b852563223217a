/**
 * A client of etcd by its JSON gateway: the few calls that the cluster actor makes.
 *
 * Undefined means that no answer came, or an error; the last error is kept for the log.
 */
import { limits } from '../../core/base/limits.ts'
import {
  addedOf,
  compares,
  hasSucceeded,
  headerOf,
  type Header,
  type KeyValue,
  type LeaseAnswer,
  leaseOf,
  membersOf,
  paths,
  putBody,
  type RaftMember,
  rangeBody,
  type Ranged,
  rangeOf,
  rangeOfTxn,
  requestRange,
  statusOf,
} from '../../core/cluster/gateway.ts'
import type { MemberStatus } from '../../core/cluster/raft-fence.ts'
import type { Gateway } from './contract.ts'

export interface Transaction {
  readonly compare: readonly unknown[]
  readonly success: readonly unknown[]
  readonly failure?: readonly unknown[]
}

export interface Transacted {
  readonly hasSucceeded: boolean
  readonly revision: number
  /** What the range of the failed branch found. */
  readonly found: readonly KeyValue[]
}

/** A member of a cluster; decimal, as the gateway writes 64 bits. */
export type Identity = Pick<Header, 'clusterId' | 'memberId'>

/** Calls that a store in order takes; the others may be refused for good reasons. */
const ESSENTIAL: ReadonlyMap<string, 'reads' | 'writes'> = new Map([
  [paths.range, 'reads'],
  [paths.put, 'writes'],
  [paths.txn, 'writes'],
  [paths.grant, 'writes'],
])

export class Client {
  /** Why the last call had no answer. */
  lastFault = ''
  /** Why the last read, or the last write, had none; absent where it had. */
  readonly troubles = new Map<'reads' | 'writes', string>()
  /** The store is another one, or an earlier state of it: what was learned of it is void. */
  onOtherStore: () => void = () => {}
  readonly gateway: Gateway
  #clusterId = ''
  /** The highest revision seen; each call that ends is at least of that of its sending. */
  #revision = 0
  /** Grows with each other store. */
  #store = 0
  /** Of a page that is read; fewer where so many were too much. */
  #pageRecords: number = limits.clusterRecordsPage.default

  constructor(gateway: Gateway) {
    this.gateway = gateway
  }

  async status(timeoutMs: number): Promise<MemberStatus | undefined> {
    const answer = await this.#call(paths.status, {}, timeoutMs)
    return answer === undefined ? undefined : statusOf(answer)
  }

  /** Who answers: the member, and its cluster. */
  async identity(timeoutMs: number): Promise<Identity | undefined> {
    const answer = await this.#call(paths.status, {}, timeoutMs)
    return answer === undefined ? undefined : headerOf(answer)
  }

  /** The cluster of the store that was last read or written; empty before the first answer. */
  get clusterId(): string {
    return this.#clusterId
  }

  /** The term in which a quorum confirmed that this member leads, or that its leader does. */
  async confirmedTerm(key: string, timeoutMs: number): Promise<number | undefined> {
    const body = { ...rangeBody(key), count_only: true }
    const answer = await this.#call(paths.range, body, timeoutMs)
    return answer === undefined ? undefined : headerOf(answer).term
  }

  async members(): Promise<readonly RaftMember[] | undefined> {
    const answer = await this.#call(paths.members, {})
    return answer === undefined ? undefined : membersOf(answer['members'])
  }

  async addLearner(peerUrl: string): Promise<RaftMember | undefined> {
    const body = { peerURLs: [peerUrl], isLearner: true }
    const answer = await this.#call(paths.addMember, body, limits.clusterCallMs.default * 2)
    return answer === undefined ? undefined : addedOf(answer)
  }

  async promote(id: string): Promise<boolean> {
    return (await this.#call(paths.promote, { ID: id })) !== undefined
  }

  /** Tells the members where one of them is reached from now on; why they do not take it. */
  async readdress(id: string, peerUrl: string): Promise<string | undefined> {
    const body = { ID: id, peerURLs: [peerUrl] }
    const outcome = await this.#ask(paths.updateMember, body)
    return outcome.code === 'answered' ? undefined : outcome.message
  }

  /** Takes back the alarm of a member that was full; it is raised anew where that still is. */
  async disarm(memberId: string): Promise<boolean> {
    const body = { action: 'DEACTIVATE', memberID: memberId, alarm: 'NOSPACE' }
    return (await this.#call(paths.alarm, body)) !== undefined
  }

  /** Why writes fail, for whoever asked for one; undefined where they do not, or it may pass. */
  get writeFault(): string | undefined {
    const fault = this.troubles.get('writes') ?? ''
    return fault.includes('space exceeded') ? 'its store is full' : undefined
  }

  async remove(id: string): Promise<boolean> {
    const body = { ID: id }
    const answer = await this.#call(paths.removeMember, body, limits.clusterCallMs.default * 2)
    return answer !== undefined
  }

  async transfer(targetId: string, timeoutMs: number): Promise<boolean> {
    return (await this.#call(paths.transfer, { targetID: targetId }, timeoutMs)) !== undefined
  }

  /**
   * All keys that begin with the prefix, none older than the header; undefined when a page fails.
   * A page that is too long, or too slow, is asked for in halves.
   */
  async all(prefix: string): Promise<Ranged | undefined> {
    const values: KeyValue[] = []
    let fromKey = prefix
    let header: Header | undefined
    for (;;) {
      const limit = this.#pageRecords
      const body = rangeBody(prefix, { isPrefix: true, fromKey, limit })
      const outcome = await this.#ask(paths.range, body)
      if (outcome.code !== 'answered') {
        const isLarge = outcome.code === 'too-long' || outcome.code === 'timed-out'
        if (isLarge) this.#pageRecords = Math.max(1, Math.floor(limit / 2))
        if (outcome.code === 'too-long' && limit > 1) continue
        return undefined
      }
      const page = rangeOf(outcome.answer)
      values.push(...page.values)
      const last = page.values.at(-1)
      // Later pages may be of later revisions: a watch goes on from the first, and tells some
      // changes twice rather than none.
      header ??= page.header
      if (!page.isMore || last === undefined || values.length > limits.sharedRecordsMax.default) {
        this.#pageRecords = limits.clusterRecordsPage.default
        return { ...page, header, values }
      }
      fromKey = `${last.key}\0`
    }
  }

  async get(key: string, timeoutMs?: number): Promise<Ranged | undefined> {
    const answer = await this.#call(paths.range, rangeBody(key), timeoutMs)
    return answer === undefined ? undefined : rangeOf(answer)
  }

  async put(key: string, value: string, lease: string): Promise<boolean> {
    return (await this.#call(paths.put, putBody(key, value, lease))) !== undefined
  }

  async transact(of: Transaction, timeoutMs?: number): Promise<Transacted | undefined> {
    const answer = await this.#call(paths.txn, of, timeoutMs)
    if (answer === undefined) return undefined
    return {
      hasSucceeded: hasSucceeded(answer),
      revision: headerOf(answer).revision,
      found: rangeOfTxn(answer),
    }
  }

  /** Writes over what is known of the key; else tells what it found there. */
  async swap(key: string, modRevision: number, write: unknown): Promise<Transacted | undefined> {
    const compare = [compares.modified(key, modRevision)]
    const of = { compare, success: [write], failure: [requestRange(key)] }
    return await this.transact(of, limits.clusterWriteMs.default)
  }

  async grant(ttlSeconds: number): Promise<LeaseAnswer | undefined> {
    const answer = await this.#call(paths.grant, { TTL: String(ttlSeconds) })
    return answer === undefined ? undefined : leaseOf(answer)
  }

  /** Seconds the lease lives from now; 0 when it is gone. */
  async keepAlive(id: string, timeoutMs?: number): Promise<number | undefined> {
    const answer = await this.#call(paths.keepAlive, { ID: id }, timeoutMs)
    return answer === undefined ? undefined : leaseOf(answer).ttlSeconds
  }

  async revoke(id: string, timeoutMs?: number): Promise<void> {
    await this.#call(paths.revoke, { ID: id }, timeoutMs)
  }

  async #call(path: string, body: unknown, timeoutMs: number = limits.clusterCallMs.default) {
    const outcome = await this.#ask(path, body, timeoutMs)
    return outcome.code === 'answered' ? outcome.answer : undefined
  }

  async #ask(path: string, body: unknown, timeoutMs: number = limits.clusterCallMs.default) {
    const sent = { store: this.#store, revision: this.#revision }
    const outcome = await this.gateway.call(path, body, timeoutMs)
    const kind = ESSENTIAL.get(path)
    if (outcome.code !== 'answered') this.lastFault = outcome.message
    if (kind !== undefined)
      if (outcome.code === 'answered') {
        this.troubles.delete(kind)
        if (sent.store === this.#store) this.#compare(headerOf(outcome.answer), sent.revision)
      } else this.troubles.set(kind, outcome.message)
    return outcome
  }

  /** Reads and writes are linearizable: a revision never falls, but in another store. */
  #compare({ clusterId, revision }: Header, sentAt: number): void {
    if (revision === 0) return
    const isOther = this.#clusterId !== '' && clusterId !== '' && clusterId !== this.#clusterId
    const isEarlier = revision < sentAt
    if (clusterId !== '') this.#clusterId = clusterId
    if (!isOther && !isEarlier) {
      this.#revision = Math.max(this.#revision, revision)
      return
    }
    this.#store++
    this.#revision = revision
    this.onOtherStore()
  }
}
