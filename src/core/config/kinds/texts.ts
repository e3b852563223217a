/**
 * Texts: free ones, one of a few words, names of regions, file paths, URLs, secrets, HTTP statuses.
 */
import { limits } from '../../base/limits.ts'
import { fail, ok } from '../../base/result.ts'
import { nearest } from '../nearest.ts'
import { kindOf, type Kind } from './kind.ts'

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** Any text on one line, at most `maxChars` long. */
export const text = (
  maxChars: number = limits.configTextChars.default,
  minChars = 0,
): Kind<string> =>
  kindOf({
    name: 'text',
    allowed: minChars > 1 ? `at least ${minChars} characters` : '',
    json: { type: 'string', ...(minChars > 0 ? { minLength: minChars } : {}), maxLength: maxChars },
    read: (value) => {
      if (value.length > maxChars) return fail(`is longer than ${maxChars} characters`)
      if (value.length < minChars)
        return fail(value === '' ? 'must not be empty' : `is shorter than ${minChars} characters`)
      return CONTROL.test(value) ? fail('holds control characters') : ok(value)
    },
  })

/** The value of a record, which a folded YAML text may spread over lines. */
export const recordText: Kind<string> = kindOf({
  name: 'record data',
  allowed: 'record data as in a zone file',
  json: { type: 'string', minLength: 1 },
  read: (value) => {
    // 65,535 octets of RDATA, each at most four characters as \DDD.
    if (value.length > 262_140) return fail('is longer than any record')
    return value.trim() === ''
      ? fail('must not be empty')
      : ok(value.replace(/\s*\n\s*/g, ' ').trim())
  },
})

/** A path of the file system; relative ones are seen from the directory the program starts in. */
export const filePath: Kind<string> = { ...text(), name: 'path' }

/** One of some words; case does not matter, and `aliases` map other spellings onto them. */
export function oneOf<const W extends string>(
  words: readonly W[],
  aliases: Readonly<Record<string, W>> = {},
): Kind<W> {
  const find = (value: string): W | undefined => {
    const lower = value.toLowerCase()
    if (Object.hasOwn(aliases, lower)) return aliases[lower]
    return words.find((word) => word.toLowerCase() === lower)
  }
  return kindOf<W>({
    name: 'word',
    allowed: words.join(', '),
    json: { enum: [...words, ...Object.keys(aliases)] },
    read: (value) => {
      const found = find(value)
      if (found !== undefined) return ok(found)
      const near = nearest(value, [...words, ...Object.keys(aliases)])
      return fail(near === undefined ? 'is not known' : `is not known; did you mean "${near}"?`)
    },
  })
}

/** The name of a region, a node or an algorithm's label: one word, as it becomes part of keys. */
export const word: Kind<string> = kindOf({
  name: 'name',
  allowed: 'letters, digits, ".", "_" and "-", at most 128',
  json: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' },
  read: (value) => {
    if (value === '') return fail('must not be empty')
    return /^[A-Za-z0-9._-]{1,128}$/.test(value) ? ok(value) : fail('is not a name')
  },
})

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** A gossip key: base64 of exactly 32 bytes. */
export const gossipKey: Kind<string> = kindOf({
  name: 'gossip key',
  allowed: 'base64 of exactly 32 bytes',
  json: { type: 'string' },
  read: (value) => {
    if (value === '') return ok('')
    const advice = 'make one with: openssl rand -base64 32'
    const isBase64 = BASE64.test(value) && value.length % 4 === 0
    if (!isBase64) return fail(`is not base64; ${advice}`)
    const bytes = (value.length / 4) * 3 - (value.length - value.replace(/=+$/, '').length)
    return bytes === 32 ? ok(value) : fail(`is ${bytes} bytes instead of 32; ${advice}`)
  },
})

