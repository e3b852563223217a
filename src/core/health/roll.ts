/**
 * The roll of agents: who has reported what, and who has fallen silent.
 *
 * It keeps the latest report of each agent and who speaks for which server. Two agents may claim
 * one server; the first to do so speaks for it until it gives it up or falls silent. What a claim
 * is worth against other voices is decided in precedence.ts, what silence means for the pool in the
 * fleet. Times are passed in; nothing here reads a clock.
 */
import { namesOfService } from '../config/names.ts'
import { serverKey } from '../net/address.ts'
import type { AgentReport, Drain, ReportedBackend, Vitals } from './report.ts'

export interface RollSettings {
  /** Names of the configured domains. */
  readonly domains: readonly string[]
  /** Apexes under which a service that is no domain is served. */
  readonly zones: readonly string[]
  /** Names that are not served, whoever claims them. */
  readonly withheld?: readonly string[]
  /** Silence after which an agent's word no longer counts. */
  readonly staleMs: number
  /** Silence after which its backends are forgotten, unless a check vouches for them. */
  readonly removeAfterMs: number
}

/** One server as an agent declares it. */
export interface Claim {
  /** `service:address:port`, the service being the name it is served as. */
  readonly key: string
  readonly name: string
  readonly agentId: string
  readonly region: string
  readonly backend: ReportedBackend
}

/** What an agent says of one server, for precedence.ts. */
export interface AgentVoice {
  readonly agentId: string
  /** Absent before its first verdict. */
  readonly healthy?: boolean
  readonly reason: string
  readonly silent: boolean
  /** Its own check asks for more than an overwatch can. */
  readonly asksMore?: boolean
  readonly drain?: Drain
  /** Thousandths of its weight, from the agent's vitals. */
  readonly share: number
  readonly lastSeenMs: number
}

export interface AgentRow {
  readonly report: AgentReport
  readonly lastSeenMs: number
  readonly silent: boolean
  /** Servers it speaks for. */
  readonly keys: readonly string[]
}

interface Agent {
  report: AgentReport
  lastSeenMs: number
  silent: boolean
  /** Nobody of this process has heard it: it was read from disk or told by a peer. */
  hearsay: boolean
  keys: readonly string[]
  /** Servers of its report that were taken from it; a later word of it claims them again. */
  readonly forsaken: Set<string>
  /** It claims servers that others speak for. */
  contests: boolean
}

export interface RollChange {
  /** Servers came, went, or are declared differently: the topology is to be compiled. */
  readonly declared: boolean
  /** Servers whose voice may say something else. */
  readonly keys: readonly string[]
  /** Servers that another agent speaks for. */
  readonly contested: readonly string[]
  /** Servers whose agent says another health of them than before. */
  readonly turned: readonly string[]
}

const NO_CHANGE: RollChange = { declared: false, keys: [], contested: [], turned: [] }

export type Acceptance = RollChange | 'stale'

/**
 * The same content may be judged anew: after a proof, an owner’s leave, other settings, a restart;
 * what is heard last is what holds.
 */
const laterThan = (a: AgentReport, b: AgentReport): boolean =>
  a.boot !== b.boot ? a.boot > b.boot : a.seq > b.seq

/** What a topology is made of, in one string: when it is the same nothing needs compiling. */
const declarationOf = ({ name, region, backend }: Claim) =>
  JSON.stringify([name, region, backend.address, backend.port, backend.weight, backend.check])

export class Roll {
  readonly #agents = new Map<string, Agent>()
  /** Who speaks for a server. */
  readonly #owners = new Map<string, Claim>()
  #settings: RollSettings
  #names: ReturnType<typeof namesOf>

  constructor(settings: RollSettings) {
    this.#settings = settings
    this.#names = namesOf(settings)
  }

  get size(): number {
    return this.#agents.size
  }

