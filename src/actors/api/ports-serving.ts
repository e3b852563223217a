/**
 * Whether our own DNS answers yet: what "running" means to those who wait for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { askDns } from './ports.ts'
import { limits } from '../../core/base/limits.ts'

/**
 * Resolves with true once `address` answers `name` with authority; a node without zones has none
 * over anything, so `''` takes any answer. False when it does not within the time, or
 * once `isHopeless` says so.
 */
export async function untilServing(
  address: string,
  name: string,
  isHopeless: () => boolean = () => false,
  withinMs = limits.startServingMs.default,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  while (performance.now() < deadlineMs && !isHopeless()) {
    const outcome = await askDns(address, name, limits.startAskMs.default)
    if (outcome.code === 'answered' && (name === '' || outcome.authoritative)) return true
    await sleep(limits.startAskPauseMs.default)
  }
  return false
}
