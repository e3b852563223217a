/**
 * The names of a zone that it answers for, in canonical order: what a chain of denial is made of.
 *
 * Names below a delegation or below a DNAME are no names of the zone; at a delegation only NS and
 * DS are (RFC 4035 section 2.3). The empty names between an owner and the apex exist (RFC 4592
 * section 2.2.2), so they are here too, without types. Steered names enter as owners of the types
 * that they answer, whether or not they answer them now: denial never depends on health.
 */
import { types } from '../dns/types.ts'
import { isBelow, labelStarts, orderOf, parentOrder } from './order.ts'

export interface OwnedTypes {
  /** Wire form, in lower case. */
  readonly owner: Uint8Array
  readonly types: Iterable<number>
}

export interface ZoneName {
  readonly order: string
  readonly owner: Uint8Array
  /** Ascending, without RRSIG, NSEC and NSEC3. */
  readonly types: readonly number[]
  readonly kind: 'data' | 'cut' | 'empty'
}

const CUT_TYPES: ReadonlySet<number> = new Set([types.NS, types.DS])
const byNumber = (a: number, b: number): number => a - b

function nameOf(order: string, apex: string, owned: OwnedTypes): ZoneName {
  const all = new Set(owned.types)
  const isCut = all.has(types.NS) && order !== apex
  const held = [...all].filter((type) => !isCut || CUT_TYPES.has(type))
  return { order, owner: owned.owner, types: held.sort(byNumber), kind: isCut ? 'cut' : 'data' }
}

/** The empty names between an owner and the nearest name that is there. */
function addEmpty(names: Map<string, ZoneName>, name: ZoneName, apex: string): void {
  const starts = labelStarts(name.owner)
  let order = parentOrder(name.order)
  for (let label = 1; order.length > apex.length && !names.has(order); label++) {
    const owner = name.owner.subarray(starts[label]!)
    names.set(order, { order, owner, types: [], kind: 'empty' })
    order = parentOrder(order)
  }
}

const inOrder = (a: { readonly order: string }, b: { readonly order: string }): number =>
  a.order < b.order ? -1 : a.order > b.order ? 1 : 0

/** Each owner once: what it holds of its own and what is steered there are one name's types. */
function merged(owned: Iterable<OwnedTypes>): Map<string, OwnedTypes> {
  const owners = new Map<string, OwnedTypes>()
  for (const { owner, types: held } of owned) {
    const order = orderOf(owner)
    owners.set(order, { owner, types: [...(owners.get(order)?.types ?? []), ...held] })
  }
  return owners
}

/**
 * `apex` in lower-case wire form. Owners outside the zone, or without types, are left out; one that
 * comes several times holds the types of all.
 */
export function zoneNames(apex: Uint8Array, owned: Iterable<OwnedTypes>): ZoneName[] {
  const top = orderOf(apex)
  const names = new Map<string, ZoneName>()
  let hider: string | undefined
  const candidates = [...merged(owned)]
    .map(([order, own]) => nameOf(order, top, own))
    .filter(({ order, types: held }) => held.length > 0 && (order === top || isBelow(order, top)))
    .sort(inOrder)
  for (const name of candidates) {
    // What lies below a name follows it in the order, so the last one that hides is the one.
    if (hider !== undefined && isBelow(name.order, hider)) continue
    names.set(name.order, name)
    if (name.kind === 'cut' || name.types.includes(types.DNAME)) hider = name.order
  }
  for (const name of [...names.values()]) addEmpty(names, name, top)
  return [...names.values()].sort(inOrder)
}

/** Finds names; those that hide others hide them here as well. */
export class NameIndex {
  readonly names: readonly ZoneName[]
  readonly #byOrder: ReadonlyMap<string, ZoneName>

  constructor(names: readonly ZoneName[]) {
    this.names = names
    this.#byOrder = new Map(names.map((name) => [name.order, name]))
  }

  find(order: string): ZoneName | undefined {
    return this.#byOrder.get(order)
  }

  /** The closest name at or above that exists; undefined outside the zone. */
  encloser(order: string): ZoneName | undefined {
    for (let up = order; ; up = parentOrder(up)) {
      const found = this.#byOrder.get(up)
      if (found !== undefined || up === '') return found
    }
  }
}
