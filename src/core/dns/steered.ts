/**
 * Answers for a steered name: asks `decide`, and copies the chosen addresses.
 *
 * A turn is taken from the shared counters only when a server is really chosen, so the two families
 * of a name rotate on their own and questions that get nobody disturb nothing.
 */
import { ALL_DOWN, decide, NODATA, type Question } from '../steer/decide.ts'
import { FROM, ROW, SLOT, basisAt, choosesAt, placesAt } from '../steer/modes.ts'
import { subnetScope } from '../steer/scope.ts'
import { BASIS_LAST_HEALTHY } from '../steer/view.ts'
import { RR_FIXED_BYTES } from '../zone/table.ts'
import { ANSWER, type Exchange } from './exchange.ts'
import { putNegative } from './negative.ts'
import { putRecord } from './put.ts'
import { ADDRESS_RECORD_BYTES, type Serving } from './serving.ts'
import type { Signatures } from './signatures.ts'
import { failUnsigned, proveExpansion, proveNoData, putSignatures, signedChoice } from './signed.ts'
import { extendedErrors, rcodes, types } from './types.ts'

export interface Turns {
  /** Two counters a slot: IPv4, then IPv6. */
  readonly counters: Int32Array
  /** The one question object, filled anew for each query. */
  readonly question: Question
  /** The turn of slots past the counters: 0, or what a sample recorded while it is replayed. */
  beyond: number
}

export function putSteered(
  x: Exchange,
  serving: Serving,
  node: number,
  zone: number,
  pool: number,
  family: 4 | 6,
  turns: Turns,
): void {
  const { pools } = serving
  const { question, counters } = turns
  const mode = pools.modeOf(pool, family)
  const counter = pools.rows[pool * ROW + SLOT]! * 2 + (family === 6 ? 1 : 0)
  question.family = family
  question.client = x.subject
  if (!choosesAt(mode)) question.turn = 0
  else question.turn = counter < counters.length ? Atomics.add(counters, counter, 1) : turns.beyond
  const chosen = decide(pools, pool, question, x.choice)
  const isPlaced = placesAt(mode)
  if (isPlaced) {
    x.place = question.place!
    x.method = question.method!
    if (x.tellsScope) x.scope = subnetScope(pools, pool, question, x.isMapped)
  }
  if (chosen === NODATA) {
    // RFC 8482 section 4.1: of what is there one set at least.
    if (x.qtype === types.ANY && family === 4 && pools.hasFamily(pool, 6)) {
      putSteered(x, serving, node, zone, pool, 6, turns)
      return
    }
    const isPut = putNegative(x, serving.table, zone, rcodes.NOERROR)
    if (isPut && x.signed !== undefined) {
      // Where the chain lists the family, another record says that it is not there now.
      const entry = x.signed.noDataOf(pool, family)
      proveNoData(x, serving, zone, entry === 0 ? x.signed.entryOf(node) : entry, true)
    }
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
  const basis = isPlaced ? question.basis! : basisAt(mode)
  if (basis === BASIS_LAST_HEALTHY) x.ede = extendedErrors.STALE_ANSWER
  if (x.signed?.isSigned(zone) === true) putSigned(x, serving, x.signed, zone, pool, family, chosen)
  else putChosen(x, serving, pool, family, chosen)
}

/** Copies so many of the chosen addresses, the best first. */
function putChosen(
  x: Exchange,
  { pools, records }: Serving,
  pool: number,
  family: 4 | 6,
  chosen: number,
): void {
  const length = RR_FIXED_BYTES + (family === 6 ? 16 : 4)
  const first = pools.rows[pool * ROW + FROM]!
  for (let rank = 0; rank < chosen; rank++) {
    const from = (first + x.choice[rank]!) * ADDRESS_RECORD_BYTES
    if (!putRecord(x, ANSWER, x.nameAt, records, from, length)) x.truncated = true
  }
  x.chosen = chosen
}

/** The same with their signatures, where the zone is signed. */
function putSigned(
  x: Exchange,
  serving: Serving,
  signed: Signatures,
  zone: number,
  pool: number,
  family: 4 | 6,
  chosen: number,
): void {
  const count = signedChoice(x, serving, pool, family, chosen)
  if (count === 0) {
    failUnsigned(x)
    return
  }
  putChosen(x, serving, pool, family, count)
  if (x.truncated) return
  if (putSignatures(x, ANSWER, x.nameAt, signed, zone, x.run)) proveExpansion(x, serving, zone)
}
