/**
 * The gossip actor of a simulated product: agents that say what a test has them say.
 *
 *     const agents = new ScriptedAgents()
 *     const product = await startProduct({ topology, seed: 7, agents })
 *     agents.say('a1', [{ address: '198.51.100.1' }])
 *
 * It keeps what holds, and says it again to a registry that starts anew, as the real one does.
 * Agents that live give a sign of life twice a second.
 */
import type { AgentReport, ReportedBackend, Vitals } from '../../src/core/health/report.ts'
import type { AnyCtx } from '../../src/kernel/erased.ts'

export const AGENT_SERVICE = 'ag'
/** What the service is served as, in the zone of the simulated topology. */
export const AGENT_NAME = 'ag.example.com'

interface Agent {
  report: AgentReport
  isAlive: boolean
}

export class ScriptedAgents {
  readonly #agents = new Map<string, Agent>()
  readonly #left = new Map<string, number>()
  #ctx: AnyCtx | undefined
  #seq = 0

  /** The definition of the actor that stands in for gossip. */
  readonly actor = {
    name: 'gossip',
    start: async (ctx: AnyCtx) => {
      this.#ctx = ctx
      ctx.clock.every(500, 0, () => this.#beat())
      return {
        receive: {
          'registry.record-told': () => {},
          'registry.drains-set': () => {},
          'latency.rows-measured': () => {},
          'latency.record-told': () => {},
          'prober.verdict-changed': () => {},
          'vitals.reading-changed': () => {},
          'vitals.drain-changed': () => {},
          'vitals.clients-counted': () => {},
          'api.list-agents': () => ({ agents: [] }),
          'api.revoke-agent': () => ({ outcome: 'not-found', message: '' }),
          'api.forget-agent': () => ({ outcome: 'not-found', message: '' }),
          'api.rotate-agent': () => ({ outcome: 'refused', message: '', fingerprint: '' }),
          'api.pin-agent': () => ({ outcome: 'refused', message: '' }),
        },
        onPeerStarted: (peer: string) => {
          if (peer === 'registry') this.#sayAgain()
        },
      }
    },
  }

  /** An agent reports; it is alive from now on. */
  say(
    agentId: string,
    backends: readonly (Partial<ReportedBackend> & { readonly address: string })[],
    share?: number,
  ): void {
    const atMs = this.#nowMs()
    const vitals: Vitals = {
      ...{ atMs, signal: 'none', reason: '', sinceMs: atMs },
      share: share ?? 1000,
    }
    const report: AgentReport = {
      ...{ agentId, region: 'r1', boot: 1, seq: ++this.#seq, atMs },
      backends: backends.map((backend) => ({
        ...{ service: AGENT_SERVICE, port: 80, weight: 100, healthy: true, reason: '' },
        check: {
          ...{ type: 'http', intervalMs: 1_000, timeoutMs: 300, path: '/', host: '' },
          ...{ failureThreshold: 2, successThreshold: 2 },
        },
        ...backend,
      })),
      ...(share === undefined ? {} : { vitals }),
    }
    this.#agents.set(agentId, { report, isAlive: true })
    this.#left.delete(agentId)
    this.#publish('gossip.agent-reported', { agentId, report, hearsay: false, atMs })
  }

  /** It is heard no more, and says nothing of it. */
  hush(agentId: string): void {
    const agent = this.#agents.get(agentId)
    if (agent !== undefined) agent.isAlive = false
  }

  leave(agentId: string): void {
    if (!this.#agents.delete(agentId)) return
    this.#left.set(agentId, this.#nowMs())
    this.#sayLeft(agentId)
  }

  #nowMs(): number {
    return this.#ctx?.clock.nowMs() ?? 0
  }

  #publish(id: string, message: unknown): void {
    this.#ctx?.publish(id, message)
  }

  #beat(): void {
    const atMs = this.#nowMs()
    for (const [agentId, { isAlive }] of this.#agents)
      if (isAlive) this.#publish('gossip.agent-seen', { agentId, atMs })
  }

  #sayLeft(agentId: string): void {
    const atMs = this.#left.get(agentId)!
    this.#publish('gossip.agent-left', { agentId, boot: 1, atMs, reason: 'deregistered' })
  }

  #sayAgain(): void {
    const atMs = this.#nowMs()
    for (const [agentId, { report, isAlive }] of this.#agents) {
      // What it has of a silent agent is from before.
      if (isAlive) this.#publish('gossip.agent-reported', { agentId, report, hearsay: false, atMs })
    }
    for (const agentId of this.#left.keys()) this.#sayLeft(agentId)
  }
}
