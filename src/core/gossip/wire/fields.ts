/**
 * Fields that several messages share: addresses, ports, names, version vectors.
 */
import { limits } from '../../base/limits.ts'
import type { VersionVector } from '../messages.ts'
import type { MsgpackReader } from './msgpack-read.ts'
import { NO_OCTETS } from './types.ts'

export const U32_MAX = 0xffff_ffff
export const U16_MAX = 0xffff
export const NAME_BYTES_MAX = limits.wireNameBytes.default
export const FIELD_BYTES_MAX = limits.wireFieldBytes.default

const NO_VERSIONS: VersionVector = [0, 0, 0, 0, 0, 0]

/** What a structure holds where its fields are absent. */
export const nothing: { readonly octets: Uint8Array; readonly versions: VersionVector } = {
  octets: NO_OCTETS,
  versions: NO_VERSIONS,
}

/**
 * The octets of an address as they came. Written differently they would be another address to
 * other members, so 16 octets that hold an IPv4 address stay 16.
 */
export const readAddr = (from: MsgpackReader): Uint8Array => from.octets(16)

export const readName = (from: MsgpackReader): string => from.text(NAME_BYTES_MAX)

export const readU32 = (from: MsgpackReader): number => from.integer(0, U32_MAX)

export const readPort = (from: MsgpackReader): number => from.integer(0, U16_MAX)

/** A raw string of six octets, not an array; what is missing is zero, as the zero value in Go. */
export function readVersions(from: MsgpackReader): VersionVector {
  const octets = from.view(6)
  const [pMin = 0, pMax = 0, pCur = 0, dMin = 0, dMax = 0, dCur = 0] = octets
  return [pMin, pMax, pCur, dMin, dMax, dCur]
}

export const isAddr = (octets: Uint8Array): boolean => octets.length === 4 || octets.length === 16

/** An address, or none at all. */
export const isAddrOrNone = (octets: Uint8Array): boolean => octets.length === 0 || isAddr(octets)

/** Whether a message may name this place as the address of a member. */
export const isPlace = (addr: Uint8Array, port: number): boolean => isAddr(addr) && port > 0
