/**
 * What is wrong with a configuration, and where, in words a person can act on.
 *
 * A problem is data: the loader collects all of them before anything is said. Values of secret keys
 * are masked before they get here, so a problem may be logged as it is.
 */
export interface Place {
  readonly file: string
  /** Counted from 1; 0 where there is no line (a file mode, a flag, the environment). */
  readonly line: number
  /** Counted from 1; 0 where there is none. */
  readonly column: number
}

export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly place: Place
  /** `regions[0].servers[1].port`; empty where no key is at fault. */
  readonly path: string
  /** What is wrong, without the path, the value or a full stop. */
  readonly message: string
  /** The value as written, secrets masked. */
  readonly value?: string
  /** What would be accepted. */
  readonly allowed?: string
  /** What to do about it. */
  readonly hint?: string
  /** Path of a value whose own fault, if it has one, is the cause of this. */
  readonly follows?: string
}

export type Path = readonly (string | number)[]

/** `['regions', 0, 'name']` as `regions[0].name`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}

export function formatPlace(place: Place): string {
  if (place.line === 0) return place.file
  return `${place.file}:${place.line}:${place.column}`
}

/** One line: `config.yaml:7:15: error: dns.default_ttl: is too large; got 99999999; allowed: …`. */
export function formatProblem(problem: Problem): string {
  const head = problem.path === '' ? '' : `${problem.path}: `
  const parts = [`${problem.severity}: ${head}${problem.message}`]
  if (problem.value !== undefined) parts.push(`got ${problem.value}`)
  if (problem.allowed !== undefined) parts.push(`allowed: ${problem.allowed}`)
  if (problem.hint !== undefined) parts.push(problem.hint)
  const text = `${formatPlace(problem.place)}: ${parts.join('; ')}`
  // A value may hold anything; control characters must not reach a terminal or split a log line.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')
}

const SECRET_WORDS = /token|secret|passw|private|encryption_key/i

/** Whether an unknown key looks as if it held a secret, so that its value is masked too. */
export const looksSecret = (key: string): boolean => SECRET_WORDS.test(key)

/** A secret as a problem may show it: its length helps to find a cut or doubled paste. */
export const maskSecret = (text: string): string => `**** (${text.length} characters)`

const SHOWN_CHARS = 80

/** A value in quotes, shortened to what fits a line. */
export function showValue(text: string): string {
  const short = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text
  return JSON.stringify(short)
}

/** Files first to last, then lines, so that a person can go through them once. */
export function inReadingOrder(problems: readonly Problem[]): Problem[] {
  const files = new Map<string, number>()
  for (const { place } of problems) if (!files.has(place.file)) files.set(place.file, files.size)
  return [...problems].sort(
    (a, b) =>
      files.get(a.place.file)! - files.get(b.place.file)! ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  )
}
