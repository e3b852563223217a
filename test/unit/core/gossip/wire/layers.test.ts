// Goal: each wrapping is put on and taken off as other members do, and refuses what is damaged.
import { crc32 as zlibCrc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { nodeAesGcm, nonceSource } from '../../../../../src/actors/gossip/ports-crypto.ts'
import { decodeCompound, encodeCompound } from '../../../../../src/core/gossip/wire/compound.ts'
import { crc32 } from '../../../../../src/core/base/crc32.ts'
import { addCrc, removeCrc } from '../../../../../src/core/gossip/wire/crc.ts'
import { open, seal, sealedBytes } from '../../../../../src/core/gossip/wire/crypt.ts'
import { addLabel, removeLabel } from '../../../../../src/core/gossip/wire/label.ts'
import { lzwDecode } from '../../../../../src/core/gossip/wire/lzw-decode.ts'
import { lzwEncode } from '../../../../../src/core/gossip/wire/lzw-encode.ts'
import { Keyring } from '../../../../../src/core/gossip/wire/keyring.ts'
import { seededRandom } from '../../../../../src/core/base/random.ts'
import {
  codeOf,
  counting,
  encryptionOf,
  hexOf,
  KEY,
  octetsOfHex,
  ringOf,
  utf8,
  valueIn,
} from '../../../../harness/gossip-wire.ts'

const none = new Uint8Array(0)
const octets = utf8('what is inside')

describe('checksum', () => {
  test('is the CRC-32 that everyone means', () => {
    expect(crc32(utf8('123456789'))).toBe(0xcbf4_3926)
    const random = seededRandom(1)
    for (let length = 0; length < 300; length++) {
      const some = Uint8Array.from({ length }, () => random.below(256))
      expect(crc32(some)).toBe(zlibCrc32(some))
    }
  })

  test('guards every octet, and is optional', () => {
    const checked = addCrc(octets)
    expect(valueIn(removeCrc(checked))).toEqual(octets)
    expect(valueIn(removeCrc(octets))).toEqual(octets)
    for (let at = 1; at < checked.length; at++) {
      const damaged = checked.map((octet, index) => (index === at ? octet ^ 4 : octet))
      expect(codeOf(removeCrc(damaged))).toBe('bad-checksum')
    }
    expect(codeOf(removeCrc(checked.subarray(0, 4)))).toBe('truncated')
  })
})

describe('compound', () => {
  const parts = [utf8('one'), none, utf8('three')]
  const compound = encodeCompound(parts)

  test('holds a count, lengths and parts', () => {
    expect(hexOf(compound)).toBe(`0703000300000005${hexOf(utf8('onethree'))}`)
    expect(valueIn(decodeCompound(compound))).toEqual({ parts, lost: 0 })
  })

  test('cut, it gives the parts that are whole and the number of the others', () => {
    const cut = (length: number) => decodeCompound(compound.subarray(0, length))
    expect(valueIn(cut(15))).toEqual({ parts: parts.slice(0, 2), lost: 1 })
    expect(valueIn(cut(10))).toEqual({ parts: [], lost: 3 })
    for (const length of [1, 2, 7]) expect(codeOf(cut(length))).toBe('truncated')
  })

  test('is read up to 255 parts, though no more than 127 are written', () => {
    const many = new Uint8Array(2 + 2 * 255)
    many.set([7, 255])
    expect(valueIn(decodeCompound(many)).parts.length).toBe(255)
    expect(() => encodeCompound(new Array<Uint8Array>(128).fill(none))).toThrow(/127/)
  })
})

describe('label', () => {
  test('stands in front, with its length', () => {
    expect(hexOf(addLabel(utf8('L'), octets))).toBe(`f4014c${hexOf(octets)}`)
    expect(addLabel(none, octets)).toBe(octets)
    const long = counting(0, 255)
    expect(valueIn(removeLabel(addLabel(long, octets)))).toEqual({ label: long, rest: octets })
    expect(valueIn(removeLabel(octets))).toEqual({ label: none, rest: octets })
  })

  test('cut or empty it is refused', () => {
    for (const [hex, code] of [
      ['f4', 'truncated'],
      ['f402aa', 'truncated'],
      ['f400aa', 'out-of-range'],
    ] as const)
      expect(codeOf(removeLabel(octetsOfHex(hex)))).toBe(code)
  })
})

describe('LZW', () => {
  const room = () => ({ octetsLeft: 10_000_000 })
  const random = seededRandom(7)
  const noise = Uint8Array.from({ length: 40_000 }, () => random.below(256))
  const words = utf8(Array.from({ length: 20_000 }, () => `w${random.below(500)} `).join(''))

  test('unfolds what it folded, over many clears of its table', () => {
    for (const plain of [noise, words, new Uint8Array(500_000), none, utf8('a')])
      expect(Buffer.compare(valueIn(lzwDecode(lzwEncode(plain), room())), plain)).toBe(0)
  })

  test('is right at each length around a growth of the width and a clear of the table', () => {
    for (const around of [254, 255, 256, 767, 1_791, 3_837, 3_838, 3_839, 3_840, 7_676]) {
      for (let length = around - 2; length <= around + 2; length++) {
        const plain = noise.subarray(0, length)
        expect(Buffer.compare(valueIn(lzwDecode(lzwEncode(plain), room())), plain)).toBe(0)
      }
    }
  })

  test('refuses more than the budget, to the octet, and spends it', () => {
    const packed = lzwEncode(new Uint8Array(1_000))
    expect(codeOf(lzwDecode(packed, { octetsLeft: 1_000 }))).toBe('ok')
    const budget = { octetsLeft: 999 }
    expect(codeOf(lzwDecode(packed, budget))).toBe('too-large')
    expect(budget.octetsLeft).toBe(0)
  })

  test('refuses a code that was not assigned, and a stream without its end', () => {
    // 256, then 300 where only literals are possible.
    expect(codeOf(lzwDecode(octetsOfHex('005902'), room()))).toBe('bad-compression')
    const budget = { octetsLeft: 100 }
    const packed = lzwEncode(utf8('abcdef'))
    expect(codeOf(lzwDecode(packed.subarray(0, -2), budget))).toBe('truncated')
    expect(budget.octetsLeft).toBeLessThan(100)
    expect(codeOf(lzwDecode(none, room()))).toBe('truncated')
  })

  test('a full table without a clear is read as other readers do', () => {
    // 256, then nothing but literals, of the width that each stands at: no clear ever. The last
    // entry stays what it became when the table was full.
    const bits = new Bits()
    let [width, last] = [9, 257]
    bits.put(256, width)
    const plain = noise.subarray(0, 6_000)
    for (const octet of plain) {
      bits.put(octet, width)
      last++
      if (last === 1 << width && width < 12) width++
    }
    bits.put(4_095, width)
    bits.put(257, width)
    const expected = Buffer.concat([plain, plain.subarray(3_837, 3_839)])
    expect(Buffer.compare(valueIn(lzwDecode(bits.octets(), room())), expected)).toBe(0)
  })

  test('is written as the rules say, to the last bit', () => {
    const lengths = [1, 2, 254, 255, 256, 767, 1_790, 1_791, 1_792, 3_838, 3_839, 3_840, 20_000]
    for (const plain of [noise, words, new Uint8Array(20_000)]) {
      for (const length of lengths) {
        const some = plain.subarray(0, length)
        expect(Buffer.compare(lzwEncode(some), lzwByTheRules(some)), `${length}`).toBe(0)
      }
    }
  })

  test('ends as the rules say where the very last code fills the table', () => {
    // Some of these lengths of noise make just as many codes as there are: a clear, then the end.
    for (let length = 3_838; length < 4_038; length++) {
      const some = noise.subarray(0, length)
      expect(Buffer.compare(lzwEncode(some), lzwByTheRules(some)), `${length}`).toBe(0)
    }
  })
})

/** Bits in the order of LZW, the least significant first. */
class Bits {
  readonly #bits: number[] = []

  put(code: number, width: number): void {
    for (let bit = 0; bit < width; bit++) this.#bits.push((code >> bit) & 1)
  }

  octets(): Uint8Array {
    return Uint8Array.from({ length: Math.ceil(this.#bits.length / 8) }, (_, index) =>
      this.#bits.slice(8 * index, 8 * index + 8).reduce((sum, bit, at) => sum | (bit << at), 0),
    )
  }
}

/** The writer in its plainest form: a map of strings, one more code counted at each written. */
function lzwByTheRules(plain: Uint8Array): Uint8Array {
  const bits = new Bits()
  let table = new Map<string, number>()
  let last = 257
  const width = () => (last < 512 ? 9 : last < 1_024 ? 10 : last < 2_048 ? 11 : 12)
  const written = (word: string) => {
    bits.put(word.length === 1 ? word.charCodeAt(0) : table.get(word)!, width())
    last++
    if (last < 4_095) return true
    bits.put(256, width())
    table = new Map()
    last = 257
    return false
  }
  bits.put(256, 9)
  let word = ''
  for (const octet of plain) {
    const letter = String.fromCharCode(octet)
    if (word === '' || table.has(word + letter)) word += letter
    else {
      if (written(word)) table.set(word + letter, last)
      word = letter
    }
  }
  if (word !== '') written(word)
  bits.put(257, width())
  return bits.octets()
}

describe('encryption', () => {
  test('of both versions and all key sizes is opened, under the same label only', () => {
    for (const bytes of [16, 24, 32]) {
      for (const version of [0, 1] as const) {
        for (const length of [0, 1, 15, 16, 17, 700]) {
          const encryption = encryptionOf({ keyring: ringOf(counting(1, bytes)), version })
          const plain = counting(0, length)
          const blob = seal(encryption, plain, utf8('L'))
          expect(blob.length).toBe(sealedBytes(version, length))
          expect(valueIn(open(encryption, blob, utf8('L')))).toEqual(Buffer.from(plain))
          expect(codeOf(open(encryption, blob, none))).toBe('undecryptable')
        }
      }
    }
    expect([sealedBytes(1, 0), sealedBytes(0, 0), sealedBytes(0, 16)]).toEqual([29, 45, 61])
  })

  test('refuses damage anywhere, short octets and unknown versions', () => {
    const encryption = encryptionOf()
    const blob = seal(encryption, octets, none)
    for (let at = 0; at < blob.length; at++) {
      const damaged = blob.map((octet, index) => (index === at ? octet ^ 2 : octet))
      expect(codeOf(open(encryption, damaged, none))).toBe('undecryptable')
    }
    expect(codeOf(open(encryption, blob.subarray(0, 28), none))).toBe('truncated')
    expect(codeOf(open(encryption, new Uint8Array(44), none))).toBe('truncated')
    expect(codeOf(open(encryption, none, none))).toBe('undecryptable')
  })

  test('refuses padding that cannot be', () => {
    const encryption = encryptionOf()
    for (const count of [0, 17, 255]) {
      const body = new Uint8Array(16).fill(count)
      const sealed = nodeAesGcm.seal(KEY, counting(0, 12), body, none)
      const blob = Uint8Array.of(0, ...counting(0, 12), ...sealed)
      expect(codeOf(open(encryption, blob, none))).toBe('undecryptable')
    }
  })

  test('draws a new nonce each time', () => {
    const next = nonceSource()
    const drawn = new Set(Array.from({ length: 1_000 }, () => hexOf(next())))
    expect(drawn.size).toBe(1_000)
    expect(next().length).toBe(12)
  })
})

describe('keyring', () => {
  const [a, b, c] = [counting(1, 16), counting(2, 24), counting(3, 32)]

  test('rotates while running: installed, used, the old one removed', () => {
    const ring = ringOf(a)
    const encryption = encryptionOf({ keyring: ring })
    const old = seal(encryption, octets, none)
    expect(ring.install(b).ok).toBe(true)
    expect(ring.primary).toEqual(a)
    expect(ring.use(b).ok).toBe(true)
    expect(ring.list()).toEqual([b, a])
    const young = seal(encryption, octets, none)
    expect([codeOf(open(encryption, old, none)), codeOf(open(encryption, young, none))]).toEqual([
      'ok',
      'ok',
    ])
    expect(ring.remove(a).ok).toBe(true)
    expect(codeOf(open(encryption, old, none))).toBe('undecryptable')
    expect(ring.list()).toEqual([b])
  })

  test('refuses what would leave it without a key, or with a bad one', () => {
    const ring = ringOf(a, b, a)
    expect(ring.list()).toEqual([a, b])
    expect(ring.remove(a)).toEqual({ ok: false, error: 'in-use' })
    expect(ring.use(c)).toEqual({ ok: false, error: 'not-installed' })
    expect(ring.remove(c)).toEqual({ ok: false, error: 'not-installed' })
    expect(ring.install(counting(0, 20))).toEqual({ ok: false, error: 'bad-length' })
    expect(Keyring.of([])).toEqual({ ok: false, error: 'no-keys' })
    expect(Keyring.of([counting(0, 5)])).toEqual({ ok: false, error: 'bad-length' })
    const many = Array.from({ length: 17 }, (_, index) => counting(index, 16))
    expect(Keyring.of(many)).toEqual({ ok: false, error: 'too-many-keys' })
  })

  test('keeps keys of its own', () => {
    const mine = counting(9, 16)
    const ring = ringOf(mine)
    mine.fill(0)
    expect(ring.primary).toEqual(counting(9, 16))
  })
})
