/**
 * What a valid value still deserves: a remark, and care for secrets written into a file.
 *
 * A file that holds a literal secret must not be readable by everyone; a file that everyone may
 * write is refused whatever it holds, since whoever writes it commands the process.
 */
import type { SourceFile } from './includes.ts'
import { formatPath, type Place, type Problem } from './problems.ts'
import { configSchema } from './schema/root.ts'
import { asWritten, type MapNode } from './tree.ts'
import { scalarsOf } from './walk.ts'

/** Remarks on values that are accepted. */
export function remarksOn(tree: MapNode): Problem[] {
  const problems: Problem[] = []
  for (const { path, node, note } of scalarsOf(configSchema, tree)) {
    const remark = note.kind?.remark?.(node.text)
    if (remark === undefined) continue
    problems.push({
      severity: 'warning',
      place: node.place,
      path: formatPath(asWritten(tree, path)),
      message: remark,
    })
  }
  return problems
}

/** The first literal secret of each file; one taken from `${…}` is not in the file. */
function literalSecrets(tree: MapNode): Map<string, { place: Place; path: string }> {
  const found = new Map<string, { place: Place; path: string }>()
  for (const { path, node, note } of scalarsOf(configSchema, tree)) {
    const literal = note.secret === true && node.text !== '' && !/(^|[^$])\$\{/.test(node.written)
    if (literal && !found.has(node.place.file))
      found.set(node.place.file, { place: node.place, path: formatPath(asWritten(tree, path)) })
  }
  return found
}

const OTHERS_READ = 0o004
const OTHERS_WRITE = 0o002

export function checkModes(tree: MapNode, sources: readonly SourceFile[]): Problem[] {
  const secrets = literalSecrets(tree)
  const problems: Problem[] = []
  const readable: string[] = []
  for (const { path: file, mode } of sources) {
    if (mode === undefined) continue
    const octal = `0${(mode & 0o7777).toString(8).padStart(3, '0')}`
    const whole: Place = { file, line: 0, column: 0 }
    const secret = secrets.get(file)
    if ((mode & OTHERS_WRITE) !== 0)
      problems.push({
        severity: 'error',
        place: whole,
        path: '',
        message: `may be written by everyone (mode ${octal})`,
        hint: `chmod 640 ${file}`,
      })
    if ((mode & OTHERS_READ) === 0) continue
    if (secret !== undefined)
      problems.push({
        severity: 'error',
        place: secret.place,
        path: secret.path,
        message: `is a secret in a file that everyone may read (mode ${octal})`,
        hint: `chmod 640 ${file} (or 600), or take the value from the environment with \${NAME}`,
      })
    else readable.push(file)
  }
  const [first, ...others] = readable
  if (first === undefined) return problems
  const more = others.length === 0 ? '' : `, and so may ${others.length} more of its files`
  problems.push({
    severity: 'warning',
    place: { file: first, line: 0, column: 0 },
    path: '',
    message: `may be read by everyone${more}`,
    hint: `chmod 640 ${first} unless that is meant`,
  })
  return problems
}
