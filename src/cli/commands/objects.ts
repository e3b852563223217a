/**
 * What the commands for domains, servers and regions share: options that are fields of a body, and
 * the check whether an object was made, changed or taken away.
 */
import { wrongUsage } from '../shell.ts'

/** A whole number, or a failure that names the option. */
export function wholeOf(option: string, text: string): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw wrongUsage(`${option}: "${text}" is not a whole number`)
}

/** `a,b c` as a list. */
export const listOf = (text: string): readonly string[] =>
  text.split(/[\s,]+/).filter((one) => one !== '')

/** The body of an edit: fields that were given; fails when there are none. */
export function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const body = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  if (Object.keys(body).length > 0) return body
  throw wrongUsage('nothing to change: give at least one option')
}

/** `--enable` and `--disable` as the field `enabled`. */
export function enabledOf(options: {
  readonly enable?: boolean
  readonly disable?: boolean
}): boolean | undefined {
  if (options.enable === true && options.disable === true)
    throw wrongUsage('--enable and --disable contradict each other')
  return options.enable === true ? true : options.disable === true ? false : undefined
}

export const forced = (force: boolean | undefined): string => (force === true ? '?force=true' : '')
