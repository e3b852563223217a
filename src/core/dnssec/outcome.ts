/**
 * What becomes of a question in a zone, as far as DNSSEC has to tell: the case of denial it falls
 * under, or that something answers it.
 */
import { types } from '../dns/types.ts'
import type { DenialCase } from './denial.ts'
import { parentOrder, wildcardOrder } from './order.ts'
import type { NameIndex, ZoneName } from './zone-names.ts'

export type Outcome = 'answer' | 'referral' | 'dname' | DenialCase

const answers = ({ types: held }: ZoneName, type: number): boolean =>
  held.includes(type) || held.includes(types.CNAME)

/** The name as in `order.ts`, inside the zone. */
export function outcomeOf(index: NameIndex, order: string, type: number): Outcome {
  const name = index.find(order)
  if (name?.kind === 'cut') {
    // RFC 4035 section 3.1.4.1: the parent answers for the DS, and refers for all else.
    if (type !== types.DS) return 'referral'
    return name.types.includes(types.DS) ? 'answer' : 'nodata'
  }
  if (name !== undefined) return answers(name, type) ? 'answer' : 'nodata'
  const encloser = index.encloser(parentOrder(order))
  if (encloser?.kind === 'cut') return 'referral'
  if (encloser?.types.includes(types.DNAME)) return 'dname'
  const wildcard = index.find(wildcardOrder(encloser?.order ?? ''))
  if (wildcard === undefined) return 'nxdomain'
  return answers(wildcard, type) ? 'wildcard-answer' : 'wildcard-nodata'
}
