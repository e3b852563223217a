/**
 * What a front calls for each query: the authority, and around it the counts, the times and the
 * samples.
 *
 * One query in so many is timed, one in so many sampled. Both are counted down by one number, so
 * that the others pay one decrement for the two of them.
 */
import { limits } from '../../core/base/limits.ts'
import { Repeats } from '../../core/cluster/held.ts'
import type { Lease } from '../../core/cluster/lease.ts'
import type { AskerCounts } from '../../core/dns/askers.ts'
import type { Authority } from '../../core/dns/authority.ts'
import { HEADER_BYTES } from '../../core/dns/exchange.ts'
import type { SampleRing } from '../../core/dns/samples.ts'
import { extendedErrors } from '../../core/dns/types.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Answer } from './contract.ts'
import type { DnsMeters } from './metrics.ts'

export interface Answering {
  readonly authority: Authority
  readonly meters: DnsMeters
  readonly samples: SampleRing
  readonly askers: AskerCounts
  readonly clock: Clock
  /** Looks at the clock for cookies and rates. */
  readonly tick: () => void
  /** Cluster mode: the leave to answer, looked at with every query. */
  readonly lease: Lease | undefined
}

export function answering(of: Answering): Answer {
  const { lease, authority, clock } = of
  const answer = counted(of)
  if (lease === undefined) return answer
  const repeats = new Repeats()
  const { last } = authority
  // A deadline that passed is found here, before the first query after it: also by a process that
  // was stopped for a while and goes on with a full queue.
  return (query, start, length, out, outStart, client) => {
    const nowMs = clock.monotonicMs()
    authority.isRefusing = !lease.holds(nowMs)
    authority.isSilent = authority.isRefusing && lease.isSilent(nowMs)
    const written = answer(query, start, length, out, outStart, client)
    if (!authority.isRefusing || written === 0 || last.ede !== extendedErrors.NOT_READY)
      return written
    if (client.transport === 'tcp' || !lease.hears) return written
    const from = start + HEADER_BYTES
    const isAgain = repeats.again(client.bytes, query, from, from + last.questionBytes, nowMs)
    return isAgain ? -written : written
  }
}

function counted({ authority, meters, samples, askers, clock, tick }: Answering): Answer {
  const timedEvery = limits.durationSampling.default
  let untilTimed: number = timedEvery
  /** How far `until` was set last. */
  let step = Math.min(untilTimed, samples.due)
  let until = step

  const watched: Answer = (query, start, length, out, outStart, client) => {
    // What was refused for want of the lead could not be made again from the state alone.
    const isWanted = samples.passed(step) && !authority.isRefusing
    const isSampled = isWanted && samples.keep(query, start, length)
    untilTimed -= step
    const isTimed = untilTimed <= 0
    if (isTimed) untilTimed = timedEvery
    step = Math.min(untilTimed, samples.due)
    until = step
    tick()
    if (isSampled) authority.forgetTurn()
    const beganMs = clock.monotonicMs()
    const written = authority.answer(query, start, length, out, outStart, client)
    meters.count(authority.last, written)
    const tookMs = clock.monotonicMs() - beganMs
    if (isTimed && written > 0) meters.time(authority.last, tookMs / 1_000)
    if (isSampled) {
      samples.take(authority, written, clock.nowMs(), tookMs)
      askers.note(authority)
    }
    return written
  }

  return (query, start, length, out, outStart, client) => {
    if (--until <= 0) return watched(query, start, length, out, outStart, client)
    const written = authority.answer(query, start, length, out, outStart, client)
    meters.count(authority.last, written)
    return written
  }
}
