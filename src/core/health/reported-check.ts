/**
 * An agent's check as it travels: what an overwatch needs to ask the same question.
 *
 * A pattern of an agent does not run on an overwatch, for one that takes for ever would hold it up.
 * Where the agent asks for something that is not said here, `asksMore` stands for it.
 */
import type { CheckSpec } from '../steer/topology.ts'
import { isPattern } from './outcome.ts'
import type { ReportedCheck } from './report.ts'

type Statuses = CheckSpec['expectedStatus']

/** Most ranges of statuses that are told. */
const RANGES_MAX = 16
/** Characters of the longest list of them: `300-302`, and a comma between two. */
export const STATUSES_CHARS_MAX = RANGES_MAX * 8
/** Characters of the longest text that is told to be looked for. */
export const BODY_CHARS_MAX = 256
const STATUSES = /^[1-5]\d\d(?:-[1-5]\d\d)?(?:,[1-5]\d\d(?:-[1-5]\d\d)?)*$/
const CONTROL = /[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u

/** `204,300-302`. */
export const writeStatuses = (ranges: Statuses): string =>
  ranges.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(',')

/** Undefined when it is no such list. */
export function readStatuses(text: string): Statuses | undefined {
  if (text.length > STATUSES_CHARS_MAX || !STATUSES.test(text)) return
  return text.split(',').map((range) => {
    const [low, high = low] = range.split('-').map(Number)
    return [low!, high!] as const
  })
}

/** Whether a text may be looked for on an overwatch: no pattern, and not too long. */
export const isPlainBody = (text: string): boolean =>
  text.length <= BODY_CHARS_MAX && !CONTROL.test(text) && !isPattern(text)

/** What is as usual is left out. */
export function reportedCheck(check: CheckSpec): ReportedCheck {
  const { type, intervalMs, timeoutMs, path, host, failureThreshold, successThreshold } = check
  const { expectedStatus, bodyMatch, serverName, verifyCertificate } = check
  const statuses = writeStatuses(expectedStatus)
  const isStatusSaid = readStatuses(statuses) !== undefined
  const isBodySaid = isPlainBody(bodyMatch)
  return {
    ...{ type, intervalMs, timeoutMs, path, host, failureThreshold, successThreshold },
    ...(isStatusSaid && statuses !== '200-299' ? { expectedStatus } : {}),
    ...(isBodySaid && bodyMatch !== '' ? { bodyMatch } : {}),
    ...(serverName === '' ? {} : { serverName }),
    ...(verifyCertificate ? {} : { verifyCertificate }),
    ...(isStatusSaid && isBodySaid ? {} : { asksMore: true }),
  }
}
