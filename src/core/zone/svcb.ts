/**
 * Service parameters of SVCB and HTTPS records (RFC 9460), as one field after priority and target.
 *
 * The wire form has the keys in increasing order, each once, whatever the order of the text. What a
 * client makes of the parameters is the client's.
 */
import { type Result, fail, ok } from '../base/result.ts'
import {
  type Field,
  type Octets,
  hasMore,
  numberOf,
  octetsOf,
  pushNumber,
  take,
} from './rdata-fields.ts'
import { bytesToQuoted, shown, textToBytes } from './rdata-text.ts'
import { type ParamCodec, keyName, keyNumber, opaque, paramCodecs } from './svcb-params.ts'

const MANDATORY = 0
const ALPN = 1
const NO_DEFAULT_ALPN = 2

const codecOf = (key: number): ParamCodec => paramCodecs.get(key) ?? opaque

/** `key=value` or `key="value"` as its key and the octets of its value before any list is read. */
function splitParam(word: string): Result<{ key: number; value: number[]; bare: boolean }, string> {
  const equals = word.indexOf('=')
  const keyText = equals < 0 ? word : word.slice(0, equals)
  const key = keyNumber(keyText)
  if (key === undefined) return fail(`${shown(keyText)} is not a service parameter`)
  const raw = equals < 0 ? '' : word.slice(equals + 1)
  const quoted = raw.length > 1 && raw.startsWith('"') && raw.endsWith('"')
  const value = textToBytes(quoted ? raw.slice(1, -1) : raw)
  if (!value.ok) return value
  return ok({ key, value: value.value, bare: equals < 0 })
}

function readParam(word: string): Result<{ key: number; wire: number[] }, string> {
  const split = splitParam(word)
  if (!split.ok) return split
  const { key, value, bare } = split.value
  // RFC 9460 section 2.1: `key4=...` is the wire form of key 4; it is checked all the same.
  const codec = /^key/i.test(word) ? opaque : codecOf(key)
  if (bare && codec.valueNeeded) return fail(`${keyName(key)} needs a value`)
  const wire = codec.read(value)
  if (!wire.ok) return fail(`${keyName(key)}: ${wire.error}`)
  const octets = new Uint8Array(wire.value)
  if (octets.length > 0xffff || codecOf(key).write(octets) === undefined)
    return fail(`${keyName(key)}: the value is malformed`)
  return ok({ key, wire: wire.value })
}

/** What has to hold between the parameters of one record (RFC 9460 sections 7.1.1 and 8). */
function faultAmong(params: ReadonlyMap<number, ArrayLike<number>>): string | undefined {
  if (params.has(NO_DEFAULT_ALPN) && !params.has(ALPN))
    return 'no-default-alpn needs alpn beside it'
  const mandatory = params.get(MANDATORY)
  for (let at = 0; mandatory !== undefined && at < mandatory.length; at += 2) {
    const key = mandatory[at]! * 256 + mandatory[at + 1]!
    if (!params.has(key)) return `${keyName(key)} is mandatory but not given`
  }
  return undefined
}

const isAlias = (out: ArrayLike<number>) => out[0] === 0 && out[1] === 0

/** The parameters, to the end of the data. It reads the priority back from what was pushed. */
export const serviceParams: Field = {
  label: 'service parameters',
  mayBeEmpty: true,
  read: (source, out) => {
    const params = new Map<number, number[]>()
    while (hasMore(source)) {
      const token = take(source)
      if (token.quoted) return `${shown(token.text)} is quoted; write key="value"`
      const param = readParam(token.text)
      if (!param.ok) return param.error
      // RFC 9460 section 2.1: a key must not appear more than once.
      if (params.has(param.value.key)) return `${keyName(param.value.key)} is given twice`
      params.set(param.value.key, param.value.wire)
    }
    // RFC 9460 section 2.4.2: AliasMode (priority 0) has no parameters.
    if (isAlias(out) && params.size > 0)
      return 'a record of priority 0 (an alias) has no parameters'
    const fault = faultAmong(params)
    if (fault !== undefined) return fault
    // RFC 9460 section 2.2: in strictly increasing order of their keys.
    for (const [key, wire] of [...params].sort(([a], [b]) => a - b)) {
      pushNumber(out, key, 2)
      pushNumber(out, wire.length, 2)
      for (const byte of wire) out.push(byte)
    }
    return undefined
  },
  write: (octets) => {
    const params = paramsOf(octets)
    if (params === undefined || faultAmong(params) !== undefined) return undefined
    if (isAlias(octets.bytes) && params.size > 0) return undefined
    const texts: string[] = []
    for (const [key, wire] of params) {
      const text = codecOf(key).write(wire)
      if (text === undefined) return undefined
      texts.push(text.length === 0 ? keyName(key) : `${keyName(key)}=${bytesToQuoted(text)}`)
    }
    return texts.join(' ')
  },
}

/** Keys and values to the end, in order; undefined when cut short or out of order. */
function paramsOf(octets: Octets): Map<number, Uint8Array> | undefined {
  const params = new Map<number, Uint8Array>()
  let last = -1
  while (octets.at < octets.bytes.length) {
    const key = numberOf(octets, 2)
    const length = numberOf(octets, 2)
    const value = length === undefined ? undefined : octetsOf(octets, length)
    if (key === undefined || value === undefined || key <= last || key === 0xffff) return undefined
    params.set(key, value)
    last = key
  }
  return params
}
