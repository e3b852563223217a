/**
 * `health_check`: how a server is checked.
 *
 * No key has a default here, because a server's own section overrides its region's key by key; what
 * holds when neither says anything is in core/config/checks.ts and shown in the documents.
 */
import { keys, optional, optionalSection } from '../keys.ts'
import { bool, days, duration, integer } from '../kinds/numbers.ts'
import { dnsName, host } from '../kinds/network.ts'
import { orEmpty } from '../kinds/kind.ts'
import { bodyPattern, oneOf, statuses, urlPath } from '../kinds/texts.ts'

export const healthCheckKeys = keys({
  type: optional(oneOf(['http', 'https', 'tcp']), 'http', 'What a check does.'),
  interval: optional(duration('100ms', '24h'), '30s', 'Time from one check to the next.'),
  timeout: optional(
    duration('10ms', '10m'),
    '5s',
    'Longest a whole check may take, from connecting to the end of what it reads.',
  ),
  path: optional(urlPath, '/health', 'Path that http and https checks ask for.'),
  host: optional(
    orEmpty(host),
    '',
    'Host header, and for https the name in SNI; the server’s own `host` wins over this.',
  ),
  server_name: optional(
    orEmpty(dnsName),
    '',
    'Name in SNI and the certificate when it differs from `host`.',
  ),
  expected_status: optional(
    statuses,
    '200-299',
    'Statuses that count as healthy: 204, "200-299", "2xx", or a list of those.',
  ),
  expected_body: optional(
    bodyPattern,
    '',
    'Text the body must hold, or a /regular expression/ it must match; empty accepts any body.',
  ),
  verify_certificate: optional(bool, 'true', 'Whether https checks verify the certificate.'),
  certificate_expiry_warning: optional(
    days('3650d'),
    '14d',
    'How long before a certificate ends checks report it; 0 never does.',
  ),
  failure_threshold: optional(integer(1, 100), '3', 'Failed checks in a row that take it out.'),
  success_threshold: optional(integer(1, 100), '2', 'Passed checks in a row that bring it back.'),
})

export const healthCheck = (doc: string) => optionalSection(doc, healthCheckKeys)
