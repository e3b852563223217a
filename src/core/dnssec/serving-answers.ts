/**
 * Every answer that a pool can give, as sets to sign: each address by itself, and the sets of
 * several that are few enough or were asked for.
 */
import { limits } from '../base/limits.ts'
import type { Family } from '../net/address.ts'
import { types } from '../dns/types.ts'
import {
  ADDRESS_BYTES,
  FIXED,
  FIXED_ANSWERS,
  FIXED_FALLBACKS,
  FIXED_FROM,
  FIXED_MEMBERS,
  FIXED_TTL,
  type PoolLayout,
} from '../steer/pool-layout.ts'
import { setsAround, setsWithin } from './answer-sets.ts'
import type { Rrset } from './canonical.ts'

/** A set of a pool's addresses, counted in the pool, ascending. */
export interface AnswerSet {
  readonly addresses: readonly number[]
  readonly set: Rrset
}

/** What a pool answers of one family. */
export interface PoolAnswers {
  readonly pool: number
  readonly family: Family
  readonly singles: readonly AnswerSet[]
  /** The most addresses of an answer. */
  readonly most: number
  readonly several: readonly AnswerSet[]
}

/** The addresses of a family, each once. */
function distinctOf({ fixed, firsts, families }: PoolLayout, pool: number, family: Family) {
  const row = pool * FIXED
  const from = fixed[row + FIXED_FROM]!
  const size = fixed[row + FIXED_MEMBERS]! + fixed[row + FIXED_FALLBACKS]!
  return Array.from({ length: size }, (_, candidate) => candidate).filter(
    (candidate) => families[from + candidate] === family && firsts[from + candidate] === candidate,
  )
}

const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((number, at) => at === 0 || numbers[at - 1]! < number)

/** Those asked for that the pool can answer at all and that are not among the others. */
function wantedOf(
  wanted: readonly (readonly number[])[],
  distinct: readonly number[],
  most: number,
  others: readonly (readonly number[])[],
): (readonly number[])[] {
  const known = new Set(distinct)
  const listed = new Set(others.map((set) => set.join()))
  const added: (readonly number[])[] = []
  for (const set of wanted) {
    const isPossible = set.length > 1 && set.length <= most && set.every((one) => known.has(one))
    if (!isPossible || !isAscending(set) || listed.has(set.join())) continue
    listed.add(set.join())
    added.push(set)
  }
  return added
}

/**
 * @param owner of the pool's name, in lower-case wire form
 * @param wanted sets of this pool and family to sign beside the others
 */
export function answersOf(
  layout: PoolLayout,
  pool: number,
  family: Family,
  owner: Uint8Array,
  wanted: readonly (readonly number[])[],
): PoolAnswers {
  const { fixed, bytes } = layout
  const row = pool * FIXED
  const from = fixed[row + FIXED_FROM]!
  const length = family === 6 ? 16 : 4
  const setOf = (addresses: readonly number[]): AnswerSet => ({
    addresses,
    set: {
      owner,
      type: family === 6 ? types.AAAA : types.A,
      ttlSeconds: fixed[row + FIXED_TTL]!,
      rdatas: addresses.map((one) => {
        const at = (from + one) * ADDRESS_BYTES
        return bytes.slice(at, at + length)
      }),
    },
  })
  const distinct = distinctOf(layout, pool, family)
  const asked = Math.min(fixed[row + FIXED_ANSWERS]!, limits.answersMax.max)
  const most = Math.min(asked, distinct.length)
  const setsMax = limits.answerSetsSigned.default
  const within = setsWithin(distinct, most, setsMax)
  // Where the largest are too many, those that turns give come first.
  const isWhole = within.at(-1)?.length === most
  const around = isWhole ? [] : setsAround(distinct, most, setsMax - within.length)
  const listed = [...within, ...around]
  const several = [...listed, ...wantedOf(wanted, distinct, most, listed)]
  return {
    pool,
    family,
    singles: distinct.map((one) => setOf([one])),
    most,
    several: several.map(setOf),
  }
}
