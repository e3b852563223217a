/**
 * Runs checks as the schedule says: one timer for all targets, and never a target twice at once.
 *
 * It knows neither verdicts nor messages. The owner says what becomes of an outcome and when the
 * target is due again; a target withdrawn while its check runs is cancelled and not reported.
 */
import { limits } from '../../core/base/limits.ts'
import type { Random } from '../../core/base/random.ts'
import type { Outcome } from '../../core/health/outcome.ts'
import { type Entry, Schedule, type ScheduleOptions } from '../../core/health/schedule.ts'
import type { MemberSpec } from '../../core/steer/topology.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { ProberConfig, ProberPorts } from './contract.ts'

export interface Target {
  /** Its region or weight may change while its check goes on. */
  member: MemberSpec
  readonly abort: AbortController
}

export interface Next {
  readonly intervalMs: number
  /** Due at a random moment of the interval, rather than at its end. */
  readonly spread: boolean
}

export interface RoundsOwner {
  started(lagMs: number): void
  /** What was due was started: whether checks wait, both lanes being full. */
  looked(isCrowded: boolean): void
  /** A check that began then, of the monotonic clock, ended; says when the target is due again. */
  ended(target: Target, outcome: Outcome, startedMs: number): Next
}

const optionsOf = (config: ProberConfig): ScheduleOptions => ({
  quickMax: config.maxInFlight,
  slowMax: limits.probesSlow.default,
  slowMs: limits.probeSlowMs.default,
  jitterShare: config.jitterShare,
})

export class Rounds {
  readonly #schedule: Schedule<Target>
  readonly #entries = new Map<string, Entry<Target>>()
  readonly #clock: Clock
  readonly #ports: ProberPorts
  readonly #owner: RoundsOwner
  #cancel: Cancel | undefined
  #armedMs = Number.POSITIVE_INFINITY

  constructor(
    world: { readonly clock: Clock; readonly random: Random },
    ports: ProberPorts,
    config: ProberConfig,
    owner: RoundsOwner,
  ) {
    this.#schedule = new Schedule(optionsOf(config), world.random)
    this.#clock = world.clock
    this.#ports = ports
    this.#owner = owner
  }

  get running(): number {
    return this.#schedule.running
  }

  /** How many servers wait to be checked, both lanes being full; else 0. */
  get late(): number {
    return this.#schedule.lateAt(this.#clock.monotonicMs())
  }

  get size(): number {
    return this.#entries.size
  }

  targets(): Target[] {
    return [...this.#entries.values()].map((entry) => entry.task)
  }

  targetOf(key: string): Target | undefined {
    return this.#entries.get(key)?.task
  }

  configure(config: ProberConfig): void {
    this.#schedule.configure(optionsOf(config))
    this.#arm()
  }

  /** Checks a server; the first check is at a random moment of the `withinMs` after `fromMs`. */
  add(member: MemberSpec, withinMs: number, fromMs = this.#clock.monotonicMs()): void {
    this.remove(member.key)
    const target = { member, abort: new AbortController() }
    this.#entries.set(member.key, this.#schedule.add(target, withinMs, fromMs))
  }

  /** Checks it within `withinMs`, if it was due later. */
  hasten(key: string, withinMs: number): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) this.#schedule.hasten(entry, withinMs, this.#clock.monotonicMs())
  }

  remove(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#schedule.remove(entry)
    entry.task.abort.abort()
  }

  stop(): void {
    for (const key of [...this.#entries.keys()]) this.remove(key)
    this.#cancel?.()
    this.#cancel = undefined
    this.#armedMs = Number.POSITIVE_INFINITY
  }

  /** Starts what is due and sets the timer for the rest; call it after a change of targets. */
  resume(): void {
    const nowMs = this.#clock.monotonicMs()
    for (let starts = 0; starts < limits.probeStartsPerTurn.default; starts++) {
      const entry = this.#schedule.take(nowMs)
      if (entry === undefined) break
      this.#owner.started(entry.lagMs)
      void this.#run(entry)
    }
    this.#owner.looked(this.#schedule.isCrowded)
    this.#arm()
  }

  async #run(entry: Entry<Target>): Promise<void> {
    const { task, startedMs } = entry
    const outcome = await this.#ports.probe(task.member, task.abort.signal)
    const next = entry.removed
      ? { intervalMs: 0, spread: false }
      : this.#owner.ended(task, outcome, startedMs)
    this.#schedule.done(entry, this.#clock.monotonicMs(), next.intervalMs, next.spread)
    this.#arm()
  }

  #arm(): void {
    const nextMs = this.#schedule.wakeAtMs()
    if (nextMs === undefined) return
    const tickMs = limits.probeTickMs.default
    const wakeMs = Math.ceil(nextMs / tickMs) * tickMs
    if (wakeMs >= this.#armedMs) return
    this.#cancel?.()
    this.#armedMs = wakeMs
    const delayMs = Math.max(0, Math.ceil(wakeMs - this.#clock.monotonicMs()))
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#armedMs = Number.POSITIVE_INFINITY
      this.resume()
    })
  }
}
