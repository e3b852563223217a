/**
 * Takes the samples that the history is made of: what DNS counted, the machine, and the health of
 * the servers, as the copy of the serving state has it.
 */
import { limits } from '../../core/base/limits.ts'
import type { Cancel } from '../../kernel/clock.ts'
import { ask, type Context } from './context.ts'
import type { Machine } from './contract.ts'
import type { Sample } from './history.ts'
import { answersByRegion } from './rates.ts'

export interface CheckTotals {
  readonly passed: number
  readonly failed: number
  readonly inconclusive: number
  /** Servers that wait to be checked, both lanes of the prober being full. */
  readonly late: number
}

/** What the machine did since the sample before, percent of all its cores. */
export interface CpuShares {
  readonly used: number
  readonly system: number
  readonly user: number
  /** Of `used`, what this process took. */
  readonly process: number
}

const NO_LOAD: CpuShares = { used: 0, system: 0, user: 0, process: 0 }

export class Sampling {
  /** As of the last sample. */
  cpu: CpuShares = NO_LOAD
  checks: CheckTotals | undefined
  checksPerSecond = 0
  readonly #context: Context
  #machine: Machine
  #checksAtMs = 0

  constructor(context: Context) {
    this.#context = context
    this.#machine = context.ports.machine()
  }

  start(): Cancel {
    const stepMs = limits.historyFineMs.default
    return this.#context.ctx.clock.every(stepMs, stepMs, () => void this.take())
  }

  /** The machine as it is now, with the load since the last sample. */
  machine(): { readonly machine: Machine; readonly cpu: CpuShares } {
    return { machine: this.#context.ports.machine(), cpu: this.cpu }
  }

  async take(): Promise<void> {
    const { ctx, ports, history } = this.#context
    const machine = ports.machine()
    this.cpu = sharesOf(this.#machine, machine)
    this.#machine = machine
    await this.countChecks()
    history.take(this.#sample(machine, ctx.clock.nowMs()))
  }

  /** Asks the prober how much it has checked. */
  async countChecks(): Promise<void> {
    const { clock } = this.#context.ctx
    const reply = await ask(this.#context, 'api.count-checks', {})
    if (!reply.ok) return
    const nowMs = clock.monotonicMs()
    const sum = ({ passed, failed }: CheckTotals) => passed + failed
    // A restarted prober begins anew.
    const grown = this.checks === undefined ? 0 : sum(reply.value) - sum(this.checks)
    const seconds = (nowMs - this.#checksAtMs) / 1_000
    this.checksPerSecond = seconds <= 0 ? 0 : Math.max(0, grown) / seconds
    this.checks = reply.value
    this.#checksAtMs = nowMs
  }

  #sample(machine: Machine, atMs: number): Sample {
    const { rates, serving } = this.#context
    const { checks, cpu } = this
    const totals = rates.latest?.totals
    const { healthy, total } = serving.health()
    const times = rates.responseTimes()
    return {
      atMs,
      totals: {
        ...(totals === undefined ? {} : { queries: totals.queries, decisions: totals.decisions }),
        ...(checks === undefined ? {} : { health_checks: checks.passed + checks.failed }),
      },
      levels: {
        ...times,
        error_rate: rates.errorPercent(),
        healthy_servers: healthy,
        unhealthy_servers: total - healthy,
        memory_used_bytes: machine.rssBytes,
        memory_percent: memoryPercent(machine),
        cpu_percent: cpu.used,
        process_cpu_percent: cpu.process,
      },
      regions: answersByRegion(serving.pools, rates.servers),
    }
  }
}

export const memoryPercent = ({ rssBytes, totalBytes }: Machine): number =>
  totalBytes === 0 ? 0 : (rssBytes / totalBytes) * 100

function sharesOf(before: Machine, now: Machine): CpuShares {
  const of = (read: (machine: Machine) => number) => Math.max(0, read(now) - read(before))
  const user = of((machine) => machine.userMs)
  const system = of((machine) => machine.systemMs)
  const all = user + system + of((machine) => machine.idleMs)
  if (all === 0) return NO_LOAD
  const percent = (ms: number) => Math.min(100, (ms / all) * 100)
  return {
    used: percent(user + system),
    system: percent(system),
    user: percent(user),
    process: percent(of((machine) => machine.processMs)),
  }
}
