/**
 * Zones with their records as one stretch of octets, so that a hundred thousand records cross a
 * thread as cheaply as one does.
 *
 * Layout: two lengths of 32 bits; JSON of the SOAs; JSON of the records without their data; the
 * data one after another. Sealed octets are made and read by this program alone: reading asserts.
 */
import { assert } from '../base/assert.ts'
import { type Memory, ownMemory, textOf } from '../base/memory.ts'
import type { RecordSpec, SoaSpec, ZoneSpec } from '../steer/topology.ts'

const LENGTHS_BYTES = 8

interface SealedRecords {
  readonly apex: string
  readonly names: readonly string[]
  readonly types: readonly number[]
  readonly ttls: readonly number[]
  /** Octets of the data of each record. */
  readonly sizes: readonly number[]
}

const recordsOf = ({ apex, records }: ZoneSpec): SealedRecords => ({
  apex,
  names: records.map(({ name }) => name),
  types: records.map(({ type }) => type),
  ttls: records.map(({ ttlSeconds }) => ttlSeconds),
  sizes: records.map(({ rdata }) => rdata.length),
})

export function sealZones(zones: readonly ZoneSpec[], memory: Memory = ownMemory): Uint8Array {
  const encoder = new TextEncoder()
  const soas = encoder.encode(JSON.stringify(zones.map(({ soa }) => soa)))
  const heads = encoder.encode(JSON.stringify(zones.map(recordsOf)))
  let bytes = LENGTHS_BYTES + soas.length + heads.length
  for (const { records } of zones) for (const { rdata } of records) bytes += rdata.length
  const sealed = new Uint8Array(memory(bytes))
  const view = new DataView(sealed.buffer)
  view.setUint32(0, soas.length)
  view.setUint32(4, heads.length)
  sealed.set(soas, LENGTHS_BYTES)
  sealed.set(heads, LENGTHS_BYTES + soas.length)
  let at = LENGTHS_BYTES + soas.length + heads.length
  for (const { records } of zones) {
    for (const { rdata } of records) {
      sealed.set(rdata, at)
      at += rdata.length
    }
  }
  return sealed
}

/** What follows the SOAs: equal for zones that have the same records. */
export function sealedRecords(sealed: Uint8Array): Uint8Array {
  const { buffer, byteOffset } = sealed
  return sealed.subarray(LENGTHS_BYTES + new DataView(buffer, byteOffset).getUint32(0))
}

/** The zones again; the data of their records are views of the sealed octets. */
export function unsealZones(sealed: Uint8Array): ZoneSpec[] {
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  const headsAt = LENGTHS_BYTES + view.getUint32(0)
  let at = headsAt + view.getUint32(4)
  assert(at <= sealed.length, 'sealed zones hold what their lengths say')
  const soas = parse(sealed, LENGTHS_BYTES, headsAt) as SoaSpec[]
  const heads = parse(sealed, headsAt, at) as SealedRecords[]
  return heads.map(({ apex, names, types, ttls, sizes }, zone) => {
    const records = names.map((name, index): RecordSpec => {
      const from = at
      at += sizes[index]!
      const rdata = sealed.subarray(from, at)
      return { name, type: types[index]!, ttlSeconds: ttls[index]!, rdata }
    })
    return { apex, soa: soas[zone]!, records }
  })
}

const parse = (sealed: Uint8Array, from: number, to: number): unknown =>
  JSON.parse(textOf(sealed.subarray(from, to)))
