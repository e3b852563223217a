/**
 * config/reference.yaml: every key with its default and its description.
 *
 * It loads, and gives exactly the defaults: keys without a default, and the keys of list items, are
 * comments.
 */
import type { KeyPath } from './paths.ts'
import { keyTree } from './paths.ts'

const WIDTH = 96

/** A comment of one or more lines that fit the width. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + 2 + line.length + 1 + word.length > WIDTH) {
      lines.push(`${indent}# ${line}`)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, `${indent}# ${line}`]
}

/** A value as YAML: quoted where YAML would read it as something else. */
export function yamlValue(written: string): string {
  const plain = /^[A-Za-z0-9/][A-Za-z0-9_./-]*$/.test(written)
  return plain ? written : JSON.stringify(written)
}

function described({ note }: KeyPath): string {
  const facts: string[] = []
  if (note.kind !== undefined && note.kind.allowed !== '') facts.push(note.kind.allowed)
  if (note.required) facts.push('required')
  if (note.restart) facts.push('needs a restart')
  return facts.length === 0 ? note.doc : `${note.doc} (${facts.join('; ')})`
}

/** One item of a list, as it would be written: the comments of its first key above the dash. */
function itemLines(key: KeyPath, indent: string): string[] {
  const lines: string[] = []
  for (const [index, child] of key.children.entries())
    for (const line of keyLines(child, `${indent}  `, true)) {
      const isFirstKey = index === 0 && !line.trimStart().startsWith('#')
      lines.push(isFirstKey ? `${indent}- ${line.trimStart()}` : line)
    }
  return lines
}

function listLines(key: KeyPath, indent: string, inItem: boolean): string[] {
  const head = comment(described(key), indent)
  if (inItem) return [...head, `${indent}${key.name}:`, ...itemLines(key, `${indent}  `)]
  // What an item looks like is a comment, so that the list itself stays empty.
  const item = itemLines(key, '').map((line) => `${indent}#   ${line}`)
  return [...head, `${indent}${key.name}: []`, ...item]
}

/** `inItem`: keys of a list item have no value to show when absent means something of its own. */
function keyLines(key: KeyPath, indent: string, inItem = false): string[] {
  const { note, name } = key
  if (key.shape === 'keys') {
    const inner = key.children.flatMap((child) => keyLines(child, `${indent}  `, inItem))
    return [...comment(note.doc, indent), `${indent}${name}:`, ...inner]
  }
  if (key.shape === 'list') return listLines(key, indent, inItem)
  const head = comment(described(key), indent)
  if (key.shape === 'names') return [...head, `${indent}${name}: {}`]
  const { written } = note
  if (Array.isArray(written))
    return [...head, `${indent}${name}: [${written.map(yamlValue).join(', ')}]`]
  if (note.absent) return [...head, `${indent}# ${name}: ${yamlValue(String(written))}`]
  // Nothing behind a key counts as absent.
  if (note.required || (inItem && written === '' && note.hasDefault !== true))
    return [...head, `${indent}${name}:`]
  return [...head, `${indent}${name}: ${yamlValue(String(written ?? ''))}`]
}

const HEAD = `# Every key with its default, made from the schema by \`npm run generate\`.
#
# Durations are written 500ms, 30s, 1h30m or 14d, sizes 512MB or 1GiB. \${NAME} takes a value
# from the environment, \${NAME:-default} gives a default, $$ is a dollar sign.
`

/** The text of config/reference.yaml. */
export function referenceYaml(): string {
  const sections = keyTree().map((key) => keyLines(key, '').join('\n'))
  return `${HEAD}\n${sections.join('\n\n')}\n`
}
