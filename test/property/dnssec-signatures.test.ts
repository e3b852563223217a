// Goal: no bit of a signed rrset can change unseen: not of its owner, type, class, TTL or data, not
// of its RRSIG, not of the key, not of the DS. What may change is the case of letters in names,
// which is no change (RFC 4343).
import { describe, expect, test } from 'vitest'
import { algorithms } from '../../src/core/dnssec/algorithms.ts'
import { readKeys } from '../../src/core/dnssec/check/keys.ts'
import { rdataOfKey } from '../../src/core/dnssec/dnskey.ts'
import { dsRdata } from '../../src/core/dnssec/ds.ts'
import { groupRrsets, signZone } from '../../src/core/dnssec/sign-zone.ts'
import {
  type CheckContext,
  type WireRecord,
  checkKeys,
  checkSet,
  readRecords,
  wireRecords,
} from '../../src/core/dnssec/validate.ts'
import { foldCase } from '../../src/core/dns/names.ts'
import { types } from '../../src/core/dns/types.ts'
import type { RecordSpec } from '../../src/core/steer/topology.ts'
import { canonicalRdata } from '../../src/core/zone/rdata.ts'
import { crypto, keyFor, planOf, plans, zoneFrom } from '../harness/dnssec.ts'
import { wire } from '../harness/dnssec-denial.ts'

const apex = 'signed.test'
const now = 1_750_000_000
const zone = zoneFrom(
  `@ 300 IN SOA ns1 hostmaster ( 1 7200 900 1209600 120 )
@ NS ns1
@ MX 10 Mail
ns1 A 192.0.2.53
two A 192.0.2.2
two A 192.0.2.1
*.wild TXT "wild"
text TXT "a string" "and another"
_sip SRV 10 60 5060 Sip.Example.
cut NS ns.cut
cut DS 12892 13 2 26584835CA80C81C91999F31CFAF2A0E89D4FF1C8FAFD0DDB31A85C719277C13
`,
  apex,
)

interface Signed {
  readonly records: readonly RecordSpec[]
  readonly signatures: readonly RecordSpec[]
}

/** Every signed rrset of the zone with its one signature. */
function signedSets(algorithm: (typeof algorithms)[keyof typeof algorithms]): Signed[] {
  const all = signZone(zone, planOf([keyFor(algorithm)], plans.nsec, now), crypto)
  const covers = ({ rdata }: RecordSpec) => rdata[0]! * 256 + rdata[1]!
  return all
    .filter(({ type }) => type === types.RRSIG)
    .map((signature) => ({
      records: all.filter(
        ({ name, type }) => name === signature.name && type === covers(signature),
      ),
      signatures: [signature],
    }))
}

const octetsOf = ({ owner, type, class: number, ttlSeconds, rdata }: WireRecord): number[] => [
  ...owner,
  ...[type >> 8, type & 255, number >> 8, number & 255],
  ...[ttlSeconds >>> 24, (ttlSeconds >>> 16) & 255, (ttlSeconds >>> 8) & 255, ttlSeconds & 255],
  ...[rdata.length >> 8, rdata.length & 255],
  ...rdata,
]

const contextOf = (algorithm: Parameters<typeof keyFor>[0]): CheckContext => {
  const dnskey = { name: apex, type: types.DNSKEY, ttlSeconds: 3_600 }
  const rdata = rdataOfKey(keyFor(algorithm))
  const keys = readKeys(wireRecords([{ ...dnskey, rdata }]), wire(apex))
  return { zone: wire(apex), keys, nowSeconds: now, ttl: 'exact' }
}

/** Whether two records differ in the case of letters of names alone. */
const isSameToDns = (a: WireRecord, b: WireRecord): boolean =>
  a.type === b.type &&
  a.class === b.class &&
  a.ttlSeconds === b.ttlSeconds &&
  foldCase(a.owner).join() === foldCase(b.owner).join() &&
  canonicalRdata(a.type, a.rdata).join() === canonicalRdata(b.type, b.rdata).join()

