// Goal: the small parts keep their promises: forms of keys, lists of types, order of names, what is
// asked of the parent, lifetimes.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  algorithmNumber,
  publicKeyFault,
  rsaFromBytes,
  rsaToBytes,
  signatureBytes,
} from '../../../../src/core/dnssec/algorithms.ts'
import { typeBitmap } from '../../../../src/core/dnssec/bitmap.ts'
import { cdsRecords, deletionRecords } from '../../../../src/core/dnssec/cds.ts'
import { nameOrder, wholeName } from '../../../../src/core/dnssec/check/wire.ts'
import { plainData } from '../../../../src/core/dnssec/check/rdata.ts'
import { readTypes } from '../../../../src/core/dnssec/check/types.ts'
import { defaultLifetimes, isDue, lifetimeOf } from '../../../../src/core/dnssec/lifetimes.ts'
import { isBelow, orderOf, parentOrder, wireOfOrder } from '../../../../src/core/dnssec/order.ts'
import { apexRecordsOf } from '../../../../src/core/dnssec/serving-plan.ts'
import { signersOf } from '../../../../src/core/dnssec/sign-zone.ts'
import { zoneNames } from '../../../../src/core/dnssec/zone-names.ts'
import { foldCase, wireToName } from '../../../../src/core/dns/names.ts'
import { typeName, types } from '../../../../src/core/dns/types.ts'
import { formatRecord } from '../../../../src/core/zone/format.ts'
import { canonicalRdata, isWellFormed } from '../../../../src/core/zone/rdata.ts'
import { crypto, keyFor } from '../../../harness/dnssec.ts'
import { wire } from '../../../harness/dnssec-denial.ts'
import { rdataOf, wireName } from '../../../property/rdata-arbitraries.ts'

const name = wireName.map((octets) => new Uint8Array(octets))

describe('names', () => {
  test('RFC 4034 section 6.1: its example is in order, however it was shuffled', () => {
    const ordered = [
      'example',
      'a.example',
      'yljkjljk.a.example',
      'Z.a.example',
      'zABC.a.EXAMPLE',
      'z.example',
      '\\001.z.example',
      '*.z.example',
      '\\200.z.example',
    ].map(wire)
    const sorted = [...ordered].reverse().sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
    expect(sorted).toEqual(ordered)
  })

  test('strings and octets give the same order, and a string the name again', () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        const [left, right] = [orderOf(a), orderOf(b)]
        const byOctets = Math.sign(nameOrder(wholeName(a)!, wholeName(b)!))
        expect(left < right ? -1 : left > right ? 1 : 0).toBe(byOctets)
        expect(wireOfOrder(left)).toEqual(foldCase(a))
        expect(isBelow(left, parentOrder(left))).toBe(left !== '')
      }),
      { numRuns: 1_000 },
    )
  })
})

test('the signer and its examiner bring data of every type into one form', () => {
  for (const [type, arbitrary] of rdataOf)
    fc.assert(
      fc.property(arbitrary, (octets) => {
        const rdata = new Uint8Array(octets)
        // Types made by signing are not data of a zone; RRSIG folds its signer alone.
        if (type === types.RRSIG) return
        expect(plainData(type, rdata), typeName(type)).toEqual(canonicalRdata(type, rdata))
      }),
      { numRuns: 60 },
    )
  const px = new Uint8Array([0, 1, ...wire('Map.Example'), ...wire('X400.Example')])
  const a6 = new Uint8Array([64, 1, 2, 3, 4, 5, 6, 7, 8, ...wire('Prefix.Example')])
  for (const [type, rdata] of [
    [types.PX, px],
    [types.A6, a6],
  ] as const) {
    expect(plainData(type, rdata)).toEqual(canonicalRdata(type, rdata))
    expect(canonicalRdata(type, rdata)).not.toEqual(rdata)
    for (let length = 0; length <= rdata.length; length++)
      expect(isWellFormed(type, rdata.subarray(0, length))).toBe(length === rdata.length)
  }
  expect(isWellFormed(types.A6, new Uint8Array([129, 0]))).toBe(false)
  expect(isWellFormed(types.A6, new Uint8Array(17))).toBe(true)
})

test('a list of types reads back to the same types', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 65_535 })), (list) => {
      expect([...readTypes(typeBitmap(list), 0)!].sort((a, b) => a - b)).toEqual(
        [...list].sort((a, b) => a - b),
      )
    }),
  )
  // RFC 4034 section 4.3: A MX RRSIG NSEC TYPE1234.
  const example = Buffer.from(typeBitmap([1, 15, 46, 47, 1_234])).toString('hex')
  expect(example).toBe(`0006400100000003041b${'00'.repeat(26)}20`)
  for (const octets of [[0], [0, 0], [0, 33], [0, 2, 1], [1, 1, 1, 0, 1, 1]])
    expect(readTypes(new Uint8Array(octets), 0)).toBe(undefined)
})

