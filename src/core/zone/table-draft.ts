/**
 * The names of the zones while a table is built: arrays with one entry a name, found by hash.
 *
 * A record belongs to the longest enclosing zone, whichever zone lists it; the one exception is DS
 * at the apex of a zone whose parent is served too, which the parent owns (RFC 4035 section
 * 3.1.4.1). What cannot be served is left out and told as a fault, but for records whose names
 * another zone holds: the configuration's own checks tell of those (`check-holders.ts`), as they
 * speak of all the rest before this does.
 */
import { viewOf } from '../base/octets.ts'
import { BEFORE_NAME_BYTES, findLabels, hashName, packFolded, sameFolded } from '../dns/hash.ts'
import { LABEL_BYTES_MAX, LABELS_MAX, NAME_BYTES_MAX, nameToWire } from '../dns/names.ts'
import { types } from '../dns/types.ts'
import type { RecordSpec, ZoneSpec } from '../steer/topology.ts'
import { emptySlots, insertSlot } from './table-slots.ts'
import { soaRecord } from './table-soa.ts'
import { APEX, NONE } from './table.ts'

/** A name while the table is built. */
export interface DraftNode {
  readonly index: number
  readonly nameBytes: number
  readonly hash: number
  /** First word of the packed, folded name. */
  readonly nameAt: number
  zone: number
  /** The node one label up, or NONE for an apex. */
  parent: number
  pool: number
  wildcard: number
  hiddenBy: number
  dsZone: number
  flags: number
  readonly isWildcard: boolean
  records: RecordSpec[]
}

const NO_RECORDS: RecordSpec[] = []
/** The label `*` with its length octet. */
const STAR = 0x2a01

function addTo(node: DraftNode, record: RecordSpec): void {
  if (node.records === NO_RECORDS) node.records = [record]
  else node.records.push(record)
}

const DOT = 0x2e
const BACKSLASH = 0x5c
const AT_SIGN = 0x40

/**
 * Writes a name without escapes, in wire form; false for what `nameToWire` should look at. A name
 * is read this way several times as fast, which counts where there are a million.
 */
function writePlain(text: string, out: Uint8Array, from: number): boolean {
  if (text.length === 0 || text.length > NAME_BYTES_MAX - 2) return false
  let label = from
  let at = from + 1
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === DOT) {
      const length = at - label - 1
      if (length === 0 || length > LABEL_BYTES_MAX) return false
      out[label] = length
      label = at++
    } else if (code <= 0x20 || code > 0x7e || code === BACKSLASH || code === AT_SIGN) return false
    else out[at++] = code
  }
  const length = at - label - 1
  if (length === 0 || length > LABEL_BYTES_MAX) return false
  out[label] = length
  out[at] = 0
  return true
}

/** Where a name is put while it is looked up. */
const SCRATCH_AT = BEFORE_NAME_BYTES + 1

export class Draft {
  readonly seed: number
  readonly zones: ZoneSpec[] = []
  readonly nodes: DraftNode[] = []
  readonly faults: string[] = []
  /** Packed, folded names. */
  names = new Int32Array(1_024)
  labelsMax = 0
  #namesUsed = 0
  /** Pairs of hash and node index, as the table will have them. */
  #slots = emptySlots(512)
  /** By zone, the index of its apex; NONE when another entry of the same name took its place. */
  readonly #apexes: number[] = []
  /** By zone, its apex in wire form. */
  readonly #apexWires: Uint8Array[] = []

  // The name in hand.
  readonly #wire = new Uint8Array(SCRATCH_AT + NAME_BYTES_MAX)
  readonly #view = viewOf(this.#wire)
  readonly #labelAt = new Uint8Array(LABELS_MAX + 1)
  readonly #hashes = new Int32Array(LABELS_MAX + 1)
  #labels = 0

  constructor(seed: number) {
    this.seed = seed
  }

