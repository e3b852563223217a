// Goal: each policy answers from the healthy servers only, in the order and proportion it promises.
// Method: small pools, consecutive turns, the addresses written out.
import { describe, expect, test } from 'vitest'
import { ALL_DOWN, decide, NODATA, type Question } from '../../../../src/core/steer/decide.ts'
import type { Pool } from '../../../../src/core/steer/pool.ts'
import { formatAddress } from '../../../../src/core/net/address.ts'
import { DOWN, poolOf, UP, WAS_UP, wordOf } from '../../../harness/pools.ts'

const out = new Int32Array(32)

function ask(pool: Pool, turn: number, family: 4 | 6 = 4): string[] | number {
  const question: Question = { family, turn, client: new Uint8Array(4) }
  const count = decide(pool.pools, pool.index, question, out)
  if (count <= 0) return count
  return [...out.subarray(0, count)].map((index) => formatAddress(pool.addresses[index]!))
}

const turns = (pool: Pool, count: number, family: 4 | 6 = 4) =>
  Array.from({ length: count }, (_, turn) => ask(pool, turn, family))

const shareOf = (answers: (string[] | number)[], address: string) =>
  answers.filter((answer) => Array.isArray(answer) && answer[0] === address).length / answers.length

const three = [{ address: '10.0.0.1' }, { address: '10.0.0.2' }, { address: '10.0.0.3' }]

describe('round-robin', () => {
  test('turns go through every healthy server in order', () => {
    expect(turns(poolOf(three), 4)).toEqual([
      ['10.0.0.1'],
      ['10.0.0.2'],
      ['10.0.0.3'],
      ['10.0.0.1'],
    ])
  })

  test('a server that goes down leaves the rotation, and returns to it', () => {
    const pool = poolOf(three)
    pool.setWord(1, DOWN)
    expect(turns(pool, 3)).toEqual([['10.0.0.1'], ['10.0.0.3'], ['10.0.0.1']])
    pool.setWord(1, UP)
    expect(ask(pool, 1)).toEqual(['10.0.0.2'])
  })

  test('answers: 2 gives two different servers and moves on by one', () => {
    expect(turns(poolOf(three, { answers: 2 }), 3)).toEqual([
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.2', '10.0.0.3'],
      ['10.0.0.3', '10.0.0.1'],
    ])
  })

  test('a bleeding server keeps its share of its turns and the others take the rest', () => {
    const bleeding = wordOf({ share: 250 })
    const pool = poolOf([{ address: '10.0.0.1', word: bleeding }, ...three.slice(1)])
    const answers = turns(pool, 3000)
    expect(shareOf(answers, '10.0.0.1')).toBeCloseTo(0.25 / 3, 2)
    expect(shareOf(answers, '10.0.0.2')).toBeCloseTo((1 - 0.25 / 3) / 2, 1)
  })

  test('a pool in which every share is zero still answers', () => {
    const bled = wordOf({ share: 0 })
    const pool = poolOf(three.map((server) => ({ ...server, word: bled })))
    expect(turns(pool, 2)).toEqual([['10.0.0.1'], ['10.0.0.2']])
  })
})

describe('weighted', () => {
  test('traffic follows the weights', () => {
    const pool = poolOf(
      [
        { address: '10.0.0.1', weight: 300 },
        { address: '10.0.0.2', weight: 100 },
      ],
      { policy: 'weighted' },
    )
    expect(shareOf(turns(pool, 1000), '10.0.0.1')).toBeCloseTo(0.75, 2)
  })

  test('weight 0 takes no traffic, under any policy', () => {
    for (const policy of ['weighted', 'round-robin', 'failover'] as const) {
      const pool = poolOf([{ address: '10.0.0.1', weight: 0 }, { address: '10.0.0.2' }], { policy })
      expect(shareOf(turns(pool, 100), '10.0.0.1')).toBe(0)
    }
  })
})