/** The flips that pass although something changed. */
function unseenFlips({ records, signatures }: Signed, context: CheckContext, step: number) {
  const originals = [...wireRecords(records), ...wireRecords(signatures)]
  const octets = new Uint8Array(originals.flatMap(octetsOf))
  const unseen: string[] = []
  let seen = 0
  for (let bit = 0; bit < octets.length * 8; bit += step) {
    const flipped = octets.slice()
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const read = readRecords(flipped, 64)
    if (!read.ok || read.value.length !== originals.length) continue
    const set = {
      records: read.value.slice(0, records.length),
      signatures: read.value.slice(records.length),
    }
    const checked = checkSet(set, context, crypto)
    const isSame = read.value.every((record, at) => isSameToDns(record, originals[at]!))
    if (checked.ok && !isSame) unseen.push(`${records[0]!.name} bit ${bit}`)
    if (!checked.ok) seen += 1
  }
  return { unseen, seen }
}

describe('a flipped bit is seen', () => {
  test('in every rrset of a zone of P-256, at every bit', () => {
    const context = contextOf(13)
    const sets = signedSets(13)
    expect(sets.length).toBeGreaterThan(15)
    for (const set of sets) {
      const whole = {
        records: wireRecords(set.records),
        signatures: wireRecords(set.signatures),
      }
      expect(checkSet(whole, context, crypto)).toMatchObject({ ok: true })
      const { unseen, seen } = unseenFlips(set, context, 1)
      expect(unseen).toEqual([])
      expect(seen).toBeGreaterThan(500)
    }
  }, 120_000)

  for (const [name, algorithm] of Object.entries(algorithms))
    test(`in a set signed by ${name}, at every bit`, () => {
      const [set] = signedSets(algorithm).filter(({ records }) => records[0]!.type === types.MX)
      const { unseen, seen } = unseenFlips(set!, contextOf(algorithm), 1)
      expect(unseen).toEqual([])
      expect(seen).toBeGreaterThan(500)
    }, 60_000)

  for (const [name, algorithm] of Object.entries(algorithms))
    test(`in the key of ${name} and in the DS that vouches for it`, () => {
      const sets = signedSets(algorithm)
      const keySet = sets.find(({ records }) => records[0]!.type === types.DNSKEY)!
      const soa = sets.find(({ records }) => records[0]!.type === types.SOA)!
      const context = contextOf(algorithm)
      const [record] = wireRecords(keySet.records)
      const rdata = record!.rdata
      const ds = dsRdata(wire(apex), rdata, 2, crypto)
      const signatures = wireRecords(keySet.signatures)
      const check = (key: Uint8Array, digest: Uint8Array) =>
        checkKeys({ records: [{ ...record!, rdata: key }], signatures }, [digest], context, crypto)
      expect(check(rdata, ds)).toMatchObject({ ok: true })
      for (let bit = 0; bit < ds.length * 8; bit++) {
        const flipped = ds.slice()
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        expect(check(rdata, flipped)).toEqual({ ok: false, error: 'no-matching-ds' })
      }
      for (let bit = 0; bit < rdata.length * 8; bit++) {
        const flipped = rdata.slice()
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        expect(check(flipped, ds).ok).toBe(false)
        // The tag of the original, so that the key itself is tried.
        const keys = context.keys.map((key) => ({ ...key, bytes: flipped.subarray(4) }))
        if (bit < 32) continue
        const set = {
          records: wireRecords(soa.records),
          signatures: wireRecords(soa.signatures),
        }
        expect(checkSet(set, { ...context, keys }, crypto).ok).toBe(false)
      }
    }, 60_000)
})

