/**
 * What the cluster actor is told of the configuration.
 */
import type { Loaded } from '../core/config/load.ts'
import { isClustered } from '../core/config/clustered.ts'
import type { TlsFiles } from '../core/cluster/engine.ts'
import { raftTimes } from '../core/cluster/raft-fence.ts'
import type { ForesightRules } from '../core/health/foresight.ts'
import type { ClusterConfig, EmbeddedConfig, ExternalConfig } from './cluster/contract.ts'
import type { ProcessFacts } from './stage.ts'

type Keys = Loaded['config']

/** The name of this node among the others. */
export const nodeNameOf = ({ cluster, overwatch }: Keys, hostName: string): string =>
  cluster.node_name || overwatch.identity.node_id || hostName

/** Undefined outside of cluster mode. */
export function clusterConfig(
  { config }: Loaded,
  self: ProcessFacts & { readonly dnsAddress: string },
  lease: SharedArrayBuffer | undefined,
): ClusterConfig | undefined {
  if (!isClustered(config) || lease === undefined) return undefined
  const { cluster } = config
  return {
    self: nodeNameOf(config, self.hostName),
    version: self.version,
    startedAtMs: self.startedAtMs,
    dnsAddress: self.dnsAddress,
    lease,
    followerDns: cluster.follower_dns,
    onLostLease: cluster.on_lost_lease,
    silenceMs: cluster.silence,
    leaveOnStop: cluster.leave_on_stop,
    engine: cluster.engine === 'external' ? externalOf(config) : embeddedOf(config),
  }
}

/** Thresholds on what agents tell; undefined leaves shares to the agents. */
export function foresightOf(config: Keys): ForesightRules | undefined {
  const { predictive_health: keys } = config.cluster
  if (!isClustered(config) || !keys.enabled) return undefined
  return {
    cpu: keys.cpu.threshold,
    memory: keys.memory.threshold,
    errors: keys.error_rate.threshold,
    errorsWindowMs: keys.error_rate.window,
    bleedMs: keys.bleed_duration,
    hysteresisShare: keys.hysteresis / 100,
  }
}

/** Files of TLS between the nodes, where there are any. */
function nodeTlsOf({ cluster }: Keys): TlsFiles | undefined {
  const { cert_file: certFile, key_file: keyFile, ca_file: caFile } = cluster.raft.tls
  return certFile === '' ? undefined : { certFile, keyFile, caFile }
}

function embeddedOf(config: Keys): EmbeddedConfig {
  const { cluster, overwatch } = config
  const { raft } = cluster
  const tls = nodeTlsOf(config)
  return {
    kind: 'embedded',
    binary: raft.etcd_path,
    folder: raft.data_dir,
    bind: cluster.bind_address,
    advertise: cluster.advertise_address,
    door: cluster.join_address,
    bootstrap: cluster.bootstrap,
    join: cluster.join,
    forceNew: cluster.force_new_cluster,
    times: raftTimes(raft.heartbeat_timeout, raft.election_timeout),
    snapshotCount: raft.snapshot_threshold,
    snapshotMs: raft.snapshot_interval,
    ...(tls === undefined ? {} : { tls }),
    memoryPath: overwatch.data_dir === '' ? '' : `${overwatch.data_dir}/cluster-members.json`,
  }
}

function externalOf(config: Keys): ExternalConfig {
  const { cluster } = config
  const nodeTls = nodeTlsOf(config)
  const { endpoints, username, password, lease, tls } = cluster.external
  return {
    kind: 'external',
    ...{ endpoints, username, password },
    leaseSeconds: Math.max(1, Math.round(lease / 1_000)),
    tls: { certFile: tls.cert_file, keyFile: tls.key_file, caFile: tls.ca_file },
    door: cluster.join_address,
    ...(nodeTls === undefined ? {} : { nodeTls }),
  }
}
