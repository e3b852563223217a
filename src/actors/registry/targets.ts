/**
 * Which servers the prober is to check: told where they are others than those it has.
 *
 * Most editions change nothing of it, and a list of all servers costs more than the rest of a small
 * change: it is packed here and read there while the change waits for its answer.
 */
import { sameCheck } from '../../core/health/outcome.ts'
import type { Book, RegistryCtx } from './book.ts'
import { targetsOf } from './views.ts'

type Target = ReturnType<typeof targetsOf>[number]

/**
 * To the prober they are the same; a weight is none of its business, and of the verdicts that are
 * known here it said each itself.
 */
function isSame(one: Target, other: Target): boolean {
  const [mine, its] = [one.member, other.member]
  if (one.timed !== other.timed || mine.key !== its.key || mine.region !== its.region) return false
  return mine === its || (mine.source === its.source && sameCheck(mine.check, its.check))
}

export class Targets {
  readonly #ctx: Pick<RegistryCtx, 'publish'>
  readonly #book: Pick<Book, 'fleet' | 'chorus' | 'times'>
  #told: readonly Target[] = []
  #isTold = false

  constructor(ctx: Pick<RegistryCtx, 'publish'>, book: Pick<Book, 'fleet' | 'chorus' | 'times'>) {
    this.#ctx = ctx
    this.#book = book
  }

  /** The prober has started anew and holds none. */
  forget(): void {
    this.#isTold = false
  }

  tell(): void {
    const { fleet, chorus, times } = this.#book
    const targets = targetsOf(fleet, chorus.settings.validates, times.wanted)
    const told = this.#told
    const isKnown = this.#isTold && told.length === targets.length
    if (isKnown && targets.every((one, at) => isSame(one, told[at]!))) return
    this.#isTold = true
    this.#told = targets
    this.#ctx.publish('registry.targets-set', { targets })
  }
}
