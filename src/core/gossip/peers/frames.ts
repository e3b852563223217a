/**
 * The frames overwatches compare and exchange their ledgers with, as bytes.
 *
 * Layout: `OGP1`, type (1), length of the sender's name (1), name, boot (8, Unix ms), body, MAC
 * (16). Numbers are big-endian. The first byte is no `{`, so a node that expects JSON drops a frame
 * at once. The MAC keeps those out who hold the gossip key but are no overwatch; the records are
 * versioned, so a replayed frame changes nothing.
 */
import { viewOf } from '../../base/octets.ts'
import { fail, ok, type Result } from '../../base/result.ts'
import { limits } from '../../base/limits.ts'
import { equalInConstantTime } from '../app/base64.ts'
import type { Hash64 } from './hash.ts'
import { BUCKETS } from './ledger.ts'
import { recordFault, type SharedRecord } from './record.ts'

/** Key and version of a record, hashed. */
export interface IndexEntry {
  readonly key: Hash64
  readonly version: Hash64
}

export type PeerBody =
  /** "This is all I hold": compared with what the receiver holds. */
  | { readonly type: 'root'; readonly count: number; readonly hash: Hash64 }
  | { readonly type: 'buckets'; readonly hashes: readonly Hash64[] }
  /** Everything held in these buckets; `last` is false when another page follows. */
  | {
      readonly type: 'index'
      readonly buckets: readonly number[]
      readonly entries: readonly IndexEntry[]
    }
  | { readonly type: 'want'; readonly keys: readonly Hash64[] }
  | { readonly type: 'records'; readonly records: readonly SharedRecord[] }

export interface PeerFrame {
  readonly sender: string
  readonly boot: number
  readonly body: PeerBody
}

/** Sixteen bytes that only those who hold the secret can make. */
export type Mac = (bytes: Uint8Array) => Uint8Array

export const MAC_BYTES = 16
const MAGIC = [0x4f, 0x47, 0x50, 0x31]
const TYPES = ['root', 'buckets', 'index', 'want', 'records'] as const
const HASH_BYTES = 8
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: false })

export type PeerFault = 'not-a-frame' | 'too-long' | 'bad-mac' | 'malformed'

/** Bytes a record takes in a frame. */
export const recordBytes = (record: SharedRecord): number =>
  3 * 2 +
  8 +
  4 +
  8 +
  4 +
  3 * (record.kind.length + record.id.length + record.origin.length) +
  record.body.length

class Writer {
  #bytes = new Uint8Array(4_096)
  #view = viewOf(this.#bytes)
  length = 0

  #grow(more: number): void {
    if (this.length + more <= this.#bytes.length) return
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + more))
    bytes.set(this.#bytes)
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }
  u8(value: number): void {
    this.#grow(1)
    this.#view.setUint8(this.length, value)
    this.length += 1
  }
  u16(value: number): void {
    this.#grow(2)
    this.#view.setUint16(this.length, value)
    this.length += 2
  }
  u32(value: number): void {
    this.#grow(4)
    this.#view.setUint32(this.length, value)
    this.length += 4
  }
  /** A safe integer as a float, which holds all of them. */
  f64(value: number): void {
    this.#grow(8)
    this.#view.setFloat64(this.length, value)
    this.length += 8
  }
  raw(bytes: Uint8Array): void {
    this.#grow(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }
  text(value: string): void {
    const bytes = encoder.encode(value)
    this.u16(bytes.length)
    this.raw(bytes)
  }
  hash({ hi, lo }: Hash64): void {
    this.u32(hi)
    this.u32(lo)
  }
  done(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }
}

/** Reads without ever going past the end: past it everything is 0 and `over` is true. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at = 0
  over = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }
  get left(): number {
    return this.#bytes.length - this.at
  }
  #has(count: number): boolean {
    if (this.left < count) this.over = true
    return !this.over
  }
  u8(): number {
    return this.#has(1) ? this.#view.getUint8(this.at++) : 0
  }
  u16(): number {
    if (!this.#has(2)) return 0
    this.at += 2
    return this.#view.getUint16(this.at - 2)
  }
  u32(): number {
    if (!this.#has(4)) return 0
    this.at += 4
    return this.#view.getUint32(this.at - 4)
  }
  f64(): number {
    if (!this.#has(8)) return 0
    this.at += 8
    return this.#view.getFloat64(this.at - 8)
  }
  raw(length: number): Uint8Array {
    if (!this.#has(length)) return new Uint8Array(0)
    this.at += length
    return this.#bytes.slice(this.at - length, this.at)
  }
  text(): string {
    return decoder.decode(this.raw(this.u16()))
  }
  hash(): Hash64 {
    return { hi: this.u32(), lo: this.u32() }
  }
  /** A count of items of at least `itemBytes`; more than the rest can hold is a fault. */
  count(itemBytes: number): number {
    const count = this.u32()
    if (count * itemBytes <= this.left) return count
    this.over = true
    return 0
  }
}

