/**
 * A configuration of several files, read and merged into one tree.
 *
 * An included file may add regions, domains, agent backends, custom mappings and agent tokens, and
 * include further files; anything else in it is refused aloud, because it would not take effect. A
 * file included twice is read once; a file that includes itself, through others or not, is an
 * error that shows the way round.
 */
import { limits } from '../base/limits.ts'
import { type FileContent, type Files, fileFaultText } from './files.ts'
import { globFiles, isPattern } from './glob.ts'
import type { Environment } from './interpolate.ts'
import { type Parsed, parseYaml } from './parse.ts'
import { formatPath, formatPlace, type Path, type Place, type Problem } from './problems.ts'
import { emptyMap, type ListNode, type MapNode, nodeAt, type TreeNode } from './tree.ts'
import { withEntry, withNodeAt } from './tree.ts'

export interface SourceFile {
  readonly path: string
  readonly mode: number | undefined
}

export interface Gathered {
  readonly root: MapNode
  readonly sources: readonly SourceFile[]
  readonly problems: readonly Problem[]
  /** A file is not YAML at all, so that what the others lack says nothing. */
  readonly broken: boolean
}

const APPENDED = ['regions', 'domains', 'agent.backends', 'overwatch.geolocation.custom_mappings']
const TOKENS = 'overwatch.agent_tokens'
const MERGED = [...APPENDED, TOKENS]

/** What an included file may hold, in words. */
const MAY_HOLD = `an included file adds only ${MERGED.join(', ')} and includes`

class Gatherer {
  readonly problems: Problem[] = []
  readonly sources: SourceFile[] = []
  private readonly seen = new Set<string>()
  private readonly files: Files
  private readonly environment: Environment
  private bytes = 0
  broken = false

  constructor(files: Files, environment: Environment) {
    this.files = files
    this.environment = environment
  }

  private tell(place: Place, message: string, extra: Partial<Problem> = {}): void {
    this.problems.push({ severity: 'error', place, path: '', message, ...extra })
  }

  /** Reads one file; undefined when there is nothing to merge. */
  private load(path: string, from: Place): FileContent | undefined {
    const read = this.files.read(path, limits.configFileBytes.default)
    if (!read.ok) {
      const limit = `${limits.configFileBytes.default} bytes`
      const hint = read.error === 'too-large' ? { allowed: `up to ${limit}` } : {}
      this.tell(from, `file ${path} ${fileFaultText[read.error]}`, hint)
      return undefined
    }
    this.bytes += read.value.bytes.length
    if (this.bytes > limits.configTotalBytes.default) {
      this.tell(from, `all files together are larger than ${limits.configTotalBytes.default} bytes`)
      return undefined
    }
    return read.value
  }

  private parse(content: FileContent, path: string): Parsed {
    const parsed = parseYaml(content.bytes, path, this.environment)
    this.problems.push(...parsed.problems)
    if (parsed.broken) this.broken = true
    return parsed
  }

  gather(path: string): MapNode {
    const start: Place = { file: path, line: 0, column: 0 }
    const content = this.load(path, start)
    if (content === undefined) return emptyMap(start)
    this.seen.add(content.identity)
    this.sources.push({ path, mode: content.mode })
    const parsed = this.parse(content, path)
    return this.follow(parsed.root, parsed.root, path, [{ path, identity: content.identity }])
  }

  private filesOf(pattern: string, from: string, place: Place): readonly string[] {
    const directory = this.files.directoryOf(from)
    // A file named outright must be there: leaving it out silently would lose what it holds.
    if (!isPattern(pattern)) return [this.files.join(directory, pattern)]
    const found = globFiles(this.files, directory, pattern)
    if (!found.ok) {
      const reason =
        found.error === 'too-many-entries'
          ? 'looks through too many directories'
          : 'may not be read'
      this.tell(place, `the pattern ${pattern} ${reason}`, { path: 'includes' })
      return []
    }
    if (found.value.length === 0)
      this.tell(place, `no file matches ${pattern}`, { severity: 'warning', path: 'includes' })
    return found.value
  }

