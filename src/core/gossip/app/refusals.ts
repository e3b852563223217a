/**
 * Why an agent, or a part of what it says, is not believed: a code, a sentence, and a brake on how
 * often the log hears of it.
 *
 * Codes are append only. The ones in `quiet` happen in a healthy network, where datagrams overtake
 * each other, and are counted without a log line.
 */
import { limits } from '../../base/limits.ts'

export const refusalCodes = [
  'malformed',
  'unsigned',
  'unsigned-for-pinned',
  'bad-signature',
  'unknown-agent',
  'wrong-agent-id',
  'other-key',
  'revoked',
  'expired-certificate',
  'bad-certificate',
  'unknown-service',
  'service-not-proven',
  'bad-proof',
  'stale-nonce',
  'stale-boot',
  'stale',
  'replayed',
  'clock-off',
  'address-not-allowed',
  'backend-owned',
  'too-many-agents',
  'too-many-backends',
  'too-many-pages',
  'too-many-services',
  'busy',
] as const

export type RefusalCode = (typeof refusalCodes)[number]

const quiet: ReadonlySet<RefusalCode> = new Set([
  'stale',
  'replayed',
  'stale-nonce',
  'service-not-proven',
  'unknown-agent',
  'busy',
] as const)

export interface Refusal {
  readonly code: RefusalCode
  /** '' when the message did not say. */
  readonly agentId: string
  /** Where it came from, as given to `receive`. */
  readonly from: string
  readonly message: string
}

export interface RefusalLogged extends Refusal {
  /** How often the same was refused since it was logged last, this one included. */
  readonly times: number
}

interface Remembered {
  loggedMs: number
  unsaid: number
}

/** Counts refusals by code, and lets through those worth a line of the log. */
export class RefusalLog {
  readonly counts = new Map<RefusalCode, number>()
  /** By code and agent, oldest first. */
  readonly #remembered = new Map<string, Remembered>()

  /** The refusal when it is to be logged now, else undefined. */
  note(refusal: Refusal, nowMs: number): RefusalLogged | undefined {
    this.counts.set(refusal.code, (this.counts.get(refusal.code) ?? 0) + 1)
    if (quiet.has(refusal.code)) return undefined
    const key = `${refusal.code} ${refusal.agentId}`
    const known = this.#remembered.get(key)
    if (known !== undefined && nowMs - known.loggedMs < limits.trustRefusalEveryMs.default) {
      known.unsaid++
      return undefined
    }
    this.#remembered.delete(key)
    if (this.#remembered.size >= limits.trustRefusalsRemembered.default) {
      const [oldest] = this.#remembered.keys()
      const since = this.#remembered.get(oldest!)!.loggedMs
      // A flood of new names is as loud as one: while the table is full of fresh entries it waits.
      if (nowMs - since < limits.trustRefusalEveryMs.default) return undefined
      this.#remembered.delete(oldest!)
    }
    this.#remembered.set(key, { loggedMs: nowMs, unsaid: 0 })
    return { ...refusal, times: (known?.unsaid ?? 0) + 1 }
  }
}
