/**
 * Readings of the last while, and what they say together.
 */
import { limits } from '../base/limits.ts'

interface Reading {
  readonly atMs: number
  readonly value: number
  readonly of: number
}

/**
 * Parts of wholes (failed of all checks, errors of all requests, percent of a hundred), over a
 * sliding window. The rate is the sum of the parts over the sum of the wholes, so a reading that
 * counted more weighs more.
 */
export class Window {
  readonly #windowMs: number
  #readings: Reading[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  get count(): number {
    return this.#readings.length
  }

  add(atMs: number, value: number, of: number): void {
    if (!Number.isFinite(value) || !Number.isFinite(of) || of <= 0 || value < 0) return
    this.#readings.push({ atMs, value: Math.min(value, of), of })
    if (this.#readings.length > limits.predictiveReadingsMax.default) this.#readings.shift()
  }

  /** Percent, or undefined while the window holds fewer readings, or counts less, than asked. */
  percent(nowMs: number, least: { readonly readings: number; readonly of: number }) {
    const fromMs = nowMs - this.#windowMs
    // A clock set back must not leave readings in the future to be believed for ever.
    this.#readings = this.#readings.filter(({ atMs }) => atMs > fromMs && atMs <= nowMs)
    let value = 0
    let whole = 0
    for (const reading of this.#readings) {
      value += reading.value
      whole += reading.of
    }
    if (this.#readings.length < least.readings || whole < least.of || whole === 0) return undefined
    return (100 * value) / whole
  }
}
