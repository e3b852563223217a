/**
 * Signatures as they are kept through a restart, so that a start signs what changed and no more.
 *
 * Layout: a version of 16 bits, then for each: octets of its id in 8 bits, the id, inception and
 * expiration as 64-bit floats, octets of the data in 16 bits, the data. The file lies sealed beside
 * the keys, so what opens is what was written; what does not fit all the same is left out.
 */
import type { Signature } from './signatures.ts'

const VERSION = 1
const TIMES_BYTES = 16

export function writeSignatures(entries: Iterable<readonly [string, Signature]>): Uint8Array {
  const encoder = new TextEncoder()
  const all: { readonly id: Uint8Array; readonly signature: Signature }[] = []
  let bytes = 2
  for (const [text, signature] of entries) {
    const id = encoder.encode(text)
    if (id.length > 0xff || signature.rdata.length > 0xffff) continue
    all.push({ id, signature })
    bytes += 1 + id.length + TIMES_BYTES + 2 + signature.rdata.length
  }
  const out = new Uint8Array(bytes)
  const view = new DataView(out.buffer)
  view.setUint16(0, VERSION)
  let at = 2
  for (const { id, signature } of all) {
    const { inceptionSeconds, expirationSeconds, rdata } = signature
    view.setUint8(at, id.length)
    out.set(id, at + 1)
    at += 1 + id.length
    view.setFloat64(at, inceptionSeconds)
    view.setFloat64(at + 8, expirationSeconds)
    view.setUint16(at + TIMES_BYTES, rdata.length)
    out.set(rdata, at + TIMES_BYTES + 2)
    at += TIMES_BYTES + 2 + rdata.length
  }
  return out
}

/** What was written; of a file that is cut short, what is whole. */
export function readSignatures(file: Uint8Array): Map<string, Signature> {
  const read = new Map<string, Signature>()
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 2 || view.getUint16(0) !== VERSION) return read
  const decoder = new TextDecoder()
  for (let at = 2; at < file.length; ) {
    const times = at + 1 + file[at]!
    const data = times + TIMES_BYTES + 2
    if (data > file.length) break
    const end = data + view.getUint16(times + TIMES_BYTES)
    if (end > file.length) break
    read.set(decoder.decode(file.subarray(at + 1, times)), {
      inceptionSeconds: view.getFloat64(times),
      expirationSeconds: view.getFloat64(times + 8),
      rdata: file.slice(data, end),
    })
    at = end
  }
  return read
}
