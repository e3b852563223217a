/**
 * Octets of a stream that came and were not read yet.
 *
 * Memory grows with what came, never with what a length announces, and what was read leaves it.
 */
import type { Malformed } from './malformed.ts'
import { MsgpackReader } from './msgpack-read.ts'
import { NO_OCTETS } from './types.ts'

export class Inflow {
  /** Nothing more will come, so what is missing stays missing. */
  isComplete: boolean
  /** The first thing that was wrong. */
  fault: Malformed | undefined
  readonly #bytesMax: number
  #memory: Uint8Array
  #start = 0
  #end: number
  #came: number
  /** How many octets must be there before it is worth reading again. */
  #wanted = 0

  /** With `whole`, everything there will ever be. */
  constructor(bytesMax: number, whole?: Uint8Array) {
    this.#bytesMax = bytesMax
    this.#memory = whole ?? NO_OCTETS
    this.#end = this.#memory.length
    this.#came = this.#end
    this.isComplete = whole !== undefined
  }

  get length(): number {
    return this.#end - this.#start
  }

  append(octets: Uint8Array): void {
    this.#came += octets.length
    if (this.#came > this.#bytesMax) {
      this.refuse({ code: 'too-large', detail: 'a stream' })
      return
    }
    if (this.#end + octets.length > this.#memory.length) this.#move(octets.length)
    this.#memory.set(octets, this.#end)
    this.#end += octets.length
  }

  /** Whether so many octets are there; where they never will be, that is a fault. */
  has(count: number): boolean {
    if (this.fault !== undefined) return false
    if (this.length >= count) return true
    this.#want(count)
    return false
  }

  /** The octet at an offset that is there. */
  octet(offset: number): number {
    return this.#memory[this.#start + offset]!
  }

  /** A view of octets that are there, valid until the next call. */
  peek(count: number): Uint8Array {
    return this.#memory.subarray(this.#start, this.#start + count)
  }

  /** A copy of octets that are there, which are read by this. */
  take(count: number): Uint8Array {
    const octets = new Uint8Array(this.peek(count))
    this.pass(count)
    return octets
  }

  pass(count: number): void {
    this.#start += count
    this.#wanted = 0
  }

  /** One structure, where it is there whole; what is a view of it is valid until the next call. */
  structure<T>(read: (from: MsgpackReader) => T): { readonly value: T } | undefined {
    if (this.fault !== undefined || !this.has(this.#wanted)) return undefined
    const from = new MsgpackReader(this.#memory, this.#start, this.#end)
    const value = read(from)
    if (from.fault === undefined) {
      this.pass(from.at - this.#start)
      return { value }
    }
    if (from.fault.code === 'truncated') this.#want(from.wanted - this.#start)
    else this.refuse(from.fault)
    return undefined
  }

  refuse(fault: Malformed): void {
    this.fault ??= fault
  }

  #want(count: number): void {
    if (this.isComplete) this.refuse({ code: 'truncated', detail: 'a stream ended early' })
    else if (count > this.#bytesMax) this.refuse({ code: 'too-large', detail: 'a stream' })
    this.#wanted = count
  }

  /** Makes room behind what is there. */
  #move(count: number): void {
    const { length } = this
    const fits = 2 * (length + count) <= this.#memory.length
    const memory = fits ? this.#memory : new Uint8Array(Math.max(4_096, 2 * (length + count)))
    memory.set(this.#memory.subarray(this.#start, this.#end))
    this.#memory = memory
    this.#start = 0
    this.#end = length
  }
}
