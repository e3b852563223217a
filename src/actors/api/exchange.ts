/**
 * One request from the socket's hand to the answer: its id, its route, and what holds for all
 * answers alike (tags, problem details).
 */
import { limits } from '../../core/base/limits.ts'
import type { Random } from '../../core/base/random.ts'
import type { Gate } from './access.ts'
import { conditional } from './conditional.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import { asProblem } from './problem.ts'
import type { Routed, Router } from './router.ts'

export interface Exchanged {
  readonly answer: HttpAnswer
  /** What the route made of it, before that was put into the form of all answers. */
  readonly routed: Routed
  readonly requestId: string
}

export class Exchange {
  readonly #router: Router
  readonly #random: Random

  constructor(router: Router, random: Random) {
    this.#router = router
    this.#random = random
  }

  async serve(request: HttpRequest, gate: Gate): Promise<Exchanged> {
    const requestId = this.#idOf(request)
    const routed = await this.#router.dispatch(request, gate, requestId)
    const schema = routed.route?.schema
    const told = asProblem(conditional(routed.answer, request, schema), request, requestId)
    const headers = { ...told.headers, 'x-request-id': requestId }
    return { answer: { ...told, headers }, routed, requestId }
  }

  /** The caller's own, where it is one that may be shown and kept; else a new one. */
  #idOf({ headers }: HttpRequest): string {
    const given = headers['x-request-id'] ?? ''
    const most = limits.requestIdChars.default
    if (given.length <= most && /^[A-Za-z0-9._:/+=-]+$/.test(given)) return given
    const part = () => this.#random.below(0x1_0000).toString(16).padStart(4, '0')
    return part() + part() + part() + part()
  }
}
