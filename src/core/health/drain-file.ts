/**
 * What the text of a drain file says.
 *
 * The file alone declares the drain; an empty one is the usual case. A line `until: MOMENT` in the
 * form of RFC 3339 gives its end, the other lines are the reason.
 */
import { plainReason } from './drains.ts'

export interface DrainFileText {
  readonly reason: string
  readonly untilMs?: number
  /** A line `until:` that is no moment; the drain then lasts until the file is gone. */
  readonly badUntil?: string
}

/** RFC 3339 section 5.6, date-time. */
const MOMENT = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/

export function readDrainFile(text: string): DrainFileText {
  const rest: string[] = []
  let untilMs: number | undefined
  let badUntil: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*until\s*:(.*)$/i.exec(line)
    if (match === null) {
      rest.push(line.replace(/^\s*reason\s*:/i, ''))
      continue
    }
    const written = match[1]!.trim()
    const ms = MOMENT.test(written) ? Date.parse(written.replace(' ', 'T')) : Number.NaN
    if (Number.isNaN(ms)) badUntil = plainReason(written)
    else untilMs = ms
  }
  return {
    reason: plainReason(rest.join(' ')) || 'drain file',
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(badUntil === undefined ? {} : { badUntil }),
  }
}
