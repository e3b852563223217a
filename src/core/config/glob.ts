/**
 * Which files a pattern of `includes` names.
 *
 * `*`, `?` and `[a-z]` match within one step of a path, `**` any number of directories. Names that
 * begin with a dot are matched only by steps that do, so editors' lock files stay out. Matches are
 * sorted byte by byte, the same on every system.
 */
import { limits } from '../base/limits.ts'
import { fail, ok, type Result } from '../base/result.ts'
import type { FileFault, Files } from './files.ts'

/** Deepest `**` descends. */
const LEVELS_MAX = 32

export const isPattern = (path: string): boolean => /[*?[]/.test(path)

/** Whether one step of a path matches one step of a pattern. */
export function matchesStep(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false
  // Greedy with one point to come back to: linear in practice, quadratic at worst.
  let [at, from, star, starFrom] = [0, 0, -1, 0]
  while (from < name.length) {
    const step = pattern[at] === '*' ? 0 : stepLength(pattern, at, name[from]!)
    if (pattern[at] === '*') {
      star = at++
      starFrom = from
    } else if (step > 0) {
      at += step
      from++
    } else if (star >= 0) {
      at = star + 1
      from = ++starFrom
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}

/** How much of the pattern the character uses up; 0 when it does not match. */
function stepLength(pattern: string, at: number, character: string): number {
  if (pattern[at] === '?') return 1
  if (pattern[at] !== '[') return pattern[at] === character ? 1 : 0
  const end = pattern.indexOf(']', at + 2)
  if (end < 0) return character === '[' ? 1 : 0
  let inside = pattern.slice(at + 1, end)
  const negated = inside[0] === '!' || inside[0] === '^'
  if (negated) inside = inside.slice(1)
  let found = false
  for (let index = 0; index < inside.length; index++) {
    const isRange = inside[index + 1] === '-' && index + 2 < inside.length
    const high = isRange ? inside[index + 2]! : inside[index]!
    if (character >= inside[index]! && character <= high) found = true
    if (isRange) index += 2
  }
  return found === negated ? 0 : end - at + 1
}

interface Walk {
  readonly files: Files
  readonly found: Set<string>
  /** Directory and rest of the pattern already looked at, for patterns such as `**` twice. */
  readonly seen: Set<string>
  entries: number
  fault: FileFault | 'too-many-entries' | undefined
}

function expand(walk: Walk, directory: string, steps: readonly string[], depth: number): void {
  const [step, ...rest] = steps
  const mark = `${directory}\n${steps.join('/')}`
  if (step === undefined || walk.seen.has(mark) || depth > LEVELS_MAX) return
  walk.seen.add(mark)
  if (step === '**') expand(walk, directory, rest.length === 0 ? ['*'] : rest, depth + 1)
  else if (!isPattern(step) && rest.length > 0) {
    expand(walk, walk.files.join(directory, step), rest, depth + 1)
    return
  }
  const listed = walk.files.list(directory)
  if (!listed.ok) {
    // A directory that is not there holds no match; one that may not be read hides some.
    if (listed.error === 'not-permitted') walk.fault = listed.error
    return
  }
  for (const entry of listed.value) {
    if (++walk.entries > limits.configGlobEntries.default) {
      walk.fault = 'too-many-entries'
      return
    }
    const path = walk.files.join(directory, entry.name)
    if (step === '**') {
      const descends = entry.kind === 'directory' && !entry.name.startsWith('.')
      if (descends) expand(walk, path, steps, depth + 1)
    } else if (matchesStep(step, entry.name)) {
      if (rest.length === 0 && entry.kind === 'file') walk.found.add(path)
      if (rest.length > 0 && entry.kind.startsWith('directory')) expand(walk, path, rest, depth + 1)
    }
  }
}

/** The files a pattern names, sorted; none is not a fault. */
export function globFiles(
  files: Files,
  directory: string,
  pattern: string,
): Result<readonly string[], FileFault | 'too-many-entries'> {
  const steps = pattern.split('/').filter((step, index) => step !== '' || index === 0)
  const absolute = steps[0] === '' || /^[A-Za-z]:$/.test(steps[0]!)
  const base = absolute ? files.join(directory, `${steps[0]}/`) : directory
  const walk: Walk = { files, found: new Set(), seen: new Set(), entries: 0, fault: undefined }
  expand(walk, base, absolute ? steps.slice(1) : steps, 0)
  if (walk.fault !== undefined) return fail(walk.fault)
  return ok([...walk.found].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
}
