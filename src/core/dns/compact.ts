/**
 * Compact denial (RFC 9824) in replies: one NSEC at the very name asked, signed while the query is
 * answered, as long as a budget of signatures a second lasts.
 *
 * Past the budget, and wherever the chain proves part of the reply already, the ready-made chain
 * proves the rest: it is there for every zone, so a flood costs no more than elsewhere and never
 * an answer. This is the one place where an answer makes octets anew, and rests on a key and on
 * the time; positive answers, those of wildcards too, are the ones that were signed ahead.
 */
import { limits } from '../base/limits.ts'
import { viewOf } from '../base/octets.ts'
import { type Rrset, signedData, signedLabels } from '../dnssec/canonical.ts'
import { compactNsec, isNxdomain, successorOf } from '../dnssec/compact.ts'
import type { Verifier } from '../dnssec/crypto.ts'
import { keysOfData, signatureFault } from '../dnssec/examined.ts'
import { ENTRY, POINTER_BYTES } from '../dnssec/parts.ts'
import { apexesOf } from '../dnssec/serving-names.ts'
import { RR_FIXED_BYTES } from '../zone/table.ts'
import { AUTHORITY, type Exchange } from './exchange.ts'
import { foldCase } from './names.ts'
import { canPoint, OWNER_BYTES, putRecord } from './put.ts'
import type { Serving } from './serving.ts'
import { CLASS_IN, rcodes, types } from './types.ts'

/** A key that signs denials. */
export interface OnlineKey {
  /** The data of an RRSIG by it without the signature; what depends on the set is zero. */
  readonly head: Uint8Array
  /** The signature as an RRSIG holds it; undefined where the key cannot. Never throws. */
  sign(data: Uint8Array): Uint8Array | undefined
}

export interface OnlineZone {
  /** As in the table: lower case, no final dot. */
  readonly apex: string
  /** None while they are examined, or where one was found at fault: its chain denies. */
  readonly keys: readonly OnlineKey[]
}

export interface OnlineSettings {
  readonly zones: readonly OnlineZone[]
  /** Of this thread. */
  readonly signaturesPerSecond: number
}

/** Where the numbers of a set lie in the data of an RRSIG (RFC 4034 section 3.1). */
const LABELS_AT = 3
const TTL_AT = 4
const EXPIRATION_AT = 8
const INCEPTION_AT = 12

/** Signatures of no version that anyone holds: such a reply cannot be made again. */
export const ONLINE_VERSION = -1

/** Who signs denials on this thread, and how many it may yet sign. */
export class OnlineDenial {
  #settings: OnlineSettings = { zones: [], signaturesPerSecond: 0 }
  #tokens = 0
  #nowMs = 0
  #serving: Serving | undefined
  /** By the index of a zone in the table that is served. */
  #byZone: readonly (OnlineZone | undefined)[] = []
  /** Signatures made, and denials that the chain proved for want of budget. */
  signed = 0
  beyond = 0

  configure(settings: OnlineSettings): void {
    this.#settings = settings
    this.#tokens = Math.min(this.#tokens, settings.signaturesPerSecond)
    this.#serving = undefined
  }

