/**
 * Values of the data section of a MaxMind DB file (specification 2.0, "Data Section").
 *
 * A file may come from anywhere, so everything is bounded before it is read: what does not fit the
 * file, the depth or the number of values makes the whole value a fault, and nothing throws.
 */
import { geoLimits } from '../base/limits/geo.ts'
import { fail, ok, type Result } from '../base/result.ts'

export type MmdbValue =
  | string
  | number
  | boolean
  | Uint8Array
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue }

const POINTER = 1
const TEXT = 2
const DOUBLE = 3
const BYTES = 4
const UINT16 = 5
const UINT32 = 6
const MAP = 7
const INT32 = 8
const UINT64 = 9
const UINT128 = 10
const ARRAY = 11
const BOOLEAN = 14
const FLOAT = 15

/** Most bytes of a number of each kind. */
const NUMBER_BYTES: Readonly<Record<number, number>> = {
  [UINT16]: 2,
  [UINT32]: 4,
  [INT32]: 4,
  [UINT64]: 8,
  [UINT128]: 16,
}

/** What is added to a pointer of 1, 2, 3 and 4 further bytes. */
const POINTER_BASE = [0, 2_048, 526_336, 0] as const

const text = new TextDecoder()

class Reader {
  fault = ''
  at: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Where the section begins and ends. */
  readonly #from: number
  readonly #to: number
  #values = 0

  constructor(bytes: Uint8Array, from: number, to: number, at: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#from = from
    this.#to = to
    this.at = at
  }

  #wrong(fault: string): undefined {
    if (this.fault === '') this.fault = `${fault} at byte ${this.at}`
    return undefined
  }

  /** An unsigned number of so many bytes; past 2^53 it loses its last digits. */
  #uint(bytes: number): number {
    if (this.at + bytes > this.#to) {
      this.#wrong('a value does not fit the file')
      return 0
    }
    let value = 0
    for (let count = 0; count < bytes; count++) value = value * 256 + this.#bytes[this.at++]!
    return value
  }

  #size(control: number): number {
    const size = control & 31
    if (size === 29) return 29 + this.#uint(1)
    if (size === 30) return 285 + this.#uint(2)
    return size === 31 ? 65_821 + this.#uint(3) : size
  }

  value(depth = 0, isTarget = false): MmdbValue | undefined {
    if (this.fault !== '') return undefined
    if (depth > geoLimits.geoRecordDepth.default) return this.#wrong('values nest too deep')
    if (++this.#values > geoLimits.geoRecordValues.default)
      return this.#wrong('a record has too many values')
    const control = this.#uint(1)
    const type = control >> 5 === 0 ? this.#uint(1) + 7 : control >> 5
    // A pointer to a pointer is not allowed, and could go round for ever.
    if (type === POINTER)
      return isTarget ? this.#wrong('a pointer to a pointer') : this.#follow(control, depth)
    const size = this.#size(control)
    if (this.fault !== '') return undefined
    return this.#typed(type, size, depth)
  }

  #follow(control: number, depth: number): MmdbValue | undefined {
    const length = (control >> 3) & 3
    const high = length === 3 ? 0 : (control & 7) * 2 ** (8 * (length + 1))
    const target = this.#from + high + this.#uint(length + 1) + POINTER_BASE[length]!
    const back = this.at
    if (target >= this.#to) return this.#wrong('a pointer leads out of the file')
    this.at = target
    const value = this.value(depth + 1, true)
    this.at = back
    return value
  }

  #typed(type: number, size: number, depth: number): MmdbValue | undefined {
    switch (type) {
      case TEXT:
      case BYTES:
        return this.#octets(type, size)
      case MAP:
        return this.#map(size, depth)
      case ARRAY:
        return this.#array(size, depth)
      case BOOLEAN:
        return size > 1 ? this.#wrong('a boolean of another value') : size === 1
      case DOUBLE:
      case FLOAT:
        return this.#real(type, size)
      default:
        return this.#number(type, size)
    }
  }

  #octets(type: number, size: number): MmdbValue | undefined {
    if (this.at + size > this.#to) return this.#wrong('a text does not fit the file')
    if (size > geoLimits.geoTextBytes.default) return this.#wrong('a text is too long')
    const octets = this.#bytes.slice(this.at, this.at + size)
    this.at += size
    return type === TEXT ? text.decode(octets) : octets
  }

  #number(type: number, size: number): MmdbValue | undefined {
    const most = NUMBER_BYTES[type]
    if (most === undefined || size > most)
      return this.#wrong(`no value of type ${type} and size ${size}`)
    const value = this.#uint(size)
    return type === INT32 && size === 4 ? value | 0 : value
  }

  #real(type: number, size: number): MmdbValue | undefined {
    if (size !== (type === DOUBLE ? 8 : 4)) return this.#wrong('a real number of another size')
    if (this.at + size > this.#to) return this.#wrong('a value does not fit the file')
    const value = type === DOUBLE ? this.#view.getFloat64(this.at) : this.#view.getFloat32(this.at)
    this.at += size
    return value
  }

  #map(size: number, depth: number): MmdbValue | undefined {
    // Without a prototype, so that no key means anything.
    const map = Object.create(null) as Record<string, MmdbValue>
    for (let count = 0; count < size; count++) {
      const key = this.value(depth + 1)
      const value = this.value(depth + 1)
      if (value === undefined) return undefined
      if (typeof key !== 'string') return this.#wrong('a key that is no text')
      map[key] = value
    }
    return map
  }

  #array(size: number, depth: number): MmdbValue | undefined {
    const list: MmdbValue[] = []
    for (let count = 0; count < size; count++) {
      const value = this.value(depth + 1)
      if (value === undefined) return undefined
      list.push(value)
    }
    return list
  }
}

/**
 * The value at `at` in a section of a file, which pointers are relative to.
 *
 * @returns the value, or what is wrong with it and where
 */
export function readValue(
  bytes: Uint8Array,
  section: { readonly from: number; readonly to: number },
  at: number,
): Result<MmdbValue, string> {
  const reader = new Reader(bytes, section.from, section.to, at)
  const value = reader.value()
  return value === undefined ? fail(reader.fault) : ok(value)
}
