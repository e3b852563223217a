/**
 * What one family of one pool can answer with, flattened for the decision.
 *
 * A view is rebuilt from the words when one of them changed and the pool is next asked, so a burst
 * of changes costs one pass, and a query between changes costs nothing. All arrays are made once.
 */
import { SERVING } from './words.ts'

/** Why a view holds what it holds. */
export type Basis = 'serving' | 'last-healthy' | 'all' | 'fallback' | 'nothing'

export class View {
  /** Indices into the pool's addresses, in the order of the configuration. */
  readonly candidates: Int32Array
  /** Running sums of the candidates' effective weights, for the weighted choice. */
  readonly sums: Float64Array
  /** Thousandths of its traffic each candidate takes, beside `candidates`. */
  readonly shares: Float64Array
  count = 0
  total = 0
  /** True when every share is whole, so that turns can simply rotate. */
  even = true
  basis: Basis = 'nothing'

  constructor(capacity: number) {
    this.candidates = new Int32Array(capacity)
    this.sums = new Float64Array(capacity)
    this.shares = new Float64Array(capacity)
  }

  clear(basis: Basis): void {
    this.count = 0
    this.total = 0
    this.even = true
    this.basis = basis
  }

  add(candidate: number, weight: number, share: number): void {
    if (share !== 1000) this.even = false
    this.total += weight * share
    this.candidates[this.count] = candidate
    this.shares[this.count] = share
    this.sums[this.count] = this.total
    this.count++
  }

  /**
   * Ignores shares when all of them are zero: signals that shape weight never empty a pool
   * (design section 5).
   */
  settle(weightOf: (candidate: number) => number): void {
    if (this.count === 0 || this.total > 0) return
    this.even = true
    for (let at = 0; at < this.count; at++) {
      this.total += weightOf(this.candidates[at]!) * 1000
      this.shares[at] = 1000
      this.sums[at] = this.total
    }
  }

  /** The place of the candidate whose stretch of the summed weights holds `point`. */
  placeOf(point: number): number {
    let low = 0
    let high = this.count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.sums[middle]! > point) high = middle
      else low = middle + 1
    }
    return low
  }
}

export const isServing = (word: number): boolean => (word & SERVING) !== 0

export const shareOf = (word: number): number => Math.min(1000, (word >> 16) & 0x3ff)
