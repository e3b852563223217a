// Goal: servers on several ports of one address are one candidate: the address is answered once, as
// long as one of them serves, and takes the turns that their weights add up to.
// Method: pools beside pools in which one server stands for each address; answers on the wire.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../../../src/core/steer/decide.ts'
import { explain } from '../../../../src/core/steer/explain.ts'
import { formatAddress } from '../../../../src/core/net/address.ts'
import type { Pool } from '../../../../src/core/steer/pool.ts'
import { Pool as PoolOf } from '../../../../src/core/steer/pool.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { dnsWorld } from '../../../harness/dns-world.ts'
import { DOWN, poolOf, UP, WAS_UP, wordOf } from '../../../harness/pools.ts'

interface Line {
  readonly address: string
  readonly port?: number
  readonly weight?: number
  readonly word?: number
}

function portsOf(lines: readonly Line[], spec: Partial<ServingPool> = {}): Pool {
  const plain = poolOf(lines, spec)
  const members = plain.spec.members.map((member, index) => {
    const port = lines[index]!.port ?? 80
    return { ...member, port, key: `app:${member.address}:${port}` }
  })
  return new PoolOf({ ...plain.spec, members }, [...plain.words])
}

function answer(pool: Pool, turn: number, family: 4 | 6 = 4): string[] {
  const out = new Int32Array(32)
  const count = decide(pool.pools, 0, { family, turn, client: new Uint8Array(4) }, out)
  return [...out.subarray(0, Math.max(0, count))].map((at) => formatAddress(pool.addresses[at]!))
}

const A = '10.0.0.1'
const B = '10.0.0.2'
const C = '10.0.0.3'

/** How often each address comes first in so many turns. */
function firsts(pool: Pool, turns: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let turn = 0; turn < turns; turn++) {
    const [first] = answer(pool, turn)
    counts[first!] = (counts[first!] ?? 0) + 1
  }
  return counts
}

describe('decide', () => {
  test('an answer names each address once, and has no more records than addresses', () => {
    const pool = portsOf(
      [
        { address: A, port: 80 },
        { address: B },
        { address: A, port: 81 },
        { address: A, port: 82 },
      ],
      { answers: 4 },
    )
    expect(answer(pool, 0)).toEqual([A, B])
    expect(answer(pool, 1)).toEqual([B, A])
  })

  test('an address is served as long as one of its servers serves', () => {
    const lines = [{ address: A, port: 80, word: DOWN }, { address: A, port: 81 }, { address: B }]
    const pool = portsOf(lines, { answers: 4 })
    expect(answer(pool, 0)).toEqual([A, B])
    pool.setWord(1, DOWN)
    expect(answer(pool, 0)).toEqual([B])
    pool.setWord(0, UP)
    expect(answer(pool, 0)).toEqual([A, B])
  })

  test('in a round every address has one turn, whatever number of servers it has', () => {
    const pool = portsOf([{ address: A, port: 1 }, { address: A, port: 2 }, { address: B }])
    expect(firsts(pool, 100)).toEqual({ [A]: 50, [B]: 50 })
  })

  test('weights of servers that serve add up, those of the others do not', () => {
    const lines = [
      { address: A, port: 80, weight: 10 },
      { address: B, weight: 40 },
      { address: A, port: 81, weight: 30 },
      { address: A, port: 82, weight: 60, word: DOWN },
    ]
    const pool = portsOf(lines, { policy: 'weighted' })
    const even = firsts(pool, 2_000)
    expect(even[A]! / 2_000).toBeCloseTo(0.5, 2)
    pool.setWord(3, UP)
    expect(firsts(pool, 2_000)[A]! / 2_000).toBeCloseTo(100 / 140, 2)
  })

  test('a bleeding server takes weight from its address by its part of it', () => {
    const half = wordOf({ share: 500 })
    const lines = [
      { address: A, port: 80, weight: 100, word: half },
      { address: A, port: 81, weight: 100 },
      { address: B, weight: 50 },
    ]
    const pool = portsOf(lines, { policy: 'weighted' })
    expect(firsts(pool, 4_000)[A]! / 4_000).toBeCloseTo(0.75, 2)
  })

  test('a fallback address or one of when_all_down is answered once too', () => {
    const down = [
      { address: A, port: 80, word: WAS_UP },
      { address: A, port: 81, word: WAS_UP },
      { address: B, word: DOWN },
    ]
    expect(answer(portsOf(down, { answers: 9, whenAllDown: 'last_healthy' }), 0)).toEqual([A])
    expect(answer(portsOf(down, { answers: 9, whenAllDown: 'all' }), 0)).toEqual([A, B])
    const spec = { answers: 9, whenAllDown: 'fallback', fallback: [C, A, C] } as const
    expect(answer(portsOf(down, spec), 0)).toEqual([C, A])
  })

  const line = fc.record({
    address: fc.constantFrom(A, B, C, '10.0.0.4'),
    weight: fc.integer({ min: 0, max: 5 }),
    word: fc.constantFrom(UP, DOWN, WAS_UP),
  })
  const policies = fc.constantFrom('round-robin', 'weighted', 'failover')
  test('it answers as a pool does in which one server stands for each address', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), policies, (lines, policy) => {
        const spec = { policy, answers: 9 } as const
        const ports = lines.map((one, index) => ({ ...one, port: 80 + index }))
        const serving = lines.filter(({ word, weight }) => word === UP && weight > 0)
        const merged = new Map<string, number>()
        for (const { address, weight } of serving)
          merged.set(address, (merged.get(address) ?? 0) + weight)
        const single = [...merged].map(([address, weight]) => ({ address, weight }))
        const pool = portsOf(ports, spec)
        const model = portsOf(single, spec)
        for (let turn = 0; turn < 12; turn++) {
          const told = answer(pool, turn)
          expect(new Set(told).size).toBe(told.length)
          expect(told).toEqual(answer(model, turn))
        }
      }),
      { numRuns: 300 },
    )
  })
})

test('explain tells of each server whether the answer is for it, and for whom its address is', () => {
  const pool = portsOf(
    [
      { address: A, port: 80, word: DOWN },
      { address: A, port: 81 },
      { address: A, port: 82 },
      { address: B, port: 80 },
    ],
    { answers: 1 },
  )
  const told = explain(pool, { family: 4, turn: 0, client: new Uint8Array(4) })
  expect(told.chosen).toEqual([A])
  expect(told.candidates.map(({ chosen, rank, reason }) => [chosen, rank, reason])).toEqual([
    [
      false,
      undefined,
      `unhealthy by its health check; its address is answered once, for app:${A}:81`,
    ],
    [true, 1, 'healthy, and it is its turn'],
    [true, 1, `healthy; its address is answered once, for app:${A}:81`],
    [false, undefined, 'healthy, but it is the turn of another server'],
  ])
})

test('on the wire an address comes once, in its family', () => {
  const addresses = [A, A, B, '2001:db8::1', '2001:db8::1']
  const pools = [{ name: 'app.example.com', zone: 'example.com', addresses, spec: { answers: 8 } }]
  const { ask } = dnsWorld({ zones: { 'example.com': '' }, pools })
  const data = (type: string) => ask('app.example.com', type).answers.map((one) => one.data)
  expect(data('A').sort()).toEqual([A, B])
  expect(data('AAAA')).toEqual(['2001:db8::1'])
})
