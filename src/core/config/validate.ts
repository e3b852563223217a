/**
 * A tree against the schema: every fault at once, each where it stands and with what to do.
 *
 * So that the rules across keys can be checked although some values are wrong, faulty values are
 * left out and the rest is read again; what is left out is never served.
 */
import type { z } from 'zod'
import { limits } from '../base/limits.ts'
import { nearest } from './nearest.ts'
import { formatPath, looksSecret, maskSecret, type Path, type Problem } from './problems.ts'
import { showValue } from './problems.ts'
import { type Config, configSchema } from './schema/root.ts'
import { asWritten, keyPlaceAt, type MapNode, nodeAt, placeAt, plainOf } from './tree.ts'
import { type TreeNode, withEntry, withoutEntry } from './tree.ts'
import { keyIndex, noteAt, schemaAt, shapeOf } from './walk.ts'

export interface Validated {
  /** What is right of it; the whole configuration when there are no problems. */
  readonly config: Config
  readonly tree: MapNode
  readonly problems: readonly Problem[]
  /** False when too much is wrong for rules across keys to mean anything. */
  readonly usable: boolean
}

const places = keyIndex(configSchema)
/** Faults past this are not told, and leaving so many values out one by one costs their square. */
const TOLD_MAX = limits.configProblems.default

/** How a value may be shown: a secret only by its length. */
export function shownValue(node: TreeNode | undefined, path: Path): string | undefined {
  if (node?.kind !== 'scalar') return undefined
  const name = String(path.findLast((step) => typeof step === 'string') ?? '')
  if (noteAt(configSchema, path)?.secret === true || looksSecret(name)) return maskSecret(node.text)
  const from = node.written === node.text ? '' : ` (from ${showValue(node.written)})`
  return `${showValue(node.text)}${from}`
}

function unknownKey(tree: MapNode, parent: Path, name: string): Problem {
  const path = [...parent, name]
  const schema = schemaAt(configSchema, parent)
  const shape = schema === undefined ? undefined : shapeOf(schema)
  const siblings = shape?.kind === 'keys' ? Object.keys(shape.shape) : []
  const near = nearest(name, siblings)
  const elsewhere = places.get(name)?.slice(0, 3)
  const far = near === undefined && !elsewhere ? nearest(name, places.keys()) : undefined
  const value = shownValue(nodeAt(tree, path), path)
  let hint = `known here: ${siblings.join(', ')}`
  if (near !== undefined) hint = `did you mean \`${near}\`?`
  else if (elsewhere !== undefined) hint = `\`${name}\` belongs under ${elsewhere.join(' or ')}`
  else if (far !== undefined)
    hint = `did you mean \`${far}\`, under ${places.get(far)!.slice(0, 3).join(' or ')}?`
  return {
    severity: 'error',
    place: keyPlaceAt(tree, path),
    path: formatPath(asWritten(tree, path)),
    message: 'is not a known key',
    ...(value === undefined ? {} : { value }),
    hint,
  }
}

function shapeMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    if (issue.expected === 'array') return 'must be a list'
    if (issue.expected === 'object' || issue.expected === 'record')
      return 'must be a mapping of keys'
  }
  if (issue.code === 'too_big') return `has more than ${issue.maximum} items`
  return issue.message
}

/**
 * Where in the tree a fault lies. The key that a mapping's short form stands for is in no tree: the
 * fault is that of the single value there.
 */
function pathOf(tree: MapNode, issue: z.core.$ZodIssue): Path {
  const path = issue.path.filter((step) => typeof step !== 'symbol') as Path
  const parent = path.slice(0, -1)
  return nodeAt(tree, parent)?.kind === 'scalar' ? parent : path
}

