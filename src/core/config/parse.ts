/**
 * One YAML file as a tree of located text, with every fault found on the way.
 *
 * Bytes come from outside: size, nesting and the number of values (aliases multiply them) are
 * bounded before they are followed, and nothing in here throws. `${…}` is filled in per scalar,
 * after parsing.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Alias, Node, Pair, YAMLMap, YAMLParseError } from 'yaml'
import { limits } from '../base/limits.ts'
import { type Environment, interpolate } from './interpolate.ts'
import { formatPath, looksSecret, type Path, type Place, type Problem } from './problems.ts'
import { formatPlace, showValue } from './problems.ts'
import { shownLine, yamlFaultWords } from './parse-words.ts'
import { emptyMap, type Entry, type MapNode, scalar, type TreeNode } from './tree.ts'

export interface Parsed {
  readonly root: MapNode
  readonly problems: readonly Problem[]
  /** Nothing of the file could be used. */
  readonly broken: boolean
}

/** Sequence, key and value indicators at the start of a line, each of which nests one level. */
const INDICATORS = /^[ \t]*((?:[-?:][ \t]+)*)/
/** Brackets open at once, in values and comments too: far past what a configuration needs. */
const OPEN_BRACKETS_MAX = 1_000

/**
 * The line at which nesting gets absurd, or 0. Compact nesting (`- - - -`) and brackets that never
 * close cost the parser more than their length, so they are looked for first.
 */
function absurdNesting(text: string): number {
  let open = 0
  for (const [index, line] of text.split('\n').entries()) {
    const depth = (INDICATORS.exec(line)?.[1] ?? '').replace(/[^-?:]/g, '').length
    if (depth > limits.configDepth.default) return index + 1
    for (const [bracket] of line.matchAll(/[[\]{}]/g)) {
      open = Math.max(0, open + (bracket === '[' || bracket === '{' ? 1 : -1))
      if (open > OPEN_BRACKETS_MAX) return index + 1
    }
  }
  return 0
}

class Reader {
  readonly problems: Problem[] = []
  broken = false
  private readonly lines = new LineCounter()
  private readonly file: string
  private readonly environment: Environment
  private source = ''
  private document: Document.Parsed | undefined
  private nodes = 0
  private tooMany = false

  constructor(file: string, environment: Environment) {
    this.file = file
    this.environment = environment
  }

  fault(place: Place, message: string, extra: Partial<Problem> = {}): void {
    if (this.problems.length > limits.configProblems.default) return
    this.problems.push({ severity: 'error', place, path: '', message, ...extra })
  }

  placeOf(offset: number | undefined): Place {
    const at = this.lines.linePos(offset ?? 0)
    return { file: this.file, line: Math.max(1, at.line), column: Math.max(1, at.col) }
  }

  read(text: string): MapNode {
    this.source = text
    const start: Place = { file: this.file, line: 1, column: 1 }
    const deep = absurdNesting(text)
    if (deep > 0) {
      this.broken = true
      this.fault({ ...start, line: deep }, 'is nested too deeply')
      return emptyMap(start)
    }
    const document = parseDocument(text, {
      lineCounter: this.lines,
      prettyErrors: false,
      // Found below, with both places; the library's own search is quadratic.
      uniqueKeys: false,
      merge: true,
      stringKeys: false,
      strict: true,
    })
    this.document = document
    this.syntax(document.errors)
    // What was salvaged from a broken file would only produce faults that are not there.
    this.broken = document.errors.length > 0
    if (this.broken) return emptyMap(start)
    const contents = document.contents as Node | null
    if (contents === null || (isScalar(contents) && contents.value === null)) return emptyMap(start)
    const root = this.node(contents, [], 0)
    if (root?.kind === 'map') return root
    this.broken = true
    if (root !== undefined) this.fault(root.place, 'must be a mapping of keys such as `dns:`')
    return emptyMap(start)
  }

  /** One fault a line, since one slip makes several; a tab explains all that come with it. */
  private syntax(errors: readonly YAMLParseError[]): void {
    const tabs = errors.filter((error) => error.code === 'TAB_AS_INDENT')
    const told = new Set<number>()
    for (const error of tabs.length > 0 ? tabs : errors) {
      const place = this.placeOf(error.pos[0])
      if (told.has(place.line) || told.size >= 50) continue
      told.add(place.line)
      const { what, hint } = yamlFaultWords(error.code, error.message)
      const value = shownLine(this.source.split('\n', place.line)[place.line - 1])
      this.fault(place, `is not valid YAML: ${what}`, {
        ...(value === undefined ? {} : { value }),
        ...(hint === undefined ? {} : { hint }),
      })
    }
  }

