/** The hash index of a table: pairs of hash and value, open addressing with linear probing. */
import { NONE } from './table.ts'

/** Adds a pair; there must be a free slot. */
export function insertSlot(slots: Int32Array, hash: number, value: number): void {
  const mask = (slots.length >> 1) - 1
  let slot = hash & mask
  while (slots[slot * 2 + 1] !== NONE) slot = (slot + 1) & mask
  slots[slot * 2] = hash
  slots[slot * 2 + 1] = value
}

/** Empty slots for so many entries, at most half full. */
export function emptySlots(entries: number): Int32Array {
  let capacity = 16
  while (capacity < entries * 2) capacity *= 2
  return new Int32Array(capacity * 2).fill(NONE)
}
