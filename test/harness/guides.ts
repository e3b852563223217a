/**
 * What the pages tell a reader to type, taken out of them and held against what there is: commands
 * against the programs' own tables, requests against the API's, units against deploy/systemd.
 *
 * Lines of fenced blocks are whole commands. A code span in a sentence names one, so that what it
 * leaves out is no fault; a flag or a word that does not exist is one everywhere.
 */
import { type Command, CommanderError } from 'commander'
import { programOf } from '../../src/cli/main.ts'
import { parseFlags } from '../../src/cli/flags.ts'
import type { SourceFile } from './source.ts'

export interface Typed {
  readonly path: string
  readonly line: number
  readonly words: readonly string[]
  /** From a block, with all that is needed; else a mention. */
  readonly isWhole: boolean
}

export interface Block {
  readonly path: string
  readonly line: number
  readonly marks: readonly string[]
  readonly text: string
}

/** The fenced blocks of a page; `marks` are the words behind the fence, the language first. */
export function blocksOf({ path, text }: SourceFile): Block[] {
  return [...text.matchAll(/^( *)```([^\n`]*)\n([\s\S]*?)^ *```$/gm)].map((match) => ({
    path,
    line: text.slice(0, match.index).split('\n').length,
    marks: (match[2] ?? '').split(' ').filter((word) => word !== ''),
    text: (match[3] ?? '').replace(new RegExp(`^${match[1]}`, 'gm'), ''),
  }))
}

const notShell = new Set(['yaml', 'yml', 'json', 'ts', 'js', 'mermaid', 'powershell'])

/** Every command of a page, of blocks and of code spans. */
export function typedIn(page: SourceFile): Typed[] {
  const { path, text } = page
  const found: Typed[] = []
  const take = (line: number, isWhole: boolean, source: string) => {
    for (const words of simpleCommands(source)) found.push({ path, line, words, isWhole })
  }
  for (const block of blocksOf(page)) {
    if (notShell.has(block.marks[0] ?? '')) continue
    const lines = block.text.replace(/\\\n\s*/g, '').split('\n')
    for (const [at, line] of lines.entries()) take(block.line + 1 + at, true, withoutProse(line))
  }
  const rest = text.replace(/^( *)```[\s\S]*?^ *```$/gm, (block) => block.replace(/[^\n]/g, ''))
  for (const match of rest.matchAll(/`([^`]+)`/g)) {
    const line = rest.slice(0, match.index).split('\n').length
    take(line, false, (match[1] ?? '').replace(/\s+/g, ' '))
  }
  return found
}

/** Some blocks explain a command on its own line, three blanks behind it. */
const withoutProse = (line: string) =>
  line.replace(/^\$ /, '').replace(/^(\S.*?\S)\s{3,}(?=[^\s|#\\-]).*$/, '$1')

/** The simple commands of a shell line: pipes, lists and substitutions taken apart. */
export function simpleCommands(text: string): string[][] {
  const commands: string[][] = []
  let words: string[] = []
  let word: string | undefined
  let isTarget = false
  const endWord = () => {
    if (word !== undefined && !isTarget) words.push(word)
    if (word !== undefined) isTarget = false
    word = undefined
  }
  const endCommand = () => {
    endWord()
    if (words.length > 0) commands.push(words)
    words = []
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === "'" || char === '"') {
      const end = closing(text, at, char)
      const inside = text.slice(at + 1, end)
      if (char === '"') for (const inner of substitutions(inside)) commands.push(...inner)
      word = (word ?? '') + inside
      at = end
    } else if (text.startsWith('$(', at)) {
      const end = matching(text, at + 1)
      commands.push(...simpleCommands(text.slice(at + 2, end)))
      word = `${word ?? ''}X`
      at = end
    } else if (/\s/.test(char)) endWord()
    else if (char === '#' && word === undefined) break
    else if (/[|;&()]/.test(char)) endCommand()
    else if (char === '>' || char === '<') {
      if (/^\d$/.test(word ?? '')) word = undefined
      endWord()
      isTarget = true
    } else word = (word ?? '') + char
  }
  endCommand()
  return commands.map(withoutPrefix).filter((one) => one.length > 0)
}

const closing = (text: string, at: number, quote: string) => {
  const end = text.indexOf(quote, at + 1)
  return end < 0 ? text.length : end
}

function matching(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')' && --depth === 0) return at
  }
  return text.length
}

