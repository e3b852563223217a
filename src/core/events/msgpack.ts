/**
 * JSON values as msgpack (the specification of 2013, str8 and float64 included), both ways.
 *
 * What comes from a reader of the feed is bounded in nesting and never throws; nothing is allocated
 * for a length that the bytes do not have. Extensions and binary strings are no JSON and refused.
 */
import { limits } from '../base/limits.ts'
import { fail, ok, type Result } from '../base/result.ts'
import type { Json } from './event.ts'

/** A longer text is left to the platform's encoder. */
const ASCII_CHARS = 64

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

class Writer {
  #bytes = new Uint8Array(512)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  value(value: Json): void {
    if (value === null) this.#octet(0xc0)
    else if (typeof value === 'boolean') this.#octet(value ? 0xc3 : 0xc2)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'string') this.#text(value)
    else if (Array.isArray(value)) {
      this.#length(value.length, 0x90, 16, 0xdc)
      for (const item of value as readonly Json[]) this.value(item)
    } else {
      const fields = value as Readonly<Record<string, Json>>
      const keys = Object.keys(fields)
      const absent = keys.reduce((count, key) => count + (fields[key] === undefined ? 1 : 0), 0)
      this.#length(keys.length - absent, 0x80, 16, 0xde)
      for (const key of keys) {
        const one = fields[key]
        if (one === undefined) continue
        this.#text(key)
        this.value(one)
      }
    }
  }

  /** What was written, as a copy of exact size; the writer is as new. */
  taken(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#at)
    this.#at = 0
    return bytes
  }

  #number(value: number): void {
    if (!Number.isFinite(value)) this.#octet(0xc0)
    else if (!Number.isInteger(value) || Math.abs(value) > 0xffff_ffff || value < -0x8000_0000)
      this.#float(value)
    else if (value >= 0 && value < 0x80) this.#octet(value)
    else if (value < 0 && value >= -32) this.#octet(value & 0xff)
    else if (value < 0) this.#sized(0xd2, value, 4)
    else if (value < 0x100) this.#sized(0xcc, value, 1)
    else if (value < 0x1_0000) this.#sized(0xcd, value, 2)
    else this.#sized(0xce, value, 4)
  }

  #float(value: number): void {
    this.#room(9)
    this.#bytes[this.#at] = 0xcb
    this.#view.setFloat64(this.#at + 1, value)
    this.#at += 9
  }

  #text(text: string): void {
    if (text.length < ASCII_CHARS && this.#ascii(text)) return
    const bytes = encoder.encode(text)
    const { length } = bytes
    if (length < 32) this.#octet(0xa0 | length)
    else if (length < 0x100) this.#sized(0xd9, length, 1)
    else if (length < 0x1_0000) this.#sized(0xda, length, 2)
    else this.#sized(0xdb, length, 4)
    this.#room(length)
    this.#bytes.set(bytes, this.#at)
    this.#at += length
  }

  /** What nearly every key and name is, without the platform's encoder. */
  #ascii(text: string): boolean {
    const { length } = text
    this.#room(2 + length)
    const from = this.#at
    if (length < 32) this.#bytes[this.#at++] = 0xa0 | length
    else {
      this.#bytes[this.#at++] = 0xd9
      this.#bytes[this.#at++] = length
    }
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) {
        this.#at = from
        return false
      }
      this.#bytes[this.#at++] = code
    }
    return true
  }

  #length(count: number, short: number, most: number, tag: number): void {
    if (count < most) this.#octet(short | count)
    else if (count < 0x1_0000) this.#sized(tag, count, 2)
    else this.#sized(tag + 1, count, 4)
  }

  #sized(tag: number, value: number, size: number): void {
    this.#octet(tag)
    this.#room(size)
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8)
      this.#bytes[this.#at++] = (value >>> shift) & 0xff
  }

  #octet(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + count))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Used again and again: most values are small, and a buffer for each costs more than they do. */
