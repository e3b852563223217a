/**
 * Thresholds of the cluster on what agents tell of their machines, at their beat.
 *
 * What readings mean is decided in core/health/foresight.ts. Every node of a cluster judges for
 * itself, so that one that begins to lead has no share to learn.
 */
import { limits } from '../../core/base/limits.ts'
import { Foresight, type ForesightRules } from '../../core/health/foresight.ts'
import type { Vitals } from '../../core/health/report.ts'
import type { Cancel } from '../../kernel/clock.ts'
import type { Book, RegistryCtx } from './book.ts'

export class Forecasts {
  readonly #ctx: RegistryCtx
  readonly #book: Book
  #rules = ''
  #foresight: Foresight | undefined
  #cancel: Cancel = () => {}

  constructor(ctx: RegistryCtx, book: Book) {
    this.#ctx = ctx
    this.#book = book
    book.chorus.foreseen = (agentId) => this.#foresight?.shareOf(agentId) ?? 1_000
  }

  /** Takes the rules in force; undefined leaves every share to its agent. */
  configure(rules: ForesightRules | undefined): void {
    const text = JSON.stringify(rules) ?? ''
    if (text === this.#rules) return
    this.#rules = text
    this.close()
    const everyMs = limits.foresightBeatMs.default
    this.#foresight = rules === undefined ? undefined : new Foresight(rules, everyMs)
    if (rules !== undefined)
      this.#cancel = this.#ctx.clock.every(everyMs, everyMs, () => this.#advance())
    // What other rules took down is whole again at once; new ones take it down by their own ramp.
    this.#book.rejudge([...this.#book.chorus.roll.agents()].flatMap(([, { keys }]) => keys))
  }

  close(): void {
    this.#cancel()
    this.#cancel = () => {}
  }

  #advance(): void {
    const { chorus } = this.#book
    const told = new Map<string, Vitals>()
    for (const [agentId, { report, silent }] of chorus.roll.agents())
      if (!silent && report.vitals !== undefined) told.set(agentId, report.vitals)
    // A wall clock that is set must not take a share down at once.
    const moved = this.#foresight?.advance(told, this.#ctx.clock.monotonicMs()) ?? []
    for (const { agentId, vitals, before } of moved) {
      if (vitals.signal === before.signal) continue
      this.#ctx.log.info('predictive signal of the cluster changed', {
        agent_id: agentId,
        old_signal: before.signal,
        new_signal: vitals.signal,
        reason: vitals.reason,
        share: vitals.share,
        cpu_percent: vitals.cpuPercent,
        memory_percent: vitals.memoryPercent,
        error_percent: vitals.errorPercent,
      })
    }
    const keys = moved.flatMap(({ agentId }) => chorus.roll.rowOf(agentId)?.keys ?? [])
    if (keys.length > 0) this.#book.rejudge(keys)
  }
}
