// Goal: signatures come back as they were kept, and a file that is cut short gives what is whole.
import { expect, test } from 'vitest'
import { readSignatures, writeSignatures } from '../../../../src/core/dnssec/signature-file.ts'
import type { Signature } from '../../../../src/core/dnssec/signatures.ts'

const signature = (seed: number): Signature => ({
  inceptionSeconds: 1_750_000_000 + seed,
  expirationSeconds: 5_000_000_000 + seed,
  rdata: Uint8Array.from({ length: 80 + seed }, (_, at) => (at * 7 + seed) & 0xff),
})

// Ids are octets written as text, those above 127 among them.
const kept = new Map(
  [0, 1, 2].map((seed) => [String.fromCharCode(0, 128 + seed, 255, 65), signature(seed)] as const),
)

test('what was written is read again', () => {
  expect(readSignatures(writeSignatures(kept))).toEqual(kept)
  expect(readSignatures(writeSignatures([]))).toEqual(new Map())
})

test('of a file cut at any octet, what is whole is read and nothing is thrown', () => {
  const file = writeSignatures(kept)
  let most = 0
  for (let end = 0; end <= file.length; end++) {
    const read = readSignatures(file.subarray(0, end))
    for (const [id, one] of read) expect(one).toEqual(kept.get(id))
    expect(read.size).toBeGreaterThanOrEqual(most)
    most = read.size
  }
  expect(most).toBe(3)
})

test('a file of another version is none', () => {
  const file = writeSignatures(kept)
  file[1] = 9
  expect(readSignatures(file).size).toBe(0)
})
