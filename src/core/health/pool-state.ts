/**
 * One pool: which of its servers serve now, and their health words.
 *
 * It adds to the judgement of each server what only the pool knows: the hold-down of a failover
 * pool, which servers served last (`when_all_down: last_healthy`), and the guests that the
 * guard-rail keeps through a reload. A server of weight 0 takes no traffic, so it does not serve,
 * whatever its health. All of it is kept apart for IPv4 and IPv6, because a client of one family is
 * not helped by a server of the other. A change costs O(1), in a failover pool O(servers).
 */
import type { Family } from '../net/address.ts'
import type { MemberSpec, PoolSpec } from '../steer/topology.ts'
import {
  GUARDED,
  HELD_DOWN,
  LAST_HEALTHY,
  LEVEL_SHIFT,
  SERVING,
  SPILL_SHIFT,
  packWord,
} from '../steer/words.ts'
import { Floor, raisedShare } from './floor.ts'
import { Ladders } from './ladders.ts'
import type { FormerPool, Hold } from './holds.ts'
import type { Judgement } from './precedence.ts'
import { Served } from './served.ts'

/** The default of `overwatch.predictive.floor`. */
const BLEED_FLOOR = 0.5
const WHOLE = 1000
const NO_FLAGS = { serving: false, lastHealthy: false, heldDown: false, guarded: false }

/** The parts of a word that belong to the server and not to the pool; the share is set later. */
const baseWord = ({ status, cause }: Pick<Judgement, 'status' | 'cause'>): number =>
  packWord({ ...NO_FLAGS, status, cause, share: 0 })

/** Its load asks it to take nothing. */
const BLED = baseWord({ status: 'draining', cause: 'predictive' })

/** What a pool remembers of a server when it is compiled anew. */
export interface Memory {
  readonly serving: boolean
  readonly lastHealthy: boolean
  readonly holdFromMs: number
}

export class PoolState {
  readonly spec: PoolSpec
  readonly hold: Hold
  /**
   * The declared servers, then the guests of the guard-rail. A server that is declared with weight
   * 0 and kept as a guest stands in its declared place, as it was.
   */
  readonly members: readonly MemberSpec[]
  readonly words: number[]
  private readonly base: Int32Array
  private readonly flags: Uint8Array
  private readonly eligible: Uint8Array
  /** It serves unless its share is 0. */
  private readonly willing: Uint8Array
  /** Thousandths of its weight that each server asks for. */
  private readonly shares: Uint16Array
  /** The same before the load of its machine counts, and by how much it does. */
  private readonly asked: Uint16Array
  private readonly eases: Uint16Array
  /** Under `latency`, how much of the turns each server gets by the times of its checks. */
  readonly levels: Uint8Array
  /** Of clients that stick, sixteenths that each server passes on. */
  private readonly spills: Uint8Array
  private readonly floors: Readonly<Record<Family, Floor>>
  private readonly families: Uint8Array
  /** When the server came back from being out; 0 when it owes no hold-down. */
  private readonly holdFromMs: Float64Array
  readonly served: Served
  /** In a failover pool: the server that takes the traffic of each family; past the end, none. */
  private readonly first: Record<Family, number>
  private readonly changed = new Set<number>()
  private readonly holds: boolean
  /** Of a policy made of others, who waits. */
  private readonly ladders: Ladders | undefined
  private heldCount = 0