describe('what is not signed for this', () => {
  const context = contextOf(13)
  const sets = signedSets(13)
  const setOf = (name: string, type: number) => {
    const found = sets.find(({ records }) => records[0]!.name === name && records[0]!.type === type)
    return {
      records: wireRecords(found!.records),
      signatures: wireRecords(found!.signatures),
    }
  }
  const two = setOf(`two.${apex}`, types.A)

  test('a record too few, too many or twice is no set', () => {
    const { records, signatures } = two
    const errorOf = (changed: readonly WireRecord[]) => {
      const checked = checkSet({ records: changed, signatures }, context, crypto)
      return checked.ok ? 'ok' : checked.error
    }
    expect(errorOf([...records].reverse())).toBe('ok')
    expect(errorOf(records.slice(1))).toBe('wrong-signature')
    expect(errorOf([...records, records[0]!])).toBe('repeated-record')
    const third = { ...records[0]!, rdata: new Uint8Array([192, 0, 2, 3]) }
    expect(errorOf([...records, third])).toBe('wrong-signature')
    expect(errorOf([])).toBe('no-records')
  })

  test('a signature holds from its inception to its expiration, across the turn of 32 bits', () => {
    const at = (nowSeconds: number) => checkSet(two, { ...context, nowSeconds }, crypto)
    expect(at(now - 3_600).ok).toBe(true)
    expect(at(now - 3_601)).toEqual({ ok: false, error: 'not-yet-valid' })
    expect(at(now + 86_400).ok).toBe(true)
    expect(at(now + 86_401)).toEqual({ ok: false, error: 'expired' })
    const turn = 2 ** 32
    const late = signZone(zone, planOf([keyFor(13)], plans.nsec, turn - 60), crypto)
    const records = late.filter(({ name, type }) => name === `ns1.${apex}` && type === types.A)
    const signatures = late.filter(
      ({ name, type, rdata }) =>
        name === `ns1.${apex}` && type === types.RRSIG && rdata[1] === types.A,
    )
    const set = { records: wireRecords(records), signatures: wireRecords(signatures) }
    for (const nowSeconds of [turn - 60, turn + 60])
      expect(checkSet(set, { ...context, nowSeconds }, crypto)).toMatchObject({ ok: true })
    expect(checkSet(set, { ...context, nowSeconds: turn + 90_000 }, crypto).ok).toBe(false)
  })

  test('a TTL below the original is right from a cache and wrong on its way out', () => {
    const lower = (record: WireRecord) => ({ ...record, ttlSeconds: record.ttlSeconds - 1 })
    const cached = { records: two.records.map(lower), signatures: two.signatures.map(lower) }
    expect(checkSet(cached, context, crypto)).toEqual({ ok: false, error: 'ttl-differs' })
    expect(checkSet(cached, { ...context, ttl: 'at-most' }, crypto).ok).toBe(true)
  })

  test('a wildcard answers names below it, and the answer says so; the apex above is no wildcard', () => {
    const wild = setOf(`*.wild.${apex}`, types.TXT)
    expect(checkSet(wild, context, crypto)).toMatchObject({ ok: true })
    const named = (name: string) => ({
      records: wild.records.map((record) => ({ ...record, owner: wire(name) })),
      signatures: wild.signatures.map((record) => ({ ...record, owner: wire(name) })),
    })
    expect(checkSet(named(`a.b.wild.${apex}`), context, crypto)).toMatchObject({
      ok: true,
      value: { wildcardOf: ['wild', 'signed', 'test'] },
    })
    expect(checkSet(named(`a.tame.${apex}`), context, crypto)).toEqual({
      ok: false,
      error: 'wrong-signature',
    })
  })

  test('keys of another zone, revoked keys and keys not for zones sign nothing', () => {
    const record = { name: apex, type: types.DNSKEY, ttlSeconds: 3_600 }
    const rdata = rdataOfKey(keyFor(13))
    const withFlags = (flags: number) =>
      new Uint8Array([flags >> 8, flags & 255, ...rdata.slice(2)])
    const count = (key: Uint8Array, name = apex) =>
      readKeys(wireRecords([{ ...record, name, rdata: key }]), wire(apex)).length
    expect(count(rdata)).toBe(1)
    expect(count(withFlags(257 | 128))).toBe(0)
    expect(count(withFlags(1))).toBe(0)
    expect(count(rdata, 'other.test')).toBe(0)
  })

  test('two spellings of one record are one record, as the signer groups them', () => {
    const spelled = [`mail.${apex}`, `MAIL.${apex}`].map((target) => ({
      name: apex,
      type: types.MX,
      ttlSeconds: 60,
      rdata: new Uint8Array([0, 10, ...wire(target)]),
    }))
    const [sets] = groupRrsets(spelled).values()
    expect(sets?.get(types.MX)?.rdatas.length).toBe(1)
  })
})
