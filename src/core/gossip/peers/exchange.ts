/**
 * How overwatches come to hold the same: news at once, and a comparison that finds what was missed.
 *
 * News goes to every peer when it is made or learned from an agent. Every second each node says one
 * hash over all it holds; where two differ they narrow it down: buckets, then keys and versions in
 * the buckets that differ, then the records one of them lacks. Nothing here waits for an answer:
 * what is lost on the way is found by the next comparison. Pure; the caller carries the frames.
 */
import { limits } from '../../base/limits.ts'
import type { Random } from '../../base/random.ts'
import { type PeerBody, recordBytes } from './frames.ts'
import { type Hash64, sameHash } from './hash.ts'
import { BUCKETS, type Held, Ledger, type PutOutcome } from './ledger.ts'
import type { SharedRecord } from './record.ts'

/** A frame for one peer, by its name. */
export interface Outgoing {
  readonly to: string
  readonly body: PeerBody
}

export interface ExchangeCounts {
  learned: number
  refused: number
  comparisons: number
}

interface Peer {
  /** When the next hash over everything goes to it. */
  nextRootMs: number
  /** No comparison is begun before. */
  busyUntilMs: number
  /** The hashes were the same when they were last compared. */
  agrees: boolean
}

/** A walk over every record, which takes some milliseconds. */
const PRUNE_INTERVAL_MS = 60_000
/** Index entries and wanted keys in one frame. */
const ENTRIES_A_PAGE = 8_192

/** 53 of the 64 bits, as a number a Map finds quickly. */
const nameOf = ({ hi, lo }: Hash64) => (hi >>> 11) * 0x1_0000_0000 + lo

export class Exchange {
  readonly ledger: Ledger
  readonly counts: ExchangeCounts = { learned: 0, refused: 0, comparisons: 0 }
  readonly #random: Random
  readonly #intervalMs: number
  readonly #peers = new Map<string, Peer>()
  readonly #out: Outgoing[] = []
  readonly #learned: SharedRecord[] = []
  #nextPruneMs = 0

  constructor(
    random: Random,
    ledger = new Ledger(),
    intervalMs: number = limits.peerDigestIntervalMs.default,
  ) {
    this.#random = random
    this.ledger = ledger
    this.#intervalMs = intervalMs
  }