const substitutions = (text: string) =>
  [...text.matchAll(/\$\(([^)]*)\)/g)].map((match) => simpleCommands(match[1] ?? ''))

const prefixes = new Set(['sudo', 'npx', 'do', 'then', 'else', 'if', 'while', 'until', '!', 'time'])

/** Assignments, `sudo -u NAME` and words of the shell stand before what is run. */
function withoutPrefix(words: readonly string[]): string[] {
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at]!
    if (word === '-u' && words[at - 1] === 'sudo') at++
    else if (!prefixes.has(word) && !/^[A-Za-z_]+=/.test(word)) break
  }
  const left = words.slice(at)
  return left[0] === 'node' && left[1]?.endsWith('dist/opengslb.js')
    ? ['opengslb', ...left.slice(2)]
    : [...left]
}

const incomplete = new Set([
  'commander.missingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.optionMissingArgument',
  'commander.help',
])

/** What opengslb-cli would say to these words, undefined where it takes them; nothing is done. */
export async function cliFault(words: readonly string[], isWhole: boolean) {
  const program = programOf({ out: () => {}, err: () => {}, env: {} })
  disarm(program)
  const plain = words.map((word) => word.replace(/^\[|\]$/g, '')).filter((word) => word !== '')
  try {
    await program.parseAsync(plain, { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) return undefined
    return !isWhole && incomplete.has(error.code) ? strangeFlag(program, plain) : error.message
  }
}

/** A mention lacks arguments, which is complained of first: its flags are looked at apart. */
function strangeFlag(program: Command, words: readonly string[]): string | undefined {
  let leaf = program
  for (const word of words) leaf = leaf.commands.find((one) => one.name() === word) ?? leaf
  const known = [...program.options, ...leaf.options].flatMap(({ long, short }) => [long, short])
  const flag = words.find((word) => word.startsWith('-') && !known.includes(word.split('=')[0]))
  return flag === undefined ? undefined : `unknown option '${flag}'`
}

/** Takes from every command what it does, and keeps what it accepts. */
function disarm(command: Command): void {
  if (command.commands.length === 0) command.action(() => {})
  for (const one of command.commands) disarm(one)
}

/** The same of `opengslb`. */
export function serverFault(words: readonly string[]): string | undefined {
  const flags = parseFlags(words.map((word) => word.replace(/^\[|\]$/g, '')))
  return flags.ok ? undefined : flags.error
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly body?: string
}

const dataFlags = new Set(['-d', '--data', '--data-binary', '--json'])

/** The request that a curl command makes, undefined for one that is none of the API. */
export function curlRequest(words: readonly string[]): Asked | undefined {
  const url = words.find((word) => /^(?:https?:\/\/|localhost|\$)[^\s]*\/api\//.test(word))
  const path = url?.replace(/^[^/]*(?:\/\/[^/]*)?/, '').replace(/[?#].*$/, '')
  if (path === undefined) return undefined
  const at = words.findIndex((word) => dataFlags.has(word))
  const flag = words.findIndex((word) => word === '-X' || word === '--request')
  const method = flag >= 0 ? words[flag + 1]! : at >= 0 ? 'POST' : 'GET'
  return { method, path, ...(at >= 0 ? { body: words[at + 1] ?? '' } : {}) }
}

/** Whether the API's own document has the request; parts in braces or capitals fit anything. */
export function isServed(asked: Asked, paths: Readonly<Record<string, object>>): boolean {
  const wanted = asked.path.replace(/\/$/, '').split('/')
  return Object.entries(paths).some(([path, methods]) => {
    const parts = path.split('/')
    if (parts.length !== wanted.length || !(asked.method.toLowerCase() in methods)) return false
    return parts.every((part, at) => part.startsWith('{') || part === wanted[at])
  })
}
