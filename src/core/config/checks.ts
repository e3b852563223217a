/**
 * The check of one server: its own section over its region's, over what holds otherwise.
 */
import type { CheckSpec } from '../steer/topology.ts'
import { durationMs } from './kinds/numbers.ts'
import type { HealthCheckConfig } from './schema/root.ts'

const DAY_MS = 86_400_000

/** What holds where no section says anything; the schema documents the same values. */
export const defaultCheck: CheckSpec = {
  type: 'http',
  intervalMs: 30_000,
  timeoutMs: 5_000,
  path: '/health',
  host: '',
  serverName: '',
  expectedStatus: [[200, 299]],
  bodyMatch: '',
  verifyCertificate: true,
  certificateWarnDays: (durationMs('14d') ?? 0) / DAY_MS,
  failureThreshold: 3,
  successThreshold: 2,
}

/**
 * Sections most specific first. `serverHost` is the server's own `host`, which wins over the
 * `host` of any section; an empty `host` counts as not given, so that it never hides another.
 */
export function resolveCheck(
  sections: readonly (HealthCheckConfig | undefined)[],
  serverHost = '',
): CheckSpec {
  const pick = <K extends keyof HealthCheckConfig>(
    key: K,
    otherwise: NonNullable<HealthCheckConfig[K]>,
  ): NonNullable<HealthCheckConfig[K]> => {
    for (const section of sections) {
      const value = section?.[key]
      if (value !== undefined && value !== null) return value
    }
    return otherwise
  }
  const host = serverHost || sections.map((section) => section?.host).find(Boolean) || ''
  const warnMs = pick('certificate_expiry_warning', defaultCheck.certificateWarnDays * DAY_MS)
  return {
    type: pick('type', defaultCheck.type),
    intervalMs: pick('interval', defaultCheck.intervalMs),
    timeoutMs: pick('timeout', defaultCheck.timeoutMs),
    path: pick('path', defaultCheck.path),
    host,
    serverName: pick('server_name', ''),
    expectedStatus: pick('expected_status', defaultCheck.expectedStatus),
    bodyMatch: pick('expected_body', ''),
    verifyCertificate: pick('verify_certificate', true),
    certificateWarnDays: Math.ceil(warnMs / DAY_MS),
    failureThreshold: pick('failure_threshold', defaultCheck.failureThreshold),
    successThreshold: pick('success_threshold', defaultCheck.successThreshold),
  }
}
