/**
 * Random record data in wire form, for every type that has a text form: written here octet by octet
 * from the RFCs, without the code under test.
 */
import fc from 'fast-check'
import { types } from '../../src/core/dns/types.ts'

type Bytes = fc.Arbitrary<number[]>

const joined = (...parts: Bytes[]): Bytes => fc.tuple(...parts).map((all) => all.flat())
const byte = fc.integer({ min: 0, max: 255 })
const u8: Bytes = byte.map((value) => [value])
const u16: Bytes = joined(u8, u8)
const u32: Bytes = joined(u16, u16)
const bytes = (minLength: number, maxLength = 64): Bytes => fc.array(byte, { minLength, maxLength })

const label: Bytes = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/).map(asciiOf) },
  { weight: 1, arbitrary: bytes(1, 63) },
)
/** A whole name, at most 255 octets with its root. */
export const wireName: Bytes = fc
  .array(label, { maxLength: 6 })
  .filter((labels) => labels.reduce((sum, each) => sum + each.length + 1, 1) <= 255)
  .map((labels) => [...labels.flatMap((each) => [each.length, ...each]), 0])

const counted = (content: Bytes): Bytes => content.map((own) => [own.length, ...own])
const charString: Bytes = counted(bytes(0, 255))
const charStrings: Bytes = fc.array(charString, { minLength: 1, maxLength: 4 }).map((s) => s.flat())

function asciiOf(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0))
}

/** Windows of bits as RFC 4034 section 4.1.2 wants them. */
const typeBits: Bytes = fc
  .uniqueArray(fc.integer({ min: 1, max: 0xffff }), { maxLength: 20 })
  .map((all) => {
    const windows = new Map<number, number[]>()
    for (const type of all.sort((a, b) => a - b)) {
      const bits = windows.get(type >> 8) ?? []
      while (bits.length <= (type & 0xff) >> 3) bits.push(0)
      bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7)
      windows.set(type >> 8, bits)
    }
    return [...windows].flatMap(([window, bits]) => [window, bits.length, ...bits])
  })

const several = (width: number): Bytes =>
  fc.array(bytes(width, width), { minLength: 1, maxLength: 3 }).map((all) => all.flat())
const alpn: Bytes = fc
  .array(counted(bytes(1, 12)), { minLength: 1, maxLength: 3 })
  .map((all) => all.flat())

/** Parameters in order of their keys; `mandatory` lists some of those present. */
const serviceParams: Bytes = fc
  .record(
    {
      1: alpn,
      3: u16,
      4: several(4),
      5: bytes(1, 40),
      6: several(16),
      7: fc.stringMatching(/^\/[a-z\\,"]{0,9}\{\?dns\}$/).map(asciiOf),
      8: fc.constant<number[]>([]),
      667: bytes(0, 20),
      65534: bytes(1, 20),
    },
    { requiredKeys: [] },
  )
  .chain((params) =>
    fc.record({
      params: fc.constant(params as Record<number, number[]>),
      noDefault: fc.boolean(),
      required: fc.subarray(Object.keys(params).map(Number)),
    }),
  )
  .map(({ params, noDefault, required }) => {
    const all = new Map(Object.entries(params).map(([key, value]) => [Number(key), value]))
    if (noDefault && all.has(1)) all.set(2, [])
    const mandatory = required.sort((a, b) => a - b).flatMap((key) => [key >> 8, key & 0xff])
    if (mandatory.length > 0) all.set(0, mandatory)
    return [...all]
      .sort(([a], [b]) => a - b)
      .flatMap(([key, value]) => [
        key >> 8,
        key & 0xff,
        value.length >> 8,
        value.length & 0xff,
        ...value,
      ])
  })
const service: Bytes = fc.oneof(
  joined(fc.constant([0, 0]), wireName),
  joined(
    fc.integer({ min: 1, max: 255 }).map((p) => [0, p]),
    wireName,
    serviceParams,
  ),
)

const exchange = joined(u16, wireName)
const digest = (...fixed: [number, number][]): Bytes =>
  fc
    .constantFrom(...fixed)
    .chain(([kind, length]) => joined(fc.constant([kind]), bytes(length, length)))
const ds = joined(u16, u8, digest([1, 20], [2, 32], [4, 48]))
const key = joined(u16, fc.constant([3]), u8, bytes(1))
const certificate = joined(u8, u8, u8, bytes(1))
const tag: Bytes = fc.stringMatching(/^[a-zA-Z0-9]{1,15}$/).map(asciiOf)

export const rdataOf: ReadonlyMap<number, Bytes> = new Map([
  [types.A, bytes(4, 4)],
  [types.NS, wireName],
  [types.MD, wireName],
  [types.MF, wireName],
  [types.CNAME, wireName],
  [types.SOA, joined(wireName, wireName, u32, u32, u32, u32, u32)],
  [types.MB, wireName],
  [types.MG, wireName],
  [types.MR, wireName],
  [types.PTR, wireName],
  [types.HINFO, joined(charString, charString)],
  [types.MINFO, joined(wireName, wireName)],
  [types.MX, exchange],
  [types.TXT, charStrings],
  [types.RP, joined(wireName, wireName)],
  [types.AFSDB, exchange],
  [types.X25, charString],
  [types.RT, exchange],
  [types.AAAA, fc.oneof(bytes(16, 16), bytes(4, 4).map(mapped))],
  [types.SRV, joined(u16, u16, u16, wireName)],
  [types.NAPTR, joined(u16, u16, charString, charString, charString, wireName)],
  [types.KX, exchange],
  [types.PX, joined(u16, wireName, wireName)],
  [types.CERT, joined(u16, u16, u8, bytes(1))],
  [types.DNAME, wireName],
  [types.DS, ds],
  [types.CDS, ds],
  [types.DLV, ds],
  [types.DNSKEY, key],
  [types.CDNSKEY, key],
  [types.RRSIG, joined(u16, u8, u8, u32, u32, u32, u16, wireName, bytes(1))],
  [types.NSEC, joined(wireName, typeBits)],
  [types.NSEC3, joined(u8, u8, u16, counted(bytes(0, 30)), counted(bytes(1, 40)), typeBits)],
  [types.NSEC3PARAM, joined(u8, u8, u16, counted(bytes(0, 30)))],
  [types.SSHFP, joined(u8, digest([1, 20], [2, 32]))],
  [types.TLSA, certificate],
  [types.SMIMEA, certificate],
  [types.OPENPGPKEY, bytes(1)],
  [types.DHCID, bytes(1)],
  [types.CSYNC, joined(u32, u16, typeBits)],
  [types.ZONEMD, joined(u32, fc.constant([1]), digest([1, 48], [2, 64]))],
  [types.SVCB, service],
  [types.HTTPS, service],
  [types.SPF, charStrings],
  [types.AVC, charStrings],
  [types.RESINFO, charStrings],
  [types.NID, joined(u16, bytes(8, 8))],
  [types.L32, joined(u16, bytes(4, 4))],
  [types.L64, joined(u16, bytes(8, 8))],
  [types.LP, joined(u16, wireName)],
  [types.EUI48, bytes(6, 6)],
  [types.EUI64, bytes(8, 8)],
  [types.URI, joined(u16, u16, bytes(1))],
  [types.CAA, joined(u8, counted(tag), bytes(0))],
])

function mapped(own: number[]): number[] {
  return [...new Array<number>(10).fill(0), 0xff, 0xff, ...own]
}
