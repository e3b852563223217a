/**
 * Writing msgpack in the old raw flavour, byte for byte as HashiCorp's Go programs do.
 *
 * Text and octets alike are `raw`, never str8 or bin; integers take their shortest unsigned form;
 * the caller writes keys in alphabetical order, which is the order those programs write.
 */
import { assert } from '../../base/assert.ts'
import { octetsOf } from './text.ts'

export class MsgpackWriter {
  #octets: Uint8Array
  #at = 0

  constructor(expectedBytes = 128) {
    this.#octets = new Uint8Array(expectedBytes)
  }

  get length(): number {
    return this.#at
  }

  /** An octet as it is: the type before a body. */
  octet(value: number): void {
    this.#room(1)
    this.#octets[this.#at++] = value
  }

  /** Octets as they are, without a header. */
  plain(octets: Uint8Array): void {
    this.#room(octets.length)
    this.#octets.set(octets, this.#at)
    this.#at += octets.length
  }

  entries(count: number): void {
    assert(count < 16, 'a structure has fewer than sixteen fields')
    this.octet(0x80 | count)
  }

  /** Text: a key, a name, an error. */
  text(text: string): void {
    if (!this.#shortAscii(text)) this.#raw(octetsOf(text))
  }

  /** Octets; none are nil, as an absent slice is in Go. */
  octets(octets: Uint8Array): void {
    if (octets.length === 0) this.octet(0xc0)
    else this.#raw(octets)
  }

  integer(value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'an integer is a u32')
    this.#room(5)
    if (value >= 0x80)
      this.#octets[this.#at++] = value < 0x100 ? 0xcc : value < 0x1_0000 ? 0xcd : 0xce
    if (value >= 0x1_0000) this.#big(value, 4)
    else if (value >= 0x100) this.#big(value, 2)
    else this.#octets[this.#at++] = value
  }

  boolean(value: boolean): void {
    this.octet(value ? 0xc3 : 0xc2)
  }

  /** What was written, as a copy of exact size. */
  taken(): Uint8Array {
    return this.#octets.slice(0, this.#at)
  }

  /** Writes what nearly every key and name is, without the platform's encoder. */
  #shortAscii(text: string): boolean {
    if (text.length >= 32) return false
    this.#room(32)
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) return false
      this.#octets[this.#at + 1 + index] = code
    }
    this.#octets[this.#at] = 0xa0 | text.length
    this.#at += 1 + text.length
    return true
  }

  #raw(octets: Uint8Array): void {
    const { length } = octets
    this.#room(5 + length)
    if (length < 32) this.#octets[this.#at++] = 0xa0 | length
    else if (length < 0x1_0000) {
      this.#octets[this.#at++] = 0xda
      this.#big(length, 2)
    } else {
      this.#octets[this.#at++] = 0xdb
      this.#big(length, 4)
    }
    this.#octets.set(octets, this.#at)
    this.#at += length
  }

  #big(value: number, size: number): void {
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8)
      this.#octets[this.#at++] = (value >>> shift) & 0xff
  }

  #room(count: number): void {
    if (this.#at + count <= this.#octets.length) return
    const grown = new Uint8Array(Math.max(2 * this.#octets.length, this.#at + count))
    grown.set(this.#octets.subarray(0, this.#at))
    this.#octets = grown
  }
}
