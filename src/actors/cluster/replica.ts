/**
 * Records in the store of the cluster: what this node was told is written there, and what others
 * wrote is read back by a watch.
 *
 * Law: a record is stored only over the revision it was compared with, and only if it is the later
 * version; so whoever lags reads before it writes. A watch that breaks goes on from the revision it
 * had come to; where that is no longer kept, everything is read again.
 */
import { limits } from '../../core/base/limits.ts'
import {
  type KeyValue,
  type Ranged,
  requestDelete,
  requestPut,
} from '../../core/cluster/gateway.ts'
import { type Watched, watchBody, watchedOf } from '../../core/cluster/gateway.ts'
import {
  isKept,
  KEYS_RECORD,
  keyOfRecord,
  LEADER,
  NODES,
  type NodePresence,
  presenceOf,
  RECORDS,
  recordOf,
  ROOT,
  valueOfRecord,
} from '../../core/cluster/records.ts'
import { SUMMARY_RECORD } from '../../core/health/summary.ts'
import { compareVersions, type SharedRecord } from '../../core/gossip/peers/record.ts'
import type { Client } from './client.ts'
import type { ClusterCtx } from './standing.ts'

interface Known {
  readonly record: SharedRecord
  readonly modRevision: number
}

export interface ReplicaWorld {
  readonly ctx: ClusterCtx
  readonly client: () => Client | undefined
  /** Nodes that are alive, kept as the store tells. */
  readonly present: Map<string, NodePresence>
  /** All that the store holds was read. */
  readonly caughtUp?: () => void
  /** The key of the leader is gone. */
  readonly vacated?: () => void
}

/**
 * The revision up to which the watch has told all. The header of a line is of the store, and what
 * a new watch missed follows its first line later.
 */
function toldUntil({ events, revision, isCreated, isCanceled, isPart }: Watched): number {
  const last = events.at(-1)
  if (last !== undefined) return isPart ? last.modRevision - 1 : last.modRevision
  return isCreated || isCanceled ? 0 : revision
}

export class Replica {
  /** Records written and read, and writes that found another revision. */
  readonly counts = { written: 0, learned: 0, conflicts: 0, reads: 0 }
  readonly #world: ReplicaWorld
  readonly #known = new Map<string, Known>()
  /** Of every key of a record, also of one that this version cannot read. */
  readonly #revisions = new Map<string, number>()
  readonly #pending = new Map<string, SharedRecord>()
  #revision = 0
  #isPumping = false
  #hasEnded = false
  /** What is known is of another store than the one that answers. */
  #isVoid = false
  #readAgain: () => void = () => {}
  /** Orders that gave way to a later one unstored, and how many had when somebody asked last. */
  #outdone = 0
  #outdoneAsked = 0
  #waiting: (() => void)[] = []
  #stopWatch: () => void = () => {}

  constructor(world: ReplicaWorld) {
    this.#world = world
  }

  get pending(): number {
    return this.#pending.size
  }

  /** The revision of the store that this node has come to; 0 before the first reading. */
  get revision(): number {
    return this.#revision
  }

  start(): void {
    void this.#read()
  }

  stop(): void {
    this.#hasEnded = true
    this.#stopWatch()
    this.#settle()
  }

  /** The store is another, or an earlier state: it is read anew, and told what it lacks. */
  startOver(): void {
    this.#isVoid = true
    this.#readAgain()
  }

