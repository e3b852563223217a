// Goal: a zone that we sign passes our own examination, and each thing left out, added or changed
// in it is named.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { rdataOfKey } from '../../../../src/core/dnssec/dnskey.ts'
import { dsRdata } from '../../../../src/core/dnssec/ds.ts'
import { signZone } from '../../../../src/core/dnssec/sign-zone.ts'
import { checkKeys, wireRecords, zoneFaults } from '../../../../src/core/dnssec/validate.ts'
import { types } from '../../../../src/core/dns/types.ts'
import type { RecordSpec } from '../../../../src/core/steer/topology.ts'
import { crypto, keyFor, planOf, plans, zoneFrom } from '../../../harness/dnssec.ts'
import { wire } from '../../../harness/dnssec-denial.ts'

const apex = 'signed.test'
const now = 1_750_000_000
const text = readFileSync(new URL('../../../interop/dnssec.zone', import.meta.url), 'utf8')
const zone = zoneFrom(text, apex)
const key = keyFor(13)
const ds = dsRdata(wire(apex), rdataOfKey(key), 4, crypto)

function faultsOf(records: readonly RecordSpec[]): readonly string[] {
  const dnskeys = records.filter(({ name, type }) => name === apex && type === types.DNSKEY)
  const signatures = records.filter(
    ({ name, type, rdata }) => name === apex && type === types.RRSIG && rdata[1] === types.DNSKEY,
  )
  const context = { zone: wire(apex), nowSeconds: now, ttl: 'exact' } as const
  const set = { records: wireRecords(dnskeys), signatures: wireRecords(signatures) }
  const keys = checkKeys(set, [ds], context, crypto)
  if (!keys.ok) return [keys.error]
  return zoneFaults(
    { records: wireRecords(records), keys: keys.value, zone: wire(apex), nowSeconds: now },
    crypto,
  )
}

const is = (name: string, type: number, covered?: number) => (record: RecordSpec) =>
  record.name === (name === '' ? apex : `${name}.${apex}`) &&
  record.type === type &&
  (covered === undefined || record.rdata[1] === covered)

describe.each(['nsec', 'nsec3'] as const)('%s', (kind) => {
  const signed = signZone(zone, planOf([key], plans[kind], now), crypto)
  const without = (gone: (record: RecordSpec) => boolean) => {
    expect(signed.some(gone)).toBe(true)
    return faultsOf(signed.filter((record) => !gone(record)))
  }

  test('the zone as signed has no fault', () => {
    expect(faultsOf(signed)).toEqual([])
  })

  test('what is left out is named', () => {
    expect(without(is('z', types.RRSIG, types.A))).toEqual([`z.${apex}. type 1: no-signature`])
    expect(without(is('secure', types.RRSIG, types.DS))).toContain(
      `secure.${apex}. type 43: no-signature`,
    )
    expect(without(is('', types.DNSKEY))).toEqual(['no-matching-ds'])
    expect(without(({ type }) => type === types.NSEC || type === types.NSEC3)[0]).toMatch(
      /no chain of denial/,
    )
    expect(without(is('generic', 731)).join()).toMatch(/generic\.signed\.test\./)
  })

  test('what is added or changed is named', () => {
    const extra = { name: `extra.${apex}`, type: types.A, ttlSeconds: 60 }
    const added = [...signed, { ...extra, rdata: new Uint8Array([192, 0, 2, 99]) }]
    expect(faultsOf(added).join()).toMatch(/not one NSEC|NSEC3 records for/)
    // The signature of another set, put on glue.
    const signature = signed.find(is('z', types.RRSIG, types.A))!
    const onGlue = [...signed, { ...signature, name: `ns1.secure.${apex}` }]
    expect(faultsOf(onGlue)).toEqual([
      `ns1.secure.${apex}. type 1: signed, although the zone has no say in it`,
    ])
    const changed = signed.map((record) =>
      is('z', types.A)(record) ? { ...record, rdata: new Uint8Array([192, 0, 2, 5]) } : record,
    )
    expect(faultsOf(changed)).toEqual([`z.${apex}. type 1: wrong-signature`])
  })

  test('a signature that has ended is named', () => {
    const old = signZone(zone, planOf([key], plans[kind], now - 100_000), crypto)
    expect(faultsOf(old)).toEqual(['expired'])
  })
})
