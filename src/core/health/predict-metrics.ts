/**
 * Counters of an application out of its metrics page (the Prometheus text format, version 0.0.4).
 *
 * A counter is named as `name`, which sums all its series, or as `name{label="value",code=~"5.."}`,
 * which sums those that fit. Lines that are not samples are passed over; only the sum is kept.
 */
import { type Result, fail, ok } from '../base/result.ts'

interface Matcher {
  readonly label: string
  readonly fits: (value: string) => boolean
}

export interface CounterName {
  readonly name: string
  readonly matchers: readonly Matcher[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const PAIR = '([a-zA-Z_][a-zA-Z0-9_]*)\\s*(=~|!=|=)\\s*"((?:[^"\\\\]|\\\\.)*)"'
const SELECTOR = new RegExp(`^(${NAME})(?:\\{\\s*(?:${PAIR}(?:\\s*,\\s*${PAIR})*)?\\s*,?\\s*\\})?$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})?\\s+([^\\s]+)(?:\\s+-?\\d+)?\\s*$`)

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))

/** `5..` and `50[34]` and `a|b`, nothing that can take long: no repetition is allowed. */
const SIMPLE_PATTERN = /^[\w.|[\]\- ]*$/

function matcherOf(label: string, how: string, value: string): Matcher | undefined {
  if (how === '=') return { label, fits: (given) => given === value }
  if (how === '!=') return { label, fits: (given) => given !== value }
  if (!SIMPLE_PATTERN.test(value)) return undefined
  try {
    const pattern = new RegExp(`^(?:${value})$`)
    return { label, fits: (given) => pattern.test(given) }
  } catch {
    return undefined
  }
}

/** Reads the name of a counter as an operator writes it. */
export function counterName(text: string): Result<CounterName, string> {
  const match = text.length > 512 ? null : SELECTOR.exec(text.trim())
  if (match === null) return fail('is not a counter such as http_requests_total{code=~"5.."}')
  const matchers: Matcher[] = []
  for (const [, label, how, value] of text.matchAll(new RegExp(PAIR, 'g'))) {
    const matcher = matcherOf(label!, how!, unescaped(value!))
    if (matcher === undefined) return fail(`has a pattern for ${label} that is not a plain one`)
    matchers.push(matcher)
  }
  return ok({ name: match[1]!, matchers })
}

function labelsOf(text: string): Map<string, string> {
  const labels = new Map<string, string>()
  for (const [, label, , value] of text.matchAll(new RegExp(PAIR, 'g')))
    labels.set(label!, unescaped(value!))
  return labels
}

/** The sum of a counter's series on a page, or undefined when none is there. */
export function counterSum(page: string, { name, matchers }: CounterName): number | undefined {
  let sum: number | undefined
  for (let from = 0; from < page.length; ) {
    const end = page.indexOf('\n', from)
    const to = end < 0 ? page.length : end
    // Only lines that can be this counter are looked at closely; a long line is no sample.
    if (page.startsWith(name, from) && to - from <= 8_192) {
      const match = SAMPLE.exec(page.slice(from, to))
      if (match !== null && match[1] === name) {
        const labels = matchers.length === 0 ? undefined : labelsOf(match[2] ?? '')
        const value = Number(match[3])
        // A label that is absent equals the empty one, as in PromQL.
        if (
          Number.isFinite(value) &&
          matchers.every(({ label, fits }) => fits(labels?.get(label) ?? ''))
        )
          sum = (sum ?? 0) + value
      }
    }
    from = to + 1
  }
  return sum
}