  /** A bucket that holds a second's worth. A clock that was set back fills nothing. */
  tick(nowMs: number): void {
    const most = this.#settings.signaturesPerSecond
    const elapsedMs = Math.max(0, nowMs - this.#nowMs)
    this.#nowMs = nowMs
    this.#tokens = Math.min(most, this.#tokens + (elapsedMs * most) / 1_000)
  }

  get nowSeconds(): number {
    return Math.floor(this.#nowMs / 1_000)
  }

  /** The zone's keys, paid for; undefined where it has none, or the budget is spent. */
  take(serving: Serving, zone: number): OnlineZone | undefined {
    if (serving !== this.#serving) this.#look(serving)
    const own = this.#byZone[zone]
    if (own === undefined || own.keys.length === 0) return undefined
    if (this.#tokens < own.keys.length) {
      this.beyond++
      return undefined
    }
    this.#tokens -= own.keys.length
    this.signed += own.keys.length
    return own
  }

  #look(serving: Serving): void {
    const byApex = new Map(this.#settings.zones.map((zone) => [zone.apex, zone]))
    this.#byZone = apexesOf(serving.parts.table).map((apex) => byApex.get(apex))
    this.#serving = serving
  }
}

/**
 * Denies the name, with `entry` undefined, or types of it, with the entry that lists those it has
 * where `isOwn`. False, with nothing written, when the chain has to do it.
 */
export function putCompact(
  x: Exchange,
  serving: Serving,
  zone: number,
  entry: number | undefined,
  isOwn: boolean,
): boolean {
  const { online } = x
  // A record of the chain may have the very owner: two NSEC at one name are a set nobody signed.
  if (online === undefined || x.proofCount > 0 || !x.signed!.isNsec(zone)) return false
  // Each compact NSEC says that its name has these two (RFC 9824 section 3.1): it denies neither.
  if (x.qtype === types.NSEC || x.qtype === types.RRSIG) return false
  const keys = online.take(serving, zone)?.keys
  if (keys === undefined) return false
  const { negativeSoa, apexBytes } = serving.table.zones[zone]!
  const ttlSeconds = negativeSoa.getUint32(TTL_AT)
  const from = x.nameFrom
  const owner = foldCase(octetsOf(x.nameView, from, x.nameBytes))
  const apex = owner.subarray(owner.length - apexBytes)
  const rdata =
    entry === undefined
      ? compactNsec(owner, apex, 'missing').rdata
      : isOwn
        ? withTypesOf(x, entry, successorOf(owner, apex))
        : compactNsec(owner, apex, []).rdata
  const set = { owner, type: types.NSEC, ttlSeconds, rdatas: [rdata] }
  const records = [rdata]
  for (const key of keys) {
    const signature = signedBy(key, set, online.nowSeconds)
    if (signature === undefined) return false
    records.push(signature)
  }
  if (!putAll(x, records, ttlSeconds)) return false
  x.isSignedOnline = true
  // RFC 9824 section 5: the rcode that goes with a name that is said to exist.
  if (entry === undefined && !isNxdomain(x.dnssecOk, x.compactOk)) x.rcode = rcodes.NOERROR
  return true
}

/** The data of the set's RRSIG; undefined where the key cannot sign. */
function signedBy(key: OnlineKey, set: Rrset, nowSeconds: number): Uint8Array | undefined {
  const head = headOf(key, set, nowSeconds)
  const signature = key.sign(signedData(head, set))
  return signature === undefined ? undefined : joined(head, signature)
}

/**
 * What the validator finds wrong with a denial that the key signs, or undefined: replies go out
 * unexamined, so this is asked once of each key, before its first.
 * @param apex wire form, lower case
 * @param dnskey the data of the key's DNSKEY
 */
export function probeFault(
  key: OnlineKey,
  apex: Uint8Array,
  dnskey: Uint8Array,
  nowSeconds: number,
  verifier: Verifier,
): string | undefined {
  const { rdata } = compactNsec(apex, apex, [])
  const set = { owner: apex, type: types.NSEC, ttlSeconds: 0, rdatas: [rdata] }
  const signature = signedBy(key, set, nowSeconds)
  if (signature === undefined) return 'it does not sign'
  const keys = keysOfData(apex, [dnskey])
  return signatureFault(set, signature, { apex, keys, now: nowSeconds }, verifier)
}

/** An NSEC and its signatures behind the name of the exchange, all or none. */
function putAll(x: Exchange, rdatas: readonly Uint8Array[], ttlSeconds: number): boolean {
  const each = OWNER_BYTES + RR_FIXED_BYTES
  const bytes = rdatas.reduce((sum, rdata) => sum + each + rdata.length, 0)
  // What does not fit here is left to the chain, whose own rule says that it calls for TCP.
  if (x.at + bytes > x.end || !canPoint(x, x.nameAt)) return false
  for (const [at, rdata] of rdatas.entries()) {
    const record = recordOf(at === 0 ? types.NSEC : types.RRSIG, ttlSeconds, rdata)
    putRecord(x, AUTHORITY, x.nameAt, record, 0, RR_FIXED_BYTES + rdata.length)
  }
  return true
}

function headOf({ head: template }: OnlineKey, set: Rrset, nowSeconds: number): Uint8Array {
  const head = template.slice()
  const view = viewOf(head)
  view.setUint16(0, set.type)
  view.setUint8(LABELS_AT, signedLabels(set.owner))
  view.setUint32(TTL_AT, set.ttlSeconds)
  view.setUint32(EXPIRATION_AT, nowSeconds + limits.onlineValiditySeconds.default)
  view.setUint32(INCEPTION_AT, nowSeconds - limits.signatureInceptionOffsetSeconds.default)
  return head
}

/** The types that an entry of the chain lists, behind another next name. */
function withTypesOf(x: Exchange, entry: number, next: Uint8Array): Uint8Array {
  const { words, bytes } = x.signed!
  const head = words[entry]!
  const from = ((entry + ENTRY) << 2) + (head & 0xff) + POINTER_BYTES
  const end = from + (head >>> 16)
  let at = from + RR_FIXED_BYTES
  for (let label = bytes.getUint8(at); label !== 0; label = bytes.getUint8(at)) at += label + 1
  return joined(next, octetsOf(bytes, at + 1, end - at - 1))
}

function recordOf(type: number, ttlSeconds: number, rdata: Uint8Array): DataView {
  const record = new Uint8Array(RR_FIXED_BYTES + rdata.length)
  const view = viewOf(record)
  view.setUint16(0, type)
  view.setUint16(2, CLASS_IN)
  view.setUint32(TTL_AT, ttlSeconds)
  view.setUint16(8, rdata.length)
  record.set(rdata, RR_FIXED_BYTES)
  return view
}

const octetsOf = (view: DataView, at: number, length: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset + at, length).slice()

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all
}
