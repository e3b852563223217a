/**
 * The registered service parameters and how each is written (RFC 9460 sections 7 and 14.3.2).
 *
 * A codec goes from the octets of the text value, escapes already undone, to the wire value and
 * back; a wire value that the key does not allow gives undefined.
 */
import { type Result, fail, ok } from '../base/result.ts'
import { formatAddress, parseAddress } from '../net/address.ts'
import { base64ToBytes, bytesToBase64 } from './rdata-text.ts'

export interface ParamCodec {
  /** False for keys that may stand without `=value`. */
  readonly valueNeeded: boolean
  readonly read: (value: number[]) => Result<number[], string>
  readonly write: (wire: Uint8Array) => Uint8Array | undefined
}

const KEY_NAMES = [
  'mandatory',
  'alpn',
  'no-default-alpn',
  'port',
  'ipv4hint',
  'ech',
  'ipv6hint',
  'dohpath',
  'ohttp',
] as const

export const keyName = (key: number): string => KEY_NAMES[key] ?? `key${key}`

/** The number of a registered name or of `key123`; key 65535 is reserved (RFC 9460 14.3.2). */
export function keyNumber(text: string): number | undefined {
  const low = text.toLowerCase()
  const known = (KEY_NAMES as readonly string[]).indexOf(low)
  if (known >= 0) return known
  const digits = /^key(0|[1-9][0-9]{0,4})$/.exec(low)?.[1]
  return digits !== undefined && Number(digits) < 0xffff ? Number(digits) : undefined
}

const BACKSLASH = 0x5c
const COMMA = 0x2c

const asciiOf = (bytes: Iterable<number>) => String.fromCharCode(...bytes)
const bytesOf = (text: string) => Array.from(text, (char) => char.charCodeAt(0))

/**
 * A comma-separated list whose items may hold `\,` and `\\` (RFC 9460 appendix A.1). An empty item
 * is malformed.
 */
function splitList(value: readonly number[]): number[][] | undefined {
  const items: number[][] = [[]]
  for (let at = 0; at < value.length; at++) {
    const byte = value[at]!
    if (byte === COMMA) items.push([])
    else if (byte !== BACKSLASH) items.at(-1)!.push(byte)
    else {
      at += 1
      const next = value[at]
      if (next !== COMMA && next !== BACKSLASH) return undefined
      items.at(-1)!.push(next)
    }
  }
  return items.every((item) => item.length > 0) ? items : undefined
}

const escapeItem = (item: Iterable<number>): number[] =>
  [...item].flatMap((byte) => (byte === COMMA || byte === BACKSLASH ? [BACKSLASH, byte] : [byte]))

function joinList(items: readonly Iterable<number>[]): Uint8Array {
  const value: number[] = []
  for (const item of items) {
    if (value.length > 0) value.push(COMMA)
    for (const byte of item) value.push(byte)
  }
  return new Uint8Array(value)
}

/** RFC 9460 section 8: keys a client must know, in increasing order, never `mandatory` itself. */
const mandatory: ParamCodec = {
  valueNeeded: true,
  read: (value) => {
    const keys = splitList(value)?.map((item) => keyNumber(asciiOf(item.slice(0, 32))))
    if (keys === undefined || keys.includes(undefined)) return fail('is not a list of known keys')
    const sorted = (keys as number[]).sort((a, b) => a - b)
    if (sorted[0] === 0) return fail('does not list itself')
    if (new Set(sorted).size !== sorted.length) return fail('lists a key twice')
    return ok(sorted.flatMap((key) => [key >> 8, key & 0xff]))
  },
  write: (wire) => {
    if (wire.length === 0 || wire.length % 2 !== 0) return undefined
    const keys: number[] = []
    for (let at = 0; at < wire.length; at += 2) {
      const key = wire[at]! * 256 + wire[at + 1]!
      if (key <= (keys.at(-1) ?? 0) || key === 0xffff) return undefined
      keys.push(key)
    }
    return new Uint8Array(bytesOf(keys.map(keyName).join(',')))
  },
}

