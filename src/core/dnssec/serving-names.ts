/**
 * What a compiled table holds, read back for signing: the sets of each name and the zone whose word
 * they are, and which names each zone has.
 *
 * Signed is what will be served, so all of it comes from the table and not from its sources.
 * Names below a delegation or a DNAME are nobody's; of a delegation only the DS is signed, and of a
 * zone that is served here beside its parent the DS is the parent's (RFC 4035 section 2.2).
 */
import { textOf } from '../base/memory.ts'
import { types } from '../dns/types.ts'
import { FIXED, FIXED_FAMILIES, FAMILY_4, FAMILY_6, type PoolLayout } from '../steer/pool-layout.ts'
import {
  APEX,
  NameTable,
  NODE_WORDS,
  NONE,
  nameWords,
  RR_FIXED_BYTES,
  SET_FROM,
  SET_HEAD,
  SET_TO,
  SET_WORDS,
  type TableParts,
} from '../zone/table.ts'
import type { Rrset } from './canonical.ts'
import { APEX_TYPES, type ApexRecords } from './serving-plan.ts'
import type { OwnedTypes } from './zone-names.ts'

/** An rrset of the table. */
export interface TableSet extends Rrset {
  /** Where it lies in the arena. */
  readonly at: number
}

/** A name of the table that its zone answers for. */
export interface TableName {
  readonly node: number
  readonly owner: Uint8Array
  readonly zone: number
  /** The zone that answers for its DS. */
  readonly dsZone: number
  readonly pool: number
  readonly isCut: boolean
  readonly isApex: boolean
  readonly sets: readonly TableSet[]
}

/** Apexes by zone, as written in the configuration. */
export const apexesOf = ({ apexes, soaEnds }: TableParts): readonly string[] =>
  soaEnds.length === 0 ? [] : textOf(apexes).split('\n')

function ownerOf({ words }: NameTable, node: number, length: number): Uint8Array {
  const owner = new Uint8Array(length)
  // As hash.ts packs names: the first octet lowest.
  for (let at = 0; at < length; at++)
    owner[at] = words[node + NODE_WORDS + (at >> 2)]! >>> ((at & 3) << 3)
  return owner
}

/** The records of a set as they will be copied. */
function setAt(table: NameTable, at: number, owner: Uint8Array): TableSet {
  const { words, bytes } = table
  const end = words[at + SET_TO]!
  const rdatas: Uint8Array[] = []
  let ttlSeconds = 0
  for (let from = words[at + SET_FROM]!; from < end; ) {
    const length = bytes.getUint16(from + 8)
    ttlSeconds = bytes.getUint32(from + 4)
    const offset = bytes.byteOffset + from + RR_FIXED_BYTES
    rdatas.push(new Uint8Array(bytes.buffer, offset, length))
    from += RR_FIXED_BYTES + length
  }
  return { at, owner, type: words[at + SET_HEAD]! & 0xffff, ttlSeconds, rdatas }
}

function nameAt(table: NameTable, node: number): TableName {
  const length = table.nameBytes(node)
  const owner = ownerOf(table, node, length)
  const first = node + NODE_WORDS + nameWords(length)
  const sets = Array.from({ length: table.setCount(node) }, (_, index) =>
    setAt(table, first + index * SET_WORDS, owner),
  )
  return {
    node,
    owner,
    zone: table.zone(node),
    dsZone: table.dsZone(node),
    pool: table.pool(node),
    isCut: table.hiddenBy(node) === node,
    isApex: (table.flags(node) & APEX) !== 0,
    sets,
  }
}

function namesWhere(
  { slots }: TableParts,
  table: NameTable,
  isWanted: (node: number) => boolean,
): TableName[] {
  const names: TableName[] = []
  for (let slot = 1; slot < slots.length; slot += 2) {
    const node = slots[slot]!
    if (node !== NONE && isWanted(node)) names.push(nameAt(table, node))
  }
  return names
}

/** Every name of the table that is not hidden, in no order, of the zones that are wanted. */
export function tableNames(parts: TableParts, wants: (zone: number) => boolean): TableName[] {
  const table = new NameTable(parts)
  return namesWhere(parts, table, (node) => {
    const hidden = table.hiddenBy(node)
    const isHidden = hidden !== NONE && hidden !== node
    return !isHidden && (wants(table.zone(node)) || wants(table.dsZone(node)))
  })
}

/** What stands at the apexes of a table because its zones are signed. */
export function apexRecordsIn(parts: TableParts): ApexRecords[] {
  const apexes = apexesOf(parts)
  const table = new NameTable(parts)
  return namesWhere(parts, table, (node) => (table.flags(node) & APEX) !== 0)
    .filter(({ sets }) => sets.some(({ type }) => APEX_TYPES.has(type)))
    .map(({ zone, sets }) => {
      const apex = apexes[zone]!
      const records = sets
        .filter(({ type }) => APEX_TYPES.has(type))
        .flatMap(({ type, ttlSeconds, rdatas }) =>
          rdatas.map((rdata) => ({ name: apex, type, ttlSeconds, rdata })),
        )
      return { apex, records }
    })
}

/** The zone that signs a set of a name; NONE where nobody does. */
export function signingZone({ zone, dsZone, isCut, isApex }: TableName, type: number): number {
  if (type !== types.DS) return isCut ? NONE : zone
  if (isApex) return dsZone === zone ? NONE : dsZone
  return zone
}

const familyTypes = ({ fixed }: PoolLayout, pool: number): readonly number[] => {
  const families = fixed[pool * FIXED + FIXED_FAMILIES]!
  return [
    ...((families & FAMILY_4) !== 0 ? [types.A] : []),
    ...((families & FAMILY_6) !== 0 ? [types.AAAA] : []),
  ]
}

const isWildcard = (owner: Uint8Array): boolean => owner[0] === 1 && owner[1] === 0x2a

/** Stands for a name that exists and holds nothing: a pool that no server has joined. */
export const HOLDS_NOTHING: readonly number[] = [types.NSEC]

/** The types of a name, as a chain of denial lists them. */
export function typesOf(name: TableName, pools: PoolLayout): readonly number[] {
  const own = name.sets.map(({ type }) => type).filter((type) => type !== types.DS || !name.isApex)
  // RFC 4592 sections 4.2 and 4.4: at a wildcard these delegate and redirect nothing here.
  const plain = isWildcard(name.owner)
    ? own.filter((type) => type !== types.NS && type !== types.DNAME)
    : own
  if (name.pool === NONE) return plain
  // An alias beside a pool answers nothing but questions for it.
  const all = [...plain.filter((type) => type !== types.CNAME), ...familyTypes(pools, name.pool)]
  return all.length === 0 ? HOLDS_NOTHING : all
}

/** What the chain of a zone is made of. */
export function ownedIn(
  zone: number,
  names: readonly TableName[],
  pools: PoolLayout,
): OwnedTypes[] {
  const owned: OwnedTypes[] = []
  for (const name of names) {
    if (name.zone === zone) owned.push({ owner: name.owner, types: typesOf(name, pools) })
    // A zone served here beside its parent is delegated by it, whether or not the parent says so.
    else if (name.isApex && name.dsZone === zone) {
      const hasDs = name.sets.some(({ type }) => type === types.DS)
      owned.push({ owner: name.owner, types: hasDs ? [types.NS, types.DS] : [types.NS] })
    }
  }
  return owned
}
