/**
 * What one family of one pool answers with, chosen from the words of its servers: who may be
 * served, or whom `when_all_down` puts in their place.
 */
import { LAST_HEALTHY, LEVEL_BITS, LEVEL_SHIFT, SERVING } from './words.ts'
import type { WhenAllDown } from './topology.ts'

/** Why a view holds what it holds. The order gives the numbers of `BASIS_…` below. */
export const bases = ['serving', 'last-healthy', 'all', 'fallback', 'nothing'] as const
export type Basis = (typeof bases)[number]

export const BASIS_SERVING = 0
export const BASIS_LAST_HEALTHY = 1
export const BASIS_ALL = 2
export const BASIS_FALLBACK = 3
export const BASIS_NOTHING = 4

export const isServing = (word: number): boolean => (word & SERVING) !== 0

/** Thousandths of its weight a server takes. */
export const shareOf = (word: number): number => Math.min(1000, (word >> 16) & 0x3ff)

/** How much of the turns its times give it, under `latency`; 0 for none. */
export const levelOf = (word: number): number => (word >>> LEVEL_SHIFT) & LEVEL_BITS

/** Whether `when_all_down` puts a server with such a word and weight into the answers. */
export function standsIn(mode: WhenAllDown, word: number, weight: number): boolean {
  if (weight <= 0) return false
  return mode === 'all' || (mode === 'last_healthy' && (word & LAST_HEALTHY) !== 0)
}

/** The basis that `when_all_down` gives to a view it could fill. */
export function basisOf(mode: WhenAllDown): number {
  if (mode === 'last_healthy') return BASIS_LAST_HEALTHY
  return mode === 'fallback' ? BASIS_FALLBACK : BASIS_ALL
}
