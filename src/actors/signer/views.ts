/**
 * The forms in which keys are told to people: their public side alone.
 */
import { algorithmName } from '../../core/dnssec/algorithms.ts'
import type { DnssecCrypto } from '../../core/dnssec/crypto.ts'
import { tagOfKey } from '../../core/dnssec/dnskey.ts'
import { dsOf, flagsOfKey } from '../../core/dnssec/key-ring.ts'
import { FOREIGN_DS, hasForeignDs } from '../../core/dnssec/roll/look.ts'
import { rollRows } from '../../core/dnssec/roll/status.ts'
import { toBase64 } from '../../core/gossip/app/base64.ts'
import type { KeyView, ZoneView } from '../../messages/signer-views.ts'
import type { SignerConfig } from './contract.ts'
import { HELD } from './imports.ts'
import type { Keys } from './keys.ts'

export function keyViews(
  keys: Keys,
  zones: readonly string[],
  crypto: Pick<DnssecCrypto, 'sha256' | 'sha384'>,
): KeyView[] {
  return zones.flatMap((zone) => {
    const held = keys.of(zone)
    if (held === undefined) return []
    return rollRows(held.state).flatMap((row): KeyView[] => {
      const key = held.keys.get(row.id)
      if (key === undefined) return []
      const { algorithm, bytes } = key.publicKey
      return [
        {
          ...{ zone, role: key.role, flags: flagsOfKey(key), keyTag: tagOfKey(key) },
          ...{ algorithm, algorithmName: algorithmName(algorithm), publicKey: toBase64(bytes) },
          ...{ published: row.isPublished, active: row.signsKeys || row.signsZone },
          ...{ phase: row.phase, parentDs: row.ds, offered: row.hasCds },
          ...{ createdMs: row.createdSeconds * 1_000 },
          ds: dsOf(key, crypto),
        },
      ]
    })
  })
}

const stepText = (text: string, untilSeconds: number | undefined): string =>
  untilSeconds === undefined
    ? text
    : `${text} (until ${new Date(untilSeconds * 1_000).toISOString()})`

export const zoneViews = (
  keys: Keys,
  { denial, onlinePerSecond }: SignerConfig,
  zones: readonly string[],
  isHeld: (zone: string) => boolean,
): ZoneView[] =>
  zones.map((zone) => {
    const ring = keys.ring.zone(zone)
    const waits = ring?.waits ?? []
    const isBare = ring !== undefined && ring.bundle === undefined
    const state = keys.of(zone)?.state
    return {
      ...{ zone, denial: onlinePerSecond === undefined ? denial.kind : 'compact' },
      steps: [
        ...(isBare && isHeld(zone) ? [HELD] : []),
        ...(state !== undefined && hasForeignDs(state) ? [FOREIGN_DS] : []),
        ...waits.map(({ text, untilSeconds }) => stepText(text, untilSeconds)),
      ],
    }
  })
