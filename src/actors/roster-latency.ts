/**
 * What the latency actor is told of the configuration, in either mode.
 */
import type { Loaded } from '../core/config/load.ts'
import { domainNames, zoneNames } from '../core/config/names.ts'
import type { AgentLatency, OverwatchLatency } from './latency/contract.ts'

export function overwatchLatency({ config }: Loaded, node: string): OverwatchLatency {
  const { data_dir: dataDir, learned_latency: learned, peering } = config.overwatch
  const keeps = learned.persist && dataDir !== ''
  return {
    mode: 'overwatch',
    node,
    path: keeps ? `${dataDir}/latency.rows` : '',
    catchmentsPath: keeps && learned.catchments ? `${dataDir}/latency.catchments` : '',
    share: peering.sync.latency_data,
    catchments: learned.catchments,
    // Hundredths of a percent, which is as fine as slots are drawn.
    exploration: Math.round(learned.exploration * 100),
    domains: [...domainNames(config)],
    zones: [...zoneNames(config)],
  }
}

export function agentLatency({ config }: Loaded): AgentLatency {
  const { identity, backends, latency_learning: keys } = config.agent
  return {
    mode: 'agent',
    enabled: keys.enabled,
    region: identity.region,
    backends: backends.map(({ service, port }) => ({ service, port })),
    pollMs: keys.poll_interval,
    minAgeMs: keys.min_connection_age,
    reportMs: keys.report_interval,
    minSamples: keys.min_samples,
    ttlMs: keys.subnet_ttl,
    subnets: {
      ipv4Prefix: keys.ipv4_prefix,
      ipv6Prefix: keys.ipv6_prefix,
      alpha: keys.ewma_alpha,
      maxSubnets: keys.max_subnets,
    },
  }
}
