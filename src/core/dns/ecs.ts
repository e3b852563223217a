/**
 * The client subnet option (RFC 7871): checked, and kept to be echoed.
 *
 * No policy reads the client so far, so the scope told is always 0: the answer holds for everyone.
 */
import { copyWords } from '../base/octets.ts'
import { ECS_BYTES_MAX, type Exchange } from './exchange.ts'

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
