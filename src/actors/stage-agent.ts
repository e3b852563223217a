/**
 * The agent: prober, vitals, gossip, latency, API, beside an application.
 *
 * It answers no DNS and keeps no state but its identity and the drains declared through its API,
 * both beside its key, so that several agents run on one host. Its API is open only where the file
 * has an `api` section. A thread costs some 10 MB, and an agent shares its machine with what it
 * watches: only gossip has one of its own, because a stall of half a second looks to other members
 * like a failure, and latency while it learns.
 */
import { resolveCheck } from '../core/config/checks.ts'
import type { Loaded } from '../core/config/load.ts'
import { checkMarksMemory } from '../core/health/clients-marks.ts'
import { reportedCheck } from '../core/health/reported-check.ts'
import type { AgentBackend } from '../core/health/self.ts'
import { parseAddress, serverKey } from '../core/net/address.ts'
import type { MemberSpec } from '../core/steer/topology.ts'
import type { ChildSpec } from '../kernel/system.ts'
import type { ApiConfig } from './api/contract.ts'
import { apiAccess } from './api/ports-access.ts'
import type { AgentGossip } from './gossip/contract.ts'
import { loadIdentity } from './gossip/ports-identity.ts'
import { type ProberConfig, proberDefaults } from './prober/contract.ts'
import type { AgentLatency } from './latency/contract.ts'
import { moduleOf, shellApi } from './roster.ts'
import { agentLatency } from './roster-latency.ts'
import { settingsOf } from './roster-settings.ts'
import type { ReloadCounts, ShellConfig } from './shell/contract.ts'
import type { ProcessFacts, Stage } from './stage.ts'
import { vitalsConfigOf } from './vitals/config.ts'
import type { VitalsConfig } from './vitals/contract.ts'

type Keys = Loaded['config']['agent']
type BackendKeys = Keys['backends'][number]

interface AgentConfigs {
  readonly prober: ProberConfig
  readonly vitals: VitalsConfig
  readonly gossip: AgentGossip
  readonly latency: AgentLatency
  readonly api: ApiConfig
  readonly shell: ShellConfig
}

/** What the process keeps through reloads. */
interface Self extends ProcessFacts {
  readonly agentId: string
  readonly checkMarks: SharedArrayBuffer
}

function targetOf(backend: BackendKeys, region: string): MemberSpec {
  const { service, address, port, weight } = backend
  const parsed = parseAddress(address)
  return {
    key: serverKey(service, address, port),
    service,
    address,
    family: parsed.ok ? parsed.value.family : 4,
    port,
    region,
    weight,
    source: 'static',
    check: resolveCheck([backend.health_check]),
  }
}

function backendOf(backend: BackendKeys): AgentBackend {
  const { service, address, advertise_address: advertiseAddress, port, weight } = backend
  const check = reportedCheck(resolveCheck([backend.health_check]))
  return { service, address, advertiseAddress, port, weight, check }
}

function gossipOf(keys: Keys): AgentGossip {
  const { gossip, identity, heartbeat } = keys
  const { anycast_address: anycastAddress, fallback_nodes: fallbackNodes } = gossip.discovery
  return {
    mode: 'agent',
    bindAddress: gossip.bind_address,
    advertiseAddress: gossip.advertise_address,
    region: identity.region,
    encryptionKeys: [gossip.encryption_key, ...gossip.keyring],
    overwatchNodes: gossip.overwatch_nodes,
    discovery: { enabled: gossip.discovery.enabled, anycastAddress, fallbackNodes },
    identity: {
      region: identity.region,
      certPath: identity.cert_path,
      keyPath: identity.key_path,
      serviceToken: identity.service_token,
    },
    heartbeatIntervalMs: heartbeat.interval,
    missedThreshold: heartbeat.missed_threshold,
    backends: keys.backends.map(backendOf),
  }
}

function vitalsOf(keys: Keys, { agentId, checkMarks }: Self): VitalsConfig {
  const backends = keys.backends.map(({ service, address, advertise_address: told, port }) => ({
    key: serverKey(service, address, port),
    addresses: [address, told].filter((text) => parseAddress(text).ok),
    port,
  }))
  const drainStatePath = `${keys.identity.key_path}.drains`
  return vitalsConfigOf(keys, { agentId, backends, drainStatePath, checkMarks })
}

function apiOf({ config }: Loaded, self: Self): ApiConfig {
  return {
    version: self.version,
    nodeId: self.agentId,
    region: config.agent.identity.region,
    mode: 'agent',
    ...apiAccess(config.api, `${config.agent.identity.key_path}.audit`),
    dnsAddress: '',
    probeName: '',
    startedAtMs: self.startedAtMs,
    ...settingsOf(config),
    gossip: { enabled: true, bind_address: config.agent.gossip.bind_address },
  }
}

function configsOf(loaded: Loaded, self: Self, reloads: ReloadCounts): AgentConfigs {
  const { config } = loaded
  const { agent, api, metrics } = config
  return {
    prober: {
      ...proberDefaults,
      trustedAuthorities: loaded.trustedAuthorities,
      targets: agent.backends.map((backend) => targetOf(backend, agent.identity.region)),
      awaitsGossip: true,
      countChecks: true,
      checkMarks: self.checkMarks,
    },
    vitals: vitalsOf(agent, self),
    gossip: gossipOf(agent),
    latency: agentLatency(loaded),
    api: apiOf(loaded, self),
    shell: {
      api: shellApi(api),
      metrics: {
        address: metrics.address,
        enabled: metrics.enabled,
        allowedNetworks: metrics.allowed_networks,
        // Several agents of one host may share one file of configuration.
        optional: true,
      },
      reloads,
      drainSignals: true,
    },
  }
}

/** Rejects with a fault an operator can act on: the identity cannot be read or made. */
export async function agentStage(
  loaded: Loaded,
  facts: ProcessFacts,
  reloads: ReloadCounts,
): Promise<Stage> {
  const { region, cert_path: certPath, key_path: keyPath } = loaded.config.agent.identity
  const identity = loadIdentity({ region, certPath, keyPath }, facts.startedAtMs)
  if (!identity.ok) throw new Error(identity.error.message)
  const self = { ...facts, agentId: identity.value.agentId, checkMarks: checkMarksMemory() }
  const configs = configsOf(loaded, self, reloads)
  const { api, metrics } = loaded.config
  // Its routes and their shapes take ten megabytes, which nobody needs where nobody can ask.
  const isAsked = api.enabled || metrics.enabled
  const child = (role: keyof AgentConfigs, host: ChildSpec['host']): ChildSpec => ({
    name: role,
    actorUrl: moduleOf(role, 'actor'),
    portsUrl: moduleOf(role, 'ports'),
    config: configs[role],
    host,
    escalate: false,
  })
  return {
    // Stopped in reverse: the application is checked no longer once the agent has said goodbye.
    system: {
      children: [
        child('prober', 'main'),
        child('vitals', 'main'),
        child('gossip', 'worker'),
        // A reading of a large table takes as long as a check may; without learning it sleeps.
        child('latency', configs.latency.enabled ? 'worker' : 'main'),
        ...(isAsked ? [child('api', 'main')] : []),
        child('shell', 'main'),
      ],
    },
    notes: [],
    configs: (next, counts) => {
      const { api: asked, ...others } = configsOf(next, self, counts)
      return isAsked ? { ...others, api: asked } : others
    },
    serving: async () => undefined,
    isAlive: async () => true,
    close: () => {},
  }
}