function problemsOf(tree: MapNode, issue: z.core.$ZodIssue): Problem[] {
  const path = pathOf(tree, issue)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, TOLD_MAX).map((name) => unknownKey(tree, path, name))
  const node = nodeAt(tree, path)
  const value = shownValue(node, path)
  const params: { allowed?: string } = issue.code === 'custom' ? (issue.params ?? {}) : {}
  const list = issue.code === 'invalid_type' && issue.expected === 'array'
  return [
    {
      severity: 'error',
      place: placeAt(tree, path),
      path: formatPath(asWritten(tree, path)),
      message: shapeMessage(issue),
      ...(value === undefined ? {} : { value }),
      ...(params.allowed ? { allowed: params.allowed } : {}),
      ...(list && node?.kind === 'scalar'
        ? { hint: 'write it in brackets, or behind a dash' }
        : {}),
    },
  ]
}

/** Takes one value out of a tree, and the list item around it when the item cannot be without. */
function without(node: TreeNode, path: Path, dropItem: boolean): TreeNode {
  const [step, ...rest] = path
  if (node.kind === 'map' && step !== undefined) {
    const entry = node.entries.get(String(step))
    if (entry === undefined) return node
    if (rest.length === 0) return withoutEntry(node, String(step))
    return withEntry(node, { ...entry, node: without(entry.node, rest, dropItem) })
  }
  if (node.kind !== 'list' || typeof step !== 'number') return node
  const innermost = !rest.some((later) => typeof later === 'number')
  if (rest.length > 0 && !(dropItem && innermost))
    return {
      ...node,
      items: node.items.map((item, index) =>
        index === step ? without(item, rest, dropItem) : item,
      ),
    }
  const kept = node.items.map((_, index) => index).filter((index) => index !== step)
  return {
    ...node,
    items: kept.map((index) => node.items[index]!),
    indices: kept.map((index) => node.indices?.[index] ?? index),
  }
}

/** What is read as a whole is left out as a whole: without a part it means another thing. */
function wholeOf(path: Path): Path {
  for (let length = 1; length < path.length; length++) {
    const schema = schemaAt(configSchema, path.slice(0, length))
    if (schema !== undefined && shapeOf(schema).kind === 'value') return path.slice(0, length)
  }
  return path
}

function withoutFaults(tree: MapNode, issues: readonly z.core.$ZodIssue[]): MapNode {
  let result: TreeNode = tree
  // From the back, so that the indices of earlier items stay what the issues say.
  const cuts: { path: Path; dropItem: boolean }[] = []
  for (const issue of issues) {
    const path = wholeOf(pathOf(tree, issue))
    if (issue.code === 'unrecognized_keys')
      for (const name of issue.keys) cuts.push({ path: [...path, name], dropItem: false })
    else {
      const note = noteAt(configSchema, path)
      cuts.push({ path, dropItem: note?.required === true })
    }
  }
  cuts.sort((a, b) => compareFromBack(a.path, b.path))
  const dropped = new Set<string>()
  for (const { path, dropItem } of cuts) {
    const last = path.findLastIndex((step) => typeof step === 'number')
    // A second fault of an item that is gone already must not take its neighbour.
    if (path.some((_, at) => dropped.has(formatPath(path.slice(0, at + 1))))) continue
    if (last >= 0 && (dropItem || last === path.length - 1))
      dropped.add(formatPath(path.slice(0, last + 1)))
    result = without(result, path, dropItem)
  }
  return result as MapNode
}

function compareFromBack(a: Path, b: Path): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [left, right] = [a[at]!, b[at]!]
    if (left === right) continue
    if (typeof left === 'number' && typeof right === 'number') return right - left
    return String(left) < String(right) ? -1 : 1
  }
  return b.length - a.length
}

export function validate(tree: MapNode): Validated {
  const problems: Problem[] = []
  let current = tree
  for (let round = 0; round < 8; round++) {
    const read = configSchema.safeParse(plainOf(current))
    if (read.success) return { config: read.data, tree: current, problems, usable: true }
    const { issues } = read.error
    for (const issue of issues.slice(0, TOLD_MAX)) problems.push(...problemsOf(current, issue))
    const count = issues.reduce(
      (sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1),
      0,
    )
    if (count > TOLD_MAX) break
    current = withoutFaults(current, issues)
  }
  const nothing = { ...tree, entries: new Map() }
  return { config: configSchema.parse({}), tree: nothing, problems, usable: false }
}
