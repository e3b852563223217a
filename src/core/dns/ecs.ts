/**
 * The client subnet option (RFC 7871): checked, believed or not, and kept to be echoed.
 *
 * Where it is believed its prefix stands for the client. The scope told is that of the decision
 * (core/steer/scope.ts), 0 where the answer does not depend on the client.
 */
import { copyWords } from '../base/octets.ts'
import { parsePrefix } from '../net/address.ts'
import { ClientMap, clientMapParts } from '../net/client-map.ts'
import { isMapped, MAPPED_BITS } from '../net/mapped.ts'
import { type Prefixes, type Ranges, rangesOf, type Words, wordsOf } from '../net/ranges.ts'
import { ownMemory } from '../base/memory.ts'
import { ECS_BYTES_MAX, type Exchange } from './exchange.ts'

export interface SubnetSettings {
  /** Networks of resolvers whose option is believed, in CIDR notation; empty: everybody's. */
  readonly trustedNetworks: readonly string[]
}

const TRUSTED = 1

/** Whose client subnet option is believed. */
export class SubnetTrust {
  /** Undefined: everybody's. */
  readonly #map: ClientMap | undefined

  constructor({ trustedNetworks }: SubnetSettings) {
    const of = (words: Words) => rangesOf(prefixesOf(trustedNetworks, words), 0)
    const parts = (v4: Ranges, v6: Ranges) => clientMapParts(v4, v6, ownMemory)
    this.#map = trustedNetworks.length === 0 ? undefined : new ClientMap(parts(of(1), of(4)))
  }

  believes(resolver: Uint8Array): boolean {
    if (this.#map === undefined) return true
    return this.#map.classOf(resolver.length === 16 ? 6 : 4, resolver) === TRUSTED
  }
}

function prefixesOf(networks: readonly string[], words: Words): Prefixes {
  const own = networks
    .map((text) => parsePrefix(text))
    .flatMap((read) => (read.ok ? [read.value] : []))
    .filter(({ address }) => wordsOf(address.family) === words)
  const starts = new Uint32Array(own.length * words)
  for (const [at, { address }] of own.entries()) {
    const view = new DataView(address.bytes.buffer, address.bytes.byteOffset)
    for (let word = 0; word < words; word++) starts[at * words + word] = view.getUint32(word * 4)
  }
  return {
    words,
    starts,
    lengths: Uint8Array.from(own, ({ length }) => length),
    values: new Int32Array(own.length).fill(TRUSTED),
  }
}

/**
 * Lets the prefix of the option stand for the client.
 *
 * RFC 7871 section 7.1.2: source prefix 0 says that nothing is to be known of the client; then, as
 * without the option, all there is to go by is the resolver's own address.
 *
 * An IPv4 address within IPv6 is the client of that IPv4 address, here as everywhere; what is
 * echoed stays as it came, and the scope counts from the 96 bits before it (core/steer/scope.ts).
 */
export function takeSubnet(x: Exchange): void {
  const bits = x.ecs.getUint8(2)
  if (bits === 0) return
  const subject = x.ecs.getUint16(0) === FAMILY_IPV6 ? x.subnet6 : x.subnet4
  const given = x.ecsBytes - FIXED_BYTES
  for (let byte = 0; byte < subject.length; byte++)
    subject[byte] = byte < given ? x.ecs.getUint8(FIXED_BYTES + byte) : 0
  x.isMapped = bits >= MAPPED_BITS && subject === x.subnet6 && isMapped(subject)
  if (x.isMapped) for (let byte = 0; byte < 4; byte++) x.subnet4[byte] = subject[12 + byte]!
  x.subject = x.isMapped ? x.subnet4 : subject
  x.tellsScope = true
}

/** Family and the two prefix lengths. */
const FIXED_BYTES = 4
const FAMILY_NONE = 0
const FAMILY_IPV4 = 1
const FAMILY_IPV6 = 2

/** Reads the `length` octets of option data at `at`; false when RFC 7871 calls for FORMERR. */
export function readSubnet(x: Exchange, at: number, length: number): boolean {
  const { query } = x
  if (length < FIXED_BYTES || length > ECS_BYTES_MAX) return false
  const family = (query[at]! << 8) | query[at + 1]!
  const sourceBits = query[at + 2]!
  const widest = bitsOf(family)
  if (widest < 0 || sourceBits > widest) return false
  // RFC 7871 section 6: SCOPE PREFIX-LENGTH must be 0 in queries.
  if (query[at + 3] !== 0) return false
  // RFC 7871 section 7.1.2: too few or too many octets, or bits set past the prefix, are malformed.
  if (length - FIXED_BYTES !== (sourceBits + 7) >> 3) return false
  const loose = sourceBits & 7
  if (loose !== 0 && (query[at + length - 1]! & (0xff >> loose)) !== 0) return false
  // A second option is checked but not used.
  if (x.ecsBytes > 0) return true
  copyWords(x.queryView, at, x.ecs, 0, length)
  x.ecsBytes = length
  return true
}

/** Bits of an address; family 0 with an empty prefix asks for privacy, as resolvers send it. */
function bitsOf(family: number): number {
  if (family === FAMILY_IPV4) return 32
  if (family === FAMILY_IPV6) return 128
  return family === FAMILY_NONE ? 0 : -1
}
