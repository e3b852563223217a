/**
 * The lexical side of master files (RFC 1035 section 5.1): entries of tokens with their places.
 *
 * It knows blanks, comments, quotes, escapes and parentheses, and nothing of owners, types or data.
 * A fault is noted and the entry it is in marked broken; the next line goes on as usual, so that
 * one reading finds all faults.
 */
import { limits } from '../base/limits.ts'
import { type Result, fail, ok } from '../base/result.ts'
import type { Token } from './rdata-text.ts'

export interface ZoneFileFault {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  readonly message: string
}

export interface Entry {
  readonly tokens: readonly Token[]
  /** Its line begins with a blank, so that it has the owner of the entry before. */
  readonly startsBlank: boolean
  /** It has a fault already; what it says is not to be believed. */
  readonly broken: boolean
}

export interface Scanner {
  readonly text: string
  readonly faults: ZoneFileFault[]
  /** Comments are faults and line ends are blanks: the text is one record's data. */
  readonly isValue: boolean
  at: number
  line: number
  lineStart: number
  /** Of the open parentheses, where the outermost one is. */
  depth: number
  opened: { line: number; column: number }
  tokens: Token[]
  startsBlank: boolean
  broken: boolean
}

/** A byte order mark is no part of the text. */
const BOM = 0xfeff

export function scannerOf(text: string, isValue = false): Scanner {
  const at = text.charCodeAt(0) === BOM ? 1 : 0
  return {
    text,
    faults: [],
    isValue,
    at,
    line: 1,
    lineStart: at,
    depth: 0,
    opened: { line: 1, column: 1 },
    tokens: [],
    startsBlank: false,
    broken: false,
  }
}

const columnOf = (scanner: Scanner) => scanner.at - scanner.lineStart + 1

/** Notes a fault at the place reached, or at the place given. */
export function note(
  scanner: Scanner,
  message: string,
  place = { line: scanner.line, column: columnOf(scanner) },
): void {
  scanner.broken = true
  if (scanner.faults.length < limits.zoneFileFaults.default)
    scanner.faults.push({ line: place.line, column: place.column, message })
}

/** Where a run of ordinary characters ends; a backslash takes the character after it along. */
function endOfRun(text: string, from: number, stops: string): number {
  let at = from
  while (at < text.length) {
    const char = text[at]!
    if (char === '\\' && at + 1 < text.length && text[at + 1] !== '\n') at += 2
    else if (stops.includes(char)) return at
    else at += 1
  }
  return Math.min(at, text.length)
}

/** The place of the quote that closes the one at `open`, or undefined when its line has none. */
function closingQuote(scanner: Scanner, open: number): number | undefined {
  const end = endOfRun(scanner.text, open + 1, scanner.isValue ? '"' : '"\n')
  return scanner.text[end] === '"' ? end : undefined
}

function push(scanner: Scanner, token: Token): void {
  if (scanner.tokens.length < limits.zoneFileEntryTokens.default) scanner.tokens.push(token)
  else if (!scanner.broken)
    note(scanner, 'more words than one entry may have; is a parenthesis not closed?')
}

function scanQuoted(scanner: Scanner): void {
  const { text, line, at } = scanner
  const close = closingQuote(scanner, at)
  if (close === undefined) {
    note(scanner, 'the quote is not closed on its line')
    scanner.at = endOfRun(text, at + 1, '\n')
    return
  }
  const token = { text: text.slice(at + 1, close), quoted: true, line, column: columnOf(scanner) }
  push(scanner, token)
  scanner.at = close + 1
}

function scanWord(scanner: Scanner): void {
  const { text, line, at } = scanner
  const place = { line, column: columnOf(scanner) }
  let end = endOfRun(text, at, ' \t\r\n();"')
  if (text[end] !== '"') {
    push(scanner, { text: text.slice(at, end), quoted: false, ...place })
    scanner.at = end
    return
  }
  // Only `key="value"` has its quote inside the word (RFC 9460 section 2.1).
  const close = text[end - 1] === '=' ? closingQuote(scanner, end) : undefined
  if (close === undefined) {
    scanner.at = end
    note(scanner, 'a quote inside a word, or not closed; quote the whole word or write \\"')
    end = endOfRun(text, end + 1, '\n')
  } else end = close + 1
  push(scanner, { text: text.slice(at, end), quoted: false, glued: true, ...place })
  scanner.at = end
}

/** At the first character of a line: refuses one too long, and sees whether it starts blank. */
function beginLine(scanner: Scanner): void {
  const { text, at } = scanner
  const newline = text.indexOf('\n', at)
  const end = newline < 0 ? text.length : newline
  if (end - at > limits.zoneFileLineChars.default) {
    note(scanner, `the line is longer than ${limits.zoneFileLineChars.default} characters`)
    scanner.at = end
  }
  if (scanner.depth > 0) return
  scanner.startsBlank = text[at] === ' ' || text[at] === '\t'
}

function scanParenthesis(scanner: Scanner, char: string): void {
  if (char === '(') {
    if (scanner.depth === 0) scanner.opened = { line: scanner.line, column: columnOf(scanner) }
    scanner.depth += 1
  } else if (scanner.depth === 0) note(scanner, 'a closing parenthesis without an opening one')
  else scanner.depth -= 1
  scanner.at += 1
}

function scanComment(scanner: Scanner): void {
  if (scanner.isValue) note(scanner, 'a ";" starts a comment here; put the text in double quotes')
  const newline = scanner.text.indexOf('\n', scanner.at)
  scanner.at = newline < 0 ? scanner.text.length : newline
}

/** Scans to the end of the entry: a line end outside parentheses, or the end of the text. */
function scanEntry(scanner: Scanner): void {
  const { text } = scanner
  while (scanner.at < text.length) {
    const char = text[scanner.at]!
    if (char === '\n') {
      scanner.at += 1
      scanner.line += 1
      scanner.lineStart = scanner.at
      if (scanner.depth === 0 && !scanner.isValue) return
      beginLine(scanner)
    } else if (char === ' ' || char === '\t' || char === '\r') scanner.at += 1
    else if (char === ';') scanComment(scanner)
    else if (char === '(' || char === ')') scanParenthesis(scanner, char)
    else if (char === '"') scanQuoted(scanner)
    else scanWord(scanner)
  }
}

/** The next entry that has tokens or a fault; undefined at the end of the text. */
export function nextEntry(scanner: Scanner): Entry | undefined {
  while (scanner.at < scanner.text.length) {
    scanner.tokens = []
    scanner.broken = false
    beginLine(scanner)
    scanEntry(scanner)
    if (scanner.depth > 0) {
      note(scanner, 'the parenthesis is not closed', scanner.opened)
      scanner.depth = 0
    }
    const { tokens, startsBlank, broken } = scanner
    if (tokens.length > 0 || broken) return { tokens, startsBlank, broken }
  }
  return undefined
}

/** The tokens of one record's data, given alone; the error is its first fault. */
export function lexValue(text: string): Result<readonly Token[], string> {
  const scanner = scannerOf(text, true)
  const entry = nextEntry(scanner)
  const fault = scanner.faults[0]
  return fault === undefined ? ok(entry?.tokens ?? []) : fail(fault.message)
}
