/**
 * `Idempotency-Key`: a change asked for again with the same key is not made again; its first answer
 * is given once more (draft-ietf-httpapi-idempotency-key-header).
 *
 * A key belongs to one caller. Answers are kept in memory for a while and in bounds, so a restart
 * forgets them. What failed on our side is not kept: asking again is then the right thing to do.
 */
import { fingerprint } from '../../core/base/fingerprint.ts'
import { limits } from '../../core/base/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import { type HttpAnswer, type HttpRequest, refuse } from './http.ts'

interface Kept {
  readonly print: string
  readonly answer: Promise<HttpAnswer>
  readonly untilMs: number
}

const encoder = new TextEncoder()

export class Idempotency {
  readonly #clock: Clock
  /** In the order of their making, which is that of their end. */
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#kept.size
  }

  /** Runs `make`, or gives what it answered to the same request before. */
  async run(request: HttpRequest, make: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    const key = request.headers['idempotency-key']
    if (key === undefined || request.method !== 'POST') return await make()
    const most = limits.idempotencyKeyChars.default
    if (key === '' || key.length > most)
      return refuse(400, `idempotency-key must be a text of 1 to ${most} characters`)
    this.#forgetOld()
    const slot = `${callerPrint(request)} ${key}`
    const print = printOf(request)
    const before = this.#kept.get(slot)
    if (before !== undefined)
      return before.print === print
        ? { ...(await before.answer), headers: await replayed(before.answer) }
        : refuse(422, 'this idempotency-key was used for another request')
    return await this.#first(slot, print, make)
  }

  async #first(slot: string, print: string, make: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    const untilMs = this.#clock.monotonicMs() + limits.idempotencyMs.default
    const kept = { print, answer: make(), untilMs }
    this.#kept.set(slot, kept)
    const oldest = this.#kept.keys().next().value
    if (this.#kept.size > limits.idempotencyKeys.default && oldest !== undefined)
      this.#kept.delete(oldest)
    const drop = () => {
      if (this.#kept.get(slot) === kept) this.#kept.delete(slot)
    }
    try {
      const answer = await kept.answer
      const isFault = answer.status >= 500 || answer.status === 429
      if (isFault || answer.body.length > limits.idempotencyBytes.default) drop()
      return answer
    } catch (error) {
      drop()
      throw error
    }
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [slot, { untilMs }] of this.#kept) {
      if (untilMs > nowMs) return
      this.#kept.delete(slot)
    }
  }
}

const replayed = async (answer: Promise<HttpAnswer>) => ({
  ...(await answer).headers,
  'idempotency-replayed': 'true',
})

/** Whose key it is; a token is never kept as it is. */
const callerPrint = ({ headers, remoteAddress }: HttpRequest): string =>
  fingerprint(encoder.encode(headers['authorization'] ?? remoteAddress))

function printOf({ method, path, query, body }: HttpRequest): string {
  const head = encoder.encode(`${method} ${path}?${query}\n`)
  const whole = new Uint8Array(head.length + body.length)
  whole.set(head)
  whole.set(body, head.length)
  return fingerprint(whole)
}
