/**
 * The metrics of keys and signatures; all of them are there from the start.
 */
import { gaugeOf } from '../../kernel/metrics-alias.ts'
import type { Metrics } from '../../kernel/metrics.ts'

export interface KeyAge {
  readonly zone: string
  readonly keyTag: number
  readonly ageSeconds: number
}

export interface SignerLevels {
  readonly enabled: boolean
  readonly zones: number
  readonly signatures: number
  /** Until the first signature is made anew; Infinity for none. */
  readonly refreshInSeconds: number
  readonly keys: readonly KeyAge[]
}

export interface SignerMetrics {
  /** Signatures made for a zone. */
  signed(zone: string, count: number): void
  /** A zone was signed, or could not be. */
  operation(zone: string, result: 'success' | 'failure'): void
  took(seconds: number): void
  /** A step in the life of keys. */
  step(zone: string, step: string): void
  imported(peer: string, keys: number): void
  synced(peer: string, isGood: boolean, atSeconds: number): void
}

const SIGNING_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15]

export function signerMetrics(metrics: Metrics, levels: () => SignerLevels): SignerMetrics {
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    metrics.counter({ name, help, labels })
  const operations = counter(
    'opengslb_dnssec_signing_operations_total',
    'Times a zone was signed, by what became of it: success or failure',
    ['zone', 'result'],
  )
  const signatures = counter('opengslb_dnssec_signatures_total', 'Signatures made', ['zone'])
  const imported = counter('opengslb_dnssec_keys_imported_total', 'Keys taken over from a peer', [
    'peer',
  ])
  const steps = counter('opengslb_dnssec_key_steps_total', 'Steps in the life of keys', [
    'zone',
    'step',
  ])
  const syncs = counter('opengslb_dnssec_key_sync_success_total', 'Looks at a peer that went well')
  const failures = counter(
    'opengslb_dnssec_key_sync_failures_total',
    'Looks at a peer that failed',
    ['peer'],
  )
  syncs.add(0)
  const took = metrics.histogram({
    name: 'opengslb_dnssec_signing_latency_seconds',
    help: 'How long it took to sign what is served, or what of it had changed',
    buckets: SIGNING_SECONDS,
  })
  const gauge = (names: readonly string[], help: string, labels: readonly string[] = []) =>
    gaugeOf(metrics, { names, help, labels })
  // A node without peers has nothing to tell of them: 0 would look like a failure for ever.
  let levelsOfSync: ReturnType<typeof syncLevels> | undefined
  followLevels(metrics, gauge, levels)
  return {
    signed: (zone, count) => signatures.add(count, { zone }),
    operation: (zone, result) => operations.add(1, { zone, result }),
    took: (seconds) => took.observe(seconds),
    step: (zone, step) => steps.add(1, { zone, step }),
    imported: (peer, keys) => imported.add(keys, { peer }),
    synced: (peer, isGood, atSeconds) => {
      levelsOfSync ??= syncLevels(gauge)
      levelsOfSync.success.set(isGood ? 1 : 0)
      if (isGood) {
        syncs.add(1)
        levelsOfSync.last.set(atSeconds)
      } else failures.add(1, { peer })
    },
  }
}

type GaugeOf = (
  names: readonly string[],
  help: string,
  labels?: readonly string[],
) => ReturnType<typeof gaugeOf>

const syncLevels = (gauge: GaugeOf) => ({
  success: gauge(
    ['opengslb_dnssec_sync_success'],
    'Whether the last look at the peers went well: 0 or 1',
  ),
  last: gauge(
    ['opengslb_dnssec_last_sync_timestamp'],
    'When a look at the peers last went well, Unix seconds; 0 for never',
  ),
})

function followLevels(metrics: Metrics, gauge: GaugeOf, levels: () => SignerLevels): void {
  const enabled = gauge(['opengslb_dnssec_enabled'], 'Whether zones are signed: 0 or 1')
  const managed = gauge(['opengslb_dnssec_managed_zones'], 'Zones that are signed')
  const held = gauge(['opengslb_dnssec_signatures'], 'Signatures in force')
  const refresh = gauge(
    ['opengslb_dnssec_refresh_seconds'],
    'Until the first signature is made anew',
  )
  const age = gauge(
    ['opengslb_dnssec_key_age_seconds', 'opengslb_dnssec_key_age'],
    'Age of the oldest key',
  )
  const ages = gauge(['opengslb_dnssec_key_age_by_zone_seconds'], 'Age of each key', [
    'zone',
    'key_tag',
  ])
  metrics.onCollect(() => {
    const now = levels()
    enabled.set(now.enabled ? 1 : 0)
    managed.set(now.zones)
    held.set(now.signatures)
    refresh.set(Number.isFinite(now.refreshInSeconds) ? now.refreshInSeconds : 0)
    age.set(now.keys.reduce((oldest, { ageSeconds }) => Math.max(oldest, ageSeconds), 0))
    ages.reset()
    for (const { zone, keyTag, ageSeconds } of now.keys)
      ages.set(ageSeconds, { zone, key_tag: String(keyTag) })
  })
}
