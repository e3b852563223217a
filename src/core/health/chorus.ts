/**
 * Everything that speaks of a server beside its own checks and orders: its agent, drains, and the
 * other overwatches.
 *
 * It gathers the voices; who wins is decided in precedence.ts. A drain that its agent declared
 * lasts until the agent takes it back, its end comes, or the agent is taken off the roll: that an
 * agent died during the work it was drained for says nothing of the work being over. What an agent
 * measured counts only while it is heard.
 */
import { isSame } from '../base/same.ts'
import type { SharedRecord } from '../gossip/peers/record.ts'
import type { MemberSpec } from '../steer/topology.ts'
import type { ServerEvent } from './events.ts'
import { DrainOrders } from './drain-orders.ts'
import { PeerVotes, type Touched } from './peer-votes.ts'
import type { VetoMode, Voices } from './precedence.ts'
import type { AgentReport, Drain } from './report.ts'
import { type Acceptance, type AgentVoice, Roll, type RollSettings } from './roll.ts'

export interface ChorusSettings {
  /** Name of this node among the overwatches. */
  readonly self: string
  readonly roll: RollSettings
  readonly vetoMode: VetoMode
  readonly quorum: number
  /** A silent agent's server goes out although checks pass. */
  readonly withdrawSilent: boolean
  /** False: servers of agents are not checked, and what checks said before does not count. */
  readonly validates: boolean
}

export type DrainSaid = Drain & { readonly author: string }

export class Chorus {
  readonly roll: Roll
  readonly drains = new DrainOrders()
  readonly votes: PeerVotes
  settings: ChorusSettings
  /** What another overwatch ordered for a server before it came; set by its owner. */
  orderOn: (key: string) => ServerEvent | undefined = () => undefined
  /** Thousandths that the cluster leaves an agent's servers; set by its owner. */
  foreseen: (agentId: string) => number = () => 1000
  /** By server: when its agent claimed otherwise than the last check. */
  readonly #doubts = new Map<string, number>()
  /** Ends that agents stated of their drains. */
  readonly #ends = new Map<string, { readonly id: string; readonly untilMs: number }>()
  /** By server, the drain of its agent that is over though the agent has not said so. */
  readonly #over = new Map<string, string>()
  readonly #openedMs: number

  constructor(settings: ChorusSettings, nowMs: number) {
    this.settings = settings
    this.roll = new Roll(settings.roll)
    this.votes = new PeerVotes(settings.self)
    this.#openedMs = nowMs
  }

  configure(settings: ChorusSettings): void {
    if (isSame(settings, this.settings)) return
    this.settings = settings
    this.roll.configure(settings.roll)
  }

  accept(report: AgentReport, nowMs: number, hearsay = false, heardMs?: number): Acceptance {
    const change = this.roll.accept(report, nowMs, hearsay, heardMs)
    if (change === 'stale') return change
    for (const key of change.keys) this.#noteEnd(key, nowMs)
    return change
  }

  /** What is said of a server. */
  voicesOf({ key, source }: MemberSpec): Partial<Voices> {
    const { vetoMode, quorum, withdrawSilent, validates } = this.settings
    const agent = this.voiceOf(key)
    const isAgents = source === 'agent'
    // Its agent gave it up; the topology follows in a moment.
    const isGone = isAgents && agent === undefined
    return {
      draining: isGone || this.drainOf(key) !== undefined,
      doubted: this.#doubts.has(key),
      // The check of a server of the file is the file's own.
      agent: agent?.asksMore === true && !isAgents ? { ...agent, asksMore: false } : agent,
      peers: this.votes.on(key),
      ...{ vetoMode, quorum, withdrawSilent },
      ...(isAgents && !validates ? { verdict: 'unknown' as const } : {}),
    }
  }

  /** Thousandths of its weight that a server asks for. */
  shareOf({ key }: MemberSpec): number {
    const agent = this.voiceOf(key)
    if (agent === undefined || agent.silent) return 1000
    return Math.max(0, Math.min(1000, agent.share, this.foreseen(agent.agentId)))
  }

  /** The agent of a server; silent when no live overwatch hears it. */
  voiceOf(key: string): AgentVoice | undefined {
    const voice = this.roll.voiceOf(key)
    if (voice === undefined || !voice.silent || !this.votes.hears(voice.agentId)) return voice
    return { ...voice, silent: false }
  }

