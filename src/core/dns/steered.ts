/**
 * Answers for a steered name: asks `decide`, and copies the chosen addresses.
 *
 * A turn is taken from the shared counters only when a server is really chosen, so the two families
 * of a name rotate on their own and questions that get nobody disturb nothing.
 */
import { ALL_DOWN, decide, NODATA, type Question } from '../steer/decide.ts'
import { RR_FIXED_BYTES } from '../zone/table.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { putNegative } from './negative.ts'
import { putRecord } from './put.ts'
import { ADDRESS_RECORD_BYTES, type Serving, type SteeredPool } from './serving.ts'
import { extendedErrors, rcodes } from './types.ts'

export interface Turns {
  /** Two counters a slot: IPv4, then IPv6. */
  readonly counters: Uint32Array
  /** The one question object, filled anew for each query. */
  readonly question: Question
}

export function putSteered(
  x: Exchange,
  serving: Serving,
  zone: number,
  steered: SteeredPool,
  family: 4 | 6,
  turns: Turns,
): void {
  const { pool, slot, recordsFrom } = steered
  const { question, counters } = turns
  const view = pool.view(family)
  const counter = slot * 2 + (family === 6 ? 1 : 0)
  question.family = family
  question.client = x.client
  question.turn =
    view.count > 0 && counter < counters.length ? Atomics.add(counters, counter, 1) : 0
  const chosen = decide(pool, question, x.choice)
  if (chosen === NODATA) {
    putNegative(x, serving.table, zone, rcodes.NOERROR)
    return
  }
  if (chosen === ALL_DOWN) {
    // An alias may have been answered already; a failure answers nothing.
    x.clearSections()
    x.authoritative = false
    x.rcode = rcodes.SERVFAIL
    // RFC 8914 section 4.23.
    x.ede = extendedErrors.NO_REACHABLE_AUTHORITY
    return
  }
  // RFC 8914 section 4.4: the answer is known to be older than the truth.
  if (view.basis === 'last-healthy') x.ede = extendedErrors.STALE_ANSWER
  const length = RR_FIXED_BYTES + (family === 6 ? 16 : 4)
  for (let rank = 0; rank < chosen; rank++) {
    const from = recordsFrom + x.choice[rank]! * ADDRESS_RECORD_BYTES
    if (!putRecord(x, ANSWER, x.nameAt, serving.records, from, length)) x.truncated = true
  }
  x.chosen = chosen
}
