/**
 * Compiles zones and pool names into a name table.
 *
 * A record belongs to the longest enclosing zone, whichever zone lists it; the one exception is DS
 * at the apex of a zone whose parent is served too, which the parent owns (RFC 4035 section
 * 3.1.4.1). What cannot be served is left out and told as a fault: the configuration's own checks
 * speak before this does.
 */
import { packFolded, findLabels, hashName } from '../dns/hash.ts'
import { foldCase, nameToWire, wireToName } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { RecordSpec, ZoneSpec } from '../steer/topology.ts'
import { negativeSoa, soaRecord } from './table-soa.ts'
import { packRrsets } from './table-rrsets.ts'
import {
  APEX,
  CUT,
  HAS_CNAME,
  HAS_DNAME,
  NameTable,
  NONE,
  type NodeRow,
  packRows,
} from './table.ts'

/** A name while the table is built. */
export interface DraftNode {
  /** Folded wire form. */
  readonly wire: Uint8Array
  readonly index: number
  readonly zone: number
  /** The node one label up, or NONE for an apex. */
  parent: number
  pool: number
  wildcard: number
  hiddenBy: number
  dsZone: number
  flags: number
  readonly records: RecordSpec[]
}

interface DraftZone {
  readonly spec: ZoneSpec
  readonly wire: Uint8Array
}

/** A folded wire name as a Map key. */
export const keyOf = (wire: Uint8Array, from = 0): string =>
  String.fromCharCode(...wire.subarray(from))

const STAR = 0x2a
const isWildcard = (wire: Uint8Array): boolean => wire[0] === 1 && wire[1] === STAR

export class Draft {
  readonly zones: DraftZone[] = []
  readonly nodes: DraftNode[] = []
  readonly faults: string[] = []
  readonly #byName = new Map<string, DraftNode>()
  readonly #zoneByName = new Map<string, number>()

  addZone(spec: ZoneSpec): void {
    const wire = this.#wireOf(spec.apex)
    if (wire === undefined) return
    this.#zoneByName.set(keyOf(wire), this.zones.length)
    this.zones.push({ spec, wire })
  }

  /** Gives each zone its apex and records; after every zone was added. */
  addRecords(): void {
    for (const [index, zone] of this.zones.entries()) {
      const apex = this.#ensure(zone.wire)
      if (apex === undefined || apex.zone !== index) continue
      apex.flags |= APEX
      apex.records.push(soaRecord(zone.spec))
      for (const record of zone.spec.records) this.#addRecord(record, index)
    }
  }

  addPool(name: string, pool: number): void {
    const wire = this.#wireOf(name)
    const node = wire === undefined ? undefined : this.#ensure(wire)
    if (wire !== undefined && node === undefined) this.faults.push(`${name} lies in no zone`)
    if (node !== undefined) node.pool = pool
  }

  find(wire: Uint8Array, from = 0): DraftNode | undefined {
    return this.#byName.get(keyOf(wire, from))
  }

  #wireOf(name: string): Uint8Array | undefined {
    const wire = nameToWire(name)
    if (wire.ok) return foldCase(wire.value)
    this.faults.push(wire.error)
    return undefined
  }

  #addRecord(record: RecordSpec, zone: number): void {
    const wire = this.#wireOf(record.name)
    const node = wire === undefined ? undefined : this.#ensure(wire)
    if (node === undefined) return
    const atApex = (node.flags & APEX) !== 0 || this.#zoneByName.has(keyOf(node.wire))
    if (record.type === types.DS && atApex) {
      // RFC 4035 section 3.1.4.1: the parent's side of a cut owns DS, never the zone itself.
      if (node.zone !== zone) node.records.push(record)
    } else if (node.zone === zone) node.records.push(record)
  }

  /** The node of a name, made with all between it and its apex; undefined outside the zones. */
  #ensure(wire: Uint8Array): DraftNode | undefined {
    const known = this.find(wire)
    if (known !== undefined) return known
    const zone = this.#zoneOf(wire)
    if (zone === NONE) return undefined
    const node: DraftNode = {
      wire,
      index: this.nodes.length,
      zone,
      parent: NONE,
      pool: NONE,
      wildcard: NONE,
      hiddenBy: NONE,
      dsZone: zone,
      flags: 0,
      records: [],
    }
    this.nodes.push(node)
    this.#byName.set(keyOf(wire), node)
    if (this.zones[zone]!.wire.length === wire.length) return node
    const parent = this.#ensure(wire.subarray(wire[0]! + 1))!
    node.parent = parent.index
    if (isWildcard(wire)) parent.wildcard = node.index
    return node
  }

  /** The longest enclosing zone (RFC 1034 section 4.3.2 step 2), or NONE. */
  #zoneOf(wire: Uint8Array): number {
    for (let from = 0; ; from += wire[from]! + 1) {
      const zone = this.#zoneByName.get(keyOf(wire, from))
      if (zone !== undefined) return zone
      if (wire[from] === 0) return NONE
    }
  }

  /** The zone above an apex that is served here and not cut off from it, or NONE. */
  parentZoneOf(apex: DraftNode): number {
    if (apex.wire[0] === 0) return NONE
    const above = apex.wire.subarray(apex.wire[0]! + 1)
    const zone = this.#zoneOf(above)
    if (zone === NONE) return NONE
    for (let from = 0; from < above.length; from += above[from]! + 1) {
      const node = this.find(above, from)
      if (node === undefined) continue
      return node.hiddenBy === NONE ? zone : NONE
    }
    return zone
  }
}