/** RFC 9460 section 7.1: protocol identifiers of 1 to 255 octets. */
const alpn: ParamCodec = {
  valueNeeded: true,
  read: (value) => {
    const items = splitList(value)
    if (items === undefined) return fail('is not a list of protocols, as in h2,h3')
    if (items.some((item) => item.length > 255))
      return fail('has a protocol longer than 255 octets')
    return ok(items.flatMap((item) => [item.length, ...item]))
  },
  write: (wire) => {
    const items: number[][] = []
    for (let at = 0; at < wire.length; ) {
      const end = at + 1 + wire[at]!
      if (wire[at] === 0 || end > wire.length) return undefined
      items.push(escapeItem(wire.subarray(at + 1, end)))
      at = end
    }
    return items.length === 0 ? undefined : joinList(items)
  },
}

/** A key that says all by being there (no-default-alpn, ohttp). */
const flag: ParamCodec = {
  valueNeeded: false,
  read: (value) => (value.length === 0 ? ok([]) : fail('takes no value')),
  write: (wire) => (wire.length === 0 ? wire : undefined),
}

/** RFC 9460 section 7.2. */
const port: ParamCodec = {
  valueNeeded: true,
  read: (value) => {
    const text = asciiOf(value.slice(0, 6))
    if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 0xffff)
      return fail('is not a port, 0 to 65535')
    return ok([Number(text) >> 8, Number(text) & 0xff])
  },
  write: (wire) =>
    wire.length === 2 ? new Uint8Array(bytesOf(String(wire[0]! * 256 + wire[1]!))) : undefined,
}

/** RFC 9460 section 7.3: addresses of one family, without escapes. */
const hint = (family: 4 | 6): ParamCodec => {
  const width = family === 4 ? 4 : 16
  return {
    valueNeeded: true,
    read: (value) => {
      const wire: number[] = []
      for (const item of splitList(value) ?? [[]]) {
        const text = asciiOf(item.slice(0, 64))
        const address = parseAddress(text)
        const isFamily = text.includes(':') === (family === 6) && !text.startsWith('[')
        if (!address.ok || !isFamily) return fail(`is not a list of IPv${family} addresses`)
        const { bytes } = address.value
        // An IPv4-mapped address is folded by the address reader; a hint keeps its sixteen octets.
        if (bytes.length < width) wire.push(...new Array<number>(10).fill(0), 0xff, 0xff)
        wire.push(...bytes)
      }
      return ok(wire)
    },
    write: (wire) => {
      if (wire.length === 0 || wire.length % width !== 0) return undefined
      const texts: string[] = []
      for (let at = 0; at < wire.length; at += width)
        texts.push(formatAddress(wire.subarray(at, at + width)))
      return new Uint8Array(bytesOf(texts.join(',')))
    },
  }
}

/** RFC 9848: a configuration list for Encrypted ClientHello, in base64. */
const ech: ParamCodec = {
  valueNeeded: true,
  read: (value) => (value.length === 0 ? fail('is empty') : base64ToBytes(asciiInPieces(value))),
  write: (wire) => (wire.length === 0 ? undefined : new Uint8Array(bytesOf(bytesToBase64(wire)))),
}

/** A long list of octets cannot be spread into one call. */
function asciiInPieces(value: Iterable<number>): string {
  let text = ''
  for (const byte of value) text += String.fromCharCode(byte)
  return text
}

/** Octets as they are, for keys without a format of their own (RFC 9460 section 2.1). */
export const opaque: ParamCodec = {
  valueNeeded: false,
  read: (value) => ok(value),
  write: (wire) => wire,
}

/** RFC 9461 section 5: a URI template in relative form, which holds the variable `dns`. */
const isDohPath = (value: Iterable<number>) => /^\/.*\{\??dns\}/s.test(asciiInPieces(value))

const dohpath: ParamCodec = {
  valueNeeded: true,
  read: (value) => (isDohPath(value) ? ok(value) : fail('is not a path with {?dns} in it')),
  write: (wire) => (isDohPath(wire) ? wire : undefined),
}

export const paramCodecs: ReadonlyMap<number, ParamCodec> = new Map(
  [mandatory, alpn, flag, port, hint(4), ech, hint(6), dohpath, flag].entries(),
)
