/**
 * Which actors run in which mode, and what each is told of the configuration.
 *
 * The order is that of the start; the stop runs in reverse, so that the DNS threads outlive
 * everything but the registry.
 */
import type { Loaded } from '../core/config/load.ts'
import type { ChildSpec } from '../kernel/system.ts'
import type { ApiConfig } from './api/contract.ts'
import type { DnsConfig, LentSocket } from './dns/contract.ts'
import { type ProberConfig, proberDefaults } from './prober/contract.ts'
import type { RegistryConfig } from './registry/contract.ts'
import type { ReloadCounts, ShellConfig } from './shell/contract.ts'

/** What belongs to the process, whatever its configuration becomes. */
export interface Process {
  readonly version: string
  readonly hostName: string
  readonly startedAtMs: number
  /** Turn counters, two 32-bit numbers for each pool slot. */
  readonly turns: SharedArrayBuffer
  readonly hashSeed: number
  /** UDP sockets of the native front; none means node:dgram. */
  readonly sockets: readonly LentSocket[]
}

export interface ActorConfigs {
  readonly registry: RegistryConfig
  readonly dns: DnsConfig
  readonly prober: ProberConfig
  readonly api: ApiConfig
  readonly shell: ShellConfig
}

/** The configuration of every actor; plain data, copied to its thread. */
export function configsOf(loaded: Loaded, self: Process, reloads: ReloadCounts): ActorConfigs {
  const { config, topology } = loaded
  return {
    registry: {
      topology,
      dataDir: config.overwatch.data_dir,
      guard: {
        enabled: config.overwatch.guard_rail.enabled,
        maxWithdrawnShare: config.overwatch.guard_rail.max_withdrawn_share,
      },
      eventLog: {
        retentionMs: config.overwatch.event_log.retention,
        maxBytes: config.overwatch.event_log.max_size,
      },
    },
    dns: dnsConfig(loaded, self),
    prober: proberDefaults,
    api: apiConfig(loaded, self),
    shell: {
      api: { address: config.api.address, enabled: config.api.enabled },
      metrics: {
        address: config.metrics.address,
        enabled: config.metrics.enabled,
        allowedNetworks: config.metrics.allowed_networks,
      },
      reloads,
    },
  }
}

function dnsConfig({ config }: Loaded, self: Process): DnsConfig {
  const { tcp } = config.dns
  return {
    sockets: self.sockets,
    listenAddress: config.dns.listen_address,
    udpPayloadSize: config.dns.udp_payload_size,
    nsid: config.dns.nsid,
    versionString: config.dns.version_string,
    hashSeed: self.hashSeed,
    turns: self.turns,
    tcp: {
      maxConnections: tcp.max_connections,
      maxConnectionsPerClient: tcp.max_connections_per_client,
      idleTimeoutMs: tcp.idle_timeout,
      maxPipelined: tcp.max_pipelined,
    },
  }
}

function apiConfig({ config, topology }: Loaded, self: Process): ApiConfig {
  const { identity } = config.overwatch
  return {
    version: self.version,
    nodeId: identity.node_id || self.hostName,
    region: identity.region,
    mode: config.mode,
    allowedNetworks: config.api.allowed_networks,
    trustProxyHeaders: config.api.trust_proxy_headers,
    tokens: config.api.auth.tokens,
    authRequired: config.api.auth.required,
    dnsAddress: config.dns.listen_address,
    probeName: topology.pools[0]?.name ?? topology.zones[0]?.apex ?? '',
    startedAtMs: self.startedAtMs,
  }
}

const moduleOf = (name: string, file: string) => new URL(`./${name}/${file}.js`, import.meta.url)

/** The actors of an overwatch. */
export function overwatchRoster(configs: ActorConfigs): readonly ChildSpec[] {
  const child = (name: keyof ActorConfigs, traits: Partial<ChildSpec> = {}): ChildSpec => ({
    name,
    actorUrl: moduleOf(name, 'actor'),
    portsUrl: moduleOf(name, 'ports'),
    config: configs[name],
    host: 'worker',
    escalate: false,
    ...traits,
  })
  return [
    child('registry'),
    child('dns', { escalate: true }),
    child('prober'),
    child('api'),
    // The main thread owns the sockets of HTTP: uWebSockets.js ends the process when a worker that
    // listens is terminated.
    child('shell', { host: 'main' }),
  ]
}
