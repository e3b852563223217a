/**
 * Whether overwatches answer our heartbeats: each that does not is said in the log, loudly once
 * `agent.heartbeat.missed_threshold` of them in a row went unanswered.
 *
 * It changes nothing of what is told; that an overwatch is silent is no reason to tell it less.
 */
import type { OverwatchStatus } from '../../core/gossip/app/reporter.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { AgentGossip, Ticking } from './contract.ts'
import type { GossipMetrics } from './metrics.ts'
import type { Notices } from './notices.ts'

interface Heart {
  answeredMs: number
  missed: number
}

export class Hearts {
  readonly #here: Ticking
  #config: Pick<AgentGossip, 'heartbeatIntervalMs' | 'missedThreshold'>
  readonly #notices: Notices
  readonly #metrics: GossipMetrics
  readonly #hearts = new Map<string, Heart>()
  #cancel: Cancel = () => {}

  constructor(
    here: Ticking,
    config: Pick<AgentGossip, 'heartbeatIntervalMs' | 'missedThreshold'>,
    notices: Notices,
    metrics: GossipMetrics,
  ) {
    this.#here = here
    this.#config = config
    this.#notices = notices
    this.#metrics = metrics
  }

  start(status: () => readonly OverwatchStatus[]): void {
    const { heartbeatIntervalMs } = this.#config
    this.#cancel = this.#here.clock.every(heartbeatIntervalMs, heartbeatIntervalMs, () =>
      this.#look(status()),
    )
  }

  configure(
    config: Pick<AgentGossip, 'heartbeatIntervalMs' | 'missedThreshold'>,
    status: () => readonly OverwatchStatus[],
  ): void {
    const isSame = config.heartbeatIntervalMs === this.#config.heartbeatIntervalMs
    this.#config = config
    if (isSame) return
    this.stop()
    this.start(status)
  }

  stop(): void {
    this.#cancel()
  }

  answered(overwatch: string): void {
    const heart = this.#hearts.get(overwatch)
    const answeredMs = this.#here.clock.monotonicMs()
    if (heart === undefined) this.#hearts.set(overwatch, { answeredMs, missed: 0 })
    else {
      if (heart.missed >= this.#config.missedThreshold) this.#notices.overwatchAnswers(overwatch)
      Object.assign(heart, { answeredMs, missed: 0 })
    }
  }

  #look(status: readonly OverwatchStatus[]): void {
    const nowMs = this.#here.clock.monotonicMs()
    const names = new Set(status.map(({ node }) => node))
    for (const name of this.#hearts.keys()) if (!names.has(name)) this.#hearts.delete(name)
    for (const { node, acks } of status) {
      // Overwatches of the Go program never answer.
      if (!acks) continue
      const heart = this.#hearts.get(node) ?? { answeredMs: nowMs, missed: 0 }
      this.#hearts.set(node, heart)
      // Half an interval more: an answer to the last heartbeat may be on its way.
      if (nowMs - heart.answeredMs <= 1.5 * this.#config.heartbeatIntervalMs) continue
      heart.missed++
      this.#metrics.agent.failures++
      this.#notices.heartbeatMissed(node, heart.missed, this.#config.missedThreshold)
    }
  }
}
