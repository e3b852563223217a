/**
 * Reading source text without a compiler: what is comment, what is string, what is code.
 *
 * The TypeScript compiler in use has no JavaScript interface, so the rules of tidy.test.ts work on
 * text. `mask` blanks comments and, if asked, the insides of strings and regular expressions, and
 * keeps every line and column where it was. It knows template nesting and guesses regular
 * expressions from what stands before the slash; it is not a parser.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

export interface SourceFile {
  /** From the project root, with forward slashes. */
  readonly path: string
  readonly text: string
}

const leaveOut = new Set(['node_modules', 'dist', 'coverage', '.git', '.opengslb'])

/** Every file under the given paths, sorted; a path that does not exist holds none. */
export function filesUnder(paths: readonly string[], extension: RegExp): SourceFile[] {
  const found: string[] = []
  const walk = (path: string) => {
    if (!existsSync(path)) return
    if (!statSync(path).isDirectory()) {
      if (extension.test(path)) found.push(path)
      return
    }
    for (const name of readdirSync(path)) if (!leaveOut.has(name)) walk(join(path, name))
  }
  for (const path of paths) walk(join(root, path))
  return found.sort().map((path) => ({
    path: relative(root, path).replaceAll('\\', '/'),
    text: readFileSync(path, 'utf8'),
  }))
}

type Kind = 'comment' | 'string' | 'regex'

/** Blanks the given kinds of text with spaces; lengths and line ends stay. */
export function mask(text: string, kinds: readonly Kind[]): string {
  const out = text.split('')
  const blank = (from: number, to: number, kind: Kind) => {
    if (!kinds.includes(kind)) return
    for (let at = from; at < to; at++) if (out[at] !== '\n') out[at] = ' '
  }
  // For each open template, the depth of braces inside its current ${…}.
  const templates: number[] = []
  let at = 0
  while (at < text.length) {
    const end = tokenEnd(text, at, templates)
    if (end.kind !== 'code') {
      const inside = end.kind === 'comment' ? 0 : 1
      blank(at + inside, Math.max(at + inside, end.at - inside), end.kind)
    }
    at = end.at
  }
  return out.join('')
}

interface TokenEnd {
  readonly at: number
  readonly kind: Kind | 'code'
}

function tokenEnd(text: string, at: number, templates: number[]): TokenEnd {
  const two = text.slice(at, at + 2)
  const char = text[at] ?? ''
  if (two === '//' || (at === 0 && two === '#!')) return { at: lineEnd(text, at), kind: 'comment' }
  if (two === '/*') {
    const close = text.indexOf('*/', at + 2)
    return { at: close < 0 ? text.length : close + 2, kind: 'comment' }
  }
  if (char === "'" || char === '"') return { at: quotedEnd(text, at, char), kind: 'string' }
  if (char === '/' && startsRegex(text, at)) return { at: regexEnd(text, at), kind: 'regex' }
  if (char === '`') return templateEnd(text, at + 1, templates)
  const open = templates.length - 1
  if (open >= 0 && char === '{') templates[open] = (templates[open] ?? 0) + 1
  if (open >= 0 && char === '}') {
    if (templates[open] === 0) {
      templates.pop()
      return templateEnd(text, at + 1, templates)
    }
    templates[open] = (templates[open] ?? 0) - 1
  }
  return { at: at + 1, kind: 'code' }
}

const lineEnd = (text: string, at: number) => {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

function quotedEnd(text: string, at: number, quote: string): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === quote) return i + 1
    else if (text[i] === '\n') return i
  }
  return text.length
}

function templateEnd(text: string, at: number, templates: number[]): TokenEnd {
  for (let i = at; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '`') return { at: i + 1, kind: 'string' }
    else if (text[i] === '$' && text[i + 1] === '{') {
      templates.push(0)
      return { at: i + 2, kind: 'string' }
    }
  }
  return { at: text.length, kind: 'string' }
}

/** A slash starts a regular expression where a value may stand, else it divides. */
function startsRegex(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 40), at).trimEnd()
  return before === '' || /(?:[(,=:[!&|?{};>+\-*%~^]|\b(?:return|typeof|case|of|in))$/.test(before)
}

function regexEnd(text: string, at: number): number {
  let inClass = false
  for (let i = at + 1; i < text.length && text[i] !== '\n'; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') inClass = true
    else if (text[i] === ']') inClass = false
    else if (text[i] === '/' && !inClass) return i + 1
  }
  return at + 1
}

/** Only code: comments gone, strings and regular expressions empty. */
export const codeOf = (text: string) => mask(text, ['comment', 'string', 'regex'])

export const lineOf = (text: string, index: number) => text.slice(0, index).split('\n').length

export interface ImportLine {
  readonly line: number
  readonly from: string
  readonly typeOnly: boolean
}

const importPattern = new RegExp(
  [
    `^[ \\t]*(?:import|export)\\s+(type\\s)?[^'"\`;]*?from\\s*['"]([^'"]+)['"]`,
    `^[ \\t]*import\\s*['"]([^'"]+)['"]`,
    `\\bimport\\(\\s*['"]([^'"]+)['"]`,
  ].join('|'),
  'gm',
)

/** Every module a file names, with its line. */
export function importsOf(text: string): ImportLine[] {
  const code = mask(text, ['comment'])
  return [...code.matchAll(importPattern)].map((match) => ({
    line: lineOf(code, match.index + match[0].length),
    from: match[2] ?? match[3] ?? match[4] ?? '',
    typeOnly: match[1] !== undefined,
  }))
}
