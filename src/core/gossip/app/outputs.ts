/**
 * What the overwatch's ear gives out, and how it answers: outputs, replies within a budget, and
 * refusals noted once.
 */
import { limits } from '../../base/limits.ts'
import type { AgentReport } from '../../health/report.ts'
import type { Envelope, Head, LatencyRow } from './envelope.ts'
import type { Pin } from './pins.ts'
import { type RefusalLogged, RefusalLog } from './refusals.ts'
import { type RefusalSaid, type Reply, writeReply } from './replies.ts'
import type { SignedParts } from './sign.ts'

export type ReceiverOutput =
  | {
      readonly kind: 'report'
      readonly report: AgentReport
      readonly signed: boolean
      /** What was held is judged anew: nobody was heard, and `atMs` is when the agent last was. */
      readonly again?: true
    }
  | { readonly kind: 'seen'; readonly agentId: string; readonly atMs: number }
  | { readonly kind: 'left'; readonly agentId: string; readonly reason: string }
  | {
      readonly kind: 'latency'
      readonly agentId: string
      readonly region: string
      readonly service: string | undefined
      readonly rows: readonly LatencyRow[]
    }
  /** A pin is new or another: to be kept, and told to other overwatches. */
  | { readonly kind: 'pinned'; readonly pin: Pin }
  | { readonly kind: 'unpinned'; readonly agentId: string }
  /** To the member `node`, or to where the message came from when there is no such member. */
  | {
      readonly kind: 'reply'
      readonly to: string
      readonly node: string
      readonly bytes: Uint8Array
    }
  /** Worth a line of the log. */
  | { readonly kind: 'refusal'; readonly refusal: RefusalLogged }

/** What `from` is for a message that another overwatch passed on. */
export const PEER = 'peer'

/** One signed message on its way through. */
export interface Received {
  readonly envelope: Envelope
  readonly head: Head
  readonly bytes: Uint8Array
  readonly parts: SignedParts
  readonly from: string
  readonly nowMs: number
  /** When the agent was alive for certain, for what a peer passed on; absent: now. */
  readonly aliveMs?: number
  readonly out: ReceiverOutput[]
}

/** Where something was heard, and where what follows from it goes. */
export interface Hearing {
  readonly from: string
  readonly nowMs: number
  /** When the agent was alive for certain, for what a peer passed on; absent: now. */
  readonly aliveMs?: number
  readonly out: ReceiverOutput[]
}

/** A reply without what every reply says of its sender and of the message it answers. */
export type ReplyBody = Reply extends infer R
  ? R extends Reply
    ? Omit<R, 'overwatch' | 'overwatchBoot' | 'agentId' | 'beat'>
    : never
  : never

export const tooManyAgents: RefusalSaid = {
  code: 'too-many-agents',
  message: `the overwatch holds ${limits.trustPins.default} agents already`,
}

export const badSignaturePlace: RefusalSaid = {
  code: 'malformed',
  message: 'the signature is not the last member, or not base64',
}

export class Voice {
  /** Replies left unsaid because too many were due. */
  unanswered = 0
  readonly refusals = new RefusalLog()
  readonly #node: string
  readonly #boot: number
  /** Replies that may still be sent, refilled with time. */
  #budget: number = limits.trustRepliesPerSecond.default
  #refilledMs = 0

  constructor(node: string, boot: number) {
    this.#node = node
    this.#boot = boot
  }

  reply(m: Received, body: ReplyBody): void {
    if (m.from === PEER) return
    const most = limits.trustRepliesPerSecond.default
    const passedMs = Math.max(0, m.nowMs - this.#refilledMs)
    this.#budget = Math.min(most, this.#budget + (passedMs * most) / 1_000)
    this.#refilledMs = m.nowMs
    if (this.#budget < 1) {
      this.unanswered++
      return
    }
    this.#budget--
    const bytes = writeReply({
      overwatch: this.#node,
      overwatchBoot: this.#boot,
      agentId: m.envelope.agentId,
      beat: m.head.beat,
      ...body,
    })
    m.out.push({ kind: 'reply', to: m.from, node: m.head.node, bytes })
  }

  note(said: RefusalSaid, agentId: string, { from, nowMs, out }: Hearing): void {
    const refusal = this.refusals.note({ ...said, agentId, from }, nowMs)
    if (refusal !== undefined) out.push({ kind: 'refusal', refusal })
  }
}
