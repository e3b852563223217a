/**
 * The decision: which addresses answer a question. The one implementation there is.
 *
 * The hot path, the explain API and the simulator all call `decide`; it is a pure function of the
 * pool's words and the question. `turn` stands in for randomness: it counts the questions of one
 * name and type, so that a recorded turn replays exactly.
 */
import { steerLimits } from '../base/limits/steer.ts'
import type { Family } from '../net/address.ts'
import type { Pool } from './pool.ts'
import type { View } from './view.ts'

/** One object is reused by the hot path. */
export interface Question {
  family: Family
  /** A count modulo 2^32. */
  turn: number
  /** Address of the client or of its ECS prefix, 4 or 16 bytes. */
  client: Uint8Array
}

/** No record of this family: the name exists (RFC 2308 section 2.2). */
export const NODATA = 0
/** Nobody may be served and `when_all_down` names nobody else: SERVFAIL. */
export const ALL_DOWN = -1

/** 2^32 divided by the golden ratio: the additive step whose points spread most evenly. */
const GOLDEN_STEP = 0x9e3779b1

/**
 * Writes indices into `pool.addresses` to `out`, best first.
 *
 * Returns how many were written, or NODATA, or ALL_DOWN. Allocates nothing. `out` must hold
 * `limits.answersMax` entries.
 */
export function decide(pool: Pool, question: Question, out: Int32Array): number {
  const view = pool.view(question.family)
  if (view.count === 0) return emptyOutcome(pool, question.family)
  const wanted = Math.min(pool.spec.answers, view.count, out.length, steerLimits.answersMax.max)
  switch (pool.spec.policy) {
    case 'weighted':
      return weighted(view, question.turn, wanted, out)
    case 'failover':
      return failover(view, question.turn, wanted, out)
    default:
      // Policies that read the client fall back to turns where nothing is known of it.
      return roundRobin(view, question.turn, wanted, out)
  }
}

/** Why a view without candidates answers nothing. */
function emptyOutcome(pool: Pool, family: Family): number {
  const other = family === 4 ? 6 : 4
  if (!pool.hasFamily(family) && pool.hasFamily(other)) return NODATA
  // A client of the other family is still served; telling this one "no such record" lets it use
  // that family, where SERVFAIL would have it give up.
  if (!pool.isDown(other)) return NODATA
  // A pool that no server has joined yet is down, not a name without records.
  return pool.spec.whenAllDown === 'nodata' ? NODATA : ALL_DOWN
}

/** A point in [0, 1) for a turn: the golden-ratio sequence, whose gaps stay within a factor 3. */
const pointOf = (turn: number): number => (Math.imul(turn, GOLDEN_STEP) >>> 0) / 0x1_0000_0000

/** Fills `out` with `wanted` neighbours in ring order, starting at `place`. */
function ring(view: View, place: number, wanted: number, out: Int32Array): number {
  for (let rank = 0; rank < wanted; rank++) {
    out[rank] = view.candidates[(place + rank) % view.count]!
  }
  return wanted
}

function roundRobin(view: View, turn: number, wanted: number, out: Int32Array): number {
  if (view.even) return ring(view, (turn >>> 0) % view.count, wanted, out)
  // Some server bleeds: each turn still belongs to one server, which passes on the part of its
  // turns that its share gives away. The point must not repeat with the period of the ring.
  const place = (turn >>> 0) % view.count
  const round = Math.floor((turn >>> 0) / view.count)
  const keeps = pointOf(round) * 1000 < view.shares[place]!
  return ring(view, keeps ? place : heir(view, place, round), wanted, out)
}

/** Who takes a turn that the server at `place` gives away: the others, in proportion of share. */
function heir(view: View, place: number, round: number): number {
  let whole = 0
  for (let at = 0; at < view.count; at++) if (at !== place) whole += view.shares[at]!
  if (whole === 0) return place
  let point = pointOf(round * 3 + place + 1) * whole
  for (let at = 0; at < view.count; at++) {
    if (at === place) continue
    point -= view.shares[at]!
    if (point < 0) return at
  }
  return place
}

function weighted(view: View, turn: number, wanted: number, out: Int32Array): number {
  const place = view.placeOf(pointOf(turn) * view.total)
  return ring(view, place, wanted, out)
}

/** The first in order; one that bleeds passes what it gives away down the line. */
function failover(view: View, turn: number, wanted: number, out: Int32Array): number {
  if (view.even) return ring(view, 0, wanted, out)
  const point = pointOf(turn) * 1000
  let passed = 1000
  for (let place = 0; place < view.count; place++) {
    passed -= (passed * view.shares[place]!) / 1000
    if (point >= passed) return ring(view, place, wanted, out)
  }
  return ring(view, 0, wanted, out)
}
