/**
 * Whether what was gathered of a table holds for another draft: the names, the sets they have and
 * the chains of denial follow from the table, the keys, and which families pools answer.
 *
 * Most drafts differ in weights, addresses and TTLs of pools alone, which is none of these.
 * Tables are compared by what they hold, for each draft comes in a message of its own.
 */
import { areSame, isSame } from '../base/same.ts'
import { FIXED, FIXED_ALL_DOWN, FIXED_FAMILIES, type PoolLayout } from '../steer/pool-layout.ts'
import type { TableParts } from '../zone/table.ts'
import type { ZonePlan } from './serving-plan.ts'
import type { ToSign } from './sign-serving.ts'

/** What something was gathered of. */
export interface GatheredOf extends ToSign {
  readonly plans: readonly ZonePlan[]
}

function sameTables(one: TableParts, other: TableParts): boolean {
  if (one === other) return true
  return (
    one.seed === other.seed &&
    areSame(one.soas, other.soas) &&
    areSame(one.soaEnds, other.soaEnds) &&
    areSame(one.apexes, other.apexes) &&
    areSame(one.words, other.words) &&
    areSame(one.slots, other.slots)
  )
}

/** Of each pool the types it may answer, and whether it ever has no answer. */
function samePools({ fixed: one }: PoolLayout, { fixed: other }: PoolLayout): boolean {
  if (one.length !== other.length) return false
  for (let row = 0; row < one.length; row += FIXED)
    for (const at of [row + FIXED_FAMILIES, row + FIXED_ALL_DOWN])
      if (one[at] !== other[at]) return false
  return true
}

export const holdsFor = (
  { table, pools, plans }: GatheredOf,
  serving: ToSign,
  wanted: readonly ZonePlan[],
): boolean =>
  isSame(plans, wanted) && samePools(pools, serving.pools) && sameTables(table, serving.table)
