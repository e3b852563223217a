/**
 * A model of etcd's Raft as far as leadership goes: elections with pre-vote and check-quorum,
 * heartbeats counted in ticks, linearizable reads by ReadIndex, leadership handed over, on clocks
 * that run at other rates.
 *
 * Members can be paused (what is sent to them waits), cut off, and started again; a member that
 * starts again keeps term and vote and has forgotten whom it heard from. Logs are left out: all are
 * equally long. Time is that of a virtual clock; every choice is drawn from one seed.
 */
import type { Random } from '../../src/core/base/random.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface ModelTimes {
  readonly heartbeatMs: number
  readonly electionMs: number
}

interface Message {
  readonly kind:
    | 'heartbeat'
    | 'ack'
    | 'pre-vote'
    | 'vote'
    | 'granted'
    | 'read'
    | 'read-done'
    | 'timeout-now'
  readonly from: number
  readonly term: number
  /** Of a read, or the round of votes. */
  readonly ctx?: string
}

interface Read {
  readonly ctx: string
  readonly acks: Set<number>
  readonly done: () => void
}

/** Begins the round of a candidate whom the leader bade to stand. */
const BIDDEN = 'bidden/'

type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

export class ModelMember {
  term = 1
  role: Role = 'follower'
  leader = -1
  isPaused = false
  isDown = false
  readonly number: number
  readonly #net: RaftModel
  #votedFor = -1
  #elapsed = 0
  #patience = 0
  #active = new Set<number>()
  #granted = new Set<number>()
  #reads: Read[] = []
  #waiting = new Map<string, () => void>()
  #ctx = 0
  /** Of the votes that count. */
  #round = ''

  constructor(net: RaftModel, number: number) {
    this.#net = net
    this.number = number
    this.#reset()
  }

  tick(): void {
    if (this.isPaused || this.isDown) return
    this.#elapsed++
    if (this.role === 'leader') {
      this.#broadcast('heartbeat')
      if (this.#elapsed < this.#net.electionTicks) return
      this.#elapsed = 0
      // Check-quorum: who has not heard from a majority for an election timeout leads no more.
      if (!this.#net.isQuorum(this.#active.size + 1)) this.#follow(this.term, -1)
      this.#active.clear()
    } else if (this.#elapsed >= this.#patience) {
      this.#elapsed = 0
      this.#campaign('pre-candidate', 'pre-vote', this.term + 1)
    }
  }

  /** Resolves with the member's term once a leader was confirmed by a quorum. */
  read(): Promise<number> {
    return new Promise((resolve) => {
      const ctx = `${this.number}/${++this.#ctx}`
      const done = () => resolve(this.term)
      if (this.role === 'leader') this.#startRead({ ctx, acks: new Set(), done })
      else if (this.leader >= 0) {
        this.#waiting.set(ctx, done)
        this.#send(this.leader, 'read', ctx)
      }
    })
  }

  /** A leader bids another to stand for election at once. */
  handTo(heir: number): void {
    if (this.role === 'leader') this.#send(heir, 'timeout-now')
  }

  restart(): void {
    this.isDown = false
    this.role = 'follower'
    this.leader = -1
    this.#reads = []
    this.#waiting.clear()
    this.#reset()
  }

  receive(message: Message): void {
    if (this.isDown) return
    const { kind, from, term } = message
    const isVote = kind === 'vote' || kind === 'pre-vote'
    // Who has heard from a leader within an election timeout helps nobody else to lead.
    const isLeased = this.leader >= 0 && this.#elapsed < this.#net.electionTicks
    const isBidden = message.ctx?.startsWith(BIDDEN) === true
    if (isVote && isLeased && term > this.term && !isBidden) return
    if (kind === 'pre-vote') {
      if (term > this.term) this.#send(from, 'granted', message.ctx, term)
      return
    }
    if (term > this.term && kind !== 'granted') this.#follow(term, kind === 'heartbeat' ? from : -1)
    if (term < this.term) {
      // A leader of a former term learns of the new one.
      if (kind === 'heartbeat') this.#send(from, 'ack')
      return
    }
    this.#handle(message)
  }

  #handle({ kind, from, term, ctx = '' }: Message): void {
    switch (kind) {
      case 'heartbeat':
        this.#follow(term, from)
        this.#send(from, 'ack', ctx)
        return
      case 'ack':
        this.#acked(from, ctx)
        return
      case 'vote':
        if (this.#votedFor !== -1 && this.#votedFor !== from) return
        this.#votedFor = from
        this.#elapsed = 0
        this.#send(from, 'granted', ctx)
        return
      case 'granted':
        this.#countVote(from, ctx)
        return
      case 'timeout-now':
        this.#stand(BIDDEN)
        return
      case 'read':
        if (this.role !== 'leader') return
        this.#startRead({ ctx, acks: new Set(), done: () => this.#send(from, 'read-done', ctx) })
        return
      default:
        this.#waiting.get(ctx)?.()
        this.#waiting.delete(ctx)
    }
  }

  #acked(from: number, ctx: string): void {
    if (this.role !== 'leader') return
    this.#active.add(from)
    const read = this.#reads.find((one) => one.ctx === ctx)
    if (read === undefined) return
    read.acks.add(from)
    if (!this.#net.isQuorum(read.acks.size + 1)) return
    this.#reads = this.#reads.filter((one) => one !== read)
    read.done()
  }

  #startRead(read: Read): void {
    this.#reads.push(read)
    this.#broadcast('heartbeat', read.ctx)
  }

  #campaign(role: Role, kind: 'vote' | 'pre-vote', term: number, prefix = ''): void {
    this.role = role
    this.leader = -1
    this.#granted = new Set([this.number])
    this.#round = `${prefix}${role}/${++this.#ctx}`
    this.#broadcast(kind, this.#round, term)
  }

