/**
 * What the signer is told of the configuration, and which zones are signed at all.
 */
import { limits } from '../core/base/limits.ts'
import { isClustered } from '../core/config/clustered.ts'
import type { Config, Loaded } from '../core/config/load.ts'
import { algorithms } from '../core/dnssec/algorithms.ts'
import { defaultLifetimes } from '../core/dnssec/lifetimes.ts'
import { plainNsec3 } from '../core/dnssec/nsec3.ts'
import type { KeySyncConfig, SignerConfig, ZoneToSign } from './signer/contract.ts'
import { type CheckOutcome, checkSigning } from './signer/ports-check.ts'

/** A domain without a zone of `dns.zones` is a zone of its own, and nobody holds a DS of it. */
export const signedZones = ({ overwatch, dns }: Config): readonly string[] =>
  overwatch.dnssec.enabled ? dns.zones.map(({ name }) => name) : []

const secondsOf = (ms: number): number => Math.floor(ms / 1_000)

/** The longest TTL of a zone's own records; those of pools are told with what is served. */
function zonesToSign({ config, topology }: Loaded): ZoneToSign[] {
  const signed = new Set(signedZones(config))
  return topology.zones
    .filter(({ apex }) => signed.has(apex))
    .map(({ apex, soa, records }) => ({
      zone: apex,
      ttlSeconds: records.reduce(
        (longest, { ttlSeconds }) => Math.max(longest, ttlSeconds),
        Math.max(soa.ttlSeconds, soa.minimumSeconds),
      ),
    }))
}

export function signerConfig(loaded: Loaded, node: string): SignerConfig {
  const { dnssec, data_dir: dataDir } = loaded.config.overwatch
  const { rollover } = dnssec
  return {
    node,
    enabled: dnssec.enabled,
    zones: zonesToSign(loaded),
    algorithm: algorithms[dnssec.algorithm],
    isSplit: dnssec.key_layout === 'ksk_zsk',
    denial: dnssec.denial === 'nsec3' ? { kind: 'nsec3', ...plainNsec3 } : { kind: 'nsec' },
    ...(dnssec.denial === 'compact' ? { onlinePerSecond: dnssec.compact_signatures } : {}),
    lifetimes: {
      ...defaultLifetimes,
      validitySeconds: secondsOf(dnssec.signature_validity),
      refreshSeconds: secondsOf(dnssec.signature_refresh),
      jitterSeconds: secondsOf(dnssec.signature_jitter),
    },
    dnskeyTtlSeconds: secondsOf(dnssec.dnskey_ttl),
    cds: dnssec.cds,
    cdsDelete: dnssec.cds_delete,
    folder: dataDir === '' ? '' : `${dataDir}/dnssec`,
    secret: dnssec.key_secret,
    roll: {
      safetySeconds: secondsOf(rollover.safety),
      parentSeconds: secondsOf(rollover.parent_grace),
      zskLifetimeSeconds: secondsOf(rollover.zsk_lifetime),
      kskLifetimeSeconds: secondsOf(rollover.ksk_lifetime),
    },
    keySync: keySyncConfig(loaded),
    isClustered: isClustered(loaded.config),
    parent: {
      pollMs: rollover.parent_poll_interval,
      servers: rollover.parent_servers,
      resolver: rollover.resolver,
    },
  }
}

/** Agents know the gossip key too, so a secret of the overwatches alone goes before it. */
function keySyncConfig({ config }: Loaded): KeySyncConfig {
  const { dnssec, peering, gossip } = config.overwatch
  const { key_sync: sync } = dnssec
  const isEnabled = sync.enabled && peering.sync.dnssec_keys
  const own = [sync.secret, peering.secret].filter((secret) => secret !== '')
  const shared = [gossip.encryption_key, ...gossip.keyring].filter((secret) => secret !== '')
  return {
    isEnabled,
    peers: isEnabled ? sync.peers : [],
    pollMs: sync.poll_interval,
    timeoutMs: sync.timeout,
    retryMs: limits.syncRetryMs.default,
    secrets: isEnabled ? (own.length > 0 ? own.slice(0, 1) : shared) : [],
    forgetAfterMs: sync.forget_after,
  }
}

/** What `--check` says of signing; nothing where nothing is signed. */
export async function signCheck(loaded: Loaded): Promise<CheckOutcome> {
  const { zones, ...rules } = signerConfig(loaded, '')
  const isSigning = loaded.config.mode === 'overwatch' && zones.length > 0
  if (!isSigning) return { faults: [], summary: '', isPartial: false }
  return await checkSigning(loaded, { ...rules, zones })
}