  constructor(spec: PoolSpec, hold: Hold, recall: (key: string) => Memory) {
    this.spec = spec
    this.hold = hold
    const guests = new Map(hold.guests.map((guest) => [guest.key, guest]))
    const declared = new Set(spec.members.map((member) => member.key))
    this.members = [
      ...spec.members.map((member) => guests.get(member.key) ?? member),
      ...hold.guests.filter((guest) => !declared.has(guest.key)),
    ]
    const size = this.members.length
    this.words = new Array<number>(size).fill(0)
    this.base = new Int32Array(size)
    this.flags = new Uint8Array(size)
    this.eligible = new Uint8Array(size)
    this.willing = new Uint8Array(size)
    this.shares = new Uint16Array(size).fill(WHOLE)
    this.asked = new Uint16Array(size).fill(WHOLE)
    this.eases = new Uint16Array(size).fill(WHOLE)
    this.levels = new Uint8Array(size)
    this.spills = new Uint8Array(size)
    const floor = spec.bleedFloor ?? BLEED_FLOOR
    this.floors = { 4: new Floor(floor), 6: new Floor(floor) }
    this.served = new Served(spec, this.members)
    this.families = Uint8Array.from(this.members, (member) => member.family)
    this.first = { 4: size, 6: size }
    this.holdFromMs = new Float64Array(size)
    this.ladders = spec.tree && new Ladders(spec.tree, this.members)
    const isOrdered = spec.policy === 'failover' || this.ladders?.isAny === true
    this.holds = isOrdered && spec.holdDownMs > 0
    for (const [index, member] of this.members.entries()) {
      const memory = recall(member.key)
      this.flags[index] = memory.lastHealthy ? LAST_HEALTHY : 0
      if (guests.has(member.key)) this.flags[index]! |= GUARDED
      this.holdFromMs[index] = memory.holdFromMs
    }
  }

  /** The first judgement of every server, in order; afterwards `words` is complete. */
  fill(judgements: readonly Judgement[], nowMs: number, shares: readonly number[] = []): void {
    this.asked.set(shares)
    this.shares.set(shares)
    for (const [index, judged] of judgements.entries()) {
      this.base[index] = baseWord(judged)
      const eligible = this.mayServe(index, judged)
      this.eligible[index] = eligible ? 1 : 0
      if (!eligible || judged.cause === 'override') this.holdFromMs[index] = 0
      if (!this.holds) this.setWilling(index, eligible)
    }
    if (this.holds) {
      this.reassess(4, nowMs)
      this.reassess(6, nowMs)
    }
    for (let index = 0; index < this.words.length; index++) this.words[index] = this.wordOf(index)
    this.changed.clear()
  }

  /**
   * A new judgement of one server.
   * @param cameBack whether it was known to be out before, so that it owes a hold-down
   */
  judge(index: number, judged: Judgement, cameBack: boolean, nowMs: number): void {
    this.base[index] = baseWord(judged)
    this.changed.add(index)
    const eligible = this.mayServe(index, judged)
    // An operator's word is obeyed at once; so is the end of a server's service.
    if (!eligible || judged.cause === 'override') this.holdFromMs[index] = 0
    else if (cameBack) this.holdFromMs[index] = nowMs
    this.eligible[index] = eligible ? 1 : 0
    if (this.holds) {
      const reach = this.reassess(this.members[index]!.family, nowMs, index)
      if (index > reach) this.place(index, reach)
    } else this.setWilling(index, eligible)
  }

  /** A server asks for another share of its weight, 0-1000. */
  setShare(index: number, share: number): void {
    this.asked[index] = share
    this.takeShare(index)
  }

  /** @param ease thousandths by which the share of a server is multiplied */
  setEase(index: number, ease: number): void {
    this.eases[index] = ease
    this.takeShare(index)
  }

  private takeShare(index: number): void {
    const share = Math.round((this.asked[index]! * this.eases[index]!) / WHOLE)
    const before = this.shares[index]!
    if (share === before) return
    this.shares[index] = share
    this.changed.add(index)
    if (this.willing[index] === 0) return
    const floor = this.floors[this.members[index]!.family]
    const { weight } = this.members[index]!
    const outgoing = floor.lift
    floor.count(weight, before, -1)
    floor.count(weight, share, 1)
    this.settleShares(index, floor.lift !== outgoing)
  }

