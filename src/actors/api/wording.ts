/**
 * What a schema allows, in words for people: `a number from 1 to 65535`.
 */

/** The part of an issue of zod that is read; a kind that is not known here keeps its own words. */
export interface Issue {
  readonly code: string
  readonly message: string
  readonly expected?: string
  readonly values?: readonly unknown[]
  readonly minimum?: number | bigint
  readonly maximum?: number | bigint
  readonly origin?: string
  readonly errors?: readonly (readonly Issue[])[]
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
}

const UNITS: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'items',
  set: 'items',
}

function bounded(word: 'at least' | 'at most', bound: number | bigint, origin = ''): string {
  const unit = UNITS[origin]
  return unit === undefined ? `${word} ${bound}` : `${word} ${bound} ${unit} long`
}

/** A phrase that fits behind "must be". */
export function allowedBy(issue: Issue): string {
  const { code, expected, values, minimum, maximum, origin, errors } = issue
  switch (code) {
    case 'invalid_type':
      return KINDS[expected ?? ''] ?? expected ?? issue.message
    case 'invalid_value':
      return `one of ${(values ?? []).map(String).join(', ')}`
    case 'too_small':
      return bounded('at least', minimum ?? 0, origin)
    case 'too_big':
      return bounded('at most', maximum ?? 0, origin)
    case 'invalid_union':
      return [...new Set((errors ?? []).flat().map(allowedBy))].join(' or ') || issue.message
    default:
      // Of `custom` and `invalid_format`: the schema's own words.
      return issue.message
  }
}