function writeBody(out: Writer, body: PeerBody): void {
  switch (body.type) {
    case 'root':
      out.u32(body.count)
      out.hash(body.hash)
      return
    case 'buckets':
      for (const hash of body.hashes) out.hash(hash)
      return
    case 'index':
      out.u16(body.buckets.length)
      for (const bucket of body.buckets) out.u16(bucket)
      out.u32(body.entries.length)
      for (const { key, version } of body.entries) {
        out.hash(key)
        out.hash(version)
      }
      return
    case 'want':
      out.u32(body.keys.length)
      for (const key of body.keys) out.hash(key)
      return
    case 'records':
      out.u32(body.records.length)
      for (const record of body.records) writeRecord(out, record)
  }
}

function writeRecord(out: Writer, record: SharedRecord): void {
  out.text(record.kind)
  out.text(record.id)
  out.text(record.origin)
  out.f64(record.stamp)
  out.u32(record.seq)
  out.f64(record.keepUntilMs)
  out.u32(record.body.length)
  out.raw(record.body)
}

function readRecord(from: Reader): SharedRecord {
  const kind = from.text()
  const id = from.text()
  const origin = from.text()
  const stamp = from.f64()
  const seq = from.u32()
  const keepUntilMs = from.f64()
  const body = from.raw(from.u32())
  return { kind, id, origin, stamp, seq, keepUntilMs, body }
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

function readIndex(from: Reader): PeerBody | undefined {
  const buckets = times(Math.min(from.u16(), BUCKETS), () => from.u16())
  if (buckets.some((bucket) => bucket >= BUCKETS)) return
  const entries = times(from.count(2 * HASH_BYTES), () => ({
    key: from.hash(),
    version: from.hash(),
  }))
  return { type: 'index', buckets, entries }
}

function readBody(from: Reader, type: (typeof TYPES)[number]): PeerBody | undefined {
  switch (type) {
    case 'root':
      return { type, count: from.u32(), hash: from.hash() }
    case 'buckets':
      return { type, hashes: times(BUCKETS, () => from.hash()) }
    case 'index':
      return readIndex(from)
    case 'want':
      return { type, keys: times(from.count(HASH_BYTES), () => from.hash()) }
    case 'records': {
      const records: SharedRecord[] = []
      for (let left = from.count(34); left > 0 && !from.over; left--) records.push(readRecord(from))
      return records.some((record) => recordFault(record) !== undefined)
        ? undefined
        : { type, records }
    }
  }
}

export function encodeFrame({ sender, boot, body }: PeerFrame, mac: Mac): Uint8Array {
  const out = new Writer()
  const name = encoder.encode(sender).subarray(0, 255)
  for (const octet of MAGIC) out.u8(octet)
  out.u8(TYPES.indexOf(body.type))
  out.u8(name.length)
  out.raw(name)
  out.f64(boot)
  writeBody(out, body)
  out.raw(mac(out.done()))
  return out.done()
}

export const isFrame = (bytes: Uint8Array): boolean =>
  bytes.length > MAGIC.length && MAGIC.every((octet, at) => bytes[at] === octet)

/** Reads a frame of untrusted bytes; nothing of it is looked at before its MAC is right. */
export function decodeFrame(bytes: Uint8Array, mac: Mac): Result<PeerFrame, PeerFault> {
  if (!isFrame(bytes)) return fail('not-a-frame')
  if (bytes.length > limits.peerFrameBytesMax.max) return fail('too-long')
  if (bytes.length < MAGIC.length + 10 + MAC_BYTES) return fail('malformed')
  const signed = bytes.subarray(0, bytes.length - MAC_BYTES)
  if (!equalInConstantTime(mac(signed), bytes.subarray(signed.length))) return fail('bad-mac')
  const from = new Reader(signed)
  from.at = MAGIC.length
  const type = TYPES[from.u8()]
  const sender = decoder.decode(from.raw(from.u8()))
  const boot = from.f64()
  if (type === undefined || sender === '' || !Number.isSafeInteger(boot) || boot < 0)
    return fail('malformed')
  const body = readBody(from, type)
  if (body === undefined || from.over || from.left > 0) return fail('malformed')
  return ok({ sender, boot, body })
}
