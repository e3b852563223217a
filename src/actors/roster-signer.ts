/**
 * What the signer is told of the configuration, and which zones are signed at all.
 */
import type { Config } from '../core/config/load.ts'
import { algorithms } from '../core/dnssec/algorithms.ts'
import { defaultLifetimes } from '../core/dnssec/lifetimes.ts'
import { plainNsec3 } from '../core/dnssec/nsec3.ts'
import type { SignerConfig } from './signer/contract.ts'

/** A domain without a zone of `dns.zones` is a zone of its own, and nobody holds a DS of it. */
export const signedZones = ({ overwatch, dns }: Config): readonly string[] =>
  overwatch.dnssec.enabled ? dns.zones.map(({ name }) => name) : []

export function signerConfig(config: Config, node: string): SignerConfig {
  const { dnssec, data_dir: dataDir } = config.overwatch
  const { key_sync: keySync } = dnssec
  return {
    node,
    enabled: dnssec.enabled,
    zones: signedZones(config),
    algorithm: algorithms[dnssec.algorithm],
    isSplit: dnssec.key_layout === 'ksk_zsk',
    denial: dnssec.denial === 'nsec3' ? { kind: 'nsec3', ...plainNsec3 } : { kind: 'nsec' },
    lifetimes: {
      ...defaultLifetimes,
      validitySeconds: Math.floor(dnssec.signature_validity / 1_000),
      refreshSeconds: Math.floor(dnssec.signature_refresh / 1_000),
      jitterSeconds: Math.floor(dnssec.signature_jitter / 1_000),
    },
    dnskeyTtlSeconds: Math.floor(dnssec.dnskey_ttl / 1_000),
    cds: dnssec.cds,
    folder: dataDir === '' ? '' : `${dataDir}/dnssec`,
    secret: dnssec.key_secret,
    keySync: { peers: keySync.peers, pollMs: keySync.poll_interval, timeoutMs: keySync.timeout },
  }
}