describe('failover', () => {
  test('the first healthy server in the order takes everything', () => {
    const pool = poolOf(three, { policy: 'failover' })
    expect(turns(pool, 3)).toEqual([['10.0.0.1'], ['10.0.0.1'], ['10.0.0.1']])
    pool.setWord(0, DOWN)
    expect(ask(pool, 9)).toEqual(['10.0.0.2'])
  })

  test('answers: 3 lists them in the order of preference', () => {
    expect(ask(poolOf(three, { policy: 'failover', answers: 3 }), 5)).toEqual([
      '10.0.0.1',
      '10.0.0.2',
      '10.0.0.3',
    ])
  })

  test('a bleeding primary passes on what its share gives away', () => {
    const pool = poolOf([{ address: '10.0.0.1', word: wordOf({ share: 600 }) }, three[1]!], {
      policy: 'failover',
    })
    expect(shareOf(turns(pool, 1000), '10.0.0.1')).toBeCloseTo(0.6, 2)
  })

  test('where all bleed, what is left over is divided as the rest is', () => {
    const servers = [300, 700].map((share, at) => ({
      ...{ address: `10.0.0.${at + 1}`, word: wordOf({ share }) },
    }))
    const pool = poolOf(servers, { policy: 'failover' })
    // 30 % stay with the first, 49 % go to the second; of the rest as much to each.
    expect(shareOf(turns(pool, 1000), '10.0.0.1')).toBeCloseTo(0.3 / 0.79, 2)
  })
})

describe('nobody to serve', () => {
  const down = three.map((server, index) => ({ ...server, word: index === 1 ? WAS_UP : DOWN }))

  test('servfail is the default', () => {
    expect(ask(poolOf(down), 0)).toBe(ALL_DOWN)
  })

  test('nodata says so', () => {
    expect(ask(poolOf(down, { whenAllDown: 'nodata' }), 0)).toBe(NODATA)
  })

  test('last_healthy answers those that served last', () => {
    expect(turns(poolOf(down, { whenAllDown: 'last_healthy' }), 2)).toEqual([
      ['10.0.0.2'],
      ['10.0.0.2'],
    ])
  })

  test('last_healthy of a pool that never served anybody fails', () => {
    const never = three.map((server) => ({ ...server, word: DOWN }))
    expect(ask(poolOf(never, { whenAllDown: 'last_healthy' }), 0)).toBe(ALL_DOWN)
  })

  test('all answers every server in turn', () => {
    expect(turns(poolOf(down, { whenAllDown: 'all' }), 3)).toEqual([
      ['10.0.0.1'],
      ['10.0.0.2'],
      ['10.0.0.3'],
    ])
  })

  test('fallback answers the fallback addresses, and only while everybody is down', () => {
    const pool = poolOf(down, { whenAllDown: 'fallback', fallback: ['192.0.2.9'] })
    expect(ask(pool, 0)).toEqual(['192.0.2.9'])
    pool.setWord(0, UP)
    expect(ask(pool, 0)).toEqual(['10.0.0.1'])
  })

  test('a pool that no server has joined yet fails', () => {
    expect(ask(poolOf([]), 0)).toBe(ALL_DOWN)
  })
})

describe('two families', () => {
  test('AAAA of a pool with IPv4 servers only is NODATA', () => {
    expect(ask(poolOf(three), 0, 6)).toBe(NODATA)
  })

  test('one family down while the other serves is NODATA, so that clients use the other', () => {
    const pool = poolOf([{ address: '10.0.0.1' }, { address: '2001:db8::1', word: DOWN }])
    expect(ask(pool, 0, 6)).toBe(NODATA)
    expect(ask(pool, 0, 4)).toEqual(['10.0.0.1'])
  })

  test('both families down is a failure for each', () => {
    const pool = poolOf([
      { address: '10.0.0.1', word: DOWN },
      { address: '2001:db8::1', word: DOWN },
    ])
    expect([ask(pool, 0, 4), ask(pool, 0, 6)]).toEqual([ALL_DOWN, ALL_DOWN])
  })
})