const writer = new Writer()

/** The bytes of a value; a field that is undefined is left out, a number that is none is null. */
export function packJson(value: Json): Uint8Array {
  writer.value(value)
  return writer.taken()
}

class Reader {
  fault: string | undefined
  at = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(depth: number): Json {
    if (depth < 0) return this.#fail('nests too deep')
    const tag = this.#unsigned(1)
    if (tag < 0x80) return tag
    if (tag < 0x90) return this.#map(tag & 0x0f, depth)
    if (tag < 0xa0) return this.#list(tag & 0x0f, depth)
    if (tag < 0xc0) return this.#text(tag & 0x1f)
    if (tag >= 0xe0) return tag - 0x100
    if (tag === 0xc0) return null
    if (tag === 0xc2 || tag === 0xc3) return tag === 0xc3
    if (tag === 0xca || tag === 0xcb) return this.#float(tag === 0xca ? 4 : 8)
    if (tag >= 0xcc && tag <= 0xce) return this.#unsigned(1 << (tag - 0xcc))
    if (tag === 0xcf) return this.#unsigned(4) * 2 ** 32 + this.#unsigned(4)
    if (tag >= 0xd0 && tag <= 0xd2) return this.#signed(1 << (tag - 0xd0))
    if (tag === 0xd3) return this.#signed(4) * 2 ** 32 + this.#unsigned(4)
    if (tag >= 0xd9 && tag <= 0xdb) return this.#text(this.#unsigned(1 << (tag - 0xd9)))
    if (tag === 0xdc || tag === 0xdd) return this.#list(this.#unsigned(tag === 0xdc ? 2 : 4), depth)
    if (tag === 0xde || tag === 0xdf) return this.#map(this.#unsigned(tag === 0xde ? 2 : 4), depth)
    return this.#fail('holds a value that is no JSON')
  }

  #list(count: number, depth: number): Json {
    const items: Json[] = []
    // Each item takes a byte at least, so a count beyond the end fails at the end.
    for (let index = 0; index < count && this.fault === undefined; index++)
      items.push(this.value(depth - 1))
    return items
  }

  #map(count: number, depth: number): Json {
    const entries: [string, Json][] = []
    for (let index = 0; index < count && this.fault === undefined; index++) {
      const key = this.value(0)
      if (typeof key !== 'string') return this.#fail('has a key that is no text')
      entries.push([key, this.value(depth - 1)])
    }
    return Object.fromEntries(entries)
  }

  #text(length: number): Json {
    if (!this.#has(length)) return null
    this.at += length
    try {
      return decoder.decode(this.#bytes.subarray(this.at - length, this.at))
    } catch {
      return this.#fail('holds text that is not UTF-8')
    }
  }

  #float(size: 4 | 8): Json {
    if (!this.#has(size)) return null
    this.at += size
    const at = this.at - size
    return size === 4 ? this.#view.getFloat32(at) : this.#view.getFloat64(at)
  }

  #signed(size: number): number {
    const value = this.#unsigned(size)
    return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value
  }

  #unsigned(size: number): number {
    if (!this.#has(size)) return 0
    let value = 0
    for (let left = size; left > 0; left--) value = value * 256 + this.#bytes[this.at++]!
    return value
  }

  #has(count: number): boolean {
    if (this.fault !== undefined) return false
    if (this.at + count > this.#bytes.length) this.#fail('ends early')
    return this.fault === undefined
  }

  #fail(what: string): null {
    this.fault ??= what
    return null
  }
}

/** Reads one value that fills the bytes. */
export function unpackJson(bytes: Uint8Array): Result<Json, string> {
  const reader = new Reader(bytes)
  const value = reader.value(limits.feedMessageDepth.default)
  if (reader.fault !== undefined) return fail(reader.fault)
  return reader.at === bytes.length ? ok(value) : fail('goes on after its end')
}
