import { describe, expect, test } from 'vitest'
import { AccessList, forwardedClient } from '../../../../src/core/net/access.ts'

describe('AccessList', () => {
  for (const [networks, address, allowed] of [
    [[], '127.0.0.1', true],
    [[], '127.8.8.8', true],
    [[], '::1', true],
    [[], '10.0.0.1', false],
    [['10.0.0.0/8'], '10.1.2.3', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['10.0.0.0/8'], '::1', true],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.8', false],
    [['2001:db8::/32'], '2001:db8:0:1::9', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['10.0.0.0/8'], '::ffff:10.0.0.9', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['nonsense', '10.0.0.0/99'], '10.0.0.1', false],
    [['0.0.0.0/0'], '', false],
    [['0.0.0.0/0'], 'unknown', false],
  ] as const) {
    test(`${networks.join(',') || 'nothing'} ${allowed ? 'allows' : 'refuses'} "${address}"`, () => {
      expect(new AccessList(networks).allows(address)).toBe(allowed)
    })
  }

  test('names the entries that are no networks', () => {
    expect(new AccessList(['10.0.0.0/8', 'nonsense']).malformed).toEqual(['nonsense'])
  })
})

// Goal: a client cannot write itself into a network with a header of its own.
describe('forwardedClient', () => {
  const trusted = new AccessList(['10.0.0.0/8'])
  for (const [title, peer, headers, expected] of [
    ['no header: the peer', '127.0.0.1', {}, '127.0.0.1'],
    ['one proxy: its last hop', '127.0.0.1', { 'x-forwarded-for': '6.6.6.6' }, '6.6.6.6'],
    [
      'what the client wrote itself is not read',
      '127.0.0.1',
      { 'x-forwarded-for': '127.0.0.1, 10.0.0.1, 6.6.6.6' },
      '6.6.6.6',
    ],
    [
      'a chain of allowed proxies is looked through',
      '10.0.0.2',
      { 'x-forwarded-for': '1.1.1.1, 6.6.6.6, 10.0.0.1, 127.0.0.1' },
      '6.6.6.6',
    ],
    [
      'an allowed client behind proxies is the leftmost',
      '127.0.0.1',
      { 'x-forwarded-for': '10.9.9.9, 10.0.0.1' },
      '10.9.9.9',
    ],
    [
      'a stranger is not believed',
      '6.6.6.6',
      { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' },
      '6.6.6.6',
    ],
    ['a hop with a port', '127.0.0.1', { 'x-forwarded-for': '[2001:db8::1]:4711' }, '2001:db8::1'],
    ['a hop that is no address', '127.0.0.1', { 'x-forwarded-for': 'unknown' }, undefined],
    ['an empty hop', '127.0.0.1', { 'x-forwarded-for': '' }, undefined],
    ['X-Real-IP alone', '127.0.0.1', { 'x-real-ip': '6.6.6.6' }, '6.6.6.6'],
    [
      'too many hops',
      '127.0.0.1',
      { 'x-forwarded-for': Array(40).fill('127.0.0.1').join(',') },
      undefined,
    ],
  ] as const) {
    test(title, () => {
      expect(forwardedClient(peer, headers as Record<string, string>, trusted)).toBe(expected)
    })
  }
})