/** Marks what the records of a node make of it. */
function flagNode(node: DraftNode): void {
  const has = (type: number) => node.records.some((record) => record.type === type)
  // RFC 4592 sections 4.2 and 4.4: NS and DNAME at a wildcard delegate and redirect nothing here.
  const plain = !isWildcard(node.wire)
  if (plain && (node.flags & APEX) === 0 && has(types.NS)) node.flags |= CUT
  if (plain && has(types.DNAME)) node.flags |= HAS_DNAME
  // A steered name's addresses win over an alias that someone put beside them.
  if (has(types.CNAME) && node.pool === NONE) node.flags |= HAS_CNAME
}

/** Finds for each node the highest delegation or DNAME that hides it, parents first. */
function hide(draft: Draft): void {
  const settled = new Uint8Array(draft.nodes.length)
  const settle = (node: DraftNode): void => {
    if (settled[node.index] === 1) return
    settled[node.index] = 1
    const parent = node.parent === NONE ? undefined : draft.nodes[node.parent]!
    if (parent !== undefined) {
      settle(parent)
      if (parent.hiddenBy !== NONE) node.hiddenBy = parent.hiddenBy
      // RFC 6672 section 2.3: what lies under a DNAME is not there.
      else if ((parent.flags & HAS_DNAME) !== 0) node.hiddenBy = parent.index
    }
    if (node.hiddenBy === NONE && (node.flags & CUT) !== 0) node.hiddenBy = node.index
  }
  for (const node of draft.nodes) settle(node)
}

/** The rows of the nodes, and the words of their names. */
function packNodes(draft: Draft, setFrom: Int32Array): { rows: Int32Array; words: Int32Array } {
  const { nodes } = draft
  let at = 0
  const rows = nodes.map((node): NodeRow => {
    const nameAt = at
    at += (node.wire.length + 3) >> 2
    const from = setFrom[node.index]!
    const sets = setFrom[node.index + 1]! - from
    return { ...node, nameAt, nameBytes: node.wire.length, setFrom: from, sets }
  })
  const words = new Int32Array(at)
  for (const [index, node] of nodes.entries()) packFolded(node.wire, words, rows[index]!.nameAt)
  return { rows: packRows(rows), words }
}

/**
 * Compiles a table. `pools` are the steered names, by their index in the snapshot; `seed` starts
 * the hashes and should differ from process to process.
 */
export function buildTable(
  zones: readonly ZoneSpec[],
  pools: readonly { readonly name: string }[],
  seed: number,
): NameTable {
  const draft = new Draft()
  for (const zone of zones) draft.addZone(zone)
  draft.addRecords()
  for (const [index, pool] of pools.entries()) draft.addPool(pool.name, index)
  for (const node of draft.nodes) flagNode(node)
  hide(draft)
  for (const node of draft.nodes) {
    if ((node.flags & APEX) === 0) continue
    const above = draft.parentZoneOf(node)
    if (above !== NONE) node.dsZone = above
  }
  const { setFrom, sets } = packRrsets(draft)
  const hashes = new Int32Array(draft.nodes.length)
  const labelAt = new Uint8Array(128)
  const suffixes = new Int32Array(128)
  let labelsMax = 0
  for (const node of draft.nodes) {
    const labels = findLabels(node.wire, 0, labelAt)
    hashName(node.wire, 0, labelAt, labels, suffixes, seed)
    hashes[node.index] = suffixes[0]!
    labelsMax = Math.max(labelsMax, labels)
  }
  return new NameTable({
    seed,
    zones: draft.zones.map(({ spec, wire }) => ({
      apex: wireToName(wire),
      apexBytes: wire.length,
      negativeSoa: negativeSoa(spec),
    })),
    ...packNodes(draft, setFrom),
    sets,
    hashes,
    labelsMax,
    faults: draft.faults,
  })
}