describe('keys', () => {
  test('an RSA key of RFC 3110 reads back, and one that is none is refused with a reason', () => {
    const modulus = new Uint8Array(128).fill(0xc1)
    const key = { exponent: new Uint8Array([1, 0, 1]), modulus }
    expect(rsaFromBytes(rsaToBytes(key))).toEqual({ ok: true, value: key })
    const short = { ...key, modulus: modulus.subarray(0, 64) }
    expect(rsaFromBytes(rsaToBytes(short))).toMatchObject({
      error: 'the RSA key has 512 bits; 1024 to 4096 are taken',
    })
    for (const bytes of [[], [0], [3, 1, 0], [1, 0, 9], [3, 0, 0, 1, ...modulus]])
      expect(rsaFromBytes(new Uint8Array(bytes)).ok).toBe(false)
    const long = new Uint8Array([0, 1, 0, ...new Array(256).fill(3), ...modulus])
    expect(rsaFromBytes(long)).toMatchObject({ error: expect.stringContaining('64 bits') })
  })

  test('a key of the wrong length is named; signatures have the length of their algorithm', () => {
    const bytes = new Uint8Array(63)
    expect(publicKeyFault({ algorithm: 13, bytes })).toBe(
      'the key has 63 octets; ECDSAP256SHA256 has 64',
    )
    for (const algorithm of [8, 10, 13, 14, 15] as const) {
      const key = keyFor(algorithm)
      expect(publicKeyFault(key.publicKey)).toBe(undefined)
      expect(crypto.sign(key, bytes).length).toBe(signatureBytes(key.publicKey))
    }
    expect([algorithmNumber('ed25519'), algorithmNumber('13'), algorithmNumber('5')]).toEqual([
      15,
      13,
      undefined,
    ])
  })

  test('a key signing key signs keys, a zone signing key the rest, one in waiting nothing', () => {
    const [csk, ksk, zsk] = [keyFor(13), keyFor(13, 'ksk'), keyFor(13, 'zsk')]
    const all = [csk, ksk, zsk, { ...keyFor(15), isActive: false }]
    expect(signersOf(all, types.DNSKEY)).toEqual([csk, ksk])
    expect(signersOf(all, types.CDS)).toEqual([csk, ksk])
    expect(signersOf(all, types.A)).toEqual([csk, zsk])
  })

  test('CDS and CDNSKEY say the same of a key, and those of RFC 8078 ask for none', () => {
    const records = cdsRecords('example.com', [keyFor(13)], 60, [2, 4], crypto)
    expect(records.map(({ type }) => typeName(type))).toEqual(['CDS', 'CDS', 'CDNSKEY'])
    expect(deletionRecords('example.com', 60).map(formatRecord)).toEqual([
      'example.com. 60 IN CDS 0 0 0 00',
      'example.com. 60 IN CDNSKEY 0 3 0 AA==',
    ])
  })

  test('a parent that is asked to take every DS away is asked for no key beside it', () => {
    const keys = [keyFor(13)]
    const denial = { kind: 'nsec' } as const
    const plan = { apex: 'example.com', keys, dnskeyTtlSeconds: 60, denial }
    const recordsFor = (asksForDeletion: boolean) =>
      apexRecordsOf({ ...plan, cdsKeys: keys, cdsDigests: [2], asksForDeletion }, crypto).records
    const [dnskey, ...asked] = recordsFor(true)
    expect(typeName(dnskey!.type)).toBe('DNSKEY')
    expect(asked).toEqual(deletionRecords('example.com', 60))
    const ofKeys = recordsFor(false)
    expect(ofKeys.map(({ type }) => typeName(type))).toEqual(['DNSKEY', 'CDS', 'CDNSKEY'])
  })
})

test('what a name holds and what is steered there are one name; empty names lie between', () => {
  const names = zoneNames(wire('example'), [
    { owner: wire('a.b.example'), types: [types.TXT] },
    { owner: wire('example'), types: [types.SOA] },
    { owner: wire('a.b.example'), types: [types.A, types.AAAA] },
    { owner: wire('elsewhere'), types: [types.A] },
    { owner: wire('c.example'), types: [] },
  ])
  expect(names.map(({ owner, types: held, kind }) => [wireToName(owner), kind, held])).toEqual([
    ['example', 'data', [types.SOA]],
    ['b.example', 'empty', []],
    ['a.b.example', 'data', [types.A, types.TXT, types.AAAA]],
  ])
})

describe('lifetimes', () => {
  const now = 1_750_000_000
  const owners = Array.from({ length: 200 }, (_, at) => wire(`n${at}.example.com`))

  test('signatures end within the jitter, spread over it, and the same wherever computed', () => {
    const ends = owners.map((owner) => lifetimeOf(defaultLifetimes, now, owner, types.A))
    const { validitySeconds, jitterSeconds, inceptionOffsetSeconds } = defaultLifetimes
    const early = ends.map(({ expirationSeconds }) => now + validitySeconds - expirationSeconds)
    expect(Math.min(...early)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...early)).toBeLessThan(jitterSeconds)
    expect(Math.max(...early) - Math.min(...early)).toBeGreaterThan(jitterSeconds * 0.9)
    expect(ends[0]!.inceptionSeconds).toBe(now - inceptionOffsetSeconds)
    expect(owners.map((owner) => lifetimeOf(defaultLifetimes, now, owner, types.A))).toEqual(ends)
    const other = { ...defaultLifetimes, seed: 2 }
    expect(owners.map((owner) => lifetimeOf(other, now, owner, types.A))).not.toEqual(ends)
  })

  test('a signature is due a week before its end, and when the clock fell behind its begin', () => {
    const times = lifetimeOf({ ...defaultLifetimes, jitterSeconds: 0 }, now, owners[0]!, types.A)
    const at = (seconds: number) => isDue(defaultLifetimes, times, seconds)
    expect([at(now), at(now + 7 * 86_400 - 1), at(now + 7 * 86_400)]).toEqual([false, false, true])
    expect([at(now - 3_600), at(now - 3_601)]).toEqual([false, true])
  })

  test('a short validity is never eaten up by the jitter', () => {
    const short = { ...defaultLifetimes, validitySeconds: 3_600 }
    for (const owner of owners) {
      const times = lifetimeOf(short, now, owner, types.A)
      expect(times.expirationSeconds - now).toBeGreaterThanOrEqual(2_700)
      expect(isDue(short, times, now)).toBe(false)
    }
  })
})
