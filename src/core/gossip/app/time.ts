/**
 * Times on the wire: RFC 3339 as Go writes it, with up to nine decimals.
 *
 * Inside they are whole microseconds since 1970, which a double holds exactly until the year 2255;
 * Go's zero time (the year 1) reads as 0.
 */
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

export const GO_ZERO_TIME = '0001-01-01T00:00:00Z'
/** RFC 3339 with nine decimals and an offset. */
export const TIME_CHARS_MAX = 35

/** Microseconds since 1970; undefined when the text is no time; 0 for anything before 1970. */
export function parseTimeUs(text: string): number | undefined {
  const parts = text.length <= TIME_CHARS_MAX ? RFC3339.exec(text) : null
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second, decimals = '', zone = 'Z'] = parts
  const [mo, d, h, mi] = [Number(month), Number(day), Number(hour), Number(minute)]
  // RFC 3339 section 5.7 allows a leap second, which counts as the next one.
  if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || Number(second) > 60)
    return undefined
  const offset = zone === 'Z' ? 0 : (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) * 60_000
  // Date.UTC moves years below 100 into the last century; they are all before 1970 anyway.
  if (Number(year) < 1970) return 0
  const wholeMs = Date.UTC(Number(year), mo - 1, d, h, mi, Number(second))
  const ms = zone.startsWith('-') ? wholeMs + offset : wholeMs - offset
  return Math.max(0, ms * 1_000 + Number(decimals.padEnd(6, '0').slice(0, 6)))
}

/** The latest moment a Date can hold in four digits of year. */
const TIME_MS_MAX = 253_402_300_799_999

/** RFC 3339 in UTC with milliseconds; Go's zero time for 0. */
export const formatTime = (ms: number): string =>
  ms <= 0 ? GO_ZERO_TIME : new Date(Math.min(Math.trunc(ms), TIME_MS_MAX)).toISOString()
