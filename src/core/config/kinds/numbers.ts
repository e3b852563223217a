/**
 * Truth values, numbers, percentages, durations and sizes.
 *
 * Numbers are read as YAML 1.2 reads them, and underscores between digits are passed over. Truth
 * values accept yes, no, on and off as well, since files written for YAML 1.1 readers use them.
 */
import { fail, ok, type Result } from '../../base/result.ts'
import { kindOf, type Kind } from './kind.ts'

const TRUTH: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  false: false,
  no: false,
  off: false,
}

export const bool: Kind<boolean> = kindOf({
  name: 'boolean',
  allowed: 'true, false',
  json: { type: 'boolean' },
  read: (text) => {
    const value = Object.hasOwn(TRUTH, text.toLowerCase()) ? TRUTH[text.toLowerCase()] : undefined
    return value === undefined ? fail('is not a truth value') : ok(value)
  },
})

const DECIMAL = /^[-+]?[0-9]+(_[0-9]+)*(\.[0-9]+)?$/
const BASED = /^0(x[0-9a-fA-F]{1,12}|o[0-7]{1,16})$/

function numberOf(text: string): number | undefined {
  if (text.length > 32) return undefined
  if (BASED.test(text)) return Number(text)
  return DECIMAL.test(text) ? Number(text.replaceAll('_', '')) : undefined
}

/** Programs that read YAML 1.1 take a leading zero for octal; this one, like YAML 1.2, does not. */
function leadingZero(text: string): string | undefined {
  if (!/^[-+]?0[0-9]+$/.test(text)) return undefined
  return `${text} is read as the decimal number ${Number(text)}; leave out the leading zero`
}

function inRange(value: number, min: number, max: number, unit = ''): Result<number, string> {
  if (value < min) return fail(`is below the least allowed ${min}${unit}`)
  if (value > max) return fail(`is above the most allowed ${max}${unit}`)
  return ok(value)
}

export const integer = (min: number, max: number, name = 'integer'): Kind<number> =>
  kindOf({
    name,
    allowed: `${min} to ${max}`,
    json: { type: 'integer', minimum: min, maximum: max },
    read: (text) => {
      const value = numberOf(text)
      if (value === undefined) return fail('is not a number')
      return Number.isInteger(value) ? inRange(value, min, max) : fail('is not a whole number')
    },
    remark: leadingZero,
  })

/** Takes `from` to `to`, as older files may have it, and what is past `min` or `max` for that. */
export const clamped = (min: number, max: number, from: number, to: number): Kind<number> => {
  const inner = integer(from, to)
  const within = (value: number) => Math.min(max, Math.max(min, value))
  return kindOf({
    name: inner.name,
    allowed: `${min} to ${max}`,
    json: inner.json,
    read: (text) => {
      const read = inner.read(text)
      return read.ok ? ok(within(read.value)) : read
    },
    remark: (text) => {
      const value = numberOf(text)
      if (value === undefined || value === within(value)) return inner.remark?.(text)
      return `${text} is taken for ${within(value)}; allowed: ${min} to ${max}`
    },
  })
}

export const fraction = (min: number, max: number): Kind<number> =>
  kindOf({
    name: 'number',
    allowed: `${min} to ${max}`,
    json: { type: 'number', minimum: min, maximum: max },
    read: (text) => {
      const value = numberOf(text)
      return value === undefined ? fail('is not a number') : inRange(value, min, max)
    },
    remark: leadingZero,
  })

export const port = integer(1, 65_535, 'port')
/** RFC 2181 section 8 allows 2^31-1; beyond a week a steered answer could not be steered again. */
export const ttl = integer(0, 604_800, 'seconds')
export const weight = integer(0, 65_535, 'weight')

/** 1 to 100. A fraction between 0 and 1 without a `%` is a share of one, with a remark. */
export const percent: Kind<number> = kindOf({
  name: 'percent',
  allowed: '1 to 100',
  json: { type: 'number', minimum: 0, maximum: 100 },
  read: (text) => {
    const value = numberOf(text.replace(/%$/, ''))
    if (value === undefined) return fail('is not a percentage')
    const isShare = !text.endsWith('%') && value > 0 && value < 1
    return inRange(isShare ? Math.round(value * 1e6) / 1e4 : value, 1, 100)
  },
  remark: (text) => {
    const value = numberOf(text)
    if (value === undefined || value <= 0 || value >= 1) return leadingZero(text)
    return `${text} is taken for ${Math.round(value * 1e6) / 1e4} percent; write percents`
  },
})

