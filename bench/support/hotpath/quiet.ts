/**
 * Waits for a moment in which the processors of a bench are left alone by everybody else.
 *
 * What it may wait for in all is bounded, so that a machine that is never quiet is measured as it
 * is, and its rounds are dropped by their own figures.
 */
import { readFileSync } from 'node:fs'

const LOOK_MS = 60
const IDLE_SHARE = 0.9
const [IDLE, IOWAIT] = [3, 4]

/** Ticks of each processor. */
const ticksOf = (): number[][] =>
  readFileSync('/proc/stat', 'utf8')
    .split('\n')
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => line.split(' ').slice(1).map(Number))

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)

async function isQuiet(cpus: readonly number[]): Promise<boolean> {
  const before = ticksOf()
  await pause(LOOK_MS)
  const after = ticksOf()
  return cpus.every((cpu) => {
    const ticks = (after[cpu] ?? []).map((value, at) => value - (before[cpu]?.[at] ?? 0))
    return (ticks[IDLE] ?? 0) + (ticks[IOWAIT] ?? 0) >= sum(ticks) * IDLE_SHARE
  })
}

export class Patience {
  #leftMs: number
  /** Waited so far, seconds. */
  spentSeconds = 0

  constructor(seconds: number) {
    this.#leftMs = seconds * 1000
  }

  /** Resolves when all is quiet, or when there is no patience left. */
  async untilQuiet(cpus: readonly number[]): Promise<void> {
    if (this.#leftMs <= 0) return
    const started = performance.now()
    while (performance.now() - started < this.#leftMs) {
      if (await isQuiet(cpus)) break
      await pause(LOOK_MS)
    }
    // A look at a quiet machine costs no patience.
    const waitedMs = performance.now() - started
    this.spentSeconds += waitedMs / 1000
    this.#leftMs -= Math.max(0, waitedMs - 2 * LOOK_MS)
  }
}
