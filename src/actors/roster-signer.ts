/**
 * What the signer is told of the configuration, and which zones are signed at all.
 */
import { limits } from '../core/base/limits.ts'
import type { Config, Loaded } from '../core/config/load.ts'
import { algorithms } from '../core/dnssec/algorithms.ts'
import { defaultLifetimes } from '../core/dnssec/lifetimes.ts'
import { plainNsec3 } from '../core/dnssec/nsec3.ts'
import type { SignerConfig, ZoneToSign } from './signer/contract.ts'
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
  const { key_sync: keySync, rollover } = dnssec
  return {
    node,
    enabled: dnssec.enabled,
    zones: zonesToSign(loaded),
    algorithm: algorithms[dnssec.algorithm],
    isSplit: dnssec.key_layout === 'ksk_zsk',
    denial: dnssec.denial === 'nsec3' ? { kind: 'nsec3', ...plainNsec3 } : { kind: 'nsec' },
    lifetimes: {
      ...defaultLifetimes,
      validitySeconds: secondsOf(dnssec.signature_validity),
      refreshSeconds: secondsOf(dnssec.signature_refresh),
      jitterSeconds: secondsOf(dnssec.signature_jitter),
    },
    dnskeyTtlSeconds: secondsOf(dnssec.dnskey_ttl),
    cds: dnssec.cds,
    folder: dataDir === '' ? '' : `${dataDir}/dnssec`,
    secret: dnssec.key_secret,
    roll: {
      safetySeconds: secondsOf(rollover.safety),
      parentSeconds: limits.rollParentSeconds.default,
      zskLifetimeSeconds: secondsOf(rollover.zsk_lifetime),
      kskLifetimeSeconds: secondsOf(rollover.ksk_lifetime),
    },
    keySync: { peers: keySync.peers, pollMs: keySync.poll_interval, timeoutMs: keySync.timeout },
  }
}

/** What `--check` says of signing; nothing where nothing is signed. */
export function signCheck(loaded: Loaded): CheckOutcome {
  const { zones, ...rules } = signerConfig(loaded, '')
  const isSigning = loaded.config.mode === 'overwatch' && zones.length > 0
  return isSigning ? checkSigning(loaded, { ...rules, zones }) : { faults: [], summary: '' }
}
