/**
 * Whether our own DNS answers yet: what "running" means to those who wait for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { askDns } from './ports.ts'
import { limits } from '../../core/base/limits.ts'

/**
 * Resolves with true once `address` answers one of the names with authority: an edit by the API may
 * have taken some of them away, so they are asked in turn. A node without zones has none over
 * anything, so without names any answer will do. False when it does not within the time, or once
 * `isHopeless` says so.
 */
export async function untilServing(
  address: string,
  names: readonly string[],
  isHopeless: () => boolean = () => false,
  withinMs = limits.startServingMs.default,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  for (let at = 0; performance.now() < deadlineMs && !isHopeless(); at++) {
    const name = names[at % names.length] ?? ''
    const outcome = await askDns(address, name, limits.startAskMs.default)
    if (outcome.code === 'answered' && (names.length === 0 || outcome.authoritative)) return true
    await sleep(limits.startAskPauseMs.default)
  }
  return false
}