/** 0 to 100, with a `%` or without; `0.5` is half a percent. */
export const percentage: Kind<number> = kindOf({
  name: 'percent',
  allowed: '0 to 100',
  json: { anyOf: [{ type: 'number', minimum: 0, maximum: 100 }, { type: 'string' }] },
  read: (text) => {
    const value = numberOf(text.replace(/ ?%$/, ''))
    return value === undefined ? fail('is not a percentage') : inRange(value, 0, 100)
  },
  remark: leadingZero,
})

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const DURATION = /^(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|μs|ms|s|m|h|d))+$/
const DURATION_PART = /([0-9]+(?:\.[0-9]*)?)(ns|us|µs|μs|ms|s|m|h|d)/g

/** Milliseconds of a text such as `1h30m`, `500ms` or `14d`; undefined if it is none. */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0
  if (text.length > 64 || !DURATION.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(DURATION_PART))
    total += Number(amount) * UNIT_MS[unit!]!
  return total
}

/** The shortest usual spelling: `90s` as `1m30s`, `604800000` as `7d`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let rest = ms
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(rest / UNIT_MS[unit]!)
    if (count > 0) text += `${count}${unit}`
    rest -= count * UNIT_MS[unit]!
  }
  return text === '' ? `${ms}ms` : text
}

const DURATION_PATTERN = '^(0|([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h|d))+)$'

/** Read into milliseconds. `min` and `max` are written as durations themselves. */
export function duration(min: string, max: string): Kind<number> {
  const [minMs, maxMs] = [durationMs(min) ?? 0, durationMs(max) ?? 0]
  return kindOf({
    name: 'duration',
    allowed: `${min} to ${max}`,
    json: { type: 'string', pattern: DURATION_PATTERN, examples: [min] },
    read: (text) => {
      const value = durationMs(text)
      if (value === undefined) {
        const bare = numberOf(text) !== undefined
        return fail(bare ? 'has no unit; write 30s, 500ms or 1h30m' : 'is not a duration')
      }
      if (value < minMs) return fail(`is shorter than the least allowed ${min}`)
      return value > maxMs ? fail(`is longer than the most allowed ${max}`) : ok(value)
    },
  })
}

/** A duration in which a bare number counts days. */
export function days(max: string): Kind<number> {
  const inner = duration('0s', max)
  return {
    ...inner,
    allowed: `0 to ${max}; a bare number counts days`,
    json: { anyOf: [{ type: 'integer', minimum: 0 }, inner.json] },
    read: (input) => inner.read(/^[0-9]{1,5}$/.test(String(input)) ? `${input}d` : input),
  }
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1_024,
  mib: 1_048_576,
  gib: 1_073_741_824,
  tib: 1_099_511_627_776,
}
const SIZE = /^([0-9]+(?:\.[0-9]+)?) ?([kmgt]?i?b|)$/

function sizeBytes(text: string): number | undefined {
  const match = text.length > 32 ? null : SIZE.exec(text.toLowerCase())
  const unit = match === null ? undefined : UNIT_BYTES[match[2]!]
  return unit === undefined ? undefined : Math.floor(Number(match![1]) * unit)
}

/** Read into bytes; `1GB` is 1,000,000,000 bytes and `1GiB` is 1,073,741,824. */
export function size(min: string, max: string): Kind<number> {
  const [minBytes, maxBytes] = [sizeBytes(min) ?? 0, sizeBytes(max) ?? 0]
  return kindOf({
    name: 'size',
    allowed: `${min} to ${max}`,
    json: { type: ['string', 'integer'], pattern: '^[0-9.]+ ?[kKmMgGtT]?[iI]?[bB]?$' },
    read: (text) => {
      const value = sizeBytes(text)
      if (value === undefined) return fail('is not a size such as 512MB or 1GiB')
      if (value < minBytes) return fail(`is below the least allowed ${min}`)
      return value > maxBytes ? fail(`is above the most allowed ${max}`) : ok(value)
    },
  })
}