  private include(into: MapNode, path: string, place: Place, chain: readonly Link[]): MapNode {
    const content = this.load(path, place)
    if (content === undefined) return into
    const identity = content.identity
    const circle = chain.findIndex((link) => link.identity === identity)
    if (circle >= 0) {
      const way = [...chain.slice(circle).map((link) => link.path), path].join(' -> ')
      this.tell(place, `includes go in a circle: ${way}`, { path: 'includes' })
      return into
    }
    if (this.seen.has(identity)) return into
    if (chain.length > limits.configIncludeDepth.default) {
      const depth = limits.configIncludeDepth.default
      this.tell(place, `includes are nested deeper than ${depth}`, { path: 'includes' })
      return into
    }
    if (this.sources.length >= limits.configFiles.default) {
      this.tell(place, `more than ${limits.configFiles.default} files are included`)
      return into
    }
    this.seen.add(identity)
    this.sources.push({ path, mode: content.mode })
    const parsed = this.parse(content, path)
    this.refuseOthers(parsed.root)
    const own = this.merge(into, parsed.root)
    return this.follow(own, parsed.root, path, [...chain, { path, identity }])
  }

  /** Follows the includes of `root`, merging what they hold into the tree. */
  private follow(into: MapNode, root: MapNode, path: string, chain: readonly Link[]): MapNode {
    const includes = root.entries.get('includes')?.node
    let merged = into
    // The schema sees the main file's own list; those of other files are seen only here.
    if (includes !== undefined && includes.kind !== 'list' && chain.length > 1)
      this.tell(includes.place, 'must be a list', { path: 'includes' })
    for (const item of includes?.kind === 'list' ? includes.items : []) {
      if (item.kind !== 'scalar' || item.text === '') {
        if (chain.length > 1) this.tell(item.place, 'is not a path', { path: 'includes' })
      } else
        for (const file of this.filesOf(item.text, path, item.place))
          merged = this.include(merged, file, item.place, chain)
    }
    return merged
  }

  private refuseOthers(root: MapNode): void {
    const visit = (map: MapNode, prefix: readonly string[]): void => {
      for (const [name, entry] of map.entries) {
        const path = [...prefix, name].join('.')
        if (MERGED.includes(path) || path === 'includes') continue
        const leadsOn = MERGED.some((merged) => merged.startsWith(`${path}.`))
        if (leadsOn && entry.node.kind === 'map') visit(entry.node, [...prefix, name])
        else
          this.tell(entry.place, 'has no effect in an included file', {
            path,
            hint: `move it to the main file: ${MAY_HOLD}`,
          })
      }
    }
    visit(root, [])
  }

  private merge(into: MapNode, from: MapNode): MapNode {
    let merged = into
    for (const path of APPENDED) merged = this.append(merged, from, path.split('.'))
    const tokens = nodeAt(from, TOKENS.split('.'))
    return tokens === undefined ? merged : this.mergeTokens(merged, tokens)
  }

  private append(into: MapNode, from: MapNode, path: readonly string[]): MapNode {
    const added = nodeAt(from, path)
    if (added === undefined) return into
    if (added.kind !== 'list') {
      this.tell(added.place, 'must be a list', { path: formatPath(path) })
      return into
    }
    const there = nodeAt(into, path)
    // A wrong shape in the main file is reported by the schema; it must not hide behind this.
    if (there !== undefined && there.kind !== 'list') return into
    const list: ListNode = { ...added, items: [...(there?.items ?? []), ...added.items] }
    return withNodeAt(into, path, there === undefined ? list : { ...list, place: there.place })
  }

  private mergeTokens(into: MapNode, added: TreeNode): MapNode {
    const path: Path = TOKENS.split('.')
    if (added.kind !== 'map') {
      this.tell(added.place, 'must be a mapping of keys', { path: TOKENS })
      return into
    }
    const there = nodeAt(into, path)
    if (there !== undefined && there.kind !== 'map') return into
    let tokens = there ?? emptyMap(added.place)
    for (const [service, entry] of added.entries) {
      const earlier = tokens.entries.get(service)
      if (earlier !== undefined)
        this.tell(entry.place, `replaces the token given at ${formatPlace(earlier.place)}`, {
          severity: 'warning',
          path: `${TOKENS}.${service}`,
        })
      tokens = withEntry(tokens, entry)
    }
    return withNodeAt(into, TOKENS.split('.'), tokens)
  }
}

interface Link {
  readonly path: string
  readonly identity: string
}

/** Reads the main file and everything it includes. */
export function gather(path: string, files: Files, environment: Environment): Gathered {
  const gatherer = new Gatherer(files, environment)
  const root = gatherer.gather(path)
  const { sources, problems, broken } = gatherer
  return { root, sources, problems, broken }
}
