/**
 * Who is behind which resolver as octets: for the file of an overwatch.
 *
 *     u32  mark             "OGC1"
 *     u16  names; of each
 *       u16  length, and the name in UTF-8
 *       u16  resolvers; of each u8 family, 16 octets of an address
 *       u32  networks; of each u8 family, u8 length, 16 octets address, f32 connections of itself,
 *            u8 parts; of each u16 resolver, f32 connections
 *     u32  CRC-32 of all before it
 *
 * Little-endian. A resolver is kept by an address of its network and not by a number, so that it is
 * found again with other databases. What is read is bounded by its length, and never throws.
 */
import { crc32 } from '../base/crc32.ts'
import { limits } from '../base/limits.ts'
import { fail, ok, type Result } from '../base/result.ts'
import { type Address, addressOf, type Prefix } from '../net/address.ts'
import type { Divided } from './catchments.ts'

/** Of one name; parts of networks name resolvers by where they stand in the list. */
export interface KeptCatchments {
  readonly name: string
  readonly resolvers: readonly Uint8Array[]
  readonly networks: readonly (readonly [Prefix, Divided])[]
}

const MARK = 0x3143474f
const ADDRESS_BYTES = 17
const NETWORK_BYTES = ADDRESS_BYTES + 1 + 4 + 1
const PART_BYTES = 6
const HEAD_BYTES = 6
const NAMES_MAX = 0xffff
const CRC_BYTES = 4

/** Octets of one name's part of the file. */
const bytesOf = (nameBytes: number, { resolvers, networks }: KeptCatchments): number =>
  networks.reduce(
    (sum, [, { parts }]) => sum + NETWORK_BYTES + parts.length * PART_BYTES,
    2 + nameBytes + 2 + resolvers.length * ADDRESS_BYTES + 4,
  )

/** The first of them that make no larger a file than can be read again. */
export function fitting(all: readonly KeptCatchments[]): readonly KeptCatchments[] {
  let left = limits.latencyFileBytes.default - HEAD_BYTES - CRC_BYTES
  return all.slice(0, NAMES_MAX).filter((one) => {
    left -= bytesOf(3 * one.name.length, one)
    return left >= 0
  })
}

export function encodeCatchments(all: readonly KeptCatchments[]): Uint8Array {
  const texts = all.map(({ name }) => new TextEncoder().encode(name))
  const bytes = all.reduce(
    (sum, one, at) => sum + bytesOf(texts[at]!.length, one),
    HEAD_BYTES + CRC_BYTES,
  )
  const octets = new Uint8Array(bytes)
  const writer = new Writer(octets)
  writer.u32(MARK)
  writer.u16(all.length)
  for (const [at, { resolvers, networks }] of all.entries()) {
    writer.u16(texts[at]!.length)
    writer.octets(texts[at]!, texts[at]!.length)
    writer.u16(resolvers.length)
    for (const address of resolvers) writer.address(address)
    writer.u32(networks.length)
    for (const [{ address, length }, { own, parts }] of networks) {
      writer.address(address.bytes)
      writer.u8(length)
      writer.f32(own)
      writer.u8(parts.length)
      for (const [resolver, connections] of parts) {
        writer.u16(resolver)
        writer.f32(connections)
      }
    }
  }
  writer.u32(crc32(octets.subarray(0, bytes - CRC_BYTES)))
  return octets
}

/** What was kept; the error says what is wrong with it. */
export function decodeCatchments(octets: Uint8Array): Result<readonly KeptCatchments[], string> {
  const end = octets.length - CRC_BYTES
  if (end < HEAD_BYTES) return fail('too short')
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  if (view.getUint32(0, true) !== MARK) return fail('not who is behind resolvers')
  if (view.getUint32(end, true) !== crc32(octets.subarray(0, end))) return fail('damaged')
  const reader = new Reader(octets.subarray(0, end), 4)
  const all: KeptCatchments[] = []
  for (let left = reader.u16(); left > 0 && !reader.isPast; left--) {
    const name = new TextDecoder().decode(reader.octets(reader.u16()))
    const resolvers: Uint8Array[] = []
    for (let more = reader.u16(); more > 0 && !reader.isPast; more--)
      resolvers.push(reader.address()?.bytes ?? new Uint8Array(4))
    const networks: (readonly [Prefix, Divided])[] = []
    for (let more = reader.u32(); more > 0 && !reader.isPast; more--) {
      const network = readNetwork(reader, resolvers.length)
      if (network !== undefined) networks.push(network)
    }
    all.push({ name, resolvers, networks })
  }
  return reader.isPast ? fail('a count runs past the end') : ok(all)
}

/** Undefined for what cannot be: it is left out. */
function readNetwork(reader: Reader, resolvers: number): readonly [Prefix, Divided] | undefined {
  const address = reader.address()
  const length = reader.u8()
  const own = reader.f32()
  const parts: [number, number][] = []
  for (let more = reader.u8(); more > 0 && !reader.isPast; more--) {
    const [resolver, connections] = [reader.u16(), reader.f32()]
    if (resolver < resolvers && connections > 0 && Number.isFinite(connections))
      parts.push([resolver, connections])
  }
  if (address === undefined || length > address.bytes.length * 8) return undefined
  return Number.isFinite(own) && own >= 0
    ? [
        { address, length },
        { own, parts },
      ]
    : undefined
}

class Writer {
  readonly #octets: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(octets: Uint8Array) {
    this.#octets = octets
    this.#view = new DataView(octets.buffer)
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at++, value)
  }

  u16(value: number): void {
    this.#view.setUint16(this.#at, value, true)
    this.#at += 2
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  f32(value: number): void {
    this.#view.setFloat32(this.#at, value, true)
    this.#at += 4
  }

  octets(own: Uint8Array, room: number): void {
    this.#octets.set(own, this.#at)
    this.#at += room
  }

  address(bytes: Uint8Array): void {
    this.u8(bytes.length === 4 ? 4 : 6)
    this.octets(bytes, ADDRESS_BYTES - 1)
  }
}

/** Past the end everything is 0, and `isPast` tells. */
class Reader {
  isPast = false
  readonly #octets: Uint8Array
  readonly #view: DataView
  #at: number

  constructor(octets: Uint8Array, at: number) {
    this.#octets = octets
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    this.#at = at
  }

  #step(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#octets.length) {
      this.isPast = true
      return -1
    }
    this.#at += bytes
    return at
  }

  u8(): number {
    const at = this.#step(1)
    return at < 0 ? 0 : this.#view.getUint8(at)
  }

  u16(): number {
    const at = this.#step(2)
    return at < 0 ? 0 : this.#view.getUint16(at, true)
  }

  u32(): number {
    const at = this.#step(4)
    return at < 0 ? 0 : this.#view.getUint32(at, true)
  }

  f32(): number {
    const at = this.#step(4)
    return at < 0 ? 0 : this.#view.getFloat32(at, true)
  }

  octets(count: number): Uint8Array {
    const at = this.#step(count)
    return at < 0 ? new Uint8Array(0) : this.#octets.slice(at, at + count)
  }

  /** Undefined for what is none. */
  address(): Address | undefined {
    const family = this.u8()
    const bytes = this.octets(ADDRESS_BYTES - 1)
    if ((family !== 4 && family !== 6) || this.isPast) return undefined
    const address = addressOf(bytes.slice(0, family === 4 ? 4 : 16))
    // An address of IPv4 written as one of IPv6 is not ours.
    return address.family === family ? address : undefined
  }
}
