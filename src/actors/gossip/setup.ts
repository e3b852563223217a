/**
 * What a member is at its start: its address, its metadata, its settings, its identity.
 */
import { type NodeMeta, writeMeta } from '../../core/gossip/app/meta.ts'
import type { ReceiverSettings } from '../../core/gossip/app/receiver.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import type { SwimSettings } from '../../core/gossip/swim/settings.ts'
import { parseAddress, parseEndpoint } from '../../core/net/address.ts'
import type { Log } from '../../kernel/log.ts'
import type {
  AgentGossip,
  AgentIdentity,
  GossipConfig,
  GossipPorts,
  GossipSocket,
  OverwatchGossip,
} from './contract.ts'

const isAny = (addr: Uint8Array): boolean => addr.every((octet) => octet === 0)

/** `host:port`, `[v6]:port` or an address alone, as `advertise_address` may be written. */
function hostAndPort(text: string): { host: string; port: number } {
  const alone = parseAddress(text)
  if (alone.ok) return { host: alone.value.text, port: 0 }
  const endpoint = parseEndpoint(text)
  return endpoint.ok ? endpoint.value : { host: text, port: 0 }
}

/** Where others reach this member: as configured, as bound, or as the way to a seed shows. */
export async function advertised(
  ports: GossipPorts,
  config: GossipConfig,
  socket: GossipSocket,
): Promise<Endpoint> {
  const { host, port } = hostAndPort(config.advertiseAddress)
  const { endpoint } = socket
  const ownPort = port === 0 ? endpoint.port : port
  if (host !== '') {
    const [found] = await ports.resolve(host.includes(':') ? `[${host}]:1` : `${host}:1`)
    if (found !== undefined) return { addr: found.addr, port: ownPort }
  }
  if (!isAny(endpoint.addr)) return { addr: endpoint.addr, port: ownPort }
  for (const seed of seedsOf(config)) {
    const [to] = await ports.resolve(seed)
    if (to !== undefined) return { addr: await ports.addressTowards(to), port: ownPort }
  }
  return { addr: await ports.addressTowards(undefined), port: ownPort }
}

const seedsOf = (config: GossipConfig): readonly string[] => {
  if (config.mode === 'overwatch')
    return config.seeds.length > 0 ? config.seeds : config.peering.bootstrapPeers
  const { enabled, anycastAddress, fallbackNodes } = config.discovery
  if (!enabled) return config.overwatchNodes
  const anycast = anycastAddress === '' ? [] : [anycastAddress]
  return [...config.overwatchNodes, ...anycast, ...fallbackNodes]
}

export function metaOf(config: GossipConfig, name: string, boot: number): Uint8Array {
  const isAgent = config.mode === 'agent'
  const meta: NodeMeta = {
    role: config.mode,
    region: config.region,
    version: '1.0.0',
    timestampMs: boot,
    agentId: isAgent ? name : '',
    nodeId: isAgent ? '' : name,
    boot,
    acks: !isAgent,
    ...(isAgent ? {} : { peer: true }),
  }
  const written = writeMeta(meta)
  if (written.ok) return written.value
  // Long names: the member is known by its name all the same.
  const short = writeMeta({ ...meta, agentId: '', nodeId: '' })
  return short.ok ? short.value : new Uint8Array(0)
}

export function settingsOf(config: GossipConfig): Partial<SwimSettings> {
  if (config.mode === 'agent') return config.settings ?? {}
  const { probeIntervalMs, probeTimeoutMs, gossipIntervalMs, settings } = config
  return { probeIntervalMs, probeTimeoutMs, gossipIntervalMs, ...settings }
}

export function identityOf(
  { clock, log }: { readonly clock: { nowMs(): number }; readonly log: Log },
  ports: GossipPorts,
  { identity }: AgentGossip,
): AgentIdentity {
  const loaded = ports.identity(identity, clock.nowMs())
  if (!loaded.ok) throw new Error(loaded.error)
  const { agentId, key, notAfterMs } = loaded.value
  log.info('identity', {
    agent_id: agentId,
    fingerprint: key.fingerprint,
    not_after: new Date(notAfterMs).toISOString(),
  })
  return loaded.value
}

/** Whom an overwatch believes. */
export const receiverSettingsOf = (config: OverwatchGossip): ReceiverSettings => ({
  agentTokens: config.agentTokens,
  zones: config.zones,
  allowedBackends: config.allowedBackends,
  allowUnsigned: config.allowUnsignedAgents,
  silentMs: config.staleThresholdMs,
})
