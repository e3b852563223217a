/**
 * A small DNS server over UDP that denies compactly (RFC 9824), signing what it is asked.
 *
 * For tests of the proofs alone: one zone, no compression, no limits, no TCP.
 */
import { type Socket, createSocket } from 'node:dgram'
import type { Rrset } from '../../src/core/dnssec/canonical.ts'
import { COMPACT_OK, compactNsec, isNxdomain, successorOf } from '../../src/core/dnssec/compact.ts'
import { type ZoneKey, dnskeyRecords } from '../../src/core/dnssec/dnskey.ts'
import { orderOf, parentOrder, wildcardOrder } from '../../src/core/dnssec/order.ts'
import { outcomeOf } from '../../src/core/dnssec/outcome.ts'
import { rrsigRecord, signRrset } from '../../src/core/dnssec/rrsig.ts'
import { groupRrsets } from '../../src/core/dnssec/sign-zone.ts'
import { type WireRecord, wireRecords } from '../../src/core/dnssec/validate.ts'
import { NameIndex, zoneNames } from '../../src/core/dnssec/zone-names.ts'
import { foldCase, wireNameLength, wireToName } from '../../src/core/dns/names.ts'
import { types } from '../../src/core/dns/types.ts'
import type { ZoneSpec } from '../../src/core/steer/topology.ts'
import { soaRecord } from '../../src/core/zone/table-soa.ts'
import { crypto } from './dnssec.ts'
import { wire } from './dnssec-denial.ts'

const NXDOMAIN = 3

interface Reply {
  readonly answer: readonly WireRecord[]
  readonly authority: readonly WireRecord[]
  readonly isMissing: boolean
}

/** What the zone answers, signed now. */
function responder(zone: ZoneSpec, key: ZoneKey, nowSeconds: number) {
  const apex = wire(zone.apex)
  const records = [soaRecord(zone), ...zone.records, ...dnskeyRecords(zone.apex, [key], 3_600)]
  const owners = groupRrsets(records)
  const index = new NameIndex(
    zoneNames(
      apex,
      [...owners.values()].map((sets) => ({
        owner: sets.values().next().value!.owner,
        types: sets.keys(),
      })),
    ),
  )
  const times = { inceptionSeconds: nowSeconds - 3_600, expirationSeconds: nowSeconds + 3_600 }
  const plain = (set: Rrset): readonly WireRecord[] =>
    wireRecords(set.rdatas.map((rdata) => ({ ...set, name: wireToName(set.owner), rdata })))
  const signed = (set: Rrset): readonly WireRecord[] => [
    ...plain(set),
    ...wireRecords([rrsigRecord(set, signRrset(set, key, apex, times, crypto))]),
  ]
  const soa = owners.get(orderOf(apex))!.get(types.SOA)!
  const ttlSeconds = Math.min(zone.soa.ttlSeconds, zone.soa.minimumSeconds)
  const denied = (owner: Uint8Array, held: readonly number[] | 'missing') => {
    const { rdata } = compactNsec(owner, apex, held)
    return signed({ owner, type: types.NSEC, ttlSeconds, rdatas: [rdata] })
  }
  const negative = (owner: Uint8Array, held: readonly number[] | 'missing'): Reply => ({
    answer: [],
    authority: [...signed({ ...soa, ttlSeconds }), ...denied(owner, held)],
    isMissing: held === 'missing',
  })
  const positive = (owner: Uint8Array, at: string, type: number): Reply => {
    const sets = owners.get(at)!
    const set = sets.get(type) ?? sets.get(types.CNAME)!
    return { answer: signed({ ...set, owner }), authority: [], isMissing: false }
  }
  const referral = (order: string): Reply => {
    const cut = index.encloser(order)!
    const sets = owners.get(cut.order)!
    const ds = sets.get(types.DS)
    const proof = ds === undefined ? denied(cut.owner, cut.types) : signed(ds)
    return {
      answer: [],
      authority: [...plain(sets.get(types.NS)!), ...proof],
      isMissing: false,
    }
  }
  return (owner: Uint8Array, type: number): Reply => {
    const order = orderOf(owner)
    const outcome = outcomeOf(index, order, type)
    const wildcard = wildcardOrder(index.encloser(parentOrder(order))?.order ?? '')
    if (outcome === 'answer') return positive(owner, order, type)
    if (outcome === 'wildcard-answer') return positive(owner, wildcard, type)
    if (outcome === 'referral' || outcome === 'dname') return referral(order)
    if (outcome === 'nxdomain') return negative(owner, 'missing')
    const name = index.find(outcome === 'nodata' ? order : wildcard)!
    return negative(owner, name.types)
  }
}

function recordOctets({ owner, type, class: number, ttlSeconds, rdata }: WireRecord): number[] {
  const fixed = new Uint8Array(10)
  const view = new DataView(fixed.buffer)
  view.setUint16(0, type)
  view.setUint16(2, number)
  view.setUint32(4, ttlSeconds)
  view.setUint16(8, rdata.length)
  return [...owner, ...fixed, ...rdata]
}

export class CompactServer {
  readonly #socket: Socket = createSocket('udp4')
  readonly #respond: (owner: Uint8Array, type: number) => Reply
  readonly #apex: Uint8Array

  constructor(zone: ZoneSpec, key: ZoneKey, nowSeconds: number) {
    this.#apex = wire(zone.apex)
    this.#respond = responder(zone, key, nowSeconds)
    this.#socket.on('message', (query, from) => {
      this.#socket.send(this.#answer(query), from.port, from.address)
    })
  }

  #answer(query: Buffer): Uint8Array {
    const end = 12 + wireNameLength(query, 12)
    const owner = foldCase(new Uint8Array(query.subarray(12, end)))
    const { answer, authority, isMissing } = this.#respond(owner, query.readUInt16BE(end))
    // The OPT of the query comes right after its question, with the root as its owner.
    const flags = query.length > end + 4 + 9 ? query.readUInt16BE(end + 4 + 7) : 0
    const hasDo = (flags & 0x8000) !== 0
    const rcode = isMissing && isNxdomain(hasDo, (flags & COMPACT_OK) !== 0) ? NXDOMAIN : 0
    const counts = [0, 1, 0, answer.length, 0, authority.length, 0, 1]
    return new Uint8Array([
      ...query.subarray(0, 2),
      ...[0x84, rcode, ...counts],
      ...query.subarray(12, end + 4),
      ...[...answer, ...authority].flatMap(recordOctets),
      ...[0, 0, types.OPT, 0x10, 0, 0, 0, flags >> 8, flags & 0xff, 0, 0],
    ])
  }

  /** The name after a name, as this zone's gaps show it. */
  successor(name: string): string {
    return wireToName(successorOf(wire(name), this.#apex))
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#socket.bind(0, '127.0.0.1', () => resolve(this.#socket.address().port))
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}
