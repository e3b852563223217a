/**
 * Several messages in one: a count, a length each, then the messages.
 */
import { assert } from '../../base/assert.ts'
import { limits } from '../../base/limits.ts'
import { ok, type Result } from '../../base/result.ts'
import { type Malformed, malformed } from './malformed.ts'
import { messageType } from './types.ts'

/** Parts written in one compound: half of what the count could say, see the limit. */
export const COMPOUND_PARTS_MAX = limits.wireCompoundParts.default
export const COMPOUND_PART_BYTES_MAX = 0xffff

export function encodeCompound(parts: readonly Uint8Array[]): Uint8Array {
  assert(parts.length > 0 && parts.length <= COMPOUND_PARTS_MAX, 'a compound has 1 to 127 parts')
  let length = 2 + 2 * parts.length
  for (const part of parts) length += part.length
  const compound = new Uint8Array(length)
  compound[0] = messageType.compound
  compound[1] = parts.length
  let at = 2
  for (const part of parts) {
    assert(part.length <= COMPOUND_PART_BYTES_MAX, 'a part has a length of 16 bits')
    compound[at++] = part.length >>> 8
    compound[at++] = part.length & 0xff
  }
  for (const part of parts) {
    compound.set(part, at)
    at += part.length
  }
  return compound
}

export interface Compound {
  /** The parts that are whole, as views. */
  readonly parts: readonly Uint8Array[]
  /** How many were announced and are not there. */
  readonly lost: number
}

/** Takes a compound apart, its type octet included. A cut one still gives the parts it has. */
export function decodeCompound(octets: Uint8Array): Result<Compound, Malformed> {
  const count = octets[1]
  if (count === undefined || octets.length < 2 + 2 * count)
    return malformed('truncated', 'the lengths of a compound')
  const parts: Uint8Array[] = []
  let at = 2 + 2 * count
  for (let index = 0; index < count; index++) {
    const length = (octets[2 + 2 * index]! << 8) | octets[3 + 2 * index]!
    // All that follow a part that is cut begin beyond the end.
    if (at + length > octets.length) return ok({ parts, lost: count - index })
    parts.push(octets.subarray(at, at + length))
    at += length
  }
  return ok({ parts, lost: 0 })
}
