/**
 * What the configuration says of who may, as the api actor is told it: tokens leave it as hashes.
 */
import { createHash } from 'node:crypto'
import type { Loaded } from '../../core/config/load.ts'
import { LOOPBACK } from '../../core/net/access.ts'
import type { ApiConfig } from './contract.ts'

export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/** Lower-case hex, as configurations and grants hold it. */
export const tokenHashOf = (token: string): string =>
  createHash('sha256').update(token, 'utf8').digest('hex')

type ApiKeys = Loaded['config']['api']

export type ApiAccess = Pick<
  ApiConfig,
  | 'allowedNetworks'
  | 'trustedProxies'
  | 'tokens'
  | 'certificates'
  | 'authRequired'
  | 'hostNames'
  | 'rateLimit'
  | 'audit'
>

function tokensOf({ auth }: ApiKeys): ApiConfig['tokens'] {
  return auth.tokens.map(({ token, hash, name, role, services, expires }, index) => ({
    name: name || `token-${index + 1}`,
    hash: token === undefined ? hash : tokenHashOf(token),
    role,
    ...(services.length === 0 ? {} : { services }),
    ...(expires === undefined ? {} : { expiresAtMs: expires }),
  }))
}

function certificatesOf({ auth }: ApiKeys): NonNullable<ApiConfig['certificates']> {
  return auth.certificates.map(({ subject, fingerprint, name, role, services }) => ({
    name: name || textOf(subject) || fingerprint.slice(0, 16),
    role,
    ...(subject === undefined ? {} : { subject }),
    ...(fingerprint === '' ? {} : { fingerprint }),
    ...(services.length === 0 ? {} : { services }),
  }))
}

const textOf = (subject: Readonly<Record<string, string>> = {}): string =>
  Object.entries(subject)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')

/** In older files every allowed address was a proxy to be believed, loopback too. */
function proxiesOf({ trusted_proxies: proxies, trust_proxy_headers: older, ...api }: ApiKeys) {
  if (proxies.length > 0 || !older) return proxies
  return [...LOOPBACK, ...api.allowed_networks]
}

/** `auditFolder`: where the audit log lies; empty keeps it in memory. */
export function apiAccess(api: ApiKeys, auditFolder: string): ApiAccess {
  const { rate_limit: rate, audit } = api
  return {
    allowedNetworks: api.allowed_networks,
    trustedProxies: proxiesOf(api),
    tokens: tokensOf(api),
    certificates: certificatesOf(api),
    authRequired: api.auth.required,
    hostNames: api.allowed_hosts,
    ...(rate.enabled
      ? {
          rateLimit: {
            requestsPerSecond: rate.requests_per_second,
            burst: rate.burst,
            authFailuresPerMinute: rate.auth_failures_per_minute,
            exemptNetworks: rate.exempt_networks,
          },
        }
      : {}),
    ...(audit.enabled && api.enabled
      ? {
          audit: {
            folder: auditFolder,
            retentionMs: audit.retention,
            maxBytes: audit.max_size,
          },
        }
      : {}),
  }
}
