// Goal: names obey RFC 1035's limits to the octet, and their text its escapes.
import { describe, expect, test } from 'vitest'
import {
  canonicalName,
  isSubdomain,
  nameEqual,
  nameToWire,
  wireNameLength,
  wireToName,
} from '../../../../src/core/dns/names.ts'
import {
  classNumber,
  className,
  rcodeName,
  typeName,
  typeNumber,
} from '../../../../src/core/dns/types.ts'

const wire = (...labels: string[]) =>
  new Uint8Array([...labels, ''].flatMap((l) => [l.length, ...Buffer.from(l, 'latin1')]))

describe('nameToWire', () => {
  for (const [text, origin, expected] of [
    ['example.com', undefined, wire('example', 'com')],
    ['example.com.', 'unused', wire('example', 'com')],
    ['www', 'example.com', wire('www', 'example', 'com')],
    ['www', 'example.com.', wire('www', 'example', 'com')],
    ['@', 'example.com', wire('example', 'com')],
    ['@', undefined, wire()],
    ['\\@', 'a', wire('@', 'a')],
    ['', undefined, wire()],
    ['.', 'example.com', wire()],
    ['a\\.b.c', undefined, wire('a.b', 'c')],
    ['\\065\\000\\255', undefined, wire('A\x00\xff')],
    ['CaSe', undefined, wire('CaSe')],
    ['*._tcp', 'x', wire('*', '_tcp', 'x')],
    ['a\\.', 'x', wire('a.', 'x')],
  ] as const)
    test(`${JSON.stringify(text)} under ${origin ?? 'no origin'}`, () => {
      expect(nameToWire(text, origin)).toEqual({ ok: true, value: expected })
    })

  for (const [text, why] of [
    ['a..b', 'has an empty label'],
    ['.a', 'has an empty label'],
    ['..', 'has an empty label'],
    ['x'.repeat(64), 'label longer than 63'],
    ['\\256', 'broken escape'],
    ['\\25', 'broken escape'],
    ['a\\', 'broken escape'],
    ['a b', 'blank or control'],
    ['é.example', 'outside ASCII'],
  ] as const)
    test(`${JSON.stringify(text)} is refused: ${why}`, () => {
      const read = nameToWire(text)
      expect(read.ok ? '' : read.error).toContain(why)
    })

  test('255 octets are a name and 256 are not, alone and under an origin', () => {
    const label = 'x'.repeat(63)
    const most = [label, label, label, 'x'.repeat(61)].join('.')
    expect(nameToWire(most)).toMatchObject({ ok: true, value: { length: 255 } })
    expect(nameToWire(`${most}x`).ok).toBe(false)
    expect(nameToWire(`${most}.`)).toMatchObject({ ok: true, value: { length: 255 } })
    expect(nameToWire([label, label, label].join('.'), 'x'.repeat(61)).ok).toBe(true)
    expect(nameToWire([label, label, label].join('.'), 'x'.repeat(62)).ok).toBe(false)
    // A label of 63 octets at the very end still fits with its dot.
    expect(nameToWire(label).ok).toBe(true)
  })
})

test('a wire name is read whole or not at all, and a pointer is no label', () => {
  expect(wireNameLength(new Uint8Array([1, 97, 0, 9]))).toBe(3)
  expect(wireNameLength(new Uint8Array([1, 97]))).toBe(0)
  expect(wireNameLength(new Uint8Array([5, 97, 0]))).toBe(0)
  expect(wireNameLength(new Uint8Array([0xc0, 12]))).toBe(0)
  expect(wireNameLength(new Uint8Array(0))).toBe(0)
  expect(wireToName(new Uint8Array([0xc0, 12]))).toBe('')
  expect(wireToName(new Uint8Array([9, 1, 97, 0]), 1)).toBe('a')
})

test('the text of a name escapes what would be read as something else', () => {
  expect(wireToName(wire('a.b\\c"d;e f', 'com'))).toBe('a\\.b\\\\c\\"d\\;e\\032f.com')
  expect(canonicalName('\\065\\098C.Example.')).toEqual({ ok: true, value: 'abc.example' })
})

test('a dot inside a label does not make a subdomain', () => {
  expect(isSubdomain('a\\.example.com', 'example.com')).toBe(false)
  expect(isSubdomain('a\\\\.example.com', 'example.com')).toBe(true)
  expect(isSubdomain('badexample.com', 'example.com')).toBe(false)
  expect(isSubdomain('Example.COM', 'example.com.')).toBe(true)
  expect(isSubdomain('anything', '')).toBe(true)
  expect(isSubdomain('com', 'example.com')).toBe(false)
})

test('names differ by more than case', () => {
  expect(nameEqual(wire('aA'), wire('Aa'))).toBe(true)
  expect(nameEqual(wire('a['), wire('a{'))).toBe(false)
  expect(nameEqual(wire('ab'), wire('a', 'b'))).toBe(false)
})

test('types, classes and rcodes have a name each, unknown ones by number', () => {
  expect(['a', 'AAAA', 'type65', 'TYPE65280', 'nsap-ptr'].map(typeNumber)).toEqual([
    1, 28, 65, 65_280, 23,
  ])
  expect(['', 'TYPE65536', 'TYPE', 'TYPE-1', 'constructor'].map(typeNumber)).toEqual(
    new Array(5).fill(undefined),
  )
  expect([1, 65, 65_280].map(typeName)).toEqual(['A', 'HTTPS', 'TYPE65280'])
  expect(['IN', 'ch', 'CLASS9', 'X'].map(classNumber)).toEqual([1, 3, 9, undefined])
  expect([className(1), className(9), rcodeName(3), rcodeName(99)]).toEqual([
    'IN',
    'CLASS9',
    'NXDOMAIN',
    'RCODE99',
  ])
})
