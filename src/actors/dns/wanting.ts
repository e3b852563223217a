/**
 * Tells the signer of answers that were wanted and not signed, some time after the first of them:
 * nothing runs while there are none.
 */
import { limits } from '../../core/base/limits.ts'
import type { Authority } from '../../core/dns/authority.ts'
import type { Ctx } from '../../kernel/actor.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'

type DnsCtx = Ctx<ProductCatalogue, 'dns'>

export class Wanting {
  readonly #ctx: DnsCtx
  readonly #authority: () => Authority
  #cancel: Cancel | undefined

  constructor(ctx: DnsCtx, authority: () => Authority) {
    this.#ctx = ctx
    this.#authority = authority
  }

  noted(): void {
    this.#cancel ??= this.#ctx.clock.after(limits.wantedTellMs.default, () => this.#tell())
  }

  stop(): void {
    this.#cancel?.()
  }

  #tell(): void {
    this.#cancel = undefined
    const authority = this.#authority()
    const sets = authority.takeWanted()
    const epoch = authority.serving?.epoch
    if (sets.length > 0 && epoch !== undefined)
      this.#ctx.publish('dns.sets-wanted', { epoch, sets })
  }
}