  /** The overwatches that are alive now. A new one is compared with at once. */
  setPeers(names: readonly string[], nowMs: number): void {
    for (const name of this.#peers.keys()) if (!names.includes(name)) this.#peers.delete(name)
    for (const name of names) {
      if (!this.#peers.has(name)) {
        this.#peers.set(name, { nextRootMs: nowMs, busyUntilMs: 0, agrees: false })
      }
    }
  }

  /** Whether every peer held the same as we do when last compared. */
  agrees(): boolean {
    return [...this.#peers.values()].every((peer) => peer.agrees)
  }

  /** Takes what this node knows first-hand, and tells everyone. */
  tell(record: SharedRecord, nowMs: number): PutOutcome {
    const outcome = this.ledger.put(record, nowMs)
    if (outcome === 'newer') {
      for (const to of this.#peers.keys()) this.#send(to, { type: 'records', records: [record] })
    }
    return outcome
  }

  receive(from: string, body: PeerBody, nowMs: number): void {
    const peer = this.#peers.get(from)
    if (peer === undefined) return
    if (body.type === 'root') this.#compareRoot(from, peer, body, nowMs)
    else if (body.type === 'buckets') this.#compareBuckets(from, body.hashes)
    else if (body.type === 'index') this.#compareIndex(from, body)
    else if (body.type === 'want') this.#answerWant(from, body.keys)
    else this.#takeRecords(body.records, nowMs)
  }

  tick(nowMs: number): void {
    for (const [to, peer] of this.#peers) {
      if (peer.nextRootMs > nowMs) continue
      // Drawn anew each time, so that nodes started together do not speak together.
      peer.nextRootMs = nowMs + this.#intervalMs * (0.75 + this.#random.next() / 2)
      this.#send(to, { type: 'root', count: this.ledger.size, hash: this.ledger.root() })
    }
    if (nowMs < this.#nextPruneMs) return
    this.#nextPruneMs = nowMs + PRUNE_INTERVAL_MS
    this.ledger.prune(nowMs)
  }

  nextDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const peer of this.#peers.values()) due = Math.min(due, peer.nextRootMs)
    return due
  }

  /** Frames to send now; asked for after each call. */
  takeOutgoing(): readonly Outgoing[] {
    return this.#out.splice(0)
  }

  /** Records learned from peers since the last call, each newer than what was held. */
  takeLearned(): readonly SharedRecord[] {
    return this.#learned.splice(0)
  }

  #send(to: string, body: PeerBody): void {
    this.#out.push({ to, body })
  }

  #compareRoot(
    from: string,
    peer: Peer,
    { count, hash }: Extract<PeerBody, { type: 'root' }>,
    nowMs: number,
  ): void {
    peer.agrees = count === this.ledger.size && sameHash(hash, this.ledger.root())
    if (peer.agrees || peer.busyUntilMs > nowMs) return
    peer.busyUntilMs = nowMs + limits.peerExchangeMs.default
    this.counts.comparisons++
    this.#send(from, { type: 'buckets', hashes: this.ledger.buckets() })
  }

  #compareBuckets(from: string, theirs: readonly Hash64[]): void {
    const ours = this.ledger.buckets()
    let buckets: number[] = []
    let entries: Held[] = []
    const flush = () => {
      if (buckets.length === 0) return
      const index = entries.map(({ keyHash, hash }) => ({ key: keyHash, version: hash }))
      this.#send(from, { type: 'index', buckets, entries: index })
      buckets = []
      entries = []
    }
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (sameHash(ours[bucket]!, theirs[bucket]!)) continue
      buckets.push(bucket)
      entries.push(...this.ledger.heldIn(bucket))
      if (entries.length >= ENTRIES_A_PAGE) flush()
    }
    flush()
  }

  /** Sends what they lack and asks for what we lack; where versions differ, both. */
  #compareIndex(from: string, { buckets, entries }: Extract<PeerBody, { type: 'index' }>): void {
    const theirs = new Map(entries.map((entry) => [nameOf(entry.key), entry]))
    const give: SharedRecord[] = []
    const want: Hash64[] = []
    for (const bucket of new Set(buckets)) {
      for (const held of this.ledger.heldIn(bucket)) {
        const name = nameOf(held.keyHash)
        const entry = theirs.get(name)
        theirs.delete(name)
        if (entry !== undefined && sameHash(entry.version, held.hash)) continue
        give.push(held.record)
        if (entry !== undefined) want.push(entry.key)
      }
    }
    for (const entry of theirs.values()) want.push(entry.key)
    for (let at = 0; at < want.length; at += ENTRIES_A_PAGE) {
      this.#send(from, { type: 'want', keys: want.slice(at, at + ENTRIES_A_PAGE) })
    }
    this.#give(from, give)
  }

  #answerWant(from: string, keys: readonly Hash64[]): void {
    const wanted = new Map<number, Set<number>>()
    for (const key of keys) {
      const bucket = key.lo % BUCKETS
      const names = wanted.get(bucket) ?? new Set<number>()
      wanted.set(bucket, names.add(nameOf(key)))
    }
    const give: SharedRecord[] = []
    for (const [bucket, names] of wanted) {
      for (const held of this.ledger.heldIn(bucket)) {
        if (names.has(nameOf(held.keyHash))) give.push(held.record)
      }
    }
    this.#give(from, give)
  }

  #give(to: string, records: readonly SharedRecord[]): void {
    let page: SharedRecord[] = []
    let bytes = 0
    for (const record of records) {
      const size = recordBytes(record)
      if (bytes + size > limits.sharedRecordBytesMax.default && page.length > 0) {
        this.#send(to, { type: 'records', records: page })
        page = []
        bytes = 0
      }
      page.push(record)
      bytes += size
    }
    if (page.length > 0) this.#send(to, { type: 'records', records: page })
  }

  #takeRecords(records: readonly SharedRecord[], nowMs: number): void {
    for (const record of records) {
      const outcome = this.ledger.put(record, nowMs)
      if (outcome === 'newer') {
        this.counts.learned++
        this.#learned.push(record)
      } else if (outcome === 'full' || outcome === 'malformed') this.counts.refused++
    }
  }
}
