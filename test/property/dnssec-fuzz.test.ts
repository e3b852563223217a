// Goal: no octets make the validator throw, accept or take long: records of any form, signatures
// that claim anything, denials that are none.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDnskey } from '../../src/core/dnssec/dnskey.ts'
import {
  type WireRecord,
  checkDenial,
  checkKeys,
  checkSet,
  readRecords,
  zoneFaults,
} from '../../src/core/dnssec/validate.ts'
import { readKeys } from '../../src/core/dnssec/check/keys.ts'
import { types } from '../../src/core/dns/types.ts'
import { crypto } from '../harness/dnssec.ts'
import { wire } from '../harness/dnssec-denial.ts'
import { rdataOf, wireName } from './rdata-arbitraries.ts'

const zone = wire('zone.test')
const octets = fc.uint8Array({ maxLength: 120 })
const owner = fc.oneof(
  fc.constant(zone),
  wireName.map((own) => new Uint8Array([...own.slice(0, -1), ...zone])),
  octets,
)
const ofType = (type: number) =>
  fc.oneof(
    rdataOf.get(type)!.map((own) => new Uint8Array(own)),
    octets,
  )

const record = (type: number): fc.Arbitrary<WireRecord> =>
  fc.record({
    owner,
    type: fc.constant(type),
    class: fc.constantFrom(1, 1, 1, 3),
    ttlSeconds: fc.constantFrom(0, 60, 2 ** 32 - 1),
    rdata: ofType(type),
  })
const list = (type: number) => fc.array(record(type), { maxLength: 4 })
const context = { zone, nowSeconds: 1_750_000_000, ttl: 'at-most' } as const

test('octets read as records or not, and never more of them than allowed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const read = readRecords(bytes, 5)
      expect(!read.ok || read.value.length <= 5).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('nothing random is found signed, denied or vouched for', () => {
  const kinds = [types.MX, types.SOA, types.NAPTR, types.NSEC, types.NSEC3, types.DNSKEY]
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds).chain((type) => list(type)),
      list(types.RRSIG),
      list(types.DNSKEY),
      fc.array(octets, { maxLength: 3 }),
      (records, signatures, dnskeys, ds) => {
        const keys = readKeys(dnskeys, zone)
        const set = { records, signatures }
        expect(checkSet(set, { ...context, keys }, crypto).ok).toBe(false)
        expect(checkKeys(set, ds, context, crypto).ok).toBe(false)
        const asked = { name: wire('a.zone.test'), type: types.A, sets: [set] }
        for (const denied of ['nxdomain', 'nodata'] as const)
          expect(checkDenial(asked, denied, { ...context, keys }, crypto).ok).toBe(false)
        const all = [...records, ...signatures, ...dnskeys]
        expect(zoneFaults({ records: all, keys, ...context }, crypto).length).toBeGreaterThan(0)
        for (const { rdata } of dnskeys) expect(typeof readDnskey(rdata).ok).toBe('boolean')
      },
    ),
    { numRuns: 1_500 },
  )
})

test('without a single record nothing is denied', () => {
  const asked = { name: wire('a.zone.test'), type: types.A, sets: [] }
  const checked = checkDenial(asked, 'nxdomain', { ...context, keys: [] }, crypto)
  expect(checked).toEqual({ ok: false, error: 'not-proved' })
})
