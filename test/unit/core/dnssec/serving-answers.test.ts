// Goal: answers of several servers are signed ahead where they can be listed, and where they cannot
// are answered with fewer until they are.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { SignatureStore } from '../../../../src/core/dnssec/signatures.ts'
import { poolSpecOf, zoneOf } from '../../../harness/dns-world.ts'
import {
  type Message,
  type SignedWorldParts,
  signedParts,
  signedWorld,
} from '../../../harness/dnssec-serving.ts'
import { DOWN, UP } from '../../../harness/pools.ts'

const APEX = 'example.com'
const zones = [zoneOf(APEX, '@ NS ns1\nns1 A 192.0.2.53')]
const poolOf = (count: number, spec: object = {}) =>
  poolSpecOf(
    {
      ...{ name: `app.${APEX}`, zone: APEX, spec },
      addresses: Array.from({ length: count }, (_, at) => `192.0.2.${100 + at}`),
    },
    0,
  )
const addressesIn = ({ answer }: Message) => answer.filter(({ type }) => type === types.A).length

function resultOf(world: SignedWorldParts) {
  const { signed, ...rest } = signedParts(world)
  if (!signed.ok) throw new Error(signed.error.join('\n'))
  return { ...rest, ...signed.value }
}

describe('answers of several addresses', () => {
  const pools = [poolOf(30, { answers: 4 })]

  test('of too many to list those are signed that turns give while at most one is down', () => {
    for (const gone of [-1, 0, 17, 29]) {
      const words = [pools[0]!.members.map((_, at) => (at === gone ? DOWN : UP))]
      const world = signedWorld({ zones, pools, words })
      for (let turn = 0; turn < 30; turn++)
        expect(addressesIn(world.ask(`app.${APEX}`, 'A', { turn }))).toBe(4)
      expect(world.authority.takeWanted()).toEqual([])
    }
  })

  test('the others are answered with fewer, noted, and whole once they are signed', () => {
    const store = new SignatureStore()
    const words = [pools[0]!.members.map((_, at) => ([1, 3, 5].includes(at) ? DOWN : UP))]
    const world = signedWorld({ zones, pools, words, store })
    const name = `app.${APEX}`
    for (let turn = 0; turn < 2; turn++) {
      const message = world.ask(name, 'A', { turn })
      expect([addressesIn(message), ...world.judge(message)]).toEqual([1])
      expect(addressesIn(world.plain(name, 'A', { turn }))).toBe(4)
    }
    const wanted = world.authority.takeWanted()
    expect(wanted.map(({ addresses }) => addresses)).toEqual(
      expect.arrayContaining([
        [0, 2, 4, 6],
        [2, 4, 6, 7],
      ]),
    )
    expect(wanted.length).toBe(2)
    expect(world.authority.takeWanted()).toEqual([])
    const signed = resultOf({ zones, pools, store, wanted, version: 2 })
    expect(signed.made).toBe(2)
    expect(world.authority.applySigned(signed.parts)).toBe(true)
    for (let turn = 0; turn < 2; turn++) {
      const message = world.ask(name, 'A', { turn })
      expect([addressesIn(message), ...world.judge(message)]).toEqual([4])
    }
    expect(world.authority.takeWanted()).toEqual([])
  })

  test('those that are few enough are all signed ahead, whoever is up', () => {
    const few = [poolOf(8, { answers: 3 })]
    for (const down of [0, 3, 7]) {
      const words = [few[0]!.members.map((_, at) => (at === down ? DOWN : UP))]
      const world = signedWorld({ zones, pools: few, words })
      for (let turn = 0; turn < 8; turn++) {
        const message = world.ask(`app.${APEX}`, 'A', { turn })
        expect([addressesIn(message), ...world.judge(message)]).toEqual([3])
      }
    }
  })

  test('servers on several ports of one address are one answer', () => {
    const spec = poolOf(2, { answers: 2 })
    const twice = [...spec.members, ...spec.members.map((one) => ({ ...one, port: 81 }))]
    const world = signedWorld({
      zones,
      pools: [{ ...spec, members: twice }],
      words: [[0, 0, UP, UP]],
    })
    for (let turn = 0; turn < 3; turn++) {
      const message = world.ask(`app.${APEX}`, 'A', { turn })
      expect([addressesIn(message), ...world.judge(message)]).toEqual([2])
    }
  })

  test('what nobody could be answered is not signed because it was asked for', () => {
    const odd = [[3, 1], [1, 1], [0, 99], [2], [0, 1, 2, 3, 4]]
    const wanted = odd.map((addresses) => ({ pool: 0, family: 4 as const, addresses }))
    expect(resultOf({ zones, pools, wanted }).made).toBe(resultOf({ zones, pools }).made)
  })

  test('what was asked for is signed, however much of one pool it is', () => {
    const many = Array.from({ length: 30 * 29 * 28 }, (_, at) => {
      const [low, middle, high] = [at % 30, Math.floor(at / 30) % 29, Math.floor(at / 870)]
      return [low, middle, high]
    }).filter(([low, middle, high]) => low! < middle! && middle! < high!)
    const some = many.slice(0, 600)
    const wanted = some.map((addresses) => ({ pool: 0, family: 4 as const, addresses }))
    const { made, parts } = resultOf({ zones, pools, wanted })
    expect(made - resultOf({ zones, pools }).made).toBeGreaterThan(
      600 - limits.answerSetsSigned.default,
    )
    const again = resultOf({ zones, pools, wanted: wanted.toReversed() })
    expect([again.made, again.parts.subsets.length]).toEqual([made, parts.subsets.length])
  })
})
