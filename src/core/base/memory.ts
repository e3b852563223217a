/**
 * Where large tables are laid out: memory of one thread, or memory that several threads read.
 *
 * Who builds a table does not know which; whoever asks for it does.
 */
export type Memory = (bytes: number) => ArrayBufferLike

/** Of the thread that asks. */
export const ownMemory: Memory = (bytes) => new ArrayBuffer(bytes)

/** Read by any thread it is handed to. */
export const sharedMemory: Memory = (bytes) => new SharedArrayBuffer(bytes)

/** Text as UTF-8 in such memory. */
export function textIn(text: string, memory: Memory): Uint8Array {
  const encoded = new TextEncoder().encode(text)
  const bytes = new Uint8Array(memory(encoded.length))
  bytes.set(encoded)
  return bytes
}

/** The text again; a copy is decoded, since a decoder need not take shared memory. */
export const textOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(Uint8Array.prototype.slice.call(bytes))

/** A copy of words in such memory. */
export function copyOf(words: Int32Array, memory: Memory): Int32Array {
  const copy = new Int32Array(memory(words.byteLength))
  copy.set(words)
  return copy
}
