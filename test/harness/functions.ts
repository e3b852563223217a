/**
 * How long each function of a file is, by matching braces.
 *
 * A function's length is its own lines: those of named functions declared inside it are theirs, so
 * that a closure which holds an actor's handlers is measured handler by handler. Anonymous
 * callbacks count for the function they stand in.
 */
import { codeOf, lineOf } from './source.ts'

export interface FunctionLength {
  readonly name: string
  readonly line: number
  readonly ownLines: number
}

interface Body {
  readonly name: string
  readonly start: number
  readonly open: number
  readonly close: number
}

const notMethods = new Set(['if', 'for', 'while', 'switch', 'catch', 'return', 'function', 'with'])

const modifiers = '(?:(?:private|protected|public|static|async|override|readonly|get|set)\\s+)*'
const generics = '(?:<[^(\\n]*>)?'

/** Where a function may begin: a declaration, a method, a named arrow. */
const starts = [
  /\bfunction\b\s*\*?\s*(\w*)\s*(?:<[^(]*>)?\s*\(/g,
  new RegExp(`^[ \\t]+${modifiers}\\*?\\s*([\\w$#]+)\\s*${generics}\\(`, 'gm'),
]
const namedArrow = new RegExp(
  [
    `\\b(?:const|let)\\s+([\\w$]+)\\b[^=\\n]*=\\s*(?:async\\s*)?${generics}\\(`,
    `^[ \\t]+['"]?([\\w$.\\- ]+)['"]?:\\s*(?:async\\s*)?\\(`,
  ].join('|'),
  'gm',
)
const anyArrow = /=>\s*\{/g

export function functionLengths(text: string): FunctionLength[] {
  const code = codeOf(text)
  const bodies = findBodies(code)
  return bodies.map((body) => {
    const lines = lineOf(code, body.close) - lineOf(code, body.start) + 1
    const inner = bodies.filter(
      (other) =>
        other.name !== '' &&
        other !== body &&
        other.open > body.open &&
        other.close < body.close &&
        !bodies.some(
          (middle) =>
            middle.name !== '' &&
            middle !== other &&
            middle !== body &&
            middle.open > body.open &&
            middle.close < body.close &&
            middle.open < other.open &&
            middle.close > other.close,
        ),
    )
    const theirs = inner.reduce(
      (sum, other) => sum + lineOf(code, other.close) - lineOf(code, other.start) + 1,
      0,
    )
    return {
      name: body.name === '' ? '(anonymous)' : body.name,
      line: lineOf(code, body.start),
      ownLines: lines - theirs,
    }
  })
}

function findBodies(code: string): Body[] {
  const bodies = new Map<number, Body>()
  const add = (name: string, start: number, open: number) => {
    if (open < 0 || bodies.has(open)) return
    const close = matching(code, open, '{', '}')
    if (close > open) bodies.set(open, { name, start, open, close })
  }
  for (const pattern of starts) {
    for (const match of code.matchAll(pattern)) {
      const name = match[1] ?? ''
      if (notMethods.has(name)) continue
      const closeParen = matching(code, match.index + match[0].length - 1, '(', ')')
      add(name, skipSpace(code, match.index), bodyAfter(code, closeParen))
    }
  }
  for (const match of code.matchAll(namedArrow)) {
    const closeParen = matching(code, match.index + match[0].length - 1, '(', ')')
    const rest = code.slice(closeParen + 1).match(/^\s*(?::[^={}\n]*)?=>\s*\{/)
    const open = rest === null ? -1 : closeParen + rest[0].length
    add(match[1] ?? match[2] ?? '', skipSpace(code, match.index), open)
  }
  for (const match of code.matchAll(anyArrow)) {
    add('', match.index, match.index + match[0].length - 1)
  }
  return [...bodies.values()]
}

const skipSpace = (code: string, at: number) => at + (code.slice(at).match(/^\s*/)?.[0].length ?? 0)

/** A type goes on over a line end only after a sign that needs more. */
const endsType = (code: string, at: number) =>
  !/[,:|&<({[]\s*$|=>\s*$/.test(code.slice(Math.max(0, at - 40), at))

/** The brace that opens a body after a parameter list, past a return type; -1 when none does. */
function bodyAfter(code: string, closeParen: number): number {
  if (closeParen < 0) return -1
  let at = skipSpace(code, closeParen + 1)
  if (code[at] === '{') return at
  if (code[at] !== ':') return -1
  for (at++; at < code.length; at++) {
    const char = code[at]
    if (char === ';' || char === ')') return -1
    if (char === '\n' && endsType(code, at)) return -1
    if (char === '(') at = matching(code, at, '(', ')')
    else if (char === '{') {
      const before = code.slice(Math.max(0, at - 20), at).trimEnd()
      if (!/(?:[:|&<,([]|=>|\bis)$/.test(before)) return at
      at = matching(code, at, '{', '}')
    }
    if (at < 0) return -1
  }
  return -1
}

function matching(code: string, open: number, opener: string, closer: string): number {
  let depth = 0
  for (let at = open; at < code.length; at++) {
    if (code[at] === opener) depth++
    else if (code[at] === closer && --depth === 0) return at
  }
  return -1
}
