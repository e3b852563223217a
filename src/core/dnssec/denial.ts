/**
 * What a zone denies, and which records of its chain prove it.
 *
 * A chain holds every record a proof can need, made and signed ahead; a proof is a list of places
 * in it. Both kinds (`nsec.ts`, `nsec3.ts`) answer the same question.
 */

/**
 * nxdomain: neither the name nor a wildcard for it exists. nodata: the name exists without the type
 * (an empty name, a DS at a delegation, a DNAME's own name among them). wildcard-answer: the name
 * does not exist, a wildcard answered. wildcard-nodata: the same, but the wildcard lacks the type.
 */
export type DenialCase = 'nxdomain' | 'nodata' | 'wildcard-answer' | 'wildcard-nodata'

export interface DenialRecord {
  /** Wire form, in lower case. */
  readonly owner: Uint8Array
  readonly rdata: Uint8Array
}

export interface DenialChain {
  /** NSEC or NSEC3. */
  readonly type: number
  /** In the order of the chain. */
  readonly records: readonly DenialRecord[]
  /** Places in `records`, each once. The name as in `order.ts`. */
  prove(denied: DenialCase, order: string): readonly number[]
}

/** The last place whose key is not above the one looked for; the last of all when every one is. */
export function floorIn(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! <= key) low = middle + 1
    else high = middle
  }
  return low === 0 ? keys.length - 1 : low - 1
}

export const distinct = (places: readonly number[]): readonly number[] => [...new Set(places)]
