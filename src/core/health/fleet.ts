/**
 * The state of every server and pool: the registry without its surroundings.
 *
 * A topology and the folded events go in, health words come out. It holds no clock and does no I/O;
 * the actor hands it the time and publishes what it returns. What a server says of itself is folded
 * in fold.ts and judged in precedence.ts, what its pools make of that is in pool-state.ts.
 */
import { assert } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { isSame } from '../base/same.ts'
import type { WordChange } from '../steer/snapshot.ts'
import type { FleetTopology, PoolSpec } from '../steer/topology.ts'
import type { Status } from '../steer/words.ts'
import type { GuardHeld, GuardReleased, ServerEvent } from './events.ts'
import { foldServer, UNKNOWN_HEALTH } from './fold.ts'
import { type GuardSettings, type Refusal, refusalOf, Withdrawn } from './guard.ts'
import { HeldPools } from './held.ts'
import { type FormerPool, type Held, heldOf, holdOf, isOver, lettingGo, NO_HOLD } from './holds.ts'
import { isKept, memoriesOf, touchedIn, withKept } from './kept-pools.ts'
import { formerOf, type Membership, seatsByPool } from './membership.ts'
import { PoolState } from './pool-state.ts'
import type { Judgement } from './precedence.ts'
import { reseat } from './reseat.ts'
import type { ServerRow } from './rows.ts'
import { judgeAnew, NOBODY_ELSE, type Others, type Server, serverOf, shareOf } from './server.ts'

export type { Server }

export interface Change {
  readonly server: Server
  /** The event said something new. */
  readonly folded: boolean
  readonly before: Judgement
  readonly words: readonly WordChange[]
  /** Servers whose row on disk is out of date. */
  readonly stale: readonly string[]
  /** When a hold-down or override that this change touched ends; Infinity for never. */
  readonly dueMs: number
  /** The topology was compiled anew; `words` are of the epoch before it. */
  readonly compiled: Compiled | undefined
}

/** Servers whose other voices said something else. */
export interface Rejudged {
  /** Those with another status, and what they were judged before. */
  readonly turned: readonly Pick<Change, 'server' | 'before'>[]
  readonly words: readonly WordChange[]
  readonly stale: readonly string[]
  readonly compiled: Compiled | undefined
}

export interface Compiled {
  /** Servers that are new. */
  readonly added: readonly string[]
  /** Servers that are gone. */
  readonly removed: readonly string[]
  /** Servers that stand in other pools or in others' places, or did; no others do. */
  readonly moved: ReadonlySet<string>
  /** Servers whose row on disk may be out of date. */
  readonly stale: readonly string[]
  /** What the guard-rail began or ended to hold. */
  readonly guard: readonly (GuardHeld | GuardReleased)[]
  /** Servers that go on with another source, of whom others may say something else now. */
  readonly resourced?: readonly string[]
}

type Rows = ReadonlyMap<string, ServerRow>

const NO_ROWS: Rows = new Map()
const NOBODY: ReadonlySet<string> = new Set()
const isOut = (status: Status) => status !== 'healthy' && status !== 'unknown'

export class Fleet {
  readonly servers = new Map<string, Server>()
  pools: readonly PoolState[] = []
  topology: FleetTopology = { pools: [], regions: [] }
  epoch: number
  version = 0
  guard: GuardSettings
  readonly #holding = new Set<number>()
  /** Servers whose override has an end. */
  readonly #expiring = new Set<string>()
  readonly #held = new HeldPools()
  /** Servers that orders and claims took out lately. */
  readonly withdrawn = new Withdrawn()
  readonly #others: Others

  /**
   * @param epochBase every epoch is above it
   * @param others who speaks of servers beside checks and operators
   */
  constructor(epochBase: number, guard: GuardSettings, others: Others = NOBODY_ELSE) {
    this.epoch = epochBase
    this.guard = guard
    this.#others = others
  }

