/**
 * Hashes by which two nodes compare what they hold, 64 bits as two words.
 *
 * They find differences, they do not protect: frames between overwatches carry a MAC of their own.
 * Sums of hashes do not depend on order, so a set's digest is kept up to date as it changes.
 */
import type { SharedRecord } from './record.ts'
import { keyOf } from './record.ts'

export interface Hash64 {
  readonly hi: number
  readonly lo: number
}

export const NO_HASH: Hash64 = { hi: 0, lo: 0 }

/** Finalizer of MurmurHash3 (Appleby): each bit of the input reaches each bit of the output. */
function scramble(word: number): number {
  let hash = word | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function ofText(text: string, seed: number): number {
  let hash = seed | 0
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    hash = (hash << 13) | (hash >>> 19)
  }
  return scramble(hash ^ text.length)
}

export const hashKey = (key: string): Hash64 => ({
  hi: ofText(key, 0x811c9dc5),
  lo: ofText(key, 0x2f0b4c47),
})

/** Of the key and version: two nodes with the same record have the same hash. */
export function hashRecord(record: SharedRecord): Hash64 {
  const { stamp, seq, origin, body } = record
  const text = `${keyOf(record)}\n${origin}\n${stamp}\n${seq}\n${body.length}`
  return { hi: ofText(text, 0x1b873593), lo: ofText(text, 0x6b43a9b5) }
}

/** Addition modulo 2^64 would do as well; exclusive or undoes itself, so removal is the same. */
export const combine = (a: Hash64, b: Hash64): Hash64 => ({
  hi: (a.hi ^ b.hi) >>> 0,
  lo: (a.lo ^ b.lo) >>> 0,
})

export const sameHash = (a: Hash64, b: Hash64): boolean => a.hi === b.hi && a.lo === b.lo
