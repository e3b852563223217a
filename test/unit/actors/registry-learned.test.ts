/**
 * Goal: a name with more regions than rows of learned latency hold goes without them, and takes
 * nothing from the others. Method: the registry's part in it with pools of many regions.
 */
import { expect, test } from 'vitest'
import { Learned } from '../../../src/actors/registry/learned.ts'
import { latencyPolicyLimits } from '../../../src/core/base/limits/latency-policy.ts'
import { ownMemory } from '../../../src/core/base/memory.ts'
import { placeClients } from '../../../src/core/geo/source.ts'
import type { Fleet } from '../../../src/core/health/fleet.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { poolSpecOf } from '../../harness/dns-world.ts'

const geo = placeClients({ regions: [], custom: [], defaultRegion: '' }, {}, ownMemory)
const MOST = latencyPolicyLimits.latencyRegionsMax.default

function pool(name: string, regions: number) {
  const addresses = Array.from({ length: regions }, (_, at) => `10.0.${at}.1`)
  const made = poolSpecOf({ name, zone: 'a.test', addresses }, 0)
  const members = made.members.map((member, at) => ({ ...member, region: `r${at}` }))
  return { spec: { ...made, policy: 'learned_latency', members } }
}

test('a name with too many regions is left out, and said', () => {
  const { ctx, published, logs } = fakeCtx('registry')
  const pools = [pool('many.a.test', MOST + 1), pool('few.a.test', MOST)]
  new Learned(ctx).compiled({ pools } as unknown as Fleet, geo)
  expect(published).toMatchObject([['registry.ground-set', { services: [{ name: 'few.a.test' }] }]])
  expect(logs).toMatchObject([{ level: 'warn', fields: { names: ['many.a.test'], count: 1 } }])
})

test('a name whose clients stick is told as such, and so are leaves of its policy', () => {
  const { ctx, published } = fakeCtx('registry')
  const sticky = { bits4: 24, bits6: 48, balance: 1.25 }
  const leaf = { kind: 'choose', algorithm: 'learned_latency', regions: [] } as const
  const flat = pool('flat.a.test', 2)
  const pools = [
    pool('free.a.test', 2),
    { spec: { ...flat.spec, sticky } },
    { spec: { ...pool('made.a.test', 2).spec, policy: 'composed', tree: leaf, sticky } },
  ]
  new Learned(ctx).compiled({ pools } as unknown as Fleet, geo)
  const services = [{ name: 'free.a.test' }, { sticky: true }, { sticky: true }]
  expect(published).toMatchObject([['registry.ground-set', { services }]])
  expect(JSON.stringify(published).split('"sticky":true')).toHaveLength(3)
})

test('rows reach those who answer also where their author counts anew on a clock set back', () => {
  const { ctx, published } = fakeCtx('registry')
  const learned = new Learned(ctx)
  for (const version of [9_000, 4_000, 4_001, 9_500])
    learned.routed({ version, slot: 1, services: [] })
  const versions = published.map(([, message]) => (message as { version: number }).version)
  expect(versions).toEqual([9_000, 9_001, 9_002, 9_500])
})
