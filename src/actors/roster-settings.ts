/**
 * What the API tells of how a node is set up, in the shapes of the original; never a secret.
 */
import { limits } from '../core/base/limits.ts'
import { defaultCheck } from '../core/config/checks.ts'
import type { Config } from '../core/config/load.ts'
import type { ApiConfig, Settings } from './api/contract.ts'
import { signedZones } from './roster-signer.ts'

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1))

/** What belongs into the configuration of the `api` actor. */
export function settingsOf(config: Config): Pick<ApiConfig, 'apiPort' | 'settings'> {
  const { mode, api, logging } = config
  const settings: Settings = {
    dnssec: mode !== 'agent' && signedZones(config).length > 0,
    signedZones: mode === 'agent' ? [] : signedZones(config),
    features: featuresOf(config),
    logging: {
      level: logging.level,
      format: logging.format,
      output: logging.file === '' ? 'stdout' : 'file',
      ...(logging.file === '' ? {} : { file_path: logging.file }),
    },
    ...(mode === 'agent' ? {} : { dns: dnsOf(config), healthCheck: HEALTH_CHECK }),
  }
  return { apiPort: portOf(api.address), settings }
}

const isPlacing = (keys: Config['overwatch']['geolocation']): boolean =>
  keys.database_path !== '' || keys.custom_mappings.length > 0

function featuresOf(config: Config): string[] {
  const { mode, dns, metrics, api, overwatch } = config
  const has: readonly (readonly [string, boolean])[] = [
    ['dns', mode !== 'agent'],
    ['dns_cookies', mode !== 'agent' && dns.cookies.enabled],
    ['response_rate_limiting', mode !== 'agent' && dns.rate_limit.enabled],
    ['gossip', mode === 'agent' || overwatch.gossip.encryption_key !== ''],
    ['geolocation', mode !== 'agent' && isPlacing(overwatch.geolocation)],
    ['validation', mode !== 'agent' && overwatch.validation.enabled],
    ['dnssec', mode !== 'agent' && signedZones(config).length > 0],
    ['guard_rail', mode !== 'agent' && overwatch.guard_rail.enabled],
    ['metrics', metrics.enabled],
    ['api_tls', api.tls.cert_file !== ''],
  ]
  return has.flatMap(([name, is]) => (is ? [name] : []))
}

function dnsOf({ dns }: Config) {
  const ttls = [0, 2 ** 31 - 1] as const
  return {
    listen_address: dns.listen_address,
    listen_port: portOf(dns.listen_address),
    enable_tcp: true,
    enable_udp: true,
    enable_dot: false,
    enable_doh: false,
    max_udp_size: dns.udp_payload_size,
    default_ttl: dns.default_ttl,
    // RFC 2181 section 8: any TTL of 31 bits is served as it is configured.
    min_ttl: ttls[0],
    max_ttl: ttls[1],
    negative_ttl: Number(dns.zones[0]?.soa.minimum ?? NEGATIVE_TTL),
    // An authority: it keeps no answers of others and asks nobody.
    cache_enabled: false,
    cache_size: 0,
    recursion_enabled: false,
    rate_limit_enabled: dns.rate_limit.enabled,
    rate_limit_qps: dns.rate_limit.enabled ? dns.rate_limit.responses_per_second : 0,
  }
}

/** The default of `dns.zones[].soa.minimum`. */
const NEGATIVE_TTL = 60

const HEALTH_CHECK = {
  default_interval_seconds: defaultCheck.intervalMs / 1_000,
  default_timeout_seconds: defaultCheck.timeoutMs / 1_000,
  healthy_threshold: defaultCheck.successThreshold,
  unhealthy_threshold: defaultCheck.failureThreshold,
  max_concurrent_checks: limits.probesInFlight.default,
  enable_passive_checks: false,
  default_protocol: defaultCheck.type,
  tcp_connect_timeout_ms: defaultCheck.timeoutMs,
  // A redirect is an answer like another; a check that failed is repeated at its next turn.
  http_follow_redirects: false,
  http_max_redirects: 0,
  retry_enabled: false,
  retry_count: 0,
  retry_delay_ms: 0,
} as const
