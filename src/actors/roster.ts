/**
 * Which actors run in which mode, and what each is told of the configuration.
 *
 * The order is that of the start; the stop runs in reverse, so that the DNS threads outlive
 * everything but the registry.
 */
import type { Loaded } from '../core/config/load.ts'
import { geoConfigOf } from '../core/config/geography.ts'
import { domainNames, zoneNames } from '../core/config/names.ts'
import { withoutSecrets } from '../core/config/secrets.ts'
import { serviceDefaults } from '../core/config/topology.ts'
import { limits } from '../core/base/limits.ts'
import { profiles } from '../core/gossip/swim/settings.ts'
import { replicaName } from '../kernel/role.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { ChildSpec } from '../kernel/system.ts'
import type { ApiConfig } from './api/contract.ts'
import { apiAccess } from './api/ports-access.ts'
import type { DnsConfig, LentSocket } from './dns/contract.ts'
import { readCounts } from './dns/ports-scrape.ts'
import type { DnsShared } from './dns/shared.ts'
import type { EngineConfig } from './engine/contract.ts'
import type { OverwatchGossip } from './gossip/contract.ts'
import type { OverwatchLatency } from './latency/contract.ts'
import { type ProberConfig, proberDefaults } from './prober/contract.ts'
import type { AgentsConfig, RegistryConfig } from './registry/contract.ts'
import { contentOf, keptConfig } from './registry/ports-content.ts'
import type { ClusterConfig } from './cluster/contract.ts'
import { clusterConfig, foresightOf } from './roster-cluster.ts'
import { overwatchGossip } from './roster-gossip.ts'
import { overwatchLatency } from './roster-latency.ts'
import { settingsOf } from './roster-settings.ts'
import { signedZones, signerConfig } from './roster-signer.ts'
import type { ReloadCounts, ShellConfig } from './shell/contract.ts'
import type { SignerConfig } from './signer/contract.ts'
import { setCountsSource } from './shell/ports.ts'
import { modeOf, type ProcessFacts } from './stage.ts'

/** What belongs to the process of an overwatch, whatever its configuration becomes. */
export interface Process extends DnsShared, ProcessFacts {
  /** Where DNS listens while this process lives; a reload does not move it. */
  readonly dnsAddress: string
  /** UDP sockets of each DNS thread; an empty list means node:dgram. */
  readonly sockets: readonly (readonly LentSocket[])[]
  /** The listening socket of DNS over TCP; undefined where a thread opens its own. */
  readonly listener?: number | undefined
  /** The sockets are those of a process that still answers: nothing presses. */
  readonly tookOver?: boolean
  /** Cluster mode: whether this node may answer. */
  readonly lease?: SharedArrayBuffer
  /** Where it is noted why what is to be served first is refused (core/base/note.ts). */
  readonly refusal?: SharedArrayBuffer
}

export interface ActorConfigs {
  readonly registry: RegistryConfig
  readonly signer: SignerConfig
  /** One for each thread. */
  readonly dns: readonly DnsConfig[]
  readonly prober: ProberConfig
  /** Absent: gossip is switched off. */
  readonly gossip?: OverwatchGossip
  readonly latency: OverwatchLatency
  readonly api: ApiConfig
  readonly shell: ShellConfig
  /** Absent: this node is alone. */
  readonly cluster?: ClusterConfig
  /** The process of its member; absent where there is none. */
  readonly engine?: EngineConfig
}