  /** @param level 0-31, as in words.ts */
  setLevel(index: number, level: number): void {
    if (this.levels[index] === level) return
    this.levels[index] = level
    this.changed.add(index)
  }

  /** @param level 0-15, as in words.ts */
  setSpill(index: number, level: number): void {
    this.spills[index] = level
    this.changed.add(index)
  }

  /** Thousandths of its weight that it is given; of a server that does not serve, that it asks. */
  shareOf(index: number): number {
    if (this.willing[index] === 0) return this.shares[index]!
    return raisedShare(this.shares[index]!, this.floors[this.members[index]!.family].lift)
  }

  /** It would serve, and its load asks it to take nothing. */
  isBled(index: number): boolean {
    return this.willing[index] === 1 && this.shareOf(index) === 0
  }

  /** Ends the hold-downs whose time is over. */
  tick(nowMs: number): void {
    if (this.heldCount === 0) return
    this.reassess(4, nowMs)
    this.reassess(6, nowMs)
  }

  isHolding(): boolean {
    return this.heldCount > 0
  }

  /** When the next hold-down ends; Infinity when none runs. */
  nextDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    for (let index = 0; index < this.flags.length; index++) {
      if ((this.flags[index]! & HELD_DOWN) === 0) continue
      due = Math.min(due, this.holdFromMs[index]! + this.spec.holdDownMs)
    }
    return due
  }

  /** Indices of the servers whose word is new since the last call; `words` holds them already. */
  takeChanges(): readonly number[] {
    const indices: number[] = []
    for (const index of this.changed) {
      const word = this.wordOf(index)
      if (word === this.words[index]) continue
      this.words[index] = word
      indices.push(index)
    }
    this.changed.clear()
    return indices
  }

  /** No server of either family serves. */
  isEmpty(): boolean {
    return this.served.of[4] + this.served.of[6] === 0
  }

  isServing(index: number): boolean {
    return (this.flags[index]! & SERVING) !== 0
  }

  /** The guard-rail keeps it, or its weight. */
  isGuest(index: number): boolean {
    return (this.flags[index]! & GUARDED) !== 0
  }

  isMarked(index: number): boolean {
    return (this.flags[index]! & LAST_HEALTHY) !== 0
  }

  /** What a pool compiled anew should know of this server. */
  memoryOf(index: number): Memory {
    return {
      serving: this.isServing(index),
      lastHealthy: this.isMarked(index),
      holdFromMs: this.holdFromMs[index]!,
    }
  }

  /** What the guard-rail looks at when the pool is compiled anew. */
  former(): FormerPool {
    const { guests, served } = this.hold
    const of = (family: Family) =>
      guests.some((guest) => guest.family === family) ? served[family] : this.served.of[family]
    const members = this.members.map((member, index) => ({
      member,
      serving: this.isServing(index),
      guest: this.isGuest(index),
    }))
    return { members, served: { 4: of(4), 6: of(6) } }
  }

  private mayServe(index: number, judged: Judgement): boolean {
    return judged.serving && this.members[index]!.weight > 0
  }

  private wordOf(index: number): number {
    const share = this.shareOf(index)
    const bled = this.willing[index] === 1 && share === 0
    const level = (this.levels[index]! << LEVEL_SHIFT) | (this.spills[index]! << SPILL_SHIFT)
    return (bled ? BLED : this.base[index]!) | this.flags[index]! | (share << 16) | level
  }

  private setWilling(index: number, willing: boolean): void {
    if ((this.willing[index] === 1) === willing) return
    this.willing[index] = willing ? 1 : 0
    this.changed.add(index)
    const { family, weight } = this.members[index]!
    const lifted = this.floors[family].count(weight, this.shares[index]!, willing ? 1 : -1)
    this.settleShares(index, lifted)
  }

  /** Lets those serve who would and are given some of their weight. */
  private settleShares(index: number, lifted: boolean): void {
    this.setServing(index, this.willing[index] === 1 && this.shareOf(index) > 0)
    if (!lifted) return
    const { family } = this.members[index]!
    for (let other = 0; other < this.willing.length; other++) {
      if (this.willing[other] === 0 || this.families[other] !== family) continue
      this.changed.add(other)
      this.setServing(other, this.shareOf(other) > 0)
    }
  }

  private setServing(index: number, serving: boolean): void {
    if (this.isServing(index) === serving) return
    this.changed.add(index)
    if (serving) {
      // The first server to serve again ends the memory of those that served before.
      if (this.served.count(index, 1) === 1) this.forgetMarks(index)
      this.flags[index]! |= SERVING | LAST_HEALTHY
      return
    }
    this.flags[index]! &= ~SERVING
    // The last one to go keeps its mark, for `when_all_down: last_healthy`.
    if (this.served.count(index, -1) > 0) this.flags[index]! &= ~LAST_HEALTHY
  }

  private forgetMarks(own: number): void {
    for (let index = 0; index < this.flags.length; index++) {
      if (!this.served.areTogether(own, index) || !this.isMarked(index)) continue
      this.flags[index]! &= ~LAST_HEALTHY
      this.changed.add(index)
    }
  }

  private setHeld(index: number, held: boolean): void {
    if (((this.flags[index]! & HELD_DOWN) !== 0) === held) return
    this.flags[index]! ^= HELD_DOWN
    this.heldCount += held ? 1 : -1
    this.changed.add(index)
  }

  private owesHoldDown(index: number, nowMs: number): boolean {
    const from = this.holdFromMs[index]!
    if (from === 0) return false
    // A clock that was set back must not lengthen the wait.
    if (from > nowMs) this.holdFromMs[index] = nowMs
    return nowMs - this.holdFromMs[index]! < this.spec.holdDownMs
  }

  /**
   * Decides a failover pool: the first server that owes no hold-down serves, those after it stand
   * by, and a better one that has just come back waits. Where every server owes one, none waits:
   * the best serves at once. Servers past the old and the new first are what they were.
   * @param changed the only server that may be other than it was; absent, any may
   * @returns the last index looked at
   */
  private reassess(family: Family, nowMs: number, changed = 0): number {
    if (this.ladders !== undefined) return this.reassessLadders(family, nowMs, this.ladders)
    const size = this.members.length
    // Where none waits, those before the first are all out.
    const from = this.heldCount > 0 ? 0 : Math.min(changed, this.first[family])
    let first = size
    let best = size
    for (let index = from; index < size && first === size; index++) {
      if (this.eligible[index] === 0 || this.families[index] !== family) continue
      if (best === size) best = index
      if (!this.owesHoldDown(index, nowMs)) first = index
    }
    if (first === size) first = best
    const reach = Math.min(size - 1, Math.max(first, this.first[family]))
    this.first[family] = first
    for (let index = from; index <= reach; index++) {
      if (this.families[index] === family) this.place(index, first)
    }
    return reach
  }

  private reassessLadders(family: Family, nowMs: number, ladders: Ladders): number {
    const { families, eligible } = this
    const owes = (index: number) => this.owesHoldDown(index, nowMs)
    const wanted = ladders.wanted(family, { families, eligible, owes })
    for (let index = 0; index < families.length; index++)
      if (families[index] === family) this.settle(index, wanted[index] === 0)
    return families.length - 1
  }

  private place(index: number, first: number): void {
    this.settle(index, index < first)
  }

  /** @param waits whether it stands before the one that takes the traffic */
  private settle(index: number, waits: boolean): void {
    const eligible = this.eligible[index] === 1
    const held = eligible && waits
    this.setHeld(index, held)
    // Once it stands by it owes nothing more: the wait is against traffic moving back too early.
    if (eligible && !held) this.holdFromMs[index] = 0
    this.setWilling(index, eligible && !held)
  }
}
