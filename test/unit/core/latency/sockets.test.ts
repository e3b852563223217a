/**
 * Goal: a connection counts by what is new about it, never by how often it is seen; short ones
 * count when they end; loopback and listeners never. Method: scripted rows of the kernel's table.
 */
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { estimateUs, Sockets } from '../../../../src/core/latency/sockets.ts'
import { type RowSpec, tcpRows } from '../../../harness/tcp-rows.ts'

const AGE = 5_000

class Watch {
  readonly sockets = new Sockets(1)
  /** `rtt x samples` of each, in microseconds. */
  seen: string[] = []
  readonly #take = (_port: number, _f: 4 | 6, _b: Uint8Array, _at: number, us: number, n: number) =>
    void this.seen.push(`${us} x${n}`)

  look(nowMs: number, ...rows: readonly RowSpec[]): readonly string[] {
    this.seen = []
    this.sockets.look(tcpRows(rows), nowMs, AGE, this.#take)
    return this.seen
  }

  ended(nowMs: number, ...rows: readonly RowSpec[]): readonly string[] {
    this.seen = []
    this.sockets.ended(tcpRows(rows), nowMs, this.#take)
    return this.seen
  }
}

describe('an open connection', () => {
  test('counts once it is old enough, and then only for what was acknowledged since', () => {
    const watch = new Watch()
    const row = { cookie: 7, segments: 2, acked: 300 }
    expect(watch.look(0, row)).toEqual([])
    expect(watch.look(4_999, row)).toEqual([])
    expect(watch.look(5_000, row)).toEqual(['10000 x2'])
    // Idle: seen sixty times, counted never.
    for (let turn = 1; turn <= 60; turn++)
      expect(watch.look(5_000 + turn * 10_000, row)).toEqual([])
    expect(watch.look(700_000, { ...row, segments: 3, acked: 400 })).toEqual(['10000 x1'])
  })

  test('that only had its handshake counts once', () => {
    const watch = new Watch()
    watch.look(0, { cookie: 7 })
    expect(watch.look(AGE, { cookie: 7 })).toEqual(['10000 x1'])
    expect(watch.look(2 * AGE, { cookie: 7 })).toEqual([])
  })

  test('with much to acknowledge counts for no more than its share', () => {
    const watch = new Watch()
    const most = limits.latencySamplesPerLook.default
    watch.look(0, { cookie: 7 })
    const bulk = { cookie: 7, segments: 900, acked: 900 * 1_400 }
    expect(watch.look(AGE, bulk)).toEqual([`20000 x${most}`])
  })

  test('that is gone from the table is forgotten', () => {
    const watch = new Watch()
    watch.look(0, { cookie: 7 }, { cookie: 8 })
    expect(watch.sockets.size).toBe(2)
    watch.look(1, { cookie: 8 })
    watch.look(2, { cookie: 8 })
    expect(watch.sockets.size).toBe(1)
  })
})

describe('a connection that ended', () => {
  test('counts at any age, once', () => {
    const watch = new Watch()
    const row = { cookie: 7, state: 'closed', segments: 1, acked: 100 } as const
    expect(watch.ended(10, row)).toEqual(['10000 x2'])
    expect(watch.sockets.size).toBe(0)
  })

  test('counts only for what is new since it was counted open', () => {
    const watch = new Watch()
    const row = { cookie: 7, segments: 4, acked: 100 }
    watch.look(0, row)
    expect(watch.look(AGE, row)).toEqual(['10000 x3'])
    expect(watch.ended(AGE + 1, { ...row, state: 'closed' })).toEqual([])
    watch.look(AGE + 2, { ...row, cookie: 9 })
    watch.look(2 * AGE + 2, { ...row, cookie: 9 })
    const last = { cookie: 9, segments: 5, acked: 150, state: 'closed' } as const
    expect(watch.ended(2 * AGE + 3, last)).toEqual(['10000 x1'])
  })

  test('is not counted again where it was missing from a reading before its end was told', () => {
    const watch = new Watch()
    const row = { cookie: 7, segments: 4, acked: 100 }
    watch.look(0, row)
    watch.look(AGE, row)
    expect(watch.look(AGE + 1)).toEqual([])
    expect(watch.ended(AGE + 2, { ...row, state: 'closed' })).toEqual([])
  })
})

test.each<[string, RowSpec]>([
  ['a listener', { cookie: 7, state: 'listen', remotePort: 0 }],
  ['a listener that closed', { cookie: 7, state: 'closed', remotePort: 0 }],
  ['loopback', { cookie: 7, remote: '127.0.0.1', local: '127.0.0.1' }],
  ['loopback at another address', { cookie: 7, remote: '127.3.3.3', local: '127.0.0.1' }],
  ['loopback of IPv6', { cookie: 7, remote: '::1', local: '::1' }],
  ['this machine to itself', { cookie: 7, remote: '10.0.0.5', local: '10.0.0.5' }],
  ['one without TCP_INFO', { cookie: 7, info: false }],
  ['one without any sample', { cookie: 7, rttUs: 0, minRttUs: 0 }],
  ['one before its first sample', { cookie: 7, rttUs: 0, minRttUs: 0xffff_ffff }],
])('%s teaches nothing', (_what, row) => {
  const watch = new Watch()
  watch.look(0, row)
  expect(watch.look(AGE, row)).toEqual([])
  expect(watch.ended(AGE, row)).toEqual([])
})

test('the least time is taken, unless full segments were acknowledged in number', () => {
  expect(estimateUs(42_000, 2_000, 3, 900)).toBe(2_000)
  expect(estimateUs(42_000, 2_000, 100, 100 * 200)).toBe(2_000)
  expect(estimateUs(42_000, 2_000, 100, 100 * 1_400)).toBe(42_000)
  expect(estimateUs(42_000, 0, 0, 0)).toBe(42_000)
})