/** The configuration of every actor; plain data, copied to its thread. */
export function configsOf(loaded: Loaded, self: Process, reloads: ReloadCounts): ActorConfigs {
  const { config, topology, serial } = loaded
  const gossip = overwatchGossip(loaded, self.hostName)
  const cluster = clusterConfig(loaded, self, self.lease)
  const foresight = foresightOf(config)
  return {
    registry: {
      ...contentOf(topology, serial),
      signedZones: signedZones(config),
      hashSeed: self.hashSeed,
      dataDir: config.overwatch.data_dir,
      guard: {
        enabled: config.overwatch.guard_rail.enabled,
        maxWithdrawnShare: config.overwatch.guard_rail.max_withdrawn_share,
      },
      eventLog: {
        retentionMs: config.overwatch.event_log.retention,
        maxBytes: config.overwatch.event_log.max_size,
      },
      agents: agentsConfig(loaded, self),
      isClustered: cluster !== undefined,
      ...(foresight === undefined ? {} : { foresight }),
      geo: geoConfigOf(config),
      declared: { config: withoutSecrets(config), serial },
      ...keptConfig(loaded.plain),
      ...(self.refusal === undefined ? {} : { refusal: self.refusal }),
    },
    signer: signerConfig(loaded, cluster?.self ?? nodeIdOf(loaded, self)),
    dns: self.sockets.map((_, thread) => dnsConfig(loaded, self, thread)),
    prober: {
      ...proberDefaults,
      trustedAuthorities: loaded.trustedAuthorities,
      sourceAddresses: config.overwatch.validation.source_addresses,
    },
    ...(gossip === undefined ? {} : { gossip }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(cluster?.engine.kind === 'embedded' ? { engine: {} } : {}),
    latency: overwatchLatency(loaded, nodeIdOf(loaded, self)),
    api: apiConfig(loaded, self),
    shell: {
      api: {
        ...shellApi(config.api),
        dashboard: { allowedNetworks: config.api.allowed_networks },
      },
      metrics: {
        address: config.metrics.address,
        enabled: config.metrics.enabled,
        allowedNetworks: config.metrics.allowed_networks,
      },
      reloads,
    },
  }
}

export function shellApi({ address, enabled, tls }: Loaded['config']['api']): ShellConfig['api'] {
  const { cert_file: certFile, key_file: keyFile, client_ca_file: clientCaFile } = tls
  // The rules of the configuration ask for both files or neither.
  if (certFile === '') return { address, enabled }
  const asks = tls.client_auth !== 'none'
  const clients = asks ? { clientCaFile, clientMust: tls.client_auth === 'require' } : {}
  const plain = tls.plain_http === 'none' ? {} : { plain: tls.plain_http }
  return { address, enabled, tls: { certFile, keyFile, ...clients, ...plain } }
}

const nodeIdOf = ({ config }: Loaded, self: Process) =>
  config.overwatch.identity.node_id || self.hostName

function agentsConfig(loaded: Loaded, self: Process): AgentsConfig {
  const { config } = loaded
  const { validation, stale } = config.overwatch
  return {
    chorus: {
      self: nodeIdOf(loaded, self),
      roll: {
        domains: [...domainNames(config)],
        zones: [...zoneNames(config)],
        staleMs: stale.threshold,
        removeAfterMs: Math.max(stale.threshold, stale.remove_after),
      },
      vetoMode: validation.veto_mode,
      quorum: validation.quorum,
      withdrawSilent: stale.on_silence === 'withdraw',
      validates: validation.enabled,
    },
    validation: {
      enabled: validation.enabled,
      intervalMs: validation.check_interval,
      timeoutMs: validation.check_timeout,
      vetoMode: validation.veto_mode,
      vetoThreshold: validation.veto_threshold,
    },
    service: serviceDefaults(config),
  }
}

function dnsConfig({ config }: Loaded, self: Process, thread: number): DnsConfig {
  const { tcp, cpus, nice, realtime } = config.dns
  const cpu = cpus[thread % cpus.length]
  return {
    sockets: self.sockets[thread]!,
    udpOnly: thread > 0,
    ...(thread > 0 || self.listener === undefined ? {} : { listener: self.listener }),
    ...(self.tookOver === true ? { firstSnapshotWaitMs: limits.handoverServingMs.default } : {}),
    ...(cpu === undefined ? {} : { cpu }),
    ...{ nice, realtime },
    listenAddress: config.dns.listen_address,
    udpPayloadSize: config.dns.udp_payload_size,
    nsid: config.dns.nsid,
    versionString: config.dns.version_string,
    hashSeed: self.hashSeed,
    ...{ turns: self.turns, told: self.told },
    whyNetworks: config.dns.why_networks,
    ...subnetConfig(config.overwatch.geolocation),
    samplesPerSecond: config.dns.samples.per_second,
    ...cookieConfig(config.dns.cookies, self),
    ...rateConfig(config.dns.rate_limit),
    rateMemory: self.rateMemory,
    ...(self.lease === undefined ? {} : { lease: self.lease }),
    tcp: {
      maxConnections: tcp.max_connections,
      maxConnectionsPerClient: tcp.max_connections_per_client,
      idleTimeoutMs: tcp.idle_timeout,
      maxPipelined: tcp.max_pipelined,
    },
  }
}

const subnetConfig = (
  keys: Loaded['config']['overwatch']['geolocation'],
): Pick<DnsConfig, 'subnets'> =>
  keys.ecs_enabled ? { subnets: { trustedNetworks: keys.ecs_trusted_networks } } : {}

const octetsOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16))

type DnsKeys = Loaded['config']['dns']

function cookieConfig(keys: DnsKeys['cookies'], self: Process): Pick<DnsConfig, 'cookies'> {
  if (!keys.enabled) return {}
  const secret = keys.secret === '' ? self.cookieSecret : octetsOf(keys.secret)
  const previousSecret = octetsOf(keys.previous_secret)
  return { cookies: { secret, previousSecret, require: keys.require } }
}