  /** Takes new settings; every claim is looked at again. */
  configure(settings: RollSettings): void {
    this.#settings = settings
    this.#names = namesOf(settings)
    const agents = [...this.#agents.values()].sort((a, b) => a.report.boot - b.report.boot)
    this.#owners.clear()
    for (const agent of agents) this.#claim(agent)
  }

  /**
   * Takes a report; `stale` when a later one is known.
   * @param hearsay it was read from disk or came by a peer: it says nothing about being alive now
   * @param heardMs when it was heard last, for hearsay
   */
  accept(
    report: AgentReport,
    nowMs: number,
    hearsay = false,
    heardMs: number = report.atMs,
  ): Acceptance {
    const known = this.#agents.get(report.agentId)
    if (known !== undefined && laterThan(known.report, report)) return 'stale'
    const before = new Map((known?.keys ?? []).map((key) => [key, this.#owners.get(key)]))
    const seenMs = hearsay ? Math.min(heardMs, nowMs) : nowMs
    const agent: Agent = {
      report,
      lastSeenMs: Math.max(seenMs, known?.lastSeenMs ?? 0),
      silent: false,
      hearsay: hearsay && (known?.hearsay ?? true),
      keys: [],
      forsaken: new Set(),
      contests: false,
    }
    agent.silent = nowMs - agent.lastSeenMs >= this.#settings.staleMs
    this.#agents.set(report.agentId, agent)
    for (const key of before.keys()) this.#release(key, report.agentId)
    const contested = this.#claim(agent)
    const keys = new Set([...before.keys(), ...agent.keys])
    const declared = [...keys].some((key) => {
      const now = this.#owners.get(key)
      const old = before.get(key)
      if (now === undefined || old === undefined) return now !== old
      return declarationOf(now) !== declarationOf(old)
    })
    const turned = agent.keys.filter(
      (key) => this.#owners.get(key)!.backend.healthy !== before.get(key)?.backend.healthy,
    )
    return { declared, keys: [...keys], contested, turned }
  }

  /**
   * A sign of life without news. Returns the servers whose agent was silent until now, those that
   * it was forsaken of too: they are to be declared again.
   */
  seen(agentId: string, atMs: number): readonly string[] {
    const agent = this.#agents.get(agentId)
    if (agent === undefined) return []
    agent.lastSeenMs = Math.max(agent.lastSeenMs, atMs)
    agent.hearsay = false
    if (!agent.silent) return []
    agent.silent = false
    if (agent.forsaken.size > 0) {
      agent.forsaken.clear()
      this.#claim(agent)
    }
    return agent.keys
  }

  /** Takes an agent off the roll. */
  leave(agentId: string): RollChange {
    const agent = this.#agents.get(agentId)
    if (agent === undefined) return NO_CHANGE
    this.#agents.delete(agentId)
    return this.#givenUp(agent, agent.keys)
  }

  /** Takes servers from an agent that stays on the roll. */
  forsake(agentId: string, keys: ReadonlySet<string>): RollChange {
    const agent = this.#agents.get(agentId)
    if (agent === undefined) return NO_CHANGE
    const given = agent.keys.filter((key) => keys.has(key))
    for (const key of given) agent.forsaken.add(key)
    agent.keys = agent.keys.filter((key) => !keys.has(key))
    return this.#givenUp(agent, given)
  }

  #givenUp({ report }: Agent, keys: readonly string[]): RollChange {
    for (const key of keys) this.#release(key, report.agentId)
    // Whoever claimed them in vain speaks for them now.
    for (const agent of this.#agents.values()) if (agent.contests) this.#claim(agent)
    return { declared: keys.length > 0, keys, contested: [], turned: [] }
  }

  /** Marks those silent whose time is over; returns their servers. */
  tick(nowMs: number): readonly string[] {
    const keys: string[] = []
    for (const agent of this.#agents.values()) {
      // A clock that was set back must not keep a dead agent alive.
      agent.lastSeenMs = Math.min(agent.lastSeenMs, nowMs)
      if (agent.silent || nowMs - agent.lastSeenMs < this.#settings.staleMs) continue
      agent.silent = true
      keys.push(...agent.keys)
    }
    return keys
  }

  /** Agents so long silent that their backends may be forgotten. */
  overdue(nowMs: number): readonly string[] {
    const { removeAfterMs } = this.#settings
    return [...this.#agents.entries()]
      .filter(([, agent]) => agent.silent && nowMs - agent.lastSeenMs >= removeAfterMs)
      .map(([agentId]) => agentId)
  }

  /** When `tick` or `overdue` next has something to say; Infinity for never. */
  nextDueMs(): number {
    let due = Number.POSITIVE_INFINITY
    const { staleMs, removeAfterMs } = this.#settings
    for (const { silent, lastSeenMs } of this.#agents.values()) {
      due = Math.min(due, lastSeenMs + (silent ? Math.max(staleMs, removeAfterMs) : staleMs))
    }
    return due
  }

  voiceOf(key: string): AgentVoice | undefined {
    const claim = this.#owners.get(key)
    const agent = claim && this.#agents.get(claim.agentId)
    if (claim === undefined || agent === undefined) return
    const { healthy, reason, drain, check } = claim.backend
    return {
      agentId: claim.agentId,
      ...(healthy === undefined ? {} : { healthy }),
      reason,
      silent: agent.silent,
      ...(check?.asksMore === true ? { asksMore: true } : {}),
      ...(drain === undefined ? {} : { drain }),
      share: agent.report.vitals?.share ?? 1000,
      lastSeenMs: agent.lastSeenMs,
    }
  }

  claimOf(key: string): Claim | undefined {
    return this.#owners.get(key)
  }

  vitalsOf(agentId: string): Vitals | undefined {
    return this.#agents.get(agentId)?.report.vitals
  }

  rowOf(agentId: string): AgentRow | undefined {
    return this.#agents.get(agentId)
  }

  agents(): IterableIterator<[string, AgentRow]> {
    return this.#agents.entries()
  }

  /** Every server that an agent speaks for, in a stable order. */
  claims(): readonly Claim[] {
    return [...this.#owners.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Gives the agent its servers, save those another speaks for; returns these. */
  #claim(agent: Agent): readonly string[] {
    const { agentId, region, backends } = agent.report
    const { domains, zones, withheld } = this.#names
    const keys: string[] = []
    const contested: string[] = []
    for (const backend of backends) {
      for (const name of namesOfService(backend.service, domains, zones)) {
        if (withheld.has(name)) continue
        const key = serverKey(name, backend.address, backend.port)
        if (agent.forsaken.has(key)) continue
        const owner = this.#owners.get(key)
        if (owner !== undefined && owner.agentId !== agentId) {
          if (this.#agents.get(owner.agentId)?.silent === false) {
            contested.push(key)
            continue
          }
        }
        this.#owners.set(key, { key, name, agentId, region, backend })
        keys.push(key)
      }
    }
    agent.keys = keys
    agent.contests = contested.length > 0
    return contested
  }

  #release(key: string, agentId: string): void {
    if (this.#owners.get(key)?.agentId === agentId) this.#owners.delete(key)
  }
}

const namesOf = ({ domains, zones, withheld }: RollSettings) => ({
  domains: new Set(domains),
  zones: new Set(zones),
  withheld: new Set(withheld),
})