  /**
   * Takes a topology; servers that stay keep their state.
   * @param stored rows read from disk, for the first topology: the guard-rail looks at what served
   *   then as it looks at the pools before a reload
   * @param letGo servers that the guard-rail does not keep, for an operator said so
   */
  setTopology(
    topology: FleetTopology,
    nowMs: number,
    stored: Rows = NO_ROWS,
    letGo: ReadonlySet<string> = NOBODY,
  ): Compiled {
    this.topology = withKept(this.topology, topology)
    const touched = touchedIn(this.pools, this.topology.pools)
    const before = new Map<string, Membership | undefined>()
    const resourced: string[] = []
    for (const key of touched) {
      const server = this.servers.get(key)
      if (server === undefined) continue
      before.set(key, this.#membershipOf(server))
      server.declared = false
    }
    for (const pool of this.topology.pools) {
      for (const spec of pool.members) {
        // One that only pools have which go on is what it was.
        if (!touched.has(spec.key)) continue
        const known = this.servers.get(spec.key)
        if (known !== undefined && known.spec.source !== spec.source) resourced.push(spec.key)
        if (known === undefined)
          this.servers.set(spec.key, serverOf(spec, stored.get(spec.key), this.#others, nowMs))
        else Object.assign(known, { spec, declared: true })
      }
    }
    const compiled = this.#compile(nowMs, lettingGo(this.#formers(nowMs, stored), letGo), stored)
    const stale: string[] = []
    const added: string[] = []
    // Of the first topology also those that rows on disk told of.
    for (const key of stored.size === 0 ? touched : this.servers.keys()) {
      const server = this.servers.get(key)
      if (server === undefined) continue
      if (!before.has(key)) added.push(key)
      // There is no row yet of a server that nothing is known of.
      if (server.health === UNKNOWN_HEALTH) continue
      const old = before.get(key) ?? stored.get(key)?.membership
      if (!isSame(old, this.#membershipOf(server))) stale.push(key)
    }
    return { ...compiled, added, stale, resourced }
  }

  /** What the guard-rail holds, with the reason as of now. */
  held(): readonly (Held & { readonly sinceMs: number })[] {
    return this.pools.flatMap((pool) => {
      const sinceMs = this.#held.sinceMs(pool.spec.name)
      return this.#whyHeld(pool).map((one) => ({ ...one, sinceMs }))
    })
  }

  /** Folds one event; undefined when it speaks of a server that is not here. */
  apply(event: ServerEvent, nowMs: number): Change | undefined {
    const server = this.servers.get(event.key)
    if (server === undefined) return
    const before = server.judged
    const health = foldServer(server.health, event)
    const folded = health !== server.health
    const confirmed = server.restored && event.kind === 'verdict-changed'
    if (!folded && !confirmed) {
      const dueMs = Number.POSITIVE_INFINITY
      return { server, folded, before, words: [], stale: [], dueMs, compiled: undefined }
    }
    if (event.kind === 'override-set' && !event.healthy && before.serving)
      this.withdrawn.note(event.key, nowMs)
    server.health = health
    if (confirmed) server.restored = false
    if (health.override?.expiresAtMs === undefined) this.#expiring.delete(event.key)
    else this.#expiring.add(event.key)
    this.#judge(server, nowMs)
    const words = this.#takeWords(server.places.map((place) => place.pool))
    const stale = new Set([event.key, ...words.map((word) => this.#keyAt(word))])
    const over = server.places.some((place) => this.#isGuardOver(place.pool))
    const compiled = over ? this.#compile(nowMs, this.#formers(nowMs)) : undefined
    const dueMs = compiled === undefined ? this.#dueOf(server) : this.nextDueMs()
    return { server, folded, before, words, stale: [...stale], dueMs, compiled }
  }

  /** Judges servers anew because something else is said of them. */
  rejudge(keys: Iterable<string>, nowMs: number): Rejudged {
    const turned: Rejudged['turned'][number][] = []
    const pools = new Set<number>()
    const stale = new Set<string>()
    for (const key of keys) {
      const server = this.servers.get(key)
      if (server === undefined) continue
      const { judged: before, health } = server
      this.#judge(server, nowMs)
      for (const { pool } of server.places) pools.add(pool)
      if (server.health !== health) stale.add(key)
      if (server.judged.status === before.status) continue
      turned.push({ server, before })
      stale.add(key)
    }
    const words = this.#takeWords([...pools])
    for (const word of words) stale.add(this.#keyAt(word))
    const isOver = [...pools].some((pool) => this.#isGuardOver(pool))
    const compiled = isOver ? this.#compile(nowMs, this.#formers(nowMs)) : undefined
    return { turned, words, stale: [...stale], compiled }
  }

  /** Words of these pools whose level was set. */
  readonly takeLevels = (pools: readonly number[]) => this.#takeWords([...new Set(pools)])

  /** Ends the hold-downs that are over. */
  tick(nowMs: number): Pick<Rejudged, 'words' | 'stale'> {
    const indices = [...this.#holding]
    for (const index of indices) this.pools[index]!.tick(nowMs)
    const words = this.#takeWords(indices)
    return { words, stale: [...new Set(words.map((word) => this.#keyAt(word)))] }
  }

  /** Overrides whose end has come: each becomes an event of the actor. */
  expired(nowMs: number): readonly Server[] {
    return [...this.#expiring]
      .map((key) => this.servers.get(key))
      .filter((server) => server !== undefined)
      .filter((server) => (server.health.override?.expiresAtMs ?? nowMs + 1) <= nowMs)
  }

  /** When `tick` or `expired` next has something to do; Infinity for never. */
  nextDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (const index of this.#holding) due = Math.min(due, this.pools[index]!.nextDueMs())
    for (const key of this.#expiring) {
      due = Math.min(due, this.servers.get(key)?.health.override?.expiresAtMs ?? due)
    }
    return due
  }

  #dueOf(server: Server): number {
    let due = server.health.override?.expiresAtMs ?? Number.POSITIVE_INFINITY
    for (const { pool } of server.places) {
      if (this.#holding.has(pool)) due = Math.min(due, this.pools[pool]!.nextDueMs())
    }
    return due
  }

  /** Why the guard-rail would not let these servers go at once; undefined when it would. */
  refusal(keys: ReadonlySet<string>, nowMs: number): Refusal | undefined {
    const touched = new Set<PoolState>()
    for (const key of keys) {
      for (const place of this.servers.get(key)?.places ?? []) touched.add(this.pools[place.pool]!)
    }
    // One that checks call down is no order's doing.
    const wentLately = (key: string) =>
      this.withdrawn.isRecent(key, nowMs) && this.#judgedOf(key).cause !== 'validation'
    return refusalOf(touched, keys, this.guard, wentLately)
  }

  rowOf(server: Server): ServerRow {
    const { health, judged, sinceMs, recoveredAtMs } = server
    const membership = this.#membershipOf(server)
    return {
      ...{ health, status: judged.status, sinceMs, recoveredAtMs },
      lastHealthy: membership.seats.some((seat) => seat.lastHealthy),
      membership,
    }
  }

  #membershipOf({ spec, places }: Server): Membership {
    const guest = places.find((at) => this.pools[at.pool]!.isGuest(at.member))
    const member = guest && this.pools[guest.pool]!.members[guest.member]
    const seats = places.slice(0, limits.rowSeatsMax.default).map(({ pool, member: place }) => {
      const state = this.pools[pool]!
      const lastHealthy = state.isMarked(place)
      const { name, ttlSeconds } = state.spec
      return { pool: name, place, lastHealthy, guest: state.isGuest(place), ttlSeconds }
    })
    return { member: member ?? spec, seats }
  }

  /** Whether every pool has a server that something is known of. */
  isSettled(): boolean {
    return this.pools.every(
      (pool) =>
        pool.members.length === 0 ||
        pool.members.some((member) => this.#judgedOf(member.key).status !== 'unknown'),
    )
  }

  readonly #whyHeld = ({ spec, hold }: PoolState): readonly Held[] =>
    heldOf(spec, hold, this.guard.maxWithdrawnShare, this.#judgedOf)

  readonly #judgedOf = (key: string): Judgement => {
    const server = this.servers.get(key)
    assert(server !== undefined, 'every member of a pool is a server of the fleet')
    return server.judged
  }

  #keyAt(word: WordChange): string {
    return this.pools[word.pool]!.members[word.member]!.key
  }

  #judge(server: Server, nowMs: number): void {
    const before = server.judged
    const judged = judgeAnew(server, this.#others)
    const share = shareOf(server.spec, judged, this.#others)
    const isShared = share !== server.share
    Object.assign(server, { judged, share })
    if (judged.status !== before.status) server.sinceMs = nowMs
    const cameBack = judged.serving && isOut(before.status)
    if (cameBack) server.recoveredAtMs = nowMs
    const isJudged = judged.status !== before.status || judged.cause !== before.cause
    if (!isJudged && !isShared) return
    for (const { pool, member } of server.places) {
      const state = this.pools[pool]!
      if (isShared) state.setShare(member, share)
      if (!isJudged) continue
      state.judge(member, judged, cameBack, nowMs)
      this.#watchHolds(pool, state)
    }
  }

  #watchHolds(index: number, pool: PoolState): void {
    if (pool.isHolding()) this.#holding.add(index)
    else this.#holding.delete(index)
  }

  #takeWords(indices: readonly number[]): WordChange[] {
    const words: WordChange[] = []
    for (const pool of indices) {
      const state = this.pools[pool]!
      for (const member of state.takeChanges()) {
        const word = state.words[member]!
        words.push({ epoch: this.epoch, version: ++this.version, pool, member, word })
      }
      this.#watchHolds(pool, state)
    }
    return words
  }

  #isGuardOver(index: number): boolean {
    const { spec, hold } = this.pools[index]!
    const { maxWithdrawnShare } = this.guard
    return hold.guests.length > 0 && isOver(spec, hold, maxWithdrawnShare, this.#judgedOf)
  }

  /** The pools as they are; at the first compilation, as the rows on disk tell of them. */
  #formers(nowMs: number, stored: Rows = NO_ROWS): (spec: PoolSpec) => FormerPool | undefined {
    if (stored.size === 0) {
      const pools = new Map(this.pools.map((pool) => [pool.spec.name, pool]))
      return (spec) => pools.get(spec.name)?.former()
    }
    const seats = seatsByPool(stored)
    for (const { name } of this.topology.pools) {
      for (const { member } of seats.get(name) ?? []) {
        if (this.servers.has(member.key)) continue
        const server = serverOf(member, stored.get(member.key), this.#others, nowMs)
        this.servers.set(member.key, { ...server, declared: false })
      }
    }
    return (spec) => formerOf(spec, seats.get(spec.name) ?? [], this.#judgedOf)
  }

  /** Builds pools anew, carrying over what the old ones remember; those that are kept go on. */
  #compile(
    nowMs: number,
    former: (spec: PoolSpec) => FormerPool | undefined,
    stored: Rows = NO_ROWS,
  ): Compiled {
    const before = this.pools
    const previous = new Map(before.map((pool) => [pool.spec.name, pool]))
    const { enabled, maxWithdrawnShare } = this.guard
    const made: PoolState[] = []
    this.pools = this.topology.pools.map((spec) => {
      const old = previous.get(spec.name)
      // What changed of it and was not told yet is in the words of the new epoch.
      old?.takeChanges()
      if (isKept(old, spec)) return old
      const hold = enabled ? holdOf(former(spec), spec, maxWithdrawnShare, this.#judgedOf) : NO_HOLD
      const recall = memoriesOf(spec.name, old, stored, this.servers)
      const pool = new PoolState(spec, hold, recall)
      made.push(pool)
      return pool
    })
    const { moved, removed } = reseat(this.servers, stored.size === 0 ? before : [], this.pools)
    for (const key of moved)
      if (this.servers.get(key)?.health.override?.expiresAtMs !== undefined) this.#expiring.add(key)
    for (const key of removed) this.#expiring.delete(key)
    for (const pool of made) {
      pool.fill(
        pool.members.map((member) => this.#judgedOf(member.key)),
        nowMs,
        pool.members.map((member) => this.servers.get(member.key)!.share),
      )
    }
    this.#holding.clear()
    for (const [index, pool] of this.pools.entries()) this.#watchHolds(index, pool)
    this.epoch++
    this.version = 0
    const { guard, turned } = this.#held.note(this.pools, this.#whyHeld, nowMs)
    return { added: [], removed, moved, guard, stale: turned }
  }
}
