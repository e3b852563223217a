/**
 * IP addresses, prefixes and `host:port` strings.
 *
 * One canonical spelling for each address (RFC 5952 for IPv6, IPv4-mapped addresses folded to
 * IPv4), so that a server is the same server however it was written.
 */
import { type Result, fail, ok } from '../base/result.ts'
import { isMapped } from './mapped.ts'

export type Family = 4 | 6

export interface Address {
  readonly family: Family
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly text: string
  /** Network order, 4 or 16 bytes. */
  readonly bytes: Uint8Array
}

const V4_PART = '(0|[1-9][0-9]{0,2})'
const V4 = new RegExp(`^${[V4_PART, V4_PART, V4_PART, V4_PART].join('\\.')}$`)

function parseV4(text: string): Uint8Array | undefined {
  const parts = V4.exec(text)
  if (parts === null) return undefined
  const bytes = new Uint8Array(4)
  for (let index = 0; index < 4; index++) {
    const part = Number(parts[index + 1])
    if (part > 255) return undefined
    bytes[index] = part
  }
  return bytes
}

/** The groups of one side of `::`, a trailing dotted quad counting as two. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const quad = index === parts.length - 1 ? parseV4(part) : undefined
      if (quad === undefined) return undefined
      groups.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function parseV6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2 || (halves.length === 2 && halves[0]!.includes('.'))) return undefined
  const left = groupsOf(halves[0]!)
  const right = halves.length === 2 ? groupsOf(halves[1]!) : []
  if (left === undefined || right === undefined) return undefined
  const missing = 8 - left.length - right.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const bytes = new Uint8Array(16)
  const groups = [...left, ...new Array<number>(missing).fill(0), ...right]
  for (const [index, group] of groups.entries()) {
    bytes[index * 2] = group >> 8
    bytes[index * 2 + 1] = group & 0xff
  }
  return bytes
}

/** The canonical text of 4 or 16 bytes in network order. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push((bytes[at]! << 8) | bytes[at + 1]!)
  // RFC 5952 section 4.2: the longest run of two or more zero groups, the first of equals.
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  if (best.at < 0) return hex(groups)
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`
}

/** The address of 4 or 16 bytes; an IPv4-mapped IPv6 address becomes the IPv4 one. */
export function addressOf(bytes: Uint8Array): Address {
  const own = bytes.length === 16 && isMapped(bytes) ? bytes.slice(12) : bytes
  return { family: own.length === 4 ? 4 : 6, text: formatAddress(own), bytes: own }
}

/** Reads an IP literal, bracketed or not; zones (`%eth0`) and octal quads are refused. */
export function parseAddress(text: string): Result<Address, string> {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const bytes = bare.includes(':') ? parseV6(bare) : parseV4(bare)
  return bytes === undefined ? fail(`"${text}" is not an IP address`) : ok(addressOf(bytes))
}

export interface Prefix {
  readonly address: Address
  readonly length: number
}

/** Reads `address/length`, or a bare address as its full-length prefix. Host bits are cleared. */
export function parsePrefix(text: string): Result<Prefix, string> {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (!address.ok) return fail(`"${text}" is not a network in CIDR notation`)
  const widest = address.value.bytes.length * 8
  const lengthText = slash < 0 ? String(widest) : text.slice(slash + 1)
  if (!/^[0-9]{1,3}$/.test(lengthText) || Number(lengthText) > widest)
    return fail(`"${text}" has a prefix length outside 0-${widest}`)
  const length = Number(lengthText)
  const bytes = address.value.bytes.slice()
  for (let bit = length; bit < widest; bit++) bytes[bit >> 3]! &= ~(0x80 >> (bit & 7))
  const family = address.value.family
  return ok({ address: { family, text: formatAddress(bytes), bytes }, length })
}

/** Whether the prefix covers the address; families never cover each other. */
export function covers(prefix: Prefix, bytes: Uint8Array): boolean {
  const own = prefix.address.bytes
  if (own.length !== bytes.length) return false
  const whole = prefix.length >> 3
  for (let at = 0; at < whole; at++) if (own[at] !== bytes[at]) return false
  const rest = prefix.length & 7
  if (rest === 0) return true
  const mask = (0xff << (8 - rest)) & 0xff
  return (own[whole]! & mask) === (bytes[whole]! & mask)
}

export interface Endpoint {
  /** Empty means every address of the machine. */
  readonly host: string
  readonly port: number
}

/** Reads `host:port`, `[v6]:port` or `:port`; port 0 (any free port) is allowed. */
export function parseEndpoint(text: string): Result<Endpoint, string> {
  const colon = text.lastIndexOf(':')
  const host = colon < 0 ? '' : text.slice(0, colon)
  const port = text.slice(colon + 1)
  const bracketed = host.startsWith('[') && host.endsWith(']')
  if (colon < 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535)
    return fail(`"${text}" is not host:port`)
  if (host.includes(':') && !bracketed)
    return fail(`"${text}": an IPv6 host is written in brackets, as in [::1]:53`)
  return ok({ host: bracketed ? host.slice(1, -1) : host, port: Number(port) })
}

/** `address:port`, with IPv6 in brackets. */
export const formatEndpoint = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** The key of a server: `service:address:port` as the spec writes it, IPv6 in brackets. */
export const serverKey = (service: string, address: string, port: number): string =>
  `${service}:${formatEndpoint(address, port)}`
