/**
 * When a key is made, published, used, and taken away, in the words of BIND's key files.
 *
 * Seconds since 1970. A time that is not there has not been decided.
 */
export interface KeyTimes {
  readonly created?: number
  readonly publish?: number
  readonly activate?: number
  readonly inactive?: number
  readonly delete?: number
  /** From when to when CDS and CDNSKEY speak of the key (RFC 7344). */
  readonly syncPublish?: number
  readonly syncDelete?: number
}

export type KeyTime = keyof KeyTimes

/** The last second that fourteen digits can write: the end of the year 9999. */
export const LAST_SECOND = 253_402_300_799

export const KEY_TIMES: readonly (readonly [KeyTime, string])[] = [
  ['created', 'Created'],
  ['publish', 'Publish'],
  ['activate', 'Activate'],
  ['inactive', 'Inactive'],
  ['delete', 'Delete'],
  ['syncPublish', 'SyncPublish'],
  ['syncDelete', 'SyncDelete'],
]

/** `resting`: published for signatures in caches; without times a key is in use. */
export type KeyUse = 'to-come' | 'in-use' | 'resting' | 'over'

/** What a key is for by now, as BIND reads its times. */
export function useOf({ activate, inactive, delete: gone }: KeyTimes, nowSeconds: number): KeyUse {
  if (gone !== undefined && gone <= nowSeconds) return 'over'
  if (inactive !== undefined && inactive <= nowSeconds) return 'resting'
  return activate !== undefined && activate > nowSeconds ? 'to-come' : 'in-use'
}

/** `YYYYMMDDHHMMSS` in UTC. */
export const stampOf = (seconds: number): string =>
  new Date(seconds * 1_000).toISOString().replace(/[-:T]|\..*/g, '')

/** Seconds since 1970 of a stamp; undefined when there is no such moment. */
export function secondsOf(stamp: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(stamp)?.slice(1).map(Number)
  if (parts === undefined) return undefined
  const [year, month, day, hour, minute, second] = parts
  const seconds = Date.UTC(year!, month! - 1, day, hour, minute, second) / 1_000
  return stampOf(seconds) === stamp ? seconds : undefined
}

/** The times as lines of a record, those that are there alone. */
export const entriesOf = (times: KeyTimes): (readonly [string, number])[] =>
  KEY_TIMES.flatMap(([time, label]) => {
    const seconds = times[time]
    return seconds === undefined ? [] : [[label, seconds] as const]
  })
