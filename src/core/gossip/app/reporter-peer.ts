/**
 * What an agent knows of one overwatch: what that holds of the agent, and when to speak to it next.
 */
import { limits } from '../../base/limits.ts'
import type { Random } from '../../base/random.ts'
import type { BackendAddress } from './envelope.ts'
import type { RefusalSaid } from './replies.ts'

export interface OverwatchMember {
  /** Name among the members. */
  readonly node: string
  /** Whether it confirms what it hears, as its metadata says; the Go program's do not. */
  readonly acks: boolean
  /** Start of its process, Unix milliseconds; undefined when its metadata does not say. */
  readonly boot?: number | undefined
}

interface AckSeen {
  readonly seq: number
  readonly atMs: number
}

/** Enough for the changes of some seconds; older ones are asked about no more. */
const ACKS_KEPT = 64

export class ReporterPeer {
  readonly node: string
  acks: boolean
  /** The latest start of the overwatch that was heard of. */
  boot: number
  /** The sequence it holds; 0 for none. */
  heldSeq = 0
  /** The beat of ours that its last ack answered. */
  ackBeat = 0
  /** When the report is sent next, whatever was sent before; Infinity when it need not be. */
  dueMs = Number.POSITIVE_INFINITY
  /** When a sign of life is due. */
  beatMs: number
  sentMs = Number.NEGATIVE_INFINITY
  /** Sends of the present report so far. */
  attempts = 0
  /** Whether an answer to our proof or introduction is awaited. */
  enrolling = false
  /** What it refused last; cleared by an ack without refusals. */
  refused: RefusalSaid | undefined
  /** Backends a silent overwatch shall forget, with how often it is still told so. */
  readonly removals = new Map<string, { readonly backend: BackendAddress; left: number }>()
  /** The start its metadata named last. */
  #metaBoot: number
  #acks: AckSeen[] = []
  #answersFromMs = Number.NEGATIVE_INFINITY
  #answers = 0

  constructor(member: OverwatchMember, beatMs: number) {
    this.node = member.node
    this.acks = member.acks
    this.boot = member.boot ?? 0
    this.#metaBoot = this.boot
    this.beatMs = beatMs
  }

  /**
   * Whether metadata names a start not heard of. One that lies before the present one counts too,
   * once, since the clock of the overwatch may have been set back; what was named before does not.
   */
  isNewBoot(boot: number | undefined): boolean {
    if (boot === undefined || boot === this.#metaBoot) return false
    this.#metaBoot = boot
    return boot !== this.boot
  }

  /** It is another process now, which knows nothing. */
  restarted(boot: number, dueMs: number): void {
    this.boot = boot
    this.forgotten(dueMs)
    this.ackBeat = 0
    this.refused = undefined
  }

  /** It holds nothing of the present start of the agent. */
  forgotten(dueMs: number): void {
    this.heldSeq = 0
    this.#acks = []
    this.urge(dueMs)
  }

  /** Something new is to be told. */
  urge(dueMs: number): void {
    this.attempts = 0
    this.dueMs = dueMs
  }

  /** Something new can wait so long since the last send. */
  nudge(nowMs: number, gapMs: number): void {
    this.attempts = 0
    this.dueMs = Math.min(this.dueMs, Math.max(nowMs, this.sentMs + gapMs))
  }

  /** Notes that the report was sent, and plans the next attempt. */
  sent(nowMs: number, byStream: boolean, random: Random): void {
    this.sentMs = nowMs
    this.attempts++
    if (!this.acks) {
      const again = this.attempts < limits.reportLegacySends.default
      this.dueMs = again ? nowMs + limits.reportLegacySpacingMs.default : Number.POSITIVE_INFINITY
      return
    }
    const baseMs = (byStream ? limits.reportStreamRetryMs : limits.reportRetryMs).default
    const backoffMs = Math.min(
      baseMs * 2 ** Math.min(this.attempts - 1, 16),
      limits.reportRetryMsMax.default,
    )
    // Jitter only shortens, so that the bound on a retry holds.
    this.dueMs = nowMs + backoffMs * (0.75 + 0.25 * random.next())
  }

  acknowledged(seq: number, atMs: number): void {
    this.heldSeq = seq
    this.dueMs = Number.POSITIVE_INFINITY
    this.attempts = 0
    if (this.#acks.at(-1)?.seq === seq) return
    this.#acks.push({ seq, atMs })
    if (this.#acks.length > ACKS_KEPT) this.#acks.shift()
  }

  /** When it was first known to hold this sequence or a later one; undefined when it is not. */
  acknowledgedMs(seq: number): number | undefined {
    return this.heldSeq < seq ? undefined : this.#acks.find((ack) => ack.seq >= seq)?.atMs
  }

  /** Whether another challenge may be answered now; answers cost signatures. */
  mayAnswer(nowMs: number): boolean {
    if (nowMs - this.#answersFromMs >= limits.trustAnswerWindowMs.default) {
      this.#answersFromMs = nowMs
      this.#answers = 0
    }
    return ++this.#answers <= limits.trustAnswersPerWindow.default
  }
}
