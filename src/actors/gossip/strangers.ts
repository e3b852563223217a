/**
 * Senders that are no members: each is asked for a full exchange, so that one agent is enough to
 * find the whole cluster.
 *
 * An agent that was killed and started again is at another port as a rule, and its name is taken
 * by the one before it until that is declared dead and forgotten, half a minute later. What it
 * signed since shows that the one before it is no more: a later start of the same key. So that
 * one is said to have left, and the name is free.
 */
import { limits } from '../../core/base/limits.ts'
import type { ReceiverOutput } from '../../core/gossip/app/outputs.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { KnownAgents } from './agents-known.ts'
import { isThere, type Known, type KnownMembers, placeOf } from './members.ts'
import type { Node } from './node.ts'

export class Strangers {
  readonly #clock: Clock
  readonly #node: Node
  readonly #members: KnownMembers
  /** Until when a place is not asked again. */
  readonly #asked = new Map<string, number>()

  constructor(clock: Clock, node: Node, members: KnownMembers) {
    this.#clock = clock
    this.#node = node
    this.#members = members
  }

  /** A datagram came from where no member is. */
  meet(from: Endpoint): void {
    const nowMs = this.#clock.monotonicMs()
    const place = placeOf(from)
    if ((this.#asked.get(place) ?? Number.NEGATIVE_INFINITY) > nowMs) return
    if (this.#asked.size >= limits.gossipStrangers.default) this.#asked.clear()
    this.#asked.set(place, nowMs + limits.gossipStrangerMs.default)
    this.#node.join([from])
  }

  /** What was believed of that datagram: an agent that has moved takes its name along. */
  believe(outputs: readonly ReceiverOutput[], from: Endpoint, agents: KnownAgents): void {
    for (const output of outputs) {
      if (output.kind !== 'report' && output.kind !== 'seen') continue
      const agentId = output.kind === 'report' ? output.report.agentId : output.agentId
      const boot = agents.heard.get(agentId)?.report.boot
      const known = this.#members.find(agentId)
      if (boot === undefined || known === undefined || !isOfEarlierStart(known, boot)) continue
      const { incarnation } = known.member
      this.#node.act((membership, nowMs) => {
        const left = { type: 'dead', incarnation, node: agentId, from: agentId } as const
        membership.receive(left, from, nowMs, 'packet')
      })
      this.#asked.delete(placeOf(from))
    }
  }
}

const isOfEarlierStart = ({ member, meta }: Known, boot: number): boolean =>
  isThere(member) && meta?.role === 'agent' && meta.boot !== undefined && meta.boot < boot
