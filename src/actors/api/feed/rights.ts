/**
 * Ends feeds whose right may be over. The gate is asked once, when a feed is opened; so when who
 * may listen changed, or a token has come to its end, all readers are asked to come
 * again: whoever still may resumes where it was.
 */
import { limits } from '../../../core/base/limits.ts'
import type { Cancel } from '../../../kernel/clock.ts'
import type { ApiCtx } from '../context.ts'
import type { ApiConfig } from '../contract.ts'

const accessOf = ({ allowedNetworks, trustedProxies, tokens, certificates, ...rest }: ApiConfig) =>
  JSON.stringify([allowedNetworks, trustedProxies, tokens, certificates, rest.authRequired])

export class FeedRights {
  readonly #ctx: ApiCtx
  #config: ApiConfig
  #cancel: Cancel = () => {}
  #changes = 0

  constructor(ctx: ApiCtx, first: ApiConfig) {
    this.#ctx = ctx
    this.#config = first
    this.#wait()
  }

  configure(next: ApiConfig): void {
    const isSame = accessOf(next) === accessOf(this.#config)
    this.#config = next
    if (!isSame) this.#tell()
    this.#wait()
  }

  stop(): void {
    this.#cancel()
  }

  /** Until the next of them ends; what is far off is looked for again before. */
  #wait(): void {
    this.#cancel()
    const nowMs = this.#ctx.clock.nowMs()
    const ends = this.#config.tokens
      .map(({ expiresAtMs = Number.POSITIVE_INFINITY }) => expiresAtMs)
      .filter((endMs) => endMs > nowMs)
    const nextMs = Math.min(...ends)
    if (nextMs === Number.POSITIVE_INFINITY) return
    const waitMs = Math.min(nextMs - nowMs, limits.feedRightsMs.default)
    this.#cancel = this.#ctx.clock.after(waitMs, () => {
      if (this.#ctx.clock.nowMs() >= nextMs) this.#tell()
      this.#wait()
    })
  }

  #tell(): void {
    this.#ctx.publish('api.listeners-changed', { changes: ++this.#changes })
  }
}
