/**
 * Compiles zones and pool names into a name table.
 */
import { copyOf, type Memory, ownMemory, textIn } from '../base/memory.ts'
import { types } from '../dns/types.ts'
import type { ZoneSpec } from '../steer/topology.ts'
import { Arena } from './table-arena.ts'
import { Draft, type DraftNode } from './table-draft.ts'
import { bytesOf, type DraftSet, setsOf, type Target, targetsOf, writeSet } from './table-rrsets.ts'
import { emptySlots, insertSlot } from './table-slots.ts'
import { negativeSoa } from './table-soa.ts'
import {
  APEX,
  CUT,
  DS_ZONE,
  HAS_CNAME,
  HAS_DNAME,
  HIDDEN_BY,
  NameTable,
  NODE_WORDS,
  NONE,
  nameWords,
  PACKED,
  POOL,
  SET_FROM,
  SET_HEAD,
  SET_TARGETS,
  SET_TO,
  SET_WORDS,
  WILDCARD,
  type TableParts,
  ZONE,
} from './table.ts'

/** Marks what the records of a node make of it. */
function flagNode(node: DraftNode): void {
  if (node.records.length === 0) return
  const has = (type: number) => node.records.some((record) => record.type === type)
  // RFC 4592 sections 4.2 and 4.4: NS and DNAME at a wildcard delegate and redirect nothing here.
  const plain = !node.isWildcard
  if (plain && (node.flags & APEX) === 0 && has(types.NS)) node.flags |= CUT
  if (plain && has(types.DNAME)) node.flags |= HAS_DNAME
  // A steered name's addresses win over an alias that someone put beside them.
  if (has(types.CNAME) && node.pool === NONE) node.flags |= HAS_CNAME
}

/** Finds for each node the highest delegation or DNAME that hides it; parents come first. */
function hide(nodes: readonly DraftNode[]): void {
  for (const node of nodes) {
    const parent = node.parent === NONE ? undefined : nodes[node.parent]!
    if (parent !== undefined) {
      if (parent.hiddenBy !== NONE) node.hiddenBy = parent.hiddenBy
      // RFC 6672 section 2.3: what lies under a DNAME is not there.
      else if ((parent.flags & HAS_DNAME) !== 0) node.hiddenBy = parent.index
    }
    if (node.hiddenBy === NONE && (node.flags & CUT) !== 0) node.hiddenBy = node.index
  }
}

/** Words of an rrset with all that belongs to it. */
const setWords = (set: DraftSet, targets: readonly Target[]): number =>
  SET_WORDS + ((bytesOf(set) + 3) >> 2) + (targets.length === 0 ? 0 : 1 + targets.length * 2)

/** Lays one node out; other nodes are still named by their index. */
function placeNode(arena: Arena, draft: Draft, node: DraftNode): number {
  const sets = setsOf(node, draft.faults)
  const targets = sets.map((set) => targetsOf(set, draft))
  const fixed = NODE_WORDS + nameWords(node.nameBytes)
  const size = sets.reduce((sum, set, index) => sum + setWords(set, targets[index]!), fixed)
  arena.align(size)
  const at = arena.take(size)
  const { words } = arena
  words[at + PACKED] = node.nameBytes | (node.flags << 8) | (sets.length << 16)
  words[at + ZONE] = node.zone
  words[at + POOL] = node.pool
  words[at + WILDCARD] = node.wildcard
  words[at + HIDDEN_BY] = node.hiddenBy
  words[at + DS_ZONE] = node.dsZone
  for (let word = NODE_WORDS; word < fixed; word++)
    words[at + word] = draft.names[node.nameAt + word - NODE_WORDS]!
  placeSets(arena, at + fixed, sets, targets)
  return at
}

