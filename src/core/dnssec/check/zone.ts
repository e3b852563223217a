/**
 * A whole signed zone, examined: every set that the zone answers for is signed, nothing else is,
 * and the chain of denial holds every name, in order, with what it holds.
 *
 * Like everything in this folder it starts from octets. A zone whose steered sets are signed apart
 * is not whole; those go through `checkSet` one by one.
 */
import type { Hashes, Verifier } from '../crypto.ts'
import type { CheckedKey } from './keys.ts'
import { readNsec } from './nsec.ts'
import { hashOf, readNsec3 } from './nsec3.ts'
import { dataOrder } from './rdata.ts'
import { type CheckContext, checkSet } from './signature.ts'
import { DNAME, DS, NS, SOA } from './types.ts'
import {
  type Labels,
  type WireRecord,
  isWithin,
  nameOrder,
  number16,
  sameName,
  wholeName,
} from './wire.ts'

const RRSIG = 46
const NSEC = 47
const NSEC3 = 50

/** A name with its records by type, and the signatures by what they cover. */
interface Owner {
  readonly labels: Labels
  readonly sets: Map<number, WireRecord[]>
  readonly signatures: Map<number, WireRecord[]>
}

/** Where a name stands: the zone's own, a delegation, or below one (or below a DNAME). */
type Standing = 'own' | 'cut' | 'hidden'

export interface ZoneToCheck {
  readonly records: readonly WireRecord[]
  readonly keys: readonly CheckedKey[]
  readonly zone: Uint8Array
  readonly nowSeconds: number
}

const textOf = (labels: Labels): string =>
  `${labels.map((label) => label.replace(/[^!-~]/g, '?')).join('.')}.`

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function ownersOf(records: readonly WireRecord[], zone: Labels): Owner[] {
  const owners = new Map<string, Owner>()
  for (const record of records) {
    const labels = wholeName(record.owner)
    if (labels === undefined || !isWithin(labels, zone)) continue
    const key = JSON.stringify(labels)
    const owner = owners.get(key) ?? { labels, sets: new Map(), signatures: new Map() }
    owners.set(key, owner)
    if (record.type !== RRSIG) push(owner.sets, record.type, record)
    else if (record.rdata.length > 2) push(owner.signatures, number16(record.rdata, 0), record)
  }
  return [...owners.values()].sort((a, b) => nameOrder(a.labels, b.labels))
}

/** In canonical order, what hides a name is the last one before it that hides anything. */
function standings(owners: readonly Owner[], zone: Labels): Map<Owner, Standing> {
  const found = new Map<Owner, Standing>()
  let hider: Labels | undefined
  for (const owner of owners) {
    const { labels, sets } = owner
    if (hider !== undefined && labels.length > hider.length && isWithin(labels, hider)) {
      found.set(owner, 'hidden')
      continue
    }
    const isCut = sets.has(NS) && !sameName(labels, zone)
    found.set(owner, isCut ? 'cut' : 'own')
    if (isCut || sets.has(DNAME)) hider = labels
  }
  return found
}

/** RFC 4035 section 2.2: which sets are signed. */
const isSigned = (standing: Standing, type: number): boolean =>
  standing === 'own' || (standing === 'cut' && (type === DS || type === NSEC))

function signatureFaults(
  owner: Owner,
  standing: Standing,
  context: CheckContext,
  verifier: Verifier,
): string[] {
  const faults: string[] = []
  for (const [type, records] of owner.sets) {
    const signatures = owner.signatures.get(type) ?? []
    const what = `${textOf(owner.labels)} type ${type}`
    if (!isSigned(standing, type)) {
      if (signatures.length > 0) faults.push(`${what}: signed, although the zone has no say in it`)
      continue
    }
    const checked = checkSet({ records, signatures }, context, verifier)
    if (!checked.ok) faults.push(`${what}: ${checked.error}`)
  }
  for (const type of owner.signatures.keys())
    if (!owner.sets.has(type)) faults.push(`${textOf(owner.labels)}: signs type ${type}, not there`)
  return faults
}

/** The types that a name's record in the chain has to list. */
function heldBy(owner: Owner, standing: Standing): Set<number> {
  const held = [...owner.sets.keys()].filter((type) => type !== NSEC && type !== NSEC3)
  const own = held.filter((type) => standing === 'own' || type === NS || type === DS)
  const hasSigned = own.some((type) => isSigned(standing, type))
  return new Set(hasSigned ? [...own, RRSIG] : own)
}

const sameTypes = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean =>
  a.size === b.size && [...a].every((type) => b.has(type))

