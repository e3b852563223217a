/**
 * The pulse: a leader tells the others, many times a second, that it answers.
 *
 * Raft needs an election timeout to find that its leader is gone, and followers that go on saying
 * REFUSED meanwhile send resolvers away empty-handed. A pulse that ends, is late, or says that the
 * leader does not answer makes it suspect at once. Nobody is elected for that: a suspicion that was
 * wrong costs some queries a second try.
 */
import { limits } from '../../core/base/limits.ts'
import type { TlsFiles } from '../../core/cluster/engine.ts'
import type { ClusterPorts, Tell } from './contract.ts'
import type { ClusterCtx, Standing } from './standing.ts'

export interface PulseWorld {
  readonly ctx: ClusterCtx
  readonly ports: Pick<ClusterPorts, 'listen'>
  readonly standing: Standing
  readonly self: string
  readonly tls: TlsFiles | undefined
  /** Where the door of a member is; undefined where that is not known. */
  readonly doorOf: (name: string) => string | undefined
}

/** Of a pause after each word: with fifty words a second half of it is forgotten in 1.4 s. */
const REMEMBERED = 0.99

export class Pulse {
  readonly #world: PulseWorld
  readonly #listeners = new Set<Tell>()
  /** Whom this node listens to; empty: nobody. */
  #leader = ''
  #close: (() => void) | undefined
  /** When it was listened to first, and heard last; undefined before the first word. */
  #sinceMs = 0
  #heardMs: number | undefined
  /** The longest pause of late: it is forgotten slowly. */
  #pauseMs: number = limits.clusterPulseLatestMs.default / 2
  /** Its last word was that it answers. */
  #answers = false
  #ranMs = 0
  #triedMs = Number.NEGATIVE_INFINITY
  #stop: () => void = () => {}

  constructor(world: PulseWorld) {
    this.#world = world
    world.standing.hasPulse = true
  }

  start(): void {
    const everyMs = limits.clusterPulseMs.default
    this.#ranMs = this.#nowMs
    this.#stop = this.#world.ctx.clock.every(everyMs, everyMs, () => this.#beat())
  }

  stop(): void {
    this.#stop()
    this.#leave()
  }

  /** Another node listens; what is returned ends that. */
  heard(tell: Tell): () => void {
    this.#listeners.add(tell)
    tell(this.#world.standing.answers)
    return () => void this.#listeners.delete(tell)
  }

  /** Leadership changed: the others are told, and who leads now is listened to. */
  changed(): void {
    this.#tell()
    this.#turn()
    this.#judge()
  }

  /** Listens to who leads now. */
  #turn(): void {
    const { standing, self } = this.#world
    const { leader, role } = standing.leadership
    const isOther = role === 'follower' && leader !== '' && leader !== self
    if (isOther && leader === this.#leader) return
    this.#leave()
    if (!isOther) return
    this.#leader = leader
    this.#sinceMs = this.#nowMs
    this.#listen()
  }

  get #nowMs(): number {
    return this.#world.ctx.clock.monotonicMs()
  }

  #tell(): void {
    if (this.#listeners.size === 0) return
    const { answers } = this.#world.standing
    for (const tell of this.#listeners) tell(answers)
  }

  #leave(): void {
    this.#close?.()
    this.#close = undefined
    this.#world.standing.heard(undefined)
    this.#leader = ''
    this.#heardMs = undefined
    this.#answers = false
    this.#triedMs = Number.NEGATIVE_INFINITY
  }

  #listen(): void {
    const { ports, doorOf, tls } = this.#world
    const door = doorOf(this.#leader)
    this.#triedMs = this.#nowMs
    if (door === undefined) return
    const told: Tell = (answers) => {
      const nowMs = this.#nowMs
      const pauseMs = nowMs - (this.#heardMs ?? nowMs)
      this.#pauseMs = Math.max(pauseMs, this.#pauseMs * REMEMBERED)
      this.#heardMs = nowMs
      this.#answers = answers
      this.#judge()
      this.#world.standing.heard(answers)
    }
    const ended = () => {
      this.#close = undefined
      this.#answers = false
      this.#judge()
    }
    this.#close = ports.listen(door, { told, ended }, tls)
  }

  #beat(): void {
    this.#tell()
    const nowMs = this.#nowMs
    const lateMs = nowMs - this.#ranMs - limits.clusterPulseMs.default
    this.#ranMs = nowMs
    // This thread stood still itself: what came meanwhile is read after this turn.
    if (this.#heardMs !== undefined && lateMs > 0) this.#heardMs += lateMs
    // A member may have been known by its number first.
    this.#turn()
    if (this.#leader === '') return
    const mayTry = nowMs - this.#triedMs >= limits.clusterPulseLatestMs.default
    if (this.#close === undefined && mayTry) this.#listen()
    this.#judge()
  }

  #judge(): void {
    this.#world.standing.suspect(this.#isSuspect(this.#nowMs))
  }

  /** A busy machine sends and hears late, and that is no reason to leave clients waiting. */
  get #lateMs(): number {
    const { clusterPulseLateMs: least, clusterPulseLatestMs: most } = limits
    return Math.min(Math.max(least.default, 2 * this.#pauseMs), most.default)
  }

  #isSuspect(nowMs: number): boolean {
    if (this.#leader === '') return false
    if (this.#heardMs === undefined)
      return nowMs - this.#sinceMs < limits.clusterPulseWaitMs.default
    return !this.#answers || nowMs - this.#heardMs > this.#lateMs
  }
}
