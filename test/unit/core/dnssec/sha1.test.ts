// Goal: the hash on the answering path is SHA-1 of the name in lower case, whatever its length.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isHashBefore, NameHash } from '../../../../src/core/dnssec/sha1.ts'

const hash = new NameHash()
const octets = () => {
  const view = new DataView(new ArrayBuffer(20))
  for (const [word, value] of hash.words.entries()) view.setInt32(word * 4, value)
  return Buffer.from(view.buffer).toString('hex')
}

test('names of every length up to 255 hash as node hashes them', () => {
  for (let length = 1; length <= 255; length++) {
    const name = Uint8Array.from({ length }, (_, at) => (at * 31 + length) % 0x40)
    hash.hash(new DataView(name.buffer), 0, length)
    expect(octets()).toBe(createHash('sha1').update(name).digest('hex'))
  }
})

test('capitals hash as small letters, and the place in memory does not matter', () => {
  const text = Buffer.from('..\x03WwW\x07ExamPle\x00')
  hash.hash(new DataView(text.buffer, text.byteOffset, text.length), 2, 13)
  const small = Buffer.from('\x03www\x07example\x00')
  expect(octets()).toBe(createHash('sha1').update(small).digest('hex'))
})

test('hashes compare as unsigned octets', () => {
  const words = fc.array(fc.integer(), { minLength: 5, maxLength: 5 })
  fc.assert(
    fc.property(words, words, fc.nat(5), (a, b, same) => {
      const other = [...a.slice(0, same), ...b.slice(same)]
      const text = (all: readonly number[]) =>
        all.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
      expect(isHashBefore(Int32Array.from(a), Int32Array.from([0, ...other]), 1)).toBe(
        text(a) < text(other),
      )
    }),
  )
})