  /** The registry tells a record; what the store has already is left. */
  told(record: SharedRecord): void {
    if (!isKept(record)) return
    const key = keyOfRecord(record)
    const known = this.#known.get(key)
    const ahead = known === undefined ? 1 : compareVersions(record, known.record)
    // Its node had not heard of the later one yet: its operator must not believe that it holds.
    if (ahead < 0) this.#outdone++
    if (ahead <= 0) return
    const waiting = this.#pending.get(key)
    if (waiting !== undefined && compareVersions(record, waiting) <= 0) return
    if (waiting === undefined && this.#pending.size >= limits.clusterPendingRecords.default) return
    this.#pending.set(key, record)
    void this.#pump()
  }

  /** What waits and is of the kind is not to be stored: the right to say it is lost. */
  drop(kind: string): void {
    for (const [key, record] of this.#pending) if (record.kind === kind) this.#pending.delete(key)
    if (this.#pending.size === 0) this.#settle()
  }

  /** Tells a registry or a signer that starts anew. */
  tellAll(reader: 'registry' | 'signer'): void {
    for (const { record } of this.#known.values())
      if ((record.kind === KEYS_RECORD) === (reader === 'signer')) this.#tell(record)
  }

  #tell(record: SharedRecord): void {
    const { ctx } = this.#world
    if (record.kind === KEYS_RECORD) ctx.publish('cluster.keys-learned', record)
    else ctx.publish('cluster.record-learned', record)
  }

  /**
   * Whether all orders that were told are stored before the time is over; false as well where some
   * of it gave way to a later order of another node.
   */
  async stored(withinMs: number): Promise<boolean> {
    // What was told since the last question is of this asker, and may have lost already.
    const before = this.#outdoneAsked
    this.#outdoneAsked = this.#outdone
    await this.#quiet(withinMs)
    return !this.#hasOrders && this.#outdone === before
  }

  async #quiet(withinMs: number): Promise<void> {
    if (!this.#hasOrders) return
    const { clock } = this.#world.ctx
    await new Promise<void>((resolve) => {
      const cancel = clock.after(withinMs, resolve)
      this.#waiting.push(() => {
        cancel()
        resolve()
      })
    })
  }

  /** Forgets what is over; one node does it for all. */
  async sweep(): Promise<void> {
    const nowMs = this.#world.ctx.clock.nowMs()
    for (const [key, { record, modRevision }] of this.#known) {
      if (record.keepUntilMs === 0 || record.keepUntilMs > nowMs) continue
      const client = this.#world.client()
      if (client === undefined || this.#hasEnded) return
      await client.swap(key, modRevision, requestDelete(key))
    }
  }

  async #pump(): Promise<void> {
    if (this.#isPumping || this.#hasEnded) return
    this.#isPumping = true
    while (this.#pending.size > 0 && !this.#hasEnded) {
      const [key, record] = this.#next()
      if (!(await this.#write(key, record))) await this.#pause()
      if (!this.#hasOrders) this.#settle()
    }
    this.#isPumping = false
    this.#settle()
  }

  get #hasOrders(): boolean {
    for (const { kind } of this.#pending.values()) if (kind !== SUMMARY_RECORD) return true
    return false
  }

  /** Orders first: somebody waits for them, and of a summary there may be many pages. */
  #next(): readonly [string, SharedRecord] {
    for (const entry of this.#pending) if (entry[1].kind !== SUMMARY_RECORD) return entry
    return this.#pending.entries().next().value!
  }

  /** False when it is to be tried again after a while. */
  async #write(key: string, record: SharedRecord): Promise<boolean> {
    const client = this.#world.client()
    if (client === undefined) return false
    const modRevision = this.#revisions.get(key) ?? 0
    const done = await client.swap(key, modRevision, requestPut(key, valueOfRecord(record)))
    if (done === undefined) return false
    if (done.hasSucceeded) {
      this.counts.written++
      // The watch may have been faster, and have told a later one.
      if (done.revision > (this.#revisions.get(key) ?? 0)) {
        this.#revisions.set(key, done.revision)
        this.#known.set(key, { record, modRevision: done.revision })
      }
      // A later version may have been told meanwhile.
      if (this.#pending.get(key) === record) this.#pending.delete(key)
      return true
    }
    this.counts.conflicts++
    const found = done.found[0]
    if (found === undefined) this.#forget(key)
    else if (found.modRevision >= modRevision) this.#take(found)
    else if (!this.#isVoid) client.onOtherStore()
    // Where nothing was learned of it the next try would fare the same.
    return (this.#revisions.get(key) ?? 0) !== modRevision
  }

  /** Reads all there is, then watches what follows. */
  async #read(): Promise<void> {
    let all: Ranged | undefined
    let wasVoid = false
    for (;;) {
      wasVoid = this.#isVoid
      all = await this.#world.client()?.all(ROOT)
      if (this.#hasEnded) return
      // Pages of two stores make no whole.
      if (all !== undefined && wasVoid === this.#isVoid) break
      await this.#pause()
    }
    const former = wasVoid ? [...this.#known.values()] : []
    if (wasVoid) {
      this.#isVoid = false
      this.#known.clear()
      this.#revisions.clear()
    }
    this.counts.reads++
    this.#revision = all.header.revision
    const seen = new Set(all.values.map(({ key }) => key))
    for (const key of this.#revisions.keys()) if (!seen.has(key)) this.#forget(key)
    for (const name of this.#world.present.keys())
      if (!seen.has(`${NODES}${name}`)) this.#world.present.delete(name)
    for (const value of all.values) this.#take(value)
    this.#restore(former)
    this.#world.caughtUp?.()
    this.#watch()
  }

  /** Puts back what was known and is not there, or only in an older version. */
  #restore(former: readonly Known[]): void {
    for (const { record } of former) {
      const known = this.#known.get(keyOfRecord(record))
      if (known === undefined || compareVersions(record, known.record) > 0) this.told(record)
    }
  }

  #watch(): void {
    const client = this.#world.client()
    if (client === undefined) return void this.#read()
    const { clock } = this.#world.ctx
    let isOver = false
    let cancelSilence = () => {}
    const again = async (mustRead: boolean) => {
      if (isOver) return
      isOver = true
      cancelSilence()
      await this.#pause()
      // A watch that was cancelled leaves its stream open.
      this.#stopWatch()
      if (this.#hasEnded) return
      if (mustRead || this.#isVoid) await this.#read()
      else this.#watch()
    }
    // A connection that somebody between forgot says nothing for ever.
    const attend = () => {
      cancelSilence()
      cancelSilence = clock.after(limits.clusterWatchSilenceMs.default, () => void again(false))
    }
    const heard = (line: string) => {
      const watched = watchedOf(line)
      if (!isOver) attend()
      if (watched === undefined || isOver) return
      for (const event of watched.events) {
        if (event.isGone) this.#forget(event.key)
        else this.#take(event)
      }
      this.#revision = Math.max(this.#revision, toldUntil(watched))
      if (watched.isCanceled || watched.compactRevision > 0) void again(watched.compactRevision > 0)
    }
    this.#readAgain = () => void again(true)
    const body = watchBody(ROOT, this.#revision + 1)
    attend()
    const stop = client.gateway.watch(body, heard, () => void again(false))
    this.#stopWatch = () => {
      cancelSilence()
      stop()
    }
  }

  #take(value: KeyValue): void {
    if (value.key.startsWith(NODES)) {
      const presence = presenceOf(value)
      if (presence !== undefined) this.#world.present.set(presence.name, presence)
      return
    }
    if (!value.key.startsWith(RECORDS)) return
    const revision = this.#revisions.get(value.key) ?? 0
    this.#revisions.set(value.key, Math.max(revision, value.modRevision))
    const record = recordOf(value)
    if (record === undefined) return
    const known = this.#known.get(value.key)
    if (known !== undefined && known.modRevision >= value.modRevision) return
    this.#known.set(value.key, { record, modRevision: value.modRevision })
    const own = this.#pending.get(value.key)
    const ahead = own === undefined ? 1 : compareVersions(own, record)
    if (ahead < 0) this.#outdone++
    if (ahead <= 0) this.#pending.delete(value.key)
    this.counts.learned++
    this.#tell(record)
  }

  #forget(key: string): void {
    if (key === LEADER) this.#world.vacated?.()
    if (key.startsWith(NODES)) this.#world.present.delete(key.slice(NODES.length))
    else {
      this.#known.delete(key)
      this.#revisions.delete(key)
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#world.ctx.clock.after(limits.clusterAskPauseMs.default, resolve)
    })
  }

  #settle(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
