/**
 * Reading msgpack as HashiCorp's Go programs write it: maps of text keys, integers, raw strings.
 *
 * The first fault stays: after it every read gives a zero value, so a reader of a structure needs
 * one check at its end. Every length is compared with its limit, then with what is there, before
 * anything is allocated. Values of unknown keys are skipped without recursion. Floats, times and
 * extensions have no place in these structures; they can only be skipped.
 */
import { limits } from '../../base/limits.ts'
import type { Malformed, MalformedCode } from './malformed.ts'
import { copyOf, NO_OCTETS } from './types.ts'
import { textOf } from './text.ts'

const ENTRIES_MAX = limits.wireMapEntries.default
const SKIPPED_MAX = limits.wireSkippedItems.default
const FIELD_BYTES_MAX = limits.wireFieldBytes.default
const KEY_BYTES_MAX = 64

export class MsgpackReader {
  /** Where the next value begins. */
  at: number
  /** The first thing that was wrong. */
  fault: Malformed | undefined
  /** With a fault `truncated`: the offset that octets must reach before it is worth trying. */
  wanted = 0
  readonly #octets: Uint8Array
  readonly #end: number
  #skipped = 0

  constructor(octets: Uint8Array, at = 0, end = octets.length) {
    this.#octets = octets
    this.at = at
    this.#end = end
  }

  /** How many entries the map has that begins here. Nil is a map without entries, as in Go. */
  entries(): number {
    const tag = this.#octet()
    let count = 0
    if (tag >= 0x80 && tag <= 0x8f) count = tag & 0x0f
    else if (tag === 0xde) count = this.#unsigned(2)
    else if (tag === 0xdf) count = this.#unsigned(4)
    else if (tag !== 0xc0) return this.#fail('bad-field', 'a map is expected')
    return count > ENTRIES_MAX ? this.#fail('too-large', 'a map has too many entries') : count
  }

  key(): string {
    return this.text(KEY_BYTES_MAX)
  }

  /** Any integer form, for any integer field: members differ in which they choose. */
  integer(min: number, max: number): number {
    const value = this.#integer()
    if (value >= min && value <= max) return value
    return this.#fail('out-of-range', 'a number is outside the range of its field')
  }

  boolean(): boolean {
    const tag = this.#octet()
    if (tag !== 0xc2 && tag !== 0xc3 && tag !== 0xc0) this.#fail('bad-field', 'not a boolean')
    return tag === 0xc3
  }

  text(bytesMax: number): string {
    const length = this.#rawLength(bytesMax)
    const start = this.at
    this.at += length
    const text = textOf(this.#octets, start, this.at)
    if (text === undefined) this.#fail('bad-text', 'text is not UTF-8')
    return text ?? ''
  }

  /** A copy of a raw string, at most `bytesMax` long. */
  octets(bytesMax: number): Uint8Array {
    return copyOf(this.view(bytesMax))
  }

  /** A raw string as a view of what is read, at most `bytesMax` long. */
  view(bytesMax: number): Uint8Array {
    const length = this.#rawLength(bytesMax)
    if (length === 0) return NO_OCTETS
    this.at += length
    return this.#octets.subarray(this.at - length, this.at)
  }

  /** Passes over one value, whatever it is. */
  skip(): void {
    for (let pending = 1; pending > 0 && this.fault === undefined; pending--) {
      pending += this.#skipOne()
      this.#skipped++
      if (this.#skipped + pending > SKIPPED_MAX)
        this.#fail('too-large', 'an unknown field holds too many values')
    }
  }

  /** Passes over one value without what it contains, and gives how many values that is. */
  #skipOne(): number {
    const tag = this.#octet()
    if (tag < 0x80 || tag >= 0xe0) return 0
    if (tag < 0x90) return 2 * (tag & 0x0f)
    if (tag < 0xa0) return tag & 0x0f
    if (tag < 0xc0) return this.#pass(tag & 0x1f)
    if (tag === 0xdc) return this.#unsigned(2)
    if (tag === 0xdd) return this.#unsigned(4)
    if (tag === 0xde) return 2 * this.#unsigned(2)
    if (tag === 0xdf) return 2 * this.#unsigned(4)
    // c7..c9: an extension has a length, then its kind, which the length does not count.
    if (tag >= 0xc7 && tag <= 0xc9) return this.#pass(this.#unsigned(1 << (tag - 0xc7)) + 1)
    if (tag >= 0xd9 && tag <= 0xdb) return this.#pass(this.#unsigned(1 << (tag - 0xd9)))
    if (tag >= 0xc4 && tag <= 0xc6) return this.#pass(this.#unsigned(1 << (tag - 0xc4)))
    return this.#pass(scalarBytes[tag - 0xc0]!)
  }

  #pass(length: number): number {
    if (length > FIELD_BYTES_MAX) return this.#fail('too-large', 'an unknown field is too long')
    if (this.#has(length)) this.at += length
    return 0
  }

  /** The length of the raw, str or bin value here, all of which is present. */
  #rawLength(bytesMax: number): number {
    const tag = this.#octet()
    let length = 0
    if (tag >= 0xa0 && tag <= 0xbf) length = tag & 0x1f
    else if (tag === 0xd9 || tag === 0xc4) length = this.#unsigned(1)
    else if (tag === 0xda || tag === 0xc5) length = this.#unsigned(2)
    else if (tag === 0xdb || tag === 0xc6) length = this.#unsigned(4)
    else if (tag !== 0xc0) return this.#fail('bad-field', 'a raw string is expected')
    if (length > bytesMax) return this.#fail('too-large', 'a field is over its limit')
    return this.#has(length) ? length : 0
  }

  #integer(): number {
    const tag = this.#octet()
    if (tag < 0x80) return tag
    if (tag >= 0xe0) return tag - 0x100
    if (tag >= 0xcc && tag <= 0xcf) return this.#unsigned(1 << (tag - 0xcc))
    if (tag >= 0xd0 && tag <= 0xd2) return this.#signed(1 << (tag - 0xd0))
    // Above 53 bits the sum is rounded, which no field notices: none is wider than 32. The high
    // half takes its sign first, or rounding would make a small negative number zero.
    if (tag === 0xd3) return this.#signed(4) * 2 ** 32 + this.#unsigned(4)
    // Nil is the zero value of any field, as for Go's decoder.
    return tag === 0xc0 ? 0 : this.#fail('bad-field', 'an integer is expected')
  }

  #signed(size: number): number {
    const value = this.#unsigned(size)
    return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value
  }

  #unsigned(size: number): number {
    if (!this.#has(size)) return 0
    let value = 0
    for (let left = size; left > 0; left--) value = value * 256 + this.#octets[this.at++]!
    return value
  }

  #octet(): number {
    return this.#has(1) ? this.#octets[this.at++]! : 0xc0
  }

  #has(count: number): boolean {
    if (this.fault !== undefined) return false
    if (this.at + count <= this.#end) return true
    this.wanted = this.at + count
    this.#fail('truncated', 'a value ends early')
    return false
  }

  /** Says that what was read, though well formed, cannot be meant. */
  refuse(code: MalformedCode, detail: string): void {
    this.#fail(code, detail)
  }

  #fail(code: MalformedCode, detail: string): 0 {
    this.fault ??= { code, detail }
    return 0
  }
}

/** Octets after the tags c0..df that stand for a scalar; the others are handled before. */
const scalarBytes = [
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0,
]