  /** With patience drawn anew, so that two that split the votes do not do so again. */
  #stand(prefix = ''): void {
    this.term++
    this.#votedFor = this.number
    this.#reset()
    this.#campaign('candidate', 'vote', this.term, prefix)
  }

  #countVote(from: number, ctx: string): void {
    if (ctx !== this.#round) return
    this.#granted.add(from)
    if (!this.#net.isQuorum(this.#granted.size)) return
    if (this.role === 'pre-candidate') {
      this.#stand()
      return
    }
    this.role = 'leader'
    this.leader = this.number
    this.#elapsed = 0
    this.#round = ''
    this.#active.clear()
    this.#broadcast('heartbeat')
  }

  #follow(term: number, leader: number): void {
    if (term > this.term) this.#votedFor = -1
    if (this.role === 'leader') this.#reads = []
    this.term = term
    this.role = 'follower'
    this.leader = leader
    this.#reset()
  }

  #reset(): void {
    this.#elapsed = 0
    this.#round = ''
    const { electionTicks, random } = this.#net
    this.#patience = electionTicks + random.below(electionTicks)
  }

  #broadcast(kind: Message['kind'], ctx?: string, term = this.term): void {
    for (const { number } of this.#net.members)
      if (number !== this.number) this.#send(number, kind, ctx, term)
  }

  #send(to: number, kind: Message['kind'], ctx?: string, term = this.term): void {
    const base = { kind, from: this.number, term }
    this.#net.send(to, ctx === undefined ? base : { ...base, ctx })
  }
}

export class RaftModel {
  readonly members: ModelMember[] = []
  readonly random: Random
  readonly electionTicks: number
  /** One message in so many never arrives; Infinity for none. */
  losesOneIn = 100
  readonly #clock: VirtualClock
  readonly #cut = new Set<string>()
  readonly #held = new Map<number, (() => void)[]>()

  /** @param rates how fast the clock of each member runs */
  constructor(clock: VirtualClock, random: Random, times: ModelTimes, rates: readonly number[]) {
    this.#clock = clock
    this.random = random
    this.electionTicks = Math.floor(times.electionMs / times.heartbeatMs)
    for (const [number, rate] of rates.entries()) {
      const member = new ModelMember(this, number)
      this.members.push(member)
      const tickMs = times.heartbeatMs / rate
      clock.every(tickMs, random.next() * tickMs, () => member.tick())
    }
  }

  isQuorum(count: number): boolean {
    return count > this.members.length / 2
  }

  cut(one: number, other: number, isCut: boolean): void {
    for (const key of [`${one} ${other}`, `${other} ${one}`])
      if (isCut) this.#cut.add(key)
      else this.#cut.delete(key)
  }

  /** Whether a member and those that hear it are a majority. */
  hasQuorum(own: number): boolean {
    const hears = ({ number, isDown, isPaused }: ModelMember) =>
      !isDown && !isPaused && (number === own || !this.#cut.has(`${number} ${own}`))
    const { length } = this.members.filter(hears)
    return hears(this.members[own]!) && this.isQuorum(length)
  }

  pause(number: number): void {
    this.members[number]!.isPaused = true
  }

  resume(number: number): void {
    this.members[number]!.isPaused = false
    const held = this.#held.get(number) ?? []
    this.#held.delete(number)
    for (const run of held) run()
  }

  send(to: number, message: Message): void {
    const slow = this.random.below(20) === 0 ? 80 : 0
    this.#clock.after(1 + this.random.below(10) + slow, () => {
      if (this.#cut.has(`${message.from} ${to}`) || this.random.next() * this.losesOneIn < 1) return
      const member = this.members[to]!
      const deliver = () => member.receive(message)
      if (!member.isPaused) deliver()
      else this.#held.set(to, [...(this.#held.get(to) ?? []), deliver])
    })
  }
}
