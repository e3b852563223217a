/**
 * The forms in which keys are told to people: their public side alone.
 */
import { algorithmName } from '../../core/dnssec/algorithms.ts'
import type { DnssecCrypto } from '../../core/dnssec/crypto.ts'
import { tagOfKey } from '../../core/dnssec/dnskey.ts'
import { dsOf, flagsOfKey } from '../../core/dnssec/key-ring.ts'
import { toBase64 } from '../../core/gossip/app/base64.ts'
import type { KeyView, SyncView, ZoneView } from '../../messages/signer-views.ts'
import type { KeySyncConfig, SignerConfig } from './contract.ts'
import type { Keys } from './keys.ts'

export function keyViews(
  keys: Keys,
  zones: readonly string[],
  crypto: Pick<DnssecCrypto, 'sha256' | 'sha384'>,
): KeyView[] {
  return zones.flatMap((zone) => {
    const work = keys.work(zone)
    return [...keys.of(zone)].map(([id, key]): KeyView => {
      const { algorithm, bytes } = key.publicKey
      const published = work.published.includes(id)
      const active = work.signKeys.includes(id) || work.signZone.includes(id)
      return {
        ...{ zone, role: key.role, flags: flagsOfKey(key), keyTag: tagOfKey(key) },
        ...{ algorithm, algorithmName: algorithmName(algorithm), publicKey: toBase64(bytes) },
        ...{ published, active, phase: active ? 'active' : published ? 'published' : 'made' },
        createdMs: (key.times.created ?? 0) * 1_000,
        ds: dsOf(key, crypto),
      }
    })
  })
}

export const zoneViews = ({ denial }: SignerConfig, zones: readonly string[]): ZoneView[] =>
  zones.map((zone) => ({ zone, denial: denial.kind, steps: [] }))

export const syncView = ({ peers, pollMs }: KeySyncConfig): SyncView => ({
  enabled: peers.length > 0,
  pollMs,
  lastSyncMs: 0,
  lastError: '',
  nextSyncMs: 0,
  peers: peers.map((peer) => ({ peer, lastTriedMs: 0, lastSuccessMs: 0, lastError: '' })),
})
