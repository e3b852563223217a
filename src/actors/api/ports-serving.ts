/**
 * Whether our own DNS answers yet: what "running" means to those who wait for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { askDns } from './ports.ts'
import { limits } from '../../core/base/limits.ts'
import { rcodes } from '../../core/dns/types.ts'

/**
 * Resolves with true once `address` answers one of the names with authority. An edit by the API may
 * have taken some of them away, so they are asked in turn; that all are gone is known where each is
 * refused, since a node that does not serve yet answers SERVFAIL. A node without zones has
 * authority over nothing, so without names any answer will do. False when it does not within the
 * time, or once `isHopeless` says so.
 */
export async function untilServing(
  address: string,
  names: readonly string[],
  isHopeless: () => boolean = () => false,
  withinMs = limits.startServingMs.default,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  let refusals = 0
  for (let at = 0; performance.now() < deadlineMs && !isHopeless(); at++) {
    const name = names[at % names.length] ?? ''
    const outcome = await askDns(address, name, limits.startAskMs.default)
    if (outcome.code === 'answered' && (names.length === 0 || outcome.authoritative)) return true
    refusals = outcome.code === 'answered' && outcome.rcode === rcodes.REFUSED ? refusals + 1 : 0
    if (refusals >= names.length && names.length > 0) return true
    await sleep(limits.startAskPauseMs.default)
  }
  return false
}
