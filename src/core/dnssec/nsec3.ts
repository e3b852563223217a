/**
 * NSEC3 (RFC 5155) as RFC 9276 section 3.1 wants it: SHA-1, no iterations beyond the first, no
 * salt, no opt-out.
 *
 * Every name of the zone has one, the empty ones too. A proof names the closest encloser.
 */
import { types } from '../dns/types.ts'
import { bytesToBase32Hex } from '../zone/rdata-text.ts'
import { typeBitmap } from './bitmap.ts'
import type { Hashes } from './crypto.ts'
import { type DenialChain, distinct, floorIn } from './denial.ts'
import { orderOf, stepDown, wildcardOrder, wireOfOrder } from './order.ts'
import { NameIndex, type ZoneName } from './zone-names.ts'

/** RFC 5155 section 11. */
const HASH_SHA1 = 1

export interface Nsec3Parameters {
  /** Beyond the first. */
  readonly iterations: number
  readonly salt: Uint8Array
  readonly isOptOut: boolean
}

/** RFC 9276 section 3.1. */
export const plainNsec3: Nsec3Parameters = {
  iterations: 0,
  salt: new Uint8Array(0),
  isOptOut: false,
}

/** RFC 5155 section 5: the hash of a name in lower-case wire form. */
export function nsec3Hash(
  name: Uint8Array,
  { iterations, salt }: Nsec3Parameters,
  { sha1 }: Pick<Hashes, 'sha1'>,
): Uint8Array {
  let hash: Uint8Array = name
  for (let round = 0; round <= iterations; round++)
    hash = sha1(salt.length === 0 ? hash : new Uint8Array([...hash, ...salt]))
  return hash
}

function parameterBytes(flags: number, { iterations, salt }: Nsec3Parameters): number[] {
  return [HASH_SHA1, flags, iterations >> 8, iterations & 0xff, salt.length, ...salt]
}

/** RFC 5155 section 4.1.2: in NSEC3PARAM all flags are zero. */
export const nsec3ParamRdata = (parameters: Nsec3Parameters): Uint8Array =>
  new Uint8Array(parameterBytes(0, parameters))

/** The types in the NSEC3 of a name. */
function shownTypes({ kind, types: held }: ZoneName): readonly number[] {
  // RFC 5155 section 7.1: RRSIG is listed where something is signed, which a delegation without a
  // DS and an empty name have nothing of.
  const hasSigned = kind === 'data' || (kind === 'cut' && held.includes(types.DS))
  return hasSigned ? [...held, types.RRSIG] : held
}

interface Hashed {
  readonly name: ZoneName
  readonly hash: Uint8Array
  readonly text: string
}

/** RFC 5155 section 3: the owner is the hash in base32hex before the apex. */
function ownerOf(text: string, apex: Uint8Array): Uint8Array {
  const label = Array.from(text, (char) => char.charCodeAt(0))
  return new Uint8Array([label.length, ...label, ...apex])
}

function rdataOf(own: Hashed, next: Hashed, parameters: Nsec3Parameters): Uint8Array {
  const flags = parameters.isOptOut ? 1 : 0
  return new Uint8Array([
    ...parameterBytes(flags, parameters),
    next.hash.length,
    ...next.hash,
    ...typeBitmap(shownTypes(own.name)),
  ])
}

/** With opt-out, delegations without a DS have no record (RFC 5155 section 7.1). */
const isLeftOut = (name: ZoneName, { isOptOut }: Nsec3Parameters): boolean =>
  isOptOut && name.kind === 'cut' && !name.types.includes(types.DS)

/** The chain over the names of a zone (`zoneNames`); the apex holds NSEC3PARAM among its types. */
export function nsec3Chain(
  apex: Uint8Array,
  names: readonly ZoneName[],
  parameters: Nsec3Parameters,
  hashes: Pick<Hashes, 'sha1'>,
): DenialChain {
  const kept = names.filter((name) => !isLeftOut(name, parameters))
  const index = new NameIndex(kept)
  // Base32hex keeps the order of what it writes (RFC 4648 section 7), so the text sorts the hashes.
  const textOf = (hash: Uint8Array): string => bytesToBase32Hex(hash).toLowerCase()
  const hashed = kept
    .map((name): Hashed => {
      const hash = nsec3Hash(name.owner, parameters, hashes)
      return { name, hash, text: textOf(hash) }
    })
    .sort((a, b) => (a.text < b.text ? -1 : 1))
  const texts = hashed.map(({ text }) => text)
  const records = hashed.map((own, at) => ({
    owner: ownerOf(own.text, apex),
    rdata: rdataOf(own, hashed[(at + 1) % hashed.length]!, parameters),
  }))
  const at = (order: string): number =>
    floorIn(texts, textOf(nsec3Hash(wireOfOrder(order), parameters, hashes)))

  return {
    type: types.NSEC3,
    records,
    prove(denied, order) {
      // RFC 5155 sections 7.2.3 and 7.2.4.
      if (denied === 'nodata' && index.find(order) !== undefined) return [at(order)]
      const encloser = index.encloser(order)?.order ?? orderOf(apex)
      const nextCloser = at(stepDown(order, encloser))
      // RFC 5155 section 7.2.4: a delegation left out has its closest encloser and a gap instead.
      if (denied === 'nodata') return distinct([at(encloser), nextCloser])
      // RFC 5155 section 7.2.6: the closest encloser is the parent of the wildcard that answers.
      if (denied === 'wildcard-answer') return [nextCloser]
      // RFC 5155 sections 7.2.2 and 7.2.5.
      return distinct([at(encloser), nextCloser, at(wildcardOrder(encloser))])
    },
  }
}
