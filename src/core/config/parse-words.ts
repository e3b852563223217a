/**
 * Faults of YAML itself, in words that say what to do.
 *
 * The library speaks to programmers; what it says is kept only where it says enough.
 */
import { looksSecret, showValue } from './problems.ts'

export interface FaultWords {
  readonly what: string
  readonly hint?: string
}

const WORDS: Readonly<Record<string, FaultWords>> = {
  TAB_AS_INDENT: {
    what: 'Tabs are not allowed as indentation',
    hint: 'indent with spaces',
  },
  MULTIPLE_DOCS: {
    what: 'a second document begins here',
    hint: 'keep one document a file: remove the `---`, or name the other file under `includes`',
  },
  BAD_INDENT: {
    what: 'the line is not indented as those it belongs to',
    hint: 'keys of one section, and items of one list, begin in the same column',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    what: 'the line is not indented as those it belongs to',
    hint: 'keys of one section, and items of one list, begin in the same column',
  },
  MULTILINE_IMPLICIT_KEY: {
    what: 'a key is not followed by a colon',
    hint: 'write `key: value` on one line',
  },
  RESOURCE_EXHAUSTION: { what: 'it is nested too deeply, or refers to itself too often' },
}

const UNCLOSED: FaultWords = {
  what: 'a quote or bracket that was opened is not closed before this place',
  hint: 'look at the lines above for a missing quote, ] or }',
}

export function yamlFaultWords(code: string, message: string): FaultWords {
  if (/^Missing closing|must be sufficiently indented and end with/.test(message)) return UNCLOSED
  return WORDS[code] ?? { what: message }
}

/** Longer values may be tokens (`overwatch.agent_tokens` has them under any name). */
const SECRET_CHARS_MIN = 16

/** The line as a person wrote it, without what may be a secret. */
export function shownLine(line: string | undefined): string | undefined {
  const text = line?.replace(/\s+$/, '')
  if (text === undefined || text.trim() === '' || looksSecret(text)) return undefined
  const [, key = '', rest = ''] = /^(\s*(?:- +)*["']?[\w.-]+["']?\s*:\s*)?(.*)$/.exec(text) ?? []
  const short = rest.length < SECRET_CHARS_MIN
  if (key === '' && !short) return undefined
  return showValue(short ? text : `${key}…`)
}
