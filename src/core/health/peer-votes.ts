/**
 * What the other overwatches say: their verdicts on servers, which agents they hear, and which
 * drains they have taken into their answers. Only overwatches that are alive count.
 */
import { limits } from '../base/limits.ts'
import type { SharedRecord } from '../gossip/peers/record.ts'
import { Summaries, SUMMARY_RECORD } from './summary.ts'
import { ownPart, parseHeard, parseVote, parseWithdrawn, type Withdrawn } from './shared-bodies.ts'

interface Said<T> {
  readonly value: T
  readonly keepUntilMs: number
}

/** By server or agent, what each node says. */
class Ballots<T> {
  readonly #byKey = new Map<string, Map<string, Said<T>>>()
  #size = 0

  put(key: string, node: string, value: T | undefined, keepUntilMs: number): void {
    const ballots = this.#byKey.get(key) ?? new Map<string, Said<T>>()
    const had = ballots.delete(node) ? 1 : 0
    this.#size -= had
    if (value !== undefined && this.#size < limits.sharedRecordsMax.default) {
      ballots.set(node, { value, keepUntilMs })
      this.#size++
    }
    if (ballots.size === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, ballots)
  }

  *of(key: string, live: ReadonlySet<string>): Iterable<T> {
    for (const [node, { value }] of this.#byKey.get(key) ?? []) if (live.has(node)) yield value
  }

  by(key: string, node: string): T | undefined {
    return this.#byKey.get(key)?.get(node)?.value
  }

  /** Keys on which any of the nodes has said something. */
  saidBy(nodes: ReadonlySet<string>): string[] {
    const keys: string[] = []
    for (const [key, ballots] of this.#byKey)
      for (const node of ballots.keys()) if (nodes.has(node)) keys.push(key)
    return keys
  }

  forgetOld(nowMs: number): string[] {
    const keys: string[] = []
    for (const [key, ballots] of this.#byKey)
      for (const [node, { keepUntilMs }] of ballots) {
        if (keepUntilMs === 0 || keepUntilMs > nowMs) continue
        this.put(key, node, undefined, 0)
        keys.push(key)
      }
    return keys
  }
}

/** Whose standing may be another one now. */
export interface Touched {
  readonly servers: readonly string[]
  readonly agents: readonly string[]
}

const NOTHING: Touched = { servers: [], agents: [] }

export class PeerVotes {
  readonly #self: string
  readonly #verdicts = new Ballots<'up' | 'down'>()
  readonly #heard = new Ballots<true>()
  readonly #withdrawn = new Ballots<Withdrawn>()
  readonly #summaries = new Summaries()
  #live: ReadonlySet<string> = new Set()

  /** @param self name of this node, whose own records are not those of a peer */
  constructor(self: string) {
    this.#self = self
  }

  /** Takes a record of kind `verdict`, `heard`, `draining` or `summary`. */
  take(record: SharedRecord): Touched {
    const { kind, origin, body, keepUntilMs } = record
    if (kind === SUMMARY_RECORD)
      return origin === this.#self ? NOTHING : { servers: this.#summaries.take(record), agents: [] }
    const part = ownPart(record)
    if (part === undefined || origin === this.#self) return NOTHING
    if (kind === 'heard') {
      this.#heard.put(part, origin, parseHeard(body) ? true : undefined, keepUntilMs)
      return { servers: [], agents: [part] }
    }
    if (kind === 'draining') {
      this.#withdrawn.put(part, origin, parseWithdrawn(body), keepUntilMs)
      return NOTHING
    }
    this.#verdicts.put(part, origin, parseVote(body), keepUntilMs)
    return { servers: [part], agents: [] }
  }

  /** Takes the names of the overwatches that are alive, this node's own or not. */
  setLive(names: readonly string[]): Touched {
    const live = new Set(names.filter((name) => name !== this.#self))
    const turned = new Set([
      ...[...live].filter((name) => !this.#live.has(name)),
      ...[...this.#live].filter((name) => !live.has(name)),
    ])
    this.#live = live
    return this.#touchedBy(turned)
  }

  /** Forgets what was not said again in time. */
  tick(nowMs: number): Touched {
    this.#withdrawn.forgetOld(nowMs)
    return {
      servers: this.#verdicts.forgetOld(nowMs),
      agents: this.#heard.forgetOld(nowMs),
    }
  }

  get live(): ReadonlySet<string> {
    return this.#live
  }

  on(key: string): { readonly up: number; readonly down: number } {
    const votes = { up: 0, down: 0 }
    for (const verdict of this.#verdicts.of(key, this.#live)) votes[verdict]++
    if (votes.up + votes.down > 0) return votes
    const summed = this.#summaries.on(key)
    if (summed !== undefined) votes[summed]++
    return votes
  }

  hears(agentId: string): boolean {
    for (const heard of this.#heard.of(agentId, this.#live)) return heard
    return false
  }

  /** When the last of the others took the drain; undefined while one of them has not. */
  withdrawnMs(key: string, drain: string, ownMs: number): number | undefined {
    let lastMs = ownMs
    for (const node of this.#live) {
      const said = this.#withdrawn.by(key, node)
      if (said?.drain !== drain) return
      lastMs = Math.max(lastMs, said.atMs)
    }
    return lastMs
  }

  #touchedBy(nodes: ReadonlySet<string>): Touched {
    if (nodes.size === 0) return NOTHING
    return { servers: this.#verdicts.saidBy(nodes), agents: this.#heard.saidBy(nodes) }
  }
}
