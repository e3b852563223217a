/**
 * Keys of older files that still mean something, or once did: moved to where they belong, or left
 * out, each with a warning.
 */
import { formatPath, type Path, type Problem } from './problems.ts'
import { emptyMap, keyPlaceAt, type ListNode, type MapNode, nodeAt, scalar } from './tree.ts'
import { type TreeNode, withEntry, withNodeAt, withoutEntry } from './tree.ts'

/** Keys that have no effect, with the reason. `[]` stands for every item of a list. */
const IGNORED: readonly (readonly [path: readonly string[], hint: string])[] = [
  [['overwatch', 'routing'], 'the algorithm is domains[].routing_algorithm'],
  [['regions', '[]', 'id'], 'a region is known by its `name`'],
  [['agent', 'identity', 'agent_id'], 'the id follows from the agent’s certificate'],
  [['api', 'enable_cors'], 'pages of other origins need a token'],
  [['api', 'cors'], 'pages of other origins need a token'],
]

export interface Modernised {
  readonly root: MapNode
  readonly problems: readonly Problem[]
}

function ignore(
  node: TreeNode,
  pattern: readonly string[],
  path: Path,
  tell: (path: Path) => void,
): TreeNode {
  const [step, ...rest] = pattern
  if (step === '[]' && node.kind === 'list')
    return {
      ...node,
      items: node.items.map((item, index) => ignore(item, rest, [...path, index], tell)),
    }
  if (node.kind !== 'map' || step === undefined) return node
  const entry = node.entries.get(step)
  if (entry === undefined) return node
  if (rest.length > 0)
    return withEntry(node, { ...entry, node: ignore(entry.node, rest, [...path, step], tell) })
  tell([...path, step])
  return withoutEntry(node, step)
}

/** `dns.zone: example.com` is one more of `dns.zones`. */
function moveZone(root: MapNode, warn: (path: Path, hint: string) => void): MapNode {
  const dns = root.entries.get('dns')?.node
  const zone = nodeAt(root, ['dns', 'zone'])
  if (dns?.kind !== 'map' || zone?.kind !== 'scalar') return root
  warn(['dns', 'zone'], 'write it under dns.zones')
  const zones = nodeAt(root, ['dns', 'zones'])
  const rest = withNodeAt(root, ['dns'], withoutEntry(dns, 'zone'))
  if (zone.text === '' || (zones !== undefined && zones.kind !== 'list')) return rest
  const known = zones?.items.some((item) => item.kind === 'scalar' && item.text === zone.text)
  const items = [...(zones?.items ?? []), ...(known ? [] : [scalar(zone.text, zone.place)])]
  const list: ListNode = { kind: 'list', items, place: zones?.place ?? zone.place }
  return withNodeAt(rest, ['dns', 'zones'], list)
}

/** Top-level `dnssec` is `overwatch.dnssec`; keys given in both places are taken from there. */
function moveDnssec(root: MapNode, warn: (path: Path, hint: string) => void): MapNode {
  const dnssec = root.entries.get('dnssec')
  if (dnssec === undefined) return root
  warn(['dnssec'], 'write it under overwatch.dnssec')
  const rest = withoutEntry(root, 'dnssec')
  const there = nodeAt(root, ['overwatch', 'dnssec'])
  const overwatch = root.entries.get('overwatch')?.node
  if (overwatch !== undefined && overwatch.kind !== 'map') return rest
  if (there?.kind !== 'map' || dnssec.node.kind !== 'map')
    return there === undefined ? withNodeAt(rest, ['overwatch', 'dnssec'], dnssec.node) : rest
  let merged = emptyMap(there.place)
  for (const source of [dnssec.node, there])
    for (const entry of source.entries.values()) merged = withEntry(merged, entry)
  return withNodeAt(rest, ['overwatch', 'dnssec'], merged)
}

/** `mode: cluster` and `mode: standalone` say the same as `cluster.mode`. */
function moveMode(root: MapNode): MapNode {
  const mode = root.entries.get('mode')?.node
  if (mode?.kind !== 'scalar') return root
  const word = mode.text.toLowerCase()
  const given = nodeAt(root, ['cluster', 'mode']) !== undefined
  if (given || (word !== 'cluster' && word !== 'standalone')) return root
  const cluster = root.entries.get('cluster')?.node
  if (cluster !== undefined && cluster.kind !== 'map') return root
  return withNodeAt(root, ['cluster', 'mode'], mode)
}

export function modernise(original: MapNode): Modernised {
  const problems: Problem[] = []
  const warn = (path: Path, hint: string) =>
    problems.push({
      severity: 'warning',
      place: keyPlaceAt(original, path),
      path: formatPath(path),
      message: 'is a key of older files',
      hint,
    })
  let root = original
  for (const [pattern, hint] of IGNORED)
    root = ignore(root, pattern, [], (path) => warn(path, `it has no effect: ${hint}`)) as MapNode
  root = moveMode(moveDnssec(moveZone(root, warn), warn))
  return { root, problems }
}
