/** A sentence in shared memory, written once by one thread for another that looks now and then. */

const TEXT_BYTES = 508
const TEXT_AT = 4

export const noteMemory = (): SharedArrayBuffer => new SharedArrayBuffer(TEXT_AT + TEXT_BYTES)

/** What does not fit is left out. */
export function writeNote(memory: SharedArrayBuffer, text: string): void {
  const octets = new TextEncoder().encode(text).subarray(0, TEXT_BYTES)
  new Uint8Array(memory, TEXT_AT).set(octets)
  // Only now: who sees the length sees the text.
  Atomics.store(new Int32Array(memory, 0, 1), 0, octets.length)
}

/** Undefined while none was written. */
export function readNote(memory: SharedArrayBuffer): string | undefined {
  const bytes = Atomics.load(new Int32Array(memory, 0, 1), 0)
  if (bytes === 0) return undefined
  return new TextDecoder().decode(Uint8Array.from(new Uint8Array(memory, TEXT_AT, bytes)))
}