  /** Adds a zone with its apex; a second one of the same name takes the place of the first. */
  addZone(spec: ZoneSpec): void {
    if (!this.#read(spec.apex)) return
    const zone = this.zones.length
    this.zones.push(spec)
    const found = this.#find(0)
    if (found !== NONE) this.#apexes[this.nodes[found]!.zone] = NONE
    const apex = found === NONE ? this.#add(0, zone, NONE) : this.nodes[found]!
    apex.zone = zone
    apex.dsZone = zone
    apex.flags |= APEX
    this.#apexes.push(apex.index)
    this.#apexWires.push(this.#wire.slice(SCRATCH_AT, SCRATCH_AT + apex.nameBytes))
  }

  /** Adds the empty names between each apex and the zone above (RFC 4592 section 2.2.2). */
  addGaps(): void {
    for (const wire of this.#apexWires) {
      if (wire[0] === 0) continue
      this.#wire.set(wire.subarray(wire[0]! + 1), SCRATCH_AT)
      this.#index()
      this.#ensure()
    }
  }

  /** Gives each zone its records; after every zone was added. */
  addRecords(): void {
    for (const [zone, spec] of this.zones.entries()) {
      const apex = this.apexOf(zone)
      if (apex === undefined) continue
      addTo(apex, soaRecord(spec))
      for (const record of spec.records) this.#addRecord(record, zone)
    }
  }

  /** The apex of a zone; undefined when another entry of the same name took its place. */
  apexOf(zone: number): DraftNode | undefined {
    return this.nodes[this.#apexes[zone]!]
  }

  apexWireOf(zone: number): Uint8Array {
    return this.#apexWires[zone]!
  }

  addPool(name: string, pool: number): void {
    if (!this.#read(name)) return
    const node = this.#ensure()
    if (node === undefined) this.faults.push(`${name} lies in no zone`)
    else node.pool = pool
  }

  /** The node of a whole wire name; the bytes are checked by the caller. */
  find(bytes: Uint8Array, from: number, length: number): DraftNode | undefined {
    this.#wire.set(bytes.subarray(from, from + length), SCRATCH_AT)
    this.#index()
    const found = this.#find(0)
    return found === NONE ? undefined : this.nodes[found]
  }

  /** Takes a name in hand; false, with a fault told, when it is none. */
  #read(text: string): boolean {
    if (!writePlain(text, this.#wire, SCRATCH_AT)) {
      const wire = nameToWire(text)
      if (!wire.ok) {
        this.faults.push(wire.error)
        return false
      }
      this.#wire.set(wire.value, SCRATCH_AT)
    }
    this.#index()
    return true
  }

  #index(): void {
    this.#labels = findLabels(this.#wire, SCRATCH_AT, this.#labelAt)
    hashName(this.#view, SCRATCH_AT, this.#labelAt, this.#labels, this.#hashes, this.seed)
  }

  /** The node of the name in hand without its first labels, or NONE. */
  #find(label: number): number {
    const hash = this.#hashes[label]!
    const skipped = this.#labelAt[label]!
    const length = this.#labelAt[this.#labels]! + 1 - skipped
    const mask = (this.#slots.length >> 1) - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot * 2 + 1]!
      if (index === NONE) return NONE
      if (this.#slots[slot * 2] !== hash) continue
      const { nameBytes, nameAt } = this.nodes[index]!
      if (nameBytes !== length) continue
      if (sameFolded(this.#view, SCRATCH_AT + skipped, length, this.names, nameAt)) return index
    }
  }

  #addRecord(record: RecordSpec, zone: number): void {
    const node = this.#read(record.name) ? this.#ensure(zone) : undefined
    if (node === undefined) return
    if (record.type === types.DS && (node.flags & APEX) !== 0) {
      // RFC 4035 section 3.1.4.1: the parent's side of a cut owns DS, never the zone itself.
      if (node.zone !== zone) addTo(node, record)
    } else if (node.zone === zone) addTo(node, record)
  }

  /**
   * The node of the name in hand, made with all above it; undefined outside the zones, and where it
   * would have to be made in another zone than `wanted`, whose names are that one's alone.
   */
  #ensure(wanted = NONE): DraftNode | undefined {
    let label = 0
    let above = NONE
    for (; label <= this.#labels; label++) {
      above = this.#find(label)
      if (above !== NONE) break
    }
    if (above === NONE) return undefined
    // RFC 1034 section 4.3.2 step 2: every apex is a node, so the closest one knows the zone.
    let node = this.nodes[above]!
    if (label > 0 && wanted !== NONE && node.zone !== wanted) return undefined
    while (label > 0) {
      label--
      const child = this.#add(label, node.zone, node.index)
      if (child.isWildcard) node.wildcard = child.index
      node = child
    }
    return node
  }

  /** Adds the name in hand without its first labels. */
  #add(label: number, zone: number, parent: number): DraftNode {
    const from = SCRATCH_AT + this.#labelAt[label]!
    const nameBytes = this.#labelAt[this.#labels]! + 1 - this.#labelAt[label]!
    const node: DraftNode = {
      index: this.nodes.length,
      nameBytes,
      hash: this.#hashes[label]!,
      nameAt: this.#keepName(from, nameBytes),
      zone,
      parent,
      pool: NONE,
      wildcard: NONE,
      hiddenBy: NONE,
      dsZone: zone,
      flags: 0,
      isWildcard: this.#view.getUint16(from, true) === STAR,
      records: NO_RECORDS,
    }
    this.nodes.push(node)
    this.labelsMax = Math.max(this.labelsMax, this.#labels - label)
    this.#insert(node)
    return node
  }

  #insert(node: DraftNode): void {
    if (this.nodes.length * 4 <= this.#slots.length) {
      insertSlot(this.#slots, node.hash, node.index)
      return
    }
    this.#slots = emptySlots(this.nodes.length * 2)
    for (const { hash, index } of this.nodes) insertSlot(this.#slots, hash, index)
  }

  #keepName(from: number, length: number): number {
    const at = this.#namesUsed
    this.#namesUsed += (length + 3) >> 2
    if (this.#namesUsed > this.names.length) {
      const grown = new Int32Array(this.names.length * 2)
      grown.set(this.names)
      this.names = grown
    }
    packFolded(this.#wire, from, length, this.names, at)
    return at
  }

  /** The zone above that of an apex, when it is served here and not cut off from it; or NONE. */
  zoneAbove(zone: number): number {
    const wire = this.apexWireOf(zone)
    if (wire[0] === 0) return NONE
    this.#wire.set(wire.subarray(wire[0]! + 1), SCRATCH_AT)
    this.#index()
    for (let label = 0; label <= this.#labels; label++) {
      const found = this.#find(label)
      if (found === NONE) continue
      const { hiddenBy, zone: above } = this.nodes[found]!
      return hiddenBy === NONE ? above : NONE
    }
    return NONE
  }
}