  /** The drain that counts: an operator's, else the agent's own. */
  drainOf(key: string): DrainSaid | undefined {
    const order = this.drains.of(key)
    if (order !== undefined) {
      const { author, ...rest } = order
      return { ...rest, by: 'overwatch', author }
    }
    const agent = this.roll.voiceOf(key)
    const drain = agent?.drain
    if (agent === undefined || drain === undefined || this.#over.get(key) === drain.id) return
    // An agent repeats what overwatches told it until it hears that it was lifted.
    if (drain.by === 'overwatch' && this.drains.stampOf(key) >= drain.sinceMs) return
    return { ...drain, author: agent.agentId }
  }

  /** Its agent contests the last verdict: the claim counts until a check answers it. */
  doubt(key: string, nowMs: number): void {
    this.#doubts.set(key, nowMs)
  }

  /** Agent and verdict agree again; true when they did not. */
  agree(key: string): boolean {
    return this.#doubts.delete(key)
  }

  /** A verdict was said; true when it answers a doubt. */
  answered(key: string, atMs: number): boolean {
    const sinceMs = this.#doubts.get(key)
    return sinceMs !== undefined && atMs >= sinceMs && this.#doubts.delete(key)
  }

  isDoubted(key: string): boolean {
    return this.#doubts.has(key)
  }

  doubts(): Iterable<string> {
    return this.#doubts.keys()
  }

  /** Takes a record of kind `verdict`, `heard` or `draining`; returns the servers concerned. */
  takeVote(record: SharedRecord): readonly string[] {
    return this.#serversOf(this.votes.take(record))
  }

  setLive(names: readonly string[]): readonly string[] {
    return this.#serversOf(this.votes.setLive(names))
  }

  /** Ends what is over: `silent` are the servers whose agent fell silent just now. */
  tick(nowMs: number): { readonly silent: readonly string[]; readonly keys: readonly string[] } {
    const silent = this.roll.tick(nowMs)
    const keys = [...silent, ...this.drains.tick(nowMs)]
    for (const [key, { id, untilMs }] of this.#ends) {
      if (untilMs > nowMs) continue
      this.#ends.delete(key)
      this.#over.set(key, id)
      keys.push(key)
    }
    keys.push(...this.#serversOf(this.votes.tick(nowMs)))
    return { silent, keys }
  }

  /**
   * Servers that nobody vouches for any more, by agent.
   * @param isVouchedFor whether checks pass, or an overwatch says so
   */
  overdue(nowMs: number, isVouchedFor: (key: string) => boolean): Map<string, Set<string>> {
    const overdue = new Map<string, Set<string>>()
    // After a start every agent has the whole time to speak again.
    if (nowMs - this.#openedMs < this.settings.roll.removeAfterMs) return overdue
    for (const agentId of this.roll.overdue(nowMs)) {
      if (this.votes.hears(agentId)) continue
      const keys = this.roll.rowOf(agentId)!.keys
      const forsaken = keys.filter((key) => !isVouchedFor(key))
      if (forsaken.length > 0 || keys.length === 0) overdue.set(agentId, new Set(forsaken))
    }
    return overdue
  }

  /** When `tick` next has something to say; Infinity for never. */
  nextDueMs(): number {
    let due = Math.min(this.roll.nextDueMs(), this.drains.nextDueMs())
    for (const { untilMs } of this.#ends.values()) due = Math.min(due, untilMs)
    return due
  }

  #noteEnd(key: string, nowMs: number): void {
    const drain = this.roll.claimOf(key)?.backend.drain
    if (drain?.id !== this.#over.get(key)) this.#over.delete(key)
    this.#ends.delete(key)
    if (drain?.untilMs === undefined) return
    if (drain.untilMs <= nowMs) this.#over.set(key, drain.id)
    else this.#ends.set(key, { id: drain.id, untilMs: drain.untilMs })
  }

  #serversOf({ servers, agents }: Touched): readonly string[] {
    if (agents.length === 0) return servers
    return [...servers, ...agents.flatMap((agentId) => this.roll.rowOf(agentId)?.keys ?? [])]
  }
}
