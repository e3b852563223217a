/**
 * Writes whole-number constants as numbers into the built files of the path that answers queries.
 *
 * V8 reads what a module imports or exports from a cell at each use, checks that it was initialised
 * and what it is, and so cannot compute with it beforehand. Constants of other modules cost a query
 * 10 to 90 ns (docs/adr/0010-the-cost-of-a-query.md). Only text changes: lines stay where they are,
 * so source maps hold.
 *
 * A constant is an exported or own `const` in capitals that is a whole number, or a property of an
 * exported table of nothing but whole numbers, `types.A`. The tidy rules keep capitals for those.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Folders of the path that answers; nothing else is worth touching. */
export const HOT = [
  ...['core/base', 'core/dns', 'core/dnssec', 'core/zone', 'core/steer'],
  ...['actors/dns', 'native'],
]

const NUMBER = '-?(?:0x[0-9a-f_]+|[0-9][0-9_]*)'
const CONSTANT = new RegExp(`^(?:export )?const ([A-Z][A-Z0-9_]*) = (${NUMBER});`, 'gim')
const TABLE = /^export const (\w+) = \{([^{}]*)\};/gm
const ENTRY = new RegExp(`^(?:(\\w+)|'[^'\\n]+'): (${NUMBER})$`, 'i')
const IMPORT = /^import \{([^}]*)\} from '(\.[^']*)';/gm
/** Comments, regular expressions and texts are passed over whole; then names with their path. */
const TOKEN = new RegExp(
  [
    String.raw`\/\*[\s\S]*?\*\/`,
    String.raw`\/\/[^\n]*`,
    String.raw`'(?:[^'\\\n]|\\.)*'`,
    String.raw`"(?:[^"\\\n]|\\.)*"`,
    '`(?:[^`\\\\]|\\\\.)*`',
    String.raw`(?<=[(=,:!&|?{};]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*`,
    String.raw`^(?:import|export) \{[^}]*\}`,
    String.raw`[\w$#]+(?:\s*\??\.\s*[\w$#]+)*`,
  ].join('|'),
  'gm',
)

/** What a module says are numbers: by name, or by table and property. */
function constantsOf(text) {
  const found = new Map()
  for (const [, name, value] of text.matchAll(CONSTANT))
    if (name === name.toUpperCase()) found.set(name, value)
  for (const [, table, body] of text.matchAll(TABLE)) {
    const lines = body.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '').split(',')
    const entries = lines.map((line) => line.trim()).filter((line) => line !== '')
    const read = entries.map((entry) => ENTRY.exec(entry))
    if (read.length === 0 || read.includes(null)) continue
    for (const [, name, value] of read) if (name !== undefined) found.set(`${table}.${name}`, value)
  }
  return found
}

/** The constants a module can name, by the name it has for them. */
function known(path, text, constants) {
  const names = new Map(constants.get(path))
  for (const [, list, from] of text.matchAll(IMPORT)) {
    const theirs = constants.get(resolve(dirname(path), from)) ?? new Map()
    for (const item of list.split(',')) {
      const [original, local = original] = item.trim().split(/\s+as\s+/)
      for (const [name, value] of theirs)
        if (name === original || name.startsWith(`${original}.`))
          names.set(local + name.slice(original.length), value)
    }
  }
  return names
}

/** The text with its constants written as numbers; exported for its test. */
export function foldText(text, names) {
  return text.replace(TOKEN, (token, at) => {
    const value = names.get(token)
    if (value === undefined) return token
    const before = text.slice(Math.max(0, at - 40), at)
    const after = text.slice(at + token.length, at + token.length + 40)
    // Neither where it is declared, nor the property of something, nor the name of a property.
    if (/(?:\bconst |\.\s*)$/.test(before)) return token
    if (/^\s*:/.test(after) && /[{,]\s*$/.test(before)) return token
    return value.startsWith('-') ? `(${value})` : value
  })
}

/** Folds every constant of the hot folders of a build, where it exists. */
export function foldConstants(built) {
  const paths = HOT.flatMap((folder) =>
    readdirSync(join(built, folder))
      .filter((file) => file.endsWith('.js'))
      .map((file) => join(built, folder, file)),
  )
  const texts = new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]))
  const constants = new Map([...texts].map(([path, text]) => [path, constantsOf(text)]))
  for (const [path, text] of texts) {
    const folded = foldText(text, known(path, text, constants))
    if (folded !== text) writeFileSync(path, folded)
  }
}
