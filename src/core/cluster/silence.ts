/**
 * Whether a query that this node may not answer is refused, or left without a reply for a while.
 *
 * A resolver that hears REFUSED from all its servers gives up within a millisecond; one that hears
 * nothing from a server asks the next one, and later the same one again (RFC 1035, section 7.2). So
 * a node refuses only as long as it knows that another one answers. While no node is known to, it
 * keeps silent: by the time the resolver asks again, the next leader is there.
 *
 * Law: of the nodes that are up and hear each other, one answers or is silent at every moment: who
 * is elected stays silent until its lease begins, and who led is silent once its lease has ended.
 *
 * Silence has an end: where no leader comes, clients with other servers had better hear REFUSED.
 */
import type { Leave, Role } from './leadership.ts'

export interface Led {
  readonly role: Role
  readonly leave: Leave
  /** The leader is not known to answer: its pulse is over, or late, or has not come yet. */
  readonly isSuspect: boolean
}

export class Silence {
  readonly #longestMs: number
  /** A leader was known once: until then there is nothing to wait for. */
  #hasBeenLed = false
  /** Since when nobody is known to answer; undefined while somebody is. */
  #sinceMs: number | undefined

  /** @param longestMs `cluster.silence`; 0: queries are refused at once */
  constructor(longestMs: number) {
    this.#longestMs = longestMs
  }

  /** Until when queries without a leave get no reply, of the monotonic clock; 0: refused. */
  until({ role, leave, isSuspect }: Led, nowMs: number): number {
    if (this.#longestMs === 0) return 0
    if (role === 'leader') {
      this.#hasBeenLed = true
      this.#sinceMs = undefined
      // Its lease may end without another word of whoever grants it.
      return this.#ahead((typeof leave === 'number' ? leave : nowMs) + this.#longestMs, nowMs)
    }
    // One that leads and was not heard yet is waited for too: it may have died just now.
    if (role === 'follower') this.#hasBeenLed = true
    if (role === 'follower' && !isSuspect) {
      this.#sinceMs = undefined
      return 0
    }
    if (!this.#hasBeenLed) return 0
    this.#sinceMs ??= nowMs
    return this.#ahead(this.#sinceMs + this.#longestMs, nowMs)
  }

  /** What is past is over for good: threads compare moments modulo 2^32. */
  #ahead(untilMs: number, nowMs: number): number {
    return untilMs > nowMs ? untilMs : 0
  }
}
