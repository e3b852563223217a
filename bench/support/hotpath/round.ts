/**
 * One round of load: its figures, and whether they mean anything.
 */
import type { Counted } from './generator.ts'

/** Why a round does not count: time stolen by the host, others on the core, too little load. */
export type Doubt = 'steal' | 'noisy' | 'generator-bound'

export interface Round {
  readonly counted: Counted
  /** Right answers a second. */
  readonly rate: number
  /** CPU of the whole server, and of its busiest thread, a right answer. */
  readonly cpuNs: number
  readonly threadCpuNs: number
  /** Share of its processors the server used. */
  readonly busy: number
  /** The rate may be compared. */
  readonly valid: boolean
  /**
   * The CPU of an answer may be compared: the generator kept going, so that the server had whole
   * batches whenever it ran. Small batches cost more, and not the same more to everybody.
   */
  readonly fed: boolean
}

const STEAL_MAX = 0.02
const BUSY_MIN = 0.98
/** The generator must be able to do 1.2 times what it did: a sixth of its time is idle. */
const IDLE_MIN = 1 - 1 / 1.2

/**
 * A server that seems to have used less than this of its core did its work in threads that were
 * started after the round began, or waited for the generator: its CPU time says nothing.
 */
const BUSY_FED_MIN = 0.5

const PREEMPTED_MAX = 0.03
const PREEMPTED_FED_MAX = 0.1

/** The generator spins: what it lacks of its processor was taken by others. */
const preemptedShare = ({ ownCpuNs, seconds }: Counted): number => 1 - ownCpuNs / (seconds * 1e9)

export function roundOf(counted: Counted, threads: number): Round {
  const { answered, seconds } = counted
  const totalNs = counted.threads.reduce((sum, ns) => sum + ns, 0)
  const answers = Math.max(1, answered)
  const busy = totalNs / (seconds * 1e9 * threads)
  return {
    counted,
    rate: answered / seconds,
    cpuNs: totalNs / answers,
    threadCpuNs: Math.max(0, ...counted.threads) / answers,
    busy,
    valid: false,
    fed: busy >= BUSY_FED_MIN && preemptedShare(counted) <= PREEMPTED_FED_MAX,
  }
}

const [IDLE, STOLEN] = [3, 7]

/** Ticks of one processor: all, and those of one sort. */
function shareOf(ticks: readonly number[], sort: number): number {
  const all = ticks.reduce((sum, one) => sum + one, 0)
  return all === 0 ? 0 : (ticks[sort] ?? 0) / all
}

export function doubtOf(round: Round, cpus: readonly number[]): Doubt | undefined {
  const { counted } = round
  const ticks = cpus.map((cpu) => counted.cpus[cpu] ?? [])
  if (ticks.some((one) => shareOf(one, STOLEN) > STEAL_MAX)) return 'steal'
  if (round.busy >= BUSY_MIN && counted.idleShare >= IDLE_MIN) return undefined
  return othersRan(round, ticks[0] ?? []) ? 'noisy' : 'generator-bound'
}

const OTHERS_MAX = 0.02
/** Ticks sample a processor; where it is idle half of the time the sample is coarse. */
const OTHERS_MAX_AT_PART_LOAD = 0.1

/** Whether others used the first processor of the server, or that of the generator. */
function othersRan({ counted, busy }: Round, ticks: readonly number[], most = OTHERS_MAX): boolean {
  const others = 1 - shareOf(ticks, IDLE) - busy
  return others > most || preemptedShare(counted) > PREEMPTED_MAX
}

/** Whether a round below saturation had its processors for itself, as a latency needs it. */
export function wasQuiet(round: Round, cpus: readonly number[]): boolean {
  const ticks = cpus.map((cpu) => round.counted.cpus[cpu] ?? [])
  const stolen = ticks.some((one) => shareOf(one, STOLEN) > STEAL_MAX)
  return !stolen && !othersRan(round, ticks[0] ?? [], OTHERS_MAX_AT_PART_LOAD)
}
