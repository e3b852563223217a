/** The SOA of a zone in wire form (RFC 1035 section 3.3.13). */
import { nameToWire } from '../dns/names.ts'
import { CLASS_IN, types } from '../dns/types.ts'
import type { RecordSpec, SoaSpec, ZoneSpec } from '../steer/topology.ts'
import { RR_FIXED_BYTES } from './table.ts'

/** A name that cannot be written becomes the root; the configuration's checks refuse it before. */
function wireOrRoot(name: string): Uint8Array {
  const wire = nameToWire(name)
  return wire.ok ? wire.value : new Uint8Array(1)
}

function soaRdata(soa: SoaSpec): Uint8Array {
  const primary = wireOrRoot(soa.primary)
  const contact = wireOrRoot(soa.contact)
  const rdata = new Uint8Array(primary.length + contact.length + 20)
  rdata.set(primary)
  rdata.set(contact, primary.length)
  const view = new DataView(rdata.buffer, primary.length + contact.length)
  view.setUint32(0, soa.serial)
  view.setUint32(4, soa.refreshSeconds)
  view.setUint32(8, soa.retrySeconds)
  view.setUint32(12, soa.expireSeconds)
  view.setUint32(16, soa.minimumSeconds)
  return rdata
}

export const soaRecord = (zone: ZoneSpec): RecordSpec => ({
  name: zone.apex,
  type: types.SOA,
  ttlSeconds: zone.soa.ttlSeconds,
  rdata: soaRdata(zone.soa),
})

/** Writes type, class IN, TTL and RDLENGTH at `at`. */
export function writeRrFixed(
  out: Uint8Array,
  at: number,
  type: number,
  ttlSeconds: number,
  rdataBytes: number,
): void {
  out[at] = type >> 8
  out[at + 1] = type
  out[at + 2] = 0
  out[at + 3] = CLASS_IN
  out[at + 4] = ttlSeconds >>> 24
  out[at + 5] = ttlSeconds >>> 16
  out[at + 6] = ttlSeconds >>> 8
  out[at + 7] = ttlSeconds
  out[at + 8] = rdataBytes >> 8
  out[at + 9] = rdataBytes
}

/** The SOA without owner as negative answers carry it. */
export function negativeSoa(zone: ZoneSpec): Uint8Array {
  const rdata = soaRdata(zone.soa)
  const record = new Uint8Array(RR_FIXED_BYTES + rdata.length)
  // RFC 2308 section 5: the TTL is the lesser of the SOA's own and its MINIMUM field.
  const ttlSeconds = Math.min(zone.soa.ttlSeconds, zone.soa.minimumSeconds)
  writeRrFixed(record, 0, types.SOA, ttlSeconds, rdata.length)
  record.set(rdata, RR_FIXED_BYTES)
  return record
}