/** Writes the rows of the sets, then the records and targets of each. */
function placeSets(
  arena: Arena,
  from: number,
  sets: readonly DraftSet[],
  targets: readonly (readonly Target[])[],
): void {
  const { words } = arena
  const octets = arena.octets()
  let free = from + sets.length * SET_WORDS
  for (const [index, set] of sets.entries()) {
    const row = from + index * SET_WORDS
    words[row + SET_HEAD] = set.type | (set.rdatas.length << 16)
    words[row + SET_FROM] = free * 4
    words[row + SET_TO] = writeSet(set, octets, free * 4)
    free += (bytesOf(set) + 3) >> 2
    const list = targets[index]!
    words[row + SET_TARGETS] = list.length === 0 ? NONE : free
    if (list.length === 0) continue
    words[free++] = list.length
    for (const target of list) {
      words[free++] = target.at
      words[free++] = target.node
    }
  }
}

/** Names nodes by where they lie instead of by index. */
function joinNodes(words: Int32Array, placed: Int32Array): void {
  const join = (at: number) => {
    if (words[at] !== NONE) words[at] = placed[words[at]!]!
  }
  for (const node of placed) {
    join(node + WILDCARD)
    join(node + HIDDEN_BY)
    const packed = words[node + PACKED]!
    const first = node + NODE_WORDS + nameWords(packed & 0xff)
    for (let set = first; set < first + (packed >>> 16) * SET_WORDS; set += SET_WORDS) {
      const list = words[set + SET_TARGETS]!
      if (list === NONE) continue
      for (let target = 0; target < words[list]!; target++) join(list + 2 + target * 2)
    }
  }
}

/** What the zones say of themselves, by zone. */
function zoneParts(draft: Draft, memory: Memory) {
  const { zones } = draft
  const all = zones.map(negativeSoa)
  const soas = new Uint8Array(memory(all.reduce((sum, soa) => sum + soa.length, 0)))
  const soaEnds = new Uint32Array(memory(zones.length * 4))
  const apexBytes = new Uint8Array(memory(zones.length))
  let at = 0
  for (const [zone, soa] of all.entries()) {
    soas.set(soa, at)
    at += soa.length
    soaEnds[zone] = at
    apexBytes[zone] = draft.apexWireOf(zone).length
  }
  const lines = zones.map(({ apex }) => apex).join('\n')
  return { soas, soaEnds, apexBytes, apexes: textIn(lines, memory) }
}

/**
 * Compiles a table into such memory. `names` are the steered names, by their index in the snapshot;
 * `seed` starts the hashes and should differ from process to process.
 */
export function compileTable(
  zones: readonly ZoneSpec[],
  names: readonly string[],
  seed: number,
  memory: Memory,
): TableParts {
  const draft = new Draft(seed)
  for (const zone of zones) draft.addZone(zone)
  draft.addGaps()
  draft.addRecords()
  for (const [index, name] of names.entries()) draft.addPool(name, index)
  const { nodes } = draft
  for (const node of nodes) flagNode(node)
  hide(nodes)
  for (const [zone] of draft.zones.entries()) {
    const apex = draft.apexOf(zone)
    const above = draft.zoneAbove(zone)
    if (apex !== undefined && above !== NONE) apex.dsZone = above
  }
  const arena = new Arena()
  const placed = Int32Array.from(nodes, (node) => placeNode(arena, draft, node))
  const words = arena.finish()
  joinNodes(words, placed)
  const slots = emptySlots(nodes.length)
  for (const node of nodes) insertSlot(slots, node.hash, placed[node.index]!)
  return {
    seed,
    ...zoneParts(draft, memory),
    words: memory === ownMemory ? words : copyOf(words, memory),
    slots: memory === ownMemory ? slots : copyOf(slots, memory),
    labelsMax: draft.labelsMax,
    faults: draft.faults,
  }
}

/** A table with a memory of its own. */
export const buildTable = (
  zones: readonly ZoneSpec[],
  pools: readonly { readonly name: string }[],
  seed: number,
): NameTable => {
  const names = pools.map(({ name }) => name)
  return new NameTable(compileTable(zones, names, seed, ownMemory))
}
