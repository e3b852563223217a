// Goal: every form other members may write is read, and no length is believed before it is checked.
import { describe, expect, test } from 'vitest'
import { MsgpackReader } from '../../../../../src/core/gossip/wire/msgpack-read.ts'
import { MsgpackWriter } from '../../../../../src/core/gossip/wire/msgpack-write.ts'
import { readNack, readPing } from '../../../../../src/core/gossip/wire/probe-bodies.ts'
import { hexOf, octetsOfHex, utf8 } from '../../../../harness/gossip-wire.ts'

const reader = (hex: string) => new MsgpackReader(octetsOfHex(hex.replaceAll(' ', '')))
const SEQ = 'a5 5365714e6f'

describe('integers', () => {
  for (const [hex, value] of [
    ['00', 0],
    ['7f', 127],
    ['cc ff', 255],
    ['cc 05', 5],
    ['cd 02ed', 749],
    ['ce ffffffff', 4_294_967_295],
    ['cf 00000000ffffffff', 4_294_967_295],
    ['d0 7f', 127],
    ['d1 02ed', 749],
    ['d2 7fffffff', 2_147_483_647],
    ['d3 00000000ffffffff', 4_294_967_295],
    ['c0', 0],
  ] as const)
    test(`${hex} is ${value}`, () => {
      const from = reader(hex)
      expect(from.integer(0, 0xffff_ffff)).toBe(value)
      expect(from.fault).toBeUndefined()
    })

  for (const [hex, code] of [
    ['ff', 'out-of-range'],
    ['d0 80', 'out-of-range'],
    ['d1 ffff', 'out-of-range'],
    ['d3 ffffffffffffffff', 'out-of-range'],
    ['d3 8000000000000000', 'out-of-range'],
    ['cf 0000000100000000', 'out-of-range'],
    ['cf ffffffffffffffff', 'out-of-range'],
    ['ca 3f800000', 'bad-field'],
    ['a1 31', 'bad-field'],
    ['c3', 'bad-field'],
    ['cd 02', 'truncated'],
    ['', 'truncated'],
  ] as const)
    test(`${hex || 'nothing'} is ${code}`, () => {
      const from = reader(hex)
      expect(from.integer(0, 0xffff_ffff)).toBe(0)
      expect(from.fault?.code).toBe(code)
    })

  test('are written in their shortest unsigned form', () => {
    const forms: [number, string][] = [
      [0, '00'],
      [127, '7f'],
      [128, 'cc80'],
      [255, 'ccff'],
      [256, 'cd0100'],
      [65_535, 'cdffff'],
      [65_536, 'ce00010000'],
      [4_294_967_295, 'ceffffffff'],
    ]
    for (const [value, hex] of forms) {
      const to = new MsgpackWriter(1)
      to.integer(value)
      expect(hexOf(to.taken())).toBe(hex)
    }
  })
})

describe('text and octets', () => {
  for (const [name, hex] of [
    ['fixraw', 'a2 6869'],
    ['str8', 'd9 02 6869'],
    ['raw16', 'da 0002 6869'],
    ['raw32', 'db 00000002 6869'],
    ['bin8', 'c4 02 6869'],
    ['bin16', 'c5 0002 6869'],
    ['bin32', 'c6 00000002 6869'],
  ] as const)
    test(`${name} is read`, () => {
      expect(reader(hex).text(2)).toBe('hi')
      expect(hexOf(reader(hex).octets(2))).toBe('6869')
    })

  test('nil is empty', () => {
    expect(reader('c0').octets(0)).toEqual(new Uint8Array(0))
    expect(reader('c0').text(0)).toBe('')
  })

  test('a length over the limit is refused, whether or not so much is there', () => {
    for (const hex of ['a3 686869', 'db ffffffff', 'db 7fffffff 6869']) {
      const from = reader(hex)
      expect(from.octets(2).length).toBe(0)
      expect(from.fault?.code).toBe('too-large')
    }
  })

  test('a length beyond the end says how far it goes', () => {
    const from = reader('a5 6869')
    expect(from.octets(10).length).toBe(0)
    expect([from.fault?.code, from.wanted]).toEqual(['truncated', 6])
  })

  test('what is not UTF-8 is refused as text, and a byte order mark stays', () => {
    const from = reader('a2 c328')
    from.text(10)
    expect(from.fault?.code).toBe('bad-text')
    expect(reader('a4 efbbbf61').text(10)).toBe('\ufeffa')
  })

  test('octets are a copy', () => {
    const octets = octetsOfHex('a16b')
    const read = new MsgpackReader(octets).octets(1)
    octets[1] = 0
    expect(hexOf(read)).toBe('6b')
    expect(read.buffer.byteLength).toBe(1)
  })

  test('are written raw at every length', () => {
    for (const [count, head] of [
      [1, 'a1'],
      [31, 'bf'],
      [32, 'da0020'],
      [255, 'da00ff'],
      [65_535, 'daffff'],
      [65_536, 'db00010000'],
    ] as const) {
      const [octets, text] = [new MsgpackWriter(1), new MsgpackWriter(1)]
      octets.octets(new Uint8Array(count).fill(0x61))
      text.text('a'.repeat(count))
      expect(hexOf(octets.taken())).toBe(`${head}${'61'.repeat(count)}`)
      expect(hexOf(text.taken())).toBe(hexOf(octets.taken()))
    }
    const wide = new MsgpackWriter(1)
    wide.text('zoë')
    expect(hexOf(wide.taken())).toBe(`a4${hexOf(utf8('zoë'))}`)
  })
})