  /** Undefined for what counts as absent: null, and what a fault made unusable. */
  private node(node: Node | null, path: Path, depth: number): TreeNode | undefined {
    if (node === null) return undefined
    const place = this.placeOf(node.range?.[0])
    if (++this.nodes > limits.configNodes.default || depth > limits.configDepth.default) {
      if (!this.tooMany) this.fault(place, 'holds too many values, or nests them too deeply')
      this.tooMany = true
      return undefined
    }
    if (isAlias(node)) return this.alias(node, path, depth, place)
    if (isMap(node)) return this.map(node, path, depth, place)
    if (isSeq(node)) {
      const items: TreeNode[] = []
      for (const [index, item] of node.items.entries()) {
        const read = this.node(item as Node | null, [...path, index], depth + 1)
        if (read !== undefined) items.push(read)
        else if (!this.tooMany) this.fault(place, `has an empty item (number ${index + 1})`)
      }
      return { kind: 'list', items, place }
    }
    return isScalar(node) ? this.scalar(node, path, place) : undefined
  }

  private alias(node: Alias, path: Path, depth: number, place: Place): TreeNode | undefined {
    const target = node.resolve(this.document!)
    if (target === undefined) {
      this.fault(place, `refers to the anchor &${node.source}, which does not exist`)
      return undefined
    }
    // The depth also ends an anchor that holds itself.
    return this.node(target, path, depth + 1)
  }

  private scalar(
    node: { value?: unknown; source?: string },
    path: Path,
    place: Place,
  ): TreeNode | undefined {
    if (node.value === null || node.value === undefined) return undefined
    const written = typeof node.value === 'string' ? node.value : (node.source ?? `${node.value}`)
    const { text, faults } = interpolate(written, this.environment)
    const masked = looksSecret(String(path.findLast((step) => typeof step === 'string') ?? ''))
    for (const fault of faults)
      this.fault(place, fault.message, {
        path: formatPath(path),
        hint: fault.hint,
        ...(masked ? {} : { value: showValue(written) }),
      })
    return scalar(text, place, written)
  }

  private map(node: YAMLMap, path: Path, depth: number, place: Place): MapNode {
    const entries = new Map<string, Entry>()
    const merges: Pair[] = []
    for (const pair of node.items) {
      const key = isAlias(pair.key) ? pair.key.resolve(this.document!) : pair.key
      if (!isScalar(key)) {
        this.fault(place, 'has a key that is not a single word')
        continue
      }
      if (typeof key.value === 'symbol') {
        merges.push(pair)
        continue
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
      const keyPlace = this.placeOf(key.range?.[0])
      const earlier = entries.get(name)
      if (earlier !== undefined) {
        const first = formatPlace(earlier.place)
        this.fault(keyPlace, `is given twice; the first is at ${first}`, {
          path: formatPath([...path, name]),
        })
        continue
      }
      const read = this.node(pair.value as Node | null, [...path, name], depth + 1)
      if (read !== undefined) entries.set(name, { key: name, place: keyPlace, node: read })
    }
    for (const pair of merges) this.merge(pair, entries, path, depth, place)
    return { kind: 'map', entries, place }
  }

  /** `<<: *defaults`: keys of the mapping itself win over those merged into it. */
  private merge(
    pair: Pair,
    entries: Map<string, Entry>,
    path: Path,
    depth: number,
    place: Place,
  ): void {
    const read = this.node(pair.value as Node | null, path, depth + 1)
    for (const source of read?.kind === 'list' ? read.items : [read]) {
      if (source === undefined) continue
      if (source.kind !== 'map') {
        this.fault(place, 'merges (<<) something that is not a mapping')
        continue
      }
      for (const [name, entry] of source.entries) if (!entries.has(name)) entries.set(name, entry)
    }
  }
}

/** Reads the bytes of one file. */
export function parseYaml(bytes: Uint8Array, file: string, environment: Environment): Parsed {
  const place: Place = { file, line: 1, column: 1 }
  const refuse = (message: string, hint?: string): Parsed => ({
    root: emptyMap(place),
    broken: true,
    problems: [{ severity: 'error', place, path: '', message, ...(hint ? { hint } : {}) }],
  })
  if (bytes.length > limits.configFileBytes.default)
    return refuse(`is larger than ${limits.configFileBytes.default} bytes`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse('is not UTF-8 text', 'save it as UTF-8')
  }
  const reader = new Reader(file, environment)
  try {
    const root = reader.read(text)
    return { root, problems: reader.problems, broken: reader.broken }
  } catch {
    // The library recurses: nesting that its own checks let through ends here, not in a crash.
    return refuse('is nested too deeply or cannot be read as YAML')
  }
}
