/**
 * NSEC (RFC 4034 section 4, RFC 4035 section 5.4): the zone's real chain of names.
 *
 * Every name with records has one, empty names have none (RFC 4034 section 4: they own nothing that
 * is signed). The chain ends at the apex where it began.
 */
import { types } from '../dns/types.ts'
import { typeBitmap } from './bitmap.ts'
import { type DenialChain, distinct, floorIn } from './denial.ts'
import { wildcardOrder } from './order.ts'
import { NameIndex, type ZoneName } from './zone-names.ts'

/** The data of an NSEC; `held` without RRSIG and NSEC, which are at every name that has one. */
export function nsecRdata(next: Uint8Array, held: readonly number[]): Uint8Array {
  const bitmap = typeBitmap([...held, types.RRSIG, types.NSEC])
  const rdata = new Uint8Array(next.length + bitmap.length)
  rdata.set(next)
  rdata.set(bitmap, next.length)
  return rdata
}

/** The chain over the names of a zone (`zoneNames`), in their order. */
export function nsecChain(names: readonly ZoneName[]): DenialChain {
  const index = new NameIndex(names)
  const owners = names.filter(({ kind }) => kind !== 'empty')
  const orders = owners.map(({ order }) => order)
  const records = owners.map(({ owner, types: held }, at) => ({
    owner,
    // RFC 4034 section 4.1.1: the last one points back at the apex.
    rdata: nsecRdata(owners[(at + 1) % owners.length]!.owner, held),
  }))
  // The record at a name, or else the one whose gap the name lies in: an empty name lies in one.
  const at = (order: string): number => floorIn(orders, order)
  return {
    type: types.NSEC,
    records,
    prove(denied, order) {
      // RFC 4035 section 3.1.3.1.
      if (denied === 'nodata' || denied === 'wildcard-answer') return [at(order)]
      // RFC 4035 sections 3.1.3.2 and 3.1.3.4: the name, and the wildcard at its closest encloser,
      // which is denied in the one case and lacks the type in the other.
      const encloser = index.encloser(order)?.order ?? ''
      return distinct([at(order), at(wildcardOrder(encloser))])
    },
  }
}
