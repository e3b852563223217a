import { expect, test } from 'vitest'
import { Wanting } from '../../../src/actors/dns/wanting.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { poolSpecOf, zoneOf } from '../../harness/dns-world.ts'
import { signedWorld } from '../../harness/dnssec-serving.ts'
import { DOWN, UP } from '../../harness/pools.ts'

const APEX = 'example.com'
const WAIT_MS = limits.wantedTellMs.default

test('answers that were wanted and not signed are told together, and nothing runs without them', () => {
  const addresses = Array.from({ length: 30 }, (_, at) => `192.0.2.${100 + at}`)
  const pool = poolSpecOf({ name: `app.${APEX}`, zone: APEX, spec: { answers: 4 }, addresses }, 0)
  const fake = fakeCtx('dns')
  const wanting: Wanting = new Wanting(fake.ctx, () => world.authority)
  const world = signedWorld({
    zones: [zoneOf(APEX, '@ NS ns.elsewhere.example.')],
    pools: [pool],
    words: [pool.members.map((_, at) => ([1, 3, 5].includes(at) ? DOWN : UP))],
    onWanted: () => wanting.noted(),
  })
  fake.clock.advance(10 * WAIT_MS)
  for (let turn = 0; turn < 2; turn++) world.ask(`app.${APEX}`, 'A', { turn })
  fake.clock.advance(WAIT_MS - 1)
  expect(fake.published).toEqual([])
  fake.clock.advance(1)
  expect(fake.published).toMatchObject([['dns.sets-wanted', { epoch: 1 }]])
  expect(fake.published[0]?.[1]).toHaveProperty('sets.length', 2)
  world.plain(`app.${APEX}`, 'A', { turn: 2 })
  fake.clock.advance(10 * WAIT_MS)
  expect(fake.published).toHaveLength(1)
  // Stopped, it says nothing any more.
  world.ask(`app.${APEX}`, 'A', { turn: 4 })
  wanting.stop()
  fake.clock.advance(10 * WAIT_MS)
  expect(fake.published).toHaveLength(1)
})
