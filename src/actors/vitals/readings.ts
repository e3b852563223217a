/**
 * Reads the machine on its beat, moves the share while it moves, and says what is worth a message.
 *
 * What the readings mean is decided in core/health/predict.ts.
 */
import { limits } from '../../core/base/limits.ts'
import { Predictor, type PredictRules, worthSaying } from '../../core/health/predict.ts'
import type { Vitals } from '../../core/health/report.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { ChecksCounted } from '../../messages/vitals-entries.ts'
import type { CpuReading, ErrorCounts, VitalsConfig, VitalsPorts } from './contract.ts'
import type { Service } from './service.ts'

export class Readings {
  readonly #clock: Clock
  readonly #log: Log
  readonly #ports: VitalsPorts
  readonly #config: VitalsConfig
  readonly #service: Service
  readonly #say: (vitals: Vitals) => void
  readonly #predictor: Predictor
  readonly #cancels: Cancel[] = []
  #cpu: CpuReading | undefined
  #errors: ErrorCounts | undefined
  #vitals: Vitals | undefined
  #told: Vitals | undefined
  #sources = ''
  #reading = false
  #asking = false
  #stopped = false

  constructor(
    world: { readonly clock: Clock; readonly log: Log },
    ports: VitalsPorts,
    config: VitalsConfig,
    rules: PredictRules,
    service: Service,
    say: (vitals: Vitals) => void,
  ) {
    this.#clock = world.clock
    this.#log = world.log
    this.#ports = ports
    this.#config = config
    this.#service = service
    this.#say = say
    this.#predictor = new Predictor(rules, world.clock.monotonicMs())
    this.#cancels.push(
      this.#clock.every(rules.intervalMs, 0, () => {
        void this.#readMachine()
        void this.#readErrors()
      }),
      this.#clock.every(limits.rampTickMs.default, limits.rampTickMs.default, () => {
        if (this.#predictor.moves) this.#judge()
      }),
    )
  }

  get vitals(): Vitals | undefined {
    return this.#vitals
  }

  checks(counts: readonly ChecksCounted[]): void {
    for (const one of counts)
      if (this.#service.counts(one)) this.#predictor.checks(one, this.#clock.monotonicMs())
  }

  sayAgain(): void {
    if (this.#told !== undefined) this.#say(this.#told)
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of this.#cancels) cancel()
  }

  async #readMachine(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    const machine = await this.#ports.readMachine()
    this.#reading = false
    if (this.#stopped) return
    const nowMs = this.#clock.monotonicMs()
    this.#takeCpu(machine.cpu, nowMs)
    if (machine.memoryPercent !== undefined) this.#predictor.memory(machine.memoryPercent, nowMs)
    this.#noteSources(machine.cpuFrom, machine.memoryFrom)
    this.#judge()
  }

  /**
   * A page that is slow to come must not have a second one asked for beside it; nor is the machine
   * left unread meanwhile, for a page is slowest where the machine has too much to do.
   */
  async #readErrors(): Promise<void> {
    const { errorSource } = this.#config
    if (errorSource === undefined || this.#asking) return
    this.#asking = true
    const errors = await this.#ports.readErrors(errorSource)
    this.#asking = false
    if (this.#stopped || errors === undefined) return
    this.#takeErrors(errors, this.#clock.monotonicMs())
    this.#judge()
  }

  /** A counter that fell began anew: that reading is only where the next one starts from. */
  #takeCpu(next: CpuReading | undefined, nowMs: number): void {
    const last = this.#cpu
    this.#cpu = next
    if (last === undefined || next === undefined) return
    const busy = next.busy - last.busy
    const whole = next.whole - last.whole
    if (busy >= 0 && whole > 0) this.#predictor.cpu(Math.min(100, (100 * busy) / whole), nowMs)
  }

  #takeErrors(next: ErrorCounts, nowMs: number): void {
    const last = this.#errors
    this.#errors = next
    if (last === undefined) return
    const errors = next.errors - last.errors
    const total = next.total - last.total
    // What an application answers while it is taken down and put up again says nothing of its load.
    if (this.#service.isOut) return
    if (errors >= 0 && total > 0) this.#predictor.application({ errors, total }, nowMs)
  }

  #judge(): void {
    const before = this.#vitals
    const nowMs = this.#clock.nowMs()
    // A clock that is set must neither freeze nor move the share; only what is told has its time.
    const said = this.#predictor.advance(this.#clock.monotonicMs())
    const sinceMs = before?.signal === said.signal ? Math.min(before.sinceMs, nowMs) : nowMs
    const next = { ...said, atMs: nowMs, sinceMs }
    this.#vitals = next
    if (before?.signal !== next.signal && (before !== undefined || next.signal !== 'none'))
      this.#log.info('predictive signal changed', {
        old_signal: before?.signal ?? 'none',
        new_signal: next.signal,
        reason: next.reason,
        share: next.share,
        cpu_percent: next.cpuPercent,
        memory_percent: next.memoryPercent,
        error_percent: next.errorPercent,
      })
    if (!worthSaying(this.#told, next)) return
    this.#told = next
    this.#say(next)
  }

  #noteSources(cpu = 'none', memory = 'none'): void {
    const sources = `${cpu} ${memory}`
    if (sources === this.#sources) return
    this.#sources = sources
    this.#log.info('reading the load of this machine', { cpu, memory })
  }
}