function rateConfig(keys: DnsKeys['rate_limit']): Pick<DnsConfig, 'rateLimit'> {
  if (!keys.enabled) return {}
  return {
    rateLimit: {
      responsesPerSecond: keys.responses_per_second,
      slip: keys.slip,
      windowSeconds: keys.window / 1_000,
      ipv4PrefixBits: keys.ipv4_prefix,
      ipv6PrefixBits: keys.ipv6_prefix,
      exemptNetworks: keys.exempt_networks,
    },
  }
}

function apiConfig(loaded: Loaded, self: Process): ApiConfig {
  const { config, topology } = loaded
  const { identity } = config.overwatch
  return {
    version: self.version,
    nodeId: nodeIdOf(loaded, self),
    region: identity.region,
    mode: modeOf(config),
    ...apiAccess(config.api, auditFolder(config.overwatch.data_dir)),
    dnsAddress: self.dnsAddress,
    dnsFront: self.sockets[0]!.length > 0 ? 'native' : 'dgram',
    probeName: topology.zones[0]?.apex ?? '',
    startedAtMs: self.startedAtMs,
    validates: config.overwatch.validation.enabled,
    gossip: gossipFacts(loaded),
    ...settingsOf(config),
    dataDir: config.overwatch.data_dir,
    plain: loaded.plain,
  }
}

const auditFolder = (dataDir: string): string => (dataDir === '' ? '' : `${dataDir}/audit`)

/** What the API tells of gossip; never the key. */
function gossipFacts({ config }: Loaded) {
  const { gossip } = config.overwatch
  const bind = gossip.bind_address
  return {
    enabled: gossip.encryption_key !== '',
    bind_address: bind,
    bind_port: Number(bind.slice(bind.lastIndexOf(':') + 1)),
    advertise_address: gossip.advertise_address,
    // Gossip has one cluster for each key, and no name for it.
    cluster_name: '',
    encryption_enabled: gossip.encryption_key !== '',
    retransmit_mult: profiles.lan.retransmitMult,
    gossip_interval_ms: gossip.gossip_interval,
    probe_interval_ms: gossip.probe_interval,
    probe_timeout_ms: gossip.probe_timeout,
    suspicion_mult: profiles.lan.suspicionMult,
    suspicion_max_timeout_mult: profiles.lan.suspicionMaxTimeoutMult,
    push_pull_interval_ms: profiles.lan.pushPullIntervalMs,
  }
}

export const moduleOf = (name: string, file: string) =>
  new URL(`./${name}/${file}.js`, import.meta.url)

/** The configurations by the names of the children that get them. */
export function byChild({ dns, ...others }: ActorConfigs): Readonly<Record<string, unknown>> {
  const threads = dns.map((config, thread) => [replicaName('dns', thread), config] as const)
  return { ...others, ...Object.fromEntries(threads) }
}

/** The actors of an overwatch, and what reads their counts. */
export const overwatchOf = (configs: ActorConfigs, self: Process) => ({
  children: overwatchRoster(configs),
  readLoans: (metrics: Metrics) => {
    const scrape = readCounts(self.sockets)(metrics)
    setCountsSource((all) => scrape.counts(all))
    return scrape
  },
})

/** The actors of an overwatch. */
export function overwatchRoster(configs: ActorConfigs): readonly ChildSpec[] {
  const child = (role: keyof ActorConfigs, traits: Partial<ChildSpec> = {}): ChildSpec => ({
    name: role,
    actorUrl: moduleOf(role, 'actor'),
    portsUrl: moduleOf(role, 'ports'),
    config: configs[role],
    host: 'worker',
    escalate: false,
    ...traits,
  })
  const dnsThread = (config: DnsConfig, thread: number) =>
    child('dns', { name: replicaName('dns', thread), config, host: 'pool', escalate: true })
  return [
    // Stopped last: the cluster actor ends its process before.
    ...(configs.engine === undefined ? [] : [child('engine', { host: 'main' })]),
    child('registry'),
    child('signer'),
    ...configs.dns.map(dnsThread),
    child('prober'),
    child('latency'),
    ...(configs.gossip === undefined ? [] : [child('gossip')]),
    child('api'),
    // The main thread owns the sockets of HTTP: uWebSockets.js ends the process when a worker that
    // listens is terminated.
    child('shell', { host: 'main' }),
    // Stopped first, so that another node leads before anything here goes.
    ...(configs.cluster === undefined ? [] : [child('cluster')]),
  ]
}