function nsecFaults(owners: readonly Owner[], standing: Map<Owner, Standing>): string[] {
  const own = owners.filter((owner) => standing.get(owner) !== 'hidden')
  return own.flatMap((owner, at) => {
    const [record, ...more] = owner.sets.get(NSEC) ?? []
    const nsec = record === undefined ? undefined : readNsec(record)
    const name = textOf(owner.labels)
    if (nsec === undefined || more.length > 0) return [`${name}: not one NSEC`]
    const next = own[(at + 1) % own.length]!.labels
    const held = heldBy(owner, standing.get(owner)!).add(RRSIG).add(NSEC)
    return [
      ...(sameName(nsec.next, next) ? [] : [`${name}: the next name is not ${textOf(next)}`]),
      ...(sameTypes(nsec.types, held) ? [] : [`${name}: the NSEC lists other types`]),
    ]
  })
}

/** Every name of the zone with what it holds; the empty ones hold nothing. */
function namesToHash(
  owners: readonly Owner[],
  standing: Map<Owner, Standing>,
  zone: Labels,
): [Labels, Set<number>][] {
  const names = new Map<string, [Labels, Set<number>]>()
  for (const owner of owners) {
    const stands = standing.get(owner)!
    if (stands === 'hidden' || owner.sets.has(NSEC3)) continue
    for (let from = 0; owner.labels.length - from >= zone.length; from++) {
      const labels = owner.labels.slice(from)
      const key = JSON.stringify(labels)
      if (from === 0) names.set(key, [labels, heldBy(owner, stands)])
      else if (!names.has(key)) names.set(key, [labels, new Set()])
    }
  }
  return [...names.values()]
}

function nsec3Faults(
  owners: readonly Owner[],
  standing: Map<Owner, Standing>,
  zone: Labels,
  { sha1 }: Pick<Hashes, 'sha1'>,
): string[] {
  const chain = owners
    .flatMap(({ sets }) => sets.get(NSEC3) ?? [])
    .map(readNsec3)
    .filter((nsec3) => nsec3 !== undefined)
    .sort((a, b) => dataOrder(a.hash, b.hash))
  const first = chain[0]
  if (first === undefined) return ['no chain of denial']
  const names = namesToHash(owners, standing, zone)
    .map(([labels, held]) => ({ labels, held, hash: hashOf(labels, first, sha1) }))
    .sort((a, b) => dataOrder(a.hash, b.hash))
  if (names.length !== chain.length)
    return [`${chain.length} NSEC3 records for ${names.length} names`]
  return names.flatMap(({ labels, held, hash }, at) => {
    const nsec3 = chain[at]!
    const next = names[(at + 1) % names.length]!.hash
    const name = textOf(labels)
    if (dataOrder(nsec3.hash, hash) !== 0) return [`${name}: no NSEC3`]
    return [
      ...(dataOrder(nsec3.next, next) === 0 ? [] : [`${name}: the NSEC3 has another next hash`]),
      ...(sameTypes(nsec3.types, held) ? [] : [`${name}: the NSEC3 lists other types`]),
    ]
  })
}

/**
 * What is wrong with the chain of denial alone, no signature looked at: for zones whose sets are
 * examined one by one. Of other records only owner and type count.
 */
export function chainFaults(
  { records, zone }: Pick<ZoneToCheck, 'records' | 'zone'>,
  hashes: Pick<Hashes, 'sha1'>,
  faultsMax = 100,
): readonly string[] {
  const apex = wholeName(zone)
  if (apex === undefined) return ['the name of the zone is none']
  const owners = ownersOf(records, apex)
  const top = owners[0]
  if (top === undefined || !sameName(top.labels, apex) || !top.sets.has(SOA)) return ['no SOA']
  const standing = standings(owners, apex)
  const faults = top.sets.has(NSEC)
    ? nsecFaults(owners, standing)
    : nsec3Faults(owners, standing, apex, hashes)
  return faults.slice(0, faultsMax)
}

/** Everything that is wrong with the zone, a sentence each; at most `faultsMax`. */
export function zoneFaults(
  { records, keys, zone, nowSeconds }: ZoneToCheck,
  checker: Verifier & Hashes,
  faultsMax = 100,
): readonly string[] {
  const apex = wholeName(zone)
  if (apex === undefined) return ['the name of the zone is none']
  const owners = ownersOf(records, apex)
  const top = owners[0]
  if (top === undefined || !sameName(top.labels, apex) || !top.sets.has(SOA)) return ['no SOA']
  const standing = standings(owners, apex)
  const context: CheckContext = { zone, keys, nowSeconds, ttl: 'exact' }
  const faults = top.sets.has(NSEC)
    ? nsecFaults(owners, standing)
    : nsec3Faults(owners, standing, apex, checker)
  for (const owner of owners) {
    if (faults.length >= faultsMax) break
    faults.push(...signatureFaults(owner, standing.get(owner)!, context, checker))
  }
  return faults.slice(0, faultsMax)
}
