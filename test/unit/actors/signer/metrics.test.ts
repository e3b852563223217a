// Goal: each metric of signing moves with its event; those of peers are there once there are some.
import { describe, expect, test } from 'vitest'
import { signerMetrics } from '../../../../src/actors/signer/metrics.ts'
import { fakeMetrics } from '../../../harness/fake-metrics.ts'

function world() {
  const metrics = fakeMetrics()
  const told = signerMetrics(metrics, () => ({
    ...{ enabled: true, zones: 2, signatures: 50, refreshInSeconds: -5 },
    keys: [
      { zone: 'a.test', keyTag: 11, ageSeconds: 60 },
      { zone: 'b.test', keyTag: 12, ageSeconds: 90 },
    ],
  }))
  return { metrics, told }
}

describe('signing', () => {
  test('is told of zones, signatures and keys', () => {
    const { metrics } = world()
    for (const [name, value] of [
      ['opengslb_dnssec_enabled', 1],
      ['opengslb_dnssec_managed_zones', 2],
      ['opengslb_dnssec_signatures', 50],
      ['opengslb_dnssec_refresh_seconds', -5],
      ['opengslb_dnssec_key_age_seconds', 90],
      ['opengslb_dnssec_key_age', 90],
    ] as const)
      expect(metrics.value(name), name).toBe(value)
    const of = { zone: 'a.test', key_tag: '11' }
    expect(metrics.value('opengslb_dnssec_key_age_by_zone_seconds', of)).toBe(60)
  })

  test('is counted by zone', () => {
    const { metrics, told } = world()
    told.operation('a.test', 'success')
    told.operation('a.test', 'failure')
    told.signed('a.test', 7)
    told.took(0.25)
    told.step('a.test', 'key-published')
    const operations = 'opengslb_dnssec_signing_operations_total'
    expect(metrics.value(operations, { zone: 'a.test', result: 'success' })).toBe(1)
    expect(metrics.value(operations, { zone: 'a.test', result: 'failure' })).toBe(1)
    expect(metrics.value('opengslb_dnssec_signatures_total', { zone: 'a.test' })).toBe(7)
    expect(metrics.observed('opengslb_dnssec_signing_latency_seconds')).toEqual([0.25])
    const step = { zone: 'a.test', step: 'key-published' }
    expect(metrics.value('opengslb_dnssec_key_steps_total', step)).toBe(1)
  })
})

describe('peers', () => {
  test('are told once one was looked at: 0 would be an alarm where there is none', () => {
    const { metrics, told } = world()
    expect(metrics.specs.has('opengslb_dnssec_last_sync_timestamp')).toBe(false)
    expect(metrics.specs.has('opengslb_dnssec_sync_success')).toBe(false)
    told.synced('https://one:9090', true, 1_000)
    expect(metrics.value('opengslb_dnssec_sync_success')).toBe(1)
    expect(metrics.value('opengslb_dnssec_last_sync_timestamp')).toBe(1_000)
    expect(metrics.value('opengslb_dnssec_key_sync_success_total')).toBe(1)
    told.synced('https://one:9090', false, 2_000)
    expect(metrics.value('opengslb_dnssec_sync_success')).toBe(0)
    expect(metrics.value('opengslb_dnssec_last_sync_timestamp')).toBe(1_000)
    const peer = { peer: 'https://one:9090' }
    expect(metrics.value('opengslb_dnssec_key_sync_failures_total', peer)).toBe(1)
    told.imported('https://one:9090', 2)
    expect(metrics.value('opengslb_dnssec_keys_imported_total', peer)).toBe(2)
  })
})
