// Goal: one address, one spelling; nothing malformed gets through.
import { describe, expect, test } from 'vitest'
import * as net from '../../../../src/core/net/address.ts'

const canonical = (text: string) => {
  const address = net.parseAddress(text)
  return address.ok ? address.value.text : 'refused'
}

describe('addresses', () => {
  for (const [written, expected] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // RFC 5952 4.2.2: one zero group stays.
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], // 4.2.3: the longest run.
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // 4.2.3: the first of equals.
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ] as const) {
    test(`${written} is ${expected}`, () => expect(canonical(written)).toBe(expected))
  }

  for (const written of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    'fe80::1%eth0',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3',
    'localhost',
    '1::2:3:4:5:6:7:8',
  ]) {
    test(`"${written}" is refused`, () => expect(canonical(written)).toBe('refused'))
  }
})

describe('prefixes', () => {
  test('host bits are cleared and bare addresses are whole', () => {
    const prefix = net.parsePrefix('10.1.2.3/20')
    expect(prefix.ok && [prefix.value.address.text, prefix.value.length]).toEqual(['10.1.0.0', 20])
    const bare = net.parsePrefix('2001:db8::1')
    expect(bare.ok && bare.value.length).toBe(128)
  })

  test('a prefix covers its own addresses and no others', () => {
    const prefix = net.parsePrefix('10.1.0.0/15')
    const covered = (text: string) => {
      const address = net.parseAddress(text)
      return prefix.ok && address.ok && net.covers(prefix.value, address.value.bytes)
    }
    expect(['10.0.0.1', '10.1.255.255', '10.2.0.0', '::a00:1'].map(covered)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  for (const written of [
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    'x/8',
    '::/129',
    '10.0.0.0/8/8',
  ])
    test(`"${written}" is refused`, () => expect(net.parsePrefix(written).ok).toBe(false))
})

describe('endpoints', () => {
  for (const [written, host, port] of [
    [':53', '', 53],
    ['127.0.0.1:5354', '127.0.0.1', 5354],
    ['[::1]:53', '::1', 53],
    ['localhost:0', 'localhost', 0],
  ] as const)
    test(`${written} is read`, () =>
      expect(net.parseEndpoint(written)).toEqual({ ok: true, value: { host, port } }))

  for (const written of ['', '53', '::1:53', '127.0.0.1:65536', '127.0.0.1:', 'a:b'])
    test(`"${written}" is refused`, () => expect(net.parseEndpoint(written).ok).toBe(false))
})