describe('structures', () => {
  test('fields come in any order, missing ones are zero, of two the last counts', () => {
    expect(readPing(reader('80'))).toMatchObject({ seqNo: 0, node: '', sourcePort: 0 })
    expect(readPing(reader('c0'))).toMatchObject({ seqNo: 0 })
    expect(readNack(reader(`82 ${SEQ} 01 ${SEQ} 02`))).toEqual({ type: 'nack', seqNo: 2 })
    expect(readNack(reader(`de 0001 ${SEQ} 03`)).seqNo).toBe(3)
    expect(readNack(reader(`df 00000001 ${SEQ} 04`)).seqNo).toBe(4)
  })

  const scalars = 'c0 c2 cb0000000000000000 cf0000000000000000 d800000000000000000000000000000000ff'
  for (const [name, value] of [
    ['a scalar', 'ca 00000000'],
    ['a fixed extension', 'd4 01 02'],
    ['an extension', 'c7 02 01 0102'],
    ['a long extension', 'c8 0002 01 0102'],
    ['bin', 'c4 01 00'],
    ['an array', '93 01 a161 91 02'],
    ['a long array', 'dc 0001 01'],
    ['a longer array', 'dd 00000001 01'],
    ['a map', '81 01 82 a161 02 a162 03'],
    ['a long map', 'de 0001 01 01'],
    ['a longer map', 'df 00000001 01 01'],
    ['an array of scalars', `95 ${scalars}`],
    ['a number below zero', 'e0'],
    ['deep nesting', `${'91'.repeat(900)}c0`],
  ] as const)
    test(`an unknown field is passed over: ${name}`, () => {
      const from = reader(`82 a3 6e6577 ${value} ${SEQ} 09`)
      expect(readNack(from).seqNo).toBe(9)
      expect(from.fault).toBeUndefined()
    })

  for (const [name, hex, code] of [
    ['too many entries', 'de 0041', 'too-large'],
    ['far too many entries', 'df ffffffff', 'too-large'],
    ['not a map', '91 01', 'bad-field'],
    ['a key that is no text', '81 01 02', 'bad-field'],
    ['a key too long', `81 d9 41 ${'61'.repeat(65)} 01`, 'too-large'],
    ['nesting deeper than the limit', `81 a16e ${'91'.repeat(2_000)}c0`, 'too-large'],
    ['an array larger than the limit', '81 a16e dd ffffffff', 'too-large'],
    ['a map larger than the limit', '81 a16e df ffffffff', 'too-large'],
    ['an unknown field too long', '81 a16e db 00010001', 'too-large'],
    ['an extension too long', '81 a16e c9 ffffffff', 'too-large'],
    ['an unknown field cut', '81 a16e a5 61', 'truncated'],
    ['an entry missing', `82 ${SEQ} 01`, 'truncated'],
  ] as const)
    test(`refused: ${name}`, () => {
      const from = reader(hex)
      readNack(from)
      expect(from.fault?.code).toBe(code)
    })
})
