/**
 * Figures and times as people read them. Pure: the present comes as an argument.
 */

const digits = (least: number, most = least) =>
  new Intl.NumberFormat('en', { minimumFractionDigits: least, maximumFractionDigits: most })

const WHOLE = digits(0)
const TENTHS = digits(1)
const AT_MOST_TENTHS = digits(0, 1)
const HUNDREDTHS = digits(2)

export const NOTHING = '–'

/** `1,234`, `56.7 k`, `8.9 M`. */
export function count(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING
  const size = Math.abs(value)
  if (size >= 999_950) return `${TENTHS.format(value / 1e6)} M`
  if (size >= 9_999.5) return `${TENTHS.format(value / 1e3)} k`
  return WHOLE.format(value)
}

/** A rate: with a tenth while it is small. */
export const rate = (value: number | undefined): string =>
  value !== undefined && Math.abs(value) < 9.95 && value % 1 !== 0
    ? TENTHS.format(value)
    : count(value)

export function millis(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING
  if (value >= 1_000) return `${TENTHS.format(value / 1_000)} s`
  if (value >= 10) return `${WHOLE.format(value)} ms`
  if (value >= 0.995) return `${TENTHS.format(value)} ms`
  if (value >= 0.0995) return `${HUNDREDTHS.format(value)} ms`
  return value <= 0 ? '0 ms' : `${WHOLE.format(Math.max(1, value * 1_000))} µs`
}

/** Of 100. */
export function percent(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING
  return `${AT_MOST_TENTHS.format(value)} %`
}

export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING
  if (value >= 2 ** 30) return `${TENTHS.format(value / 2 ** 30)} GiB`
  if (value >= 2 ** 20) return `${WHOLE.format(value / 2 ** 20)} MiB`
  return `${WHOLE.format(value / 2 ** 10)} KiB`
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const

/** `3 d 4 h`, `2 min 5 s`, `0 s`: two units at most. */
export function span(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return NOTHING
  let rest = Math.max(0, Math.round(seconds))
  const parts: string[] = []
  for (const [size, unit] of UNITS) {
    const whole = Math.floor(rest / size)
    if (whole === 0 && parts.length === 0) continue
    if (whole > 0) parts.push(`${whole} ${unit}`)
    rest -= whole * size
    if (parts.length === 2 || (parts.length === 1 && whole === 0)) break
  }
  return parts.length === 0 ? '0 s' : parts.join(' ')
}

/** Unix milliseconds; undefined for a time that is missing or stands for "never". */
export function momentOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text.startsWith('0001-')) return undefined
  const moment = Date.parse(text)
  return Number.isNaN(moment) ? undefined : moment
}

const coarse = (seconds: number): string => {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** `3 s ago`, `in 2 h`, `now`, `never`. */
export function ago(text: string | undefined, nowMs: number): string {
  const moment = momentOf(text)
  if (moment === undefined) return 'never'
  const seconds = (nowMs - moment) / 1_000
  // Clocks of two machines differ a little, and "in 0 s" helps nobody.
  if (Math.abs(seconds) < 1.5) return 'now'
  return seconds > 0 ? `${coarse(seconds)} ago` : `in ${coarse(-seconds)}`
}

const two = (value: number) => String(value).padStart(2, '0')

/** Time of day where the reader is. */
export function timeOfDay(moment: number): string {
  const date = new Date(moment)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
}

/** Date and time where the reader is. */
export function dateAndTime(text: string | undefined): string {
  const moment = momentOf(text)
  if (moment === undefined) return 'never'
  const date = new Date(moment)
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${timeOfDay(moment)}`
}

export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${WHOLE.format(number)} ${number === 1 ? one : many}`

/** `agent_healthy` as `agent healthy`. */
export const words = (key: string): string => key.replace(/[_-]+/g, ' ')