/** ISO 3166-1 alpha-2 code of a country, upper case. */
export const country: Kind<string> = kindOf({
  name: 'country code',
  allowed: 'two letters (ISO 3166-1)',
  json: { type: 'string', pattern: '^[A-Za-z]{2}$' },
  read: (value) =>
    /^[A-Za-z]{2}$/.test(value) ? ok(value.toUpperCase()) : fail('is not a country code'),
})

/** ISO 3166-2 code of a part of a country, upper case. */
export const subdivision: Kind<string> = kindOf({
  name: 'subdivision code',
  allowed: 'country and part with a hyphen, such as US-CA (ISO 3166-2)',
  json: { type: 'string', pattern: '^[A-Za-z]{2}-[A-Za-z0-9]{1,3}$' },
  read: (value) =>
    /^[A-Za-z]{2}-[A-Za-z0-9]{1,3}$/.test(value)
      ? ok(value.toUpperCase())
      : fail('is not a subdivision code'),
})

export const continent = oneOf(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'])

/** A path of an HTTP request, with its leading slash. */
export const urlPath: Kind<string> = kindOf({
  name: 'URL path',
  allowed: 'a path that starts with /',
  json: { type: 'string', pattern: '^/' },
  // Blanks and control characters would end the request line (RFC 9112 section 3).
  read: (value) =>
    /^\/[\u0021-\u007e]*$/.test(value) && value.length <= 2_048
      ? ok(value)
      : fail(value.startsWith('/') ? 'holds characters a URL path may not' : 'must start with /'),
})

/** `https://host:port`, as key synchronisation uses it. */
export const httpUrl: Kind<string> = kindOf({
  name: 'URL',
  allowed: 'http://host:port or https://host:port',
  json: { type: 'string', pattern: '^https?://' },
  read: (value) =>
    /^https?:\/\/[^\s/?#@]{1,260}(\/[^\s]{0,1024})?$/.test(value)
      ? ok(value)
      : fail('is not a URL'),
})

/** A substring, or `/regular expression/`, optionally with flags i, m, s or u. */
export const bodyPattern: Kind<string> = kindOf({
  name: 'text or /pattern/',
  allowed: 'a substring, or a /regular expression/',
  json: { type: 'string' },
  read: (value) => {
    const match = /^\/(.+)\/([imsu]{0,4})$/s.exec(value)
    if (value.length > 1_024) return fail('is longer than 1024 characters')
    if (match === null) return ok(value)
    try {
      // The only way to know whether an expression compiles is to compile it.
      new RegExp(match[1]!, match[2])
      return ok(value)
    } catch {
      return fail('is not a regular expression')
    }
  },
})

export type StatusRange = readonly [number, number]

function statusRange(value: string): StatusRange | undefined {
  const match = /^([1-5][0-9][0-9])(?:\s*-\s*([1-5][0-9][0-9]))?$/.exec(value.trim())
  const klass = /^([1-5])xx$/i.exec(value.trim())
  if (klass !== null) return [Number(klass[1]) * 100, Number(klass[1]) * 100 + 99]
  if (match === null) return undefined
  const [low, high] = [Number(match[1]), Number(match[2] ?? match[1])]
  return low <= high ? [low, high] : undefined
}

/** A status, a range `200-299`, a class `2xx`, or a list of those (a list or split by commas). */
export const statuses: Kind<readonly StatusRange[]> = {
  name: 'HTTP statuses',
  allowed: '100 to 599, a range such as "200-299", a class such as "2xx", or a list of those',
  json: {
    anyOf: [
      { type: 'integer', minimum: 100, maximum: 599 },
      { type: 'string' },
      { type: 'array', items: { type: ['integer', 'string'] } },
    ],
  },
  read: (input) => {
    const items = Array.isArray(input) ? input : String(input ?? '').split(',')
    if (items.length === 0 || items.length > 64) return fail('must name 1 to 64 statuses')
    const ranges: StatusRange[] = []
    for (const item of items) {
      const range = typeof item === 'object' ? undefined : statusRange(String(item))
      if (range === undefined) return fail('is not an HTTP status')
      ranges.push(range)
    }
    return ok(ranges)
  },
}
