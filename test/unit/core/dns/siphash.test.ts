// Goal: SipHash-2-4 is that of the paper. Method: the vectors of its reference implementation
// (key 00 01 .. 0f, message 00 01 .. of each length).
import { expect, test } from 'vitest'
import { siphash24 } from '../../../../src/core/dns/siphash.ts'

const KEY = new Int32Array(Uint8Array.from({ length: 16 }, (_, byte) => byte).buffer)

function hash(length: number): string {
  const message = new Uint8Array(80)
  for (let at = 0; at < length; at++) message[at] = at
  const out = new Int32Array(2)
  siphash24(KEY, new DataView(message.buffer), length, out)
  return Buffer.from(out.buffer).toString('hex')
}

test.each([
  [0, '310e0edd47db6f72'],
  [1, 'fd67dc93c539f874'],
  [2, '5a4fa9d909806c0d'],
  [7, '37d1018bf50002ab'],
  [8, '6224939a79f5f593'],
  [15, 'e545be4961ca29a1'],
  [16, 'db9bc2577fcc2a3f'],
  [63, '724506eb4c328a95'],
])('a message of %i octets', (length, expected) => {
  expect(hash(length)).toBe(expected)
})
