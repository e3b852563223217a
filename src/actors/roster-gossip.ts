/**
 * What the gossip actor of an overwatch is told of the configuration.
 */
import type { Loaded } from '../core/config/load.ts'
import { zoneNames } from '../core/config/names.ts'
import type { OverwatchGossip } from './gossip/contract.ts'

/** Undefined without a key: gossip is switched off. */
export function overwatchGossip({ config }: Loaded, hostName: string): OverwatchGossip | undefined {
  const { gossip, identity, stale, peering, agent_tokens: agentTokens } = config.overwatch
  if (gossip.encryption_key === '') return undefined
  return {
    mode: 'overwatch',
    node: identity.node_id || hostName,
    region: identity.region,
    bindAddress: gossip.bind_address,
    advertiseAddress: gossip.advertise_address,
    encryptionKeys: [gossip.encryption_key, ...gossip.keyring],
    probeIntervalMs: gossip.probe_interval,
    probeTimeoutMs: gossip.probe_timeout,
    gossipIntervalMs: gossip.gossip_interval,
    agentTokens,
    zones: [...zoneNames(config)],
    allowedBackends: gossip.allowed_backends,
    allowUnsignedAgents: gossip.allow_unsigned_agents,
    staleThresholdMs: stale.threshold,
    removeAfterMs: Math.max(stale.threshold, stale.remove_after),
    seeds: peering.enabled ? [] : peering.bootstrap_peers,
    peering: {
      enabled: peering.enabled,
      bindAddress: peering.bind_address,
      bootstrapPeers: peering.bootstrap_peers,
      secret: peering.secret,
    },
  }
}
