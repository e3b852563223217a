/**
 * Health checks as the API writes them, and as the configuration does.
 *
 * The original writes durations as nanoseconds, so this API does. A number below a million can be
 * no duration of nanoseconds that a check may have: it counts seconds. Texts such as `5s` are read
 * as in the file.
 */
import { fail, ok, type Result } from '../../core/base/result.ts'
import type { EditFields } from '../../core/config/overlay/edit.ts'
import { type FieldValue, isFieldValue } from '../../core/config/overlay/entry.ts'
import type { CheckSpec } from '../../core/steer/topology.ts'

const NS_PER_MS = 1_000_000
/** The shortest duration a check may have is 10 ms, ten times this. */
const LEAST_NS = 1_000_000

/** Fields of a check by the key of the configuration that each is. */
export const CHECK_FIELDS: Readonly<Record<string, string>> = {
  'health_check.type': 'health_check.type',
  'health_check.path': 'health_check.path',
  'health_check.host': 'health_check.host',
  'health_check.interval': 'health_check.interval',
  'health_check.timeout': 'health_check.timeout',
  'health_check.healthy_threshold': 'health_check.success_threshold',
  'health_check.unhealthy_threshold': 'health_check.failure_threshold',
  'health_check.expected_status': 'health_check.expected_status',
  'health_check.expected_body': 'health_check.expected_body',
}

/** A duration as the file writes it. */
export function durationText(value: unknown): FieldValue | undefined {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0)
    return value >= LEAST_NS ? `${value / NS_PER_MS}ms` : `${value}s`
  return typeof value === 'string' && isFieldValue(value) ? value : undefined
}

function fieldOf(name: string, value: unknown): FieldValue | undefined {
  if (name === 'interval' || name === 'timeout') return durationText(value)
  return isFieldValue(value) ? value : undefined
}

const isEmpty = (value: unknown) =>
  value === '' || value === 0 || (Array.isArray(value) && value.length === 0)

/** The fields of `{type, path, interval, …}`; fails with the first that is wrong. */
export function readCheck(value: unknown): Result<EditFields, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('health_check: must be an object')
  const fields: Record<string, FieldValue | null> = {}
  for (const [name, one] of Object.entries(value)) {
    const key = Object.hasOwn(CHECK_FIELDS, `health_check.${name}`)
      ? CHECK_FIELDS[`health_check.${name}`]
      : undefined
    if (name === 'enabled') {
      if (one !== true && one !== null)
        return fail('health_check.enabled: every server is checked; force its state by an override')
    } else if (name === 'headers') {
      if (one !== null && Object.keys(Object(one)).length > 0)
        return fail('health_check.headers: are not sent; set host instead')
    } else if (key === undefined) return fail(`health_check.${name}: is not known here`)
    else if (one === null) fields[key] = null
    else if (isEmpty(one)) continue
    else {
      const read = fieldOf(name, one)
      if (read === undefined)
        return fail(`health_check.${name}: is not such a value; got ${shown(one)}`)
      fields[key] = read
    }
  }
  return ok(fields)
}

const shown = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 80)

const isUsual = (ranges: CheckSpec['expectedStatus']) => JSON.stringify(ranges) === '[[200,299]]'

/** A check in the fields of the original. */
export const checkOf = (check: CheckSpec) => ({
  enabled: true,
  type: check.type,
  path: check.path,
  interval: check.intervalMs * NS_PER_MS,
  timeout: check.timeoutMs * NS_PER_MS,
  healthy_threshold: check.successThreshold,
  unhealthy_threshold: check.failureThreshold,
  expected_status: isUsual(check.expectedStatus)
    ? undefined
    : check.expectedStatus.map(([low, high]) => (low === high ? low : `${low}-${high}`)),
  expected_body: check.bodyMatch || undefined,
  host: check.host || undefined,
})
