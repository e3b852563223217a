/**
 * A configuration file as a tree in which every value knows where it was written.
 *
 * Scalars are text: what a value means is decided by the kind of its key, not by YAML's guess, so a
 * token of digits stays a token and `yes` is true where a truth value is wanted.
 */
import type { Path, Place } from './problems.ts'

export interface ScalarNode {
  readonly kind: 'scalar'
  /** The value after `${…}` was filled in. */
  readonly text: string
  /** The value as written, before that. */
  readonly written: string
  readonly place: Place
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly TreeNode[]
  /** After faulty items were left out: the index each of the others had in the file. */
  readonly indices?: readonly number[]
  readonly place: Place
}

export interface Entry {
  readonly key: string
  /** Where the key stands; the value has its own place. */
  readonly place: Place
  readonly node: TreeNode
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
  readonly place: Place
}

export type TreeNode = ScalarNode | ListNode | MapNode

export const scalar = (text: string, place: Place, written = text): ScalarNode => ({
  kind: 'scalar',
  text,
  written,
  place,
})

export const emptyMap = (place: Place): MapNode => ({ kind: 'map', entries: new Map(), place })

export function child(node: TreeNode | undefined, step: string | number): TreeNode | undefined {
  if (node?.kind === 'map') return node.entries.get(String(step))?.node
  if (node?.kind === 'list' && typeof step === 'number') return node.items[step]
  return undefined
}

export function nodeAt(root: TreeNode, path: Path): TreeNode | undefined {
  let node: TreeNode | undefined = root
  for (const step of path) node = child(node, step)
  return node
}

/** Where a value stands, or the nearest thing around it that exists. */
export function placeAt(root: TreeNode, path: Path): Place {
  let node: TreeNode = root
  let place = root.place
  for (const step of path) {
    const next = child(node, step)
    if (next === undefined) return place
    // A section is found by its key: its first value may be lines further down.
    const key = node.kind === 'map' ? node.entries.get(String(step))?.place : undefined
    place = next.kind === 'scalar' ? next.place : (key ?? next.place)
    node = next
  }
  return place
}

/** Where the key itself stands, for faults of the key and not of its value. */
export function keyPlaceAt(root: TreeNode, path: Path): Place {
  const parent = nodeAt(root, path.slice(0, -1))
  const key = path.at(-1)
  const entry = parent?.kind === 'map' ? parent.entries.get(String(key)) : undefined
  return entry?.place ?? placeAt(root, path)
}

/** The path as the file counts: items that were left out of a list are counted again. */
export function asWritten(root: TreeNode, path: Path): Path {
  let node: TreeNode | undefined = root
  const written: (string | number)[] = []
  for (const step of path) {
    const indices: readonly number[] | undefined = node?.kind === 'list' ? node.indices : undefined
    written.push(typeof step === 'number' ? (indices?.[step] ?? step) : step)
    node = child(node, step)
  }
  return written
}

export function withEntry(map: MapNode, entry: Entry): MapNode {
  return { ...map, entries: new Map(map.entries).set(entry.key, entry) }
}

export function withoutEntry(map: MapNode, key: string): MapNode {
  const entries = new Map(map.entries)
  entries.delete(key)
  return { ...map, entries }
}

/** The tree with the value at `path` replaced; maps on the way are made where they are missing. */
export function withNodeAt(root: MapNode, path: readonly string[], node: TreeNode): MapNode {
  const [key, ...rest] = path
  if (key === undefined) return root
  const below = root.entries.get(key)
  const place = below?.place ?? node.place
  if (rest.length === 0) return withEntry(root, { key, place, node })
  const inner = below?.node.kind === 'map' ? below.node : emptyMap(node.place)
  return withEntry(root, { key, place, node: withNodeAt(inner, rest, node) })
}

/**
 * The tree as plain values for the schema. Objects have no prototype, so that a key such as
 * `__proto__` is a key like any other.
 */
export function plainOf(node: TreeNode): unknown {
  if (node.kind === 'scalar') return node.text
  if (node.kind === 'list') return node.items.map(plainOf)
  const object: Record<string, unknown> = Object.create(null)
  for (const [key, entry] of node.entries) object[key] = plainOf(entry.node)
  return object
}
