// Goal: a policy made of others answers as its parts would: a geofence lets nobody out, tiers take
// over as they fail, a split shares by weight, a leaf chooses as the flat policy does; and who
// asks why is told each step with whom it removed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ownMemory } from '../../../../src/core/base/memory.ts'
import { placeClients } from '../../../../src/core/geo/source.ts'
import { decide, type Question } from '../../../../src/core/steer/decide.ts'
import { explain } from '../../../../src/core/steer/explain.ts'
import { Pool } from '../../../../src/core/steer/pool.ts'
import { isPolicyNode, type PolicyNode } from '../../../../src/core/steer/policy-tree.ts'
import { decisionScope } from '../../../../src/core/steer/scope.ts'
import type { ServingPool } from '../../../../src/core/steer/snapshot.ts'
import { pointOf, turnAt } from '../../../../src/core/steer/turns.ts'
import { DOWN, UP, WAS_UP, wordOf } from '../../../harness/pools.ts'

const REGIONS = ['eu', 'us', 'spare']
const regions = REGIONS.map((name) => ({ name, countries: [], continents: [] }))
const custom = [
  { cidr: '10.0.0.0/8', region: 'eu', comment: '' },
  { cidr: '20.0.0.0/8', region: 'us', comment: '' },
]
const geo = placeClients({ regions, custom, defaultRegion: '' }, {}, ownMemory)

type Line = readonly [region: string, word?: number, weight?: number, address?: string]

function poolOf(lines: readonly Line[], tree: PolicyNode, spec: Partial<ServingPool> = {}): Pool {
  const members = lines.map(([region, , weight = 100, address], at) => ({
    ...{ key: `k${at}`, address: address ?? `192.0.2.${at}`, port: 80, region, weight },
  }))
  const whole: ServingPool = {
    ...{ name: 'app.example.com', zone: 'example.com', ttlSeconds: 30, policy: 'composed', tree },
    ...{ answers: 1, whenAllDown: 'servfail', fallback: [], slot: 0, ...spec, members },
  }
  return new Pool(
    whole,
    lines.map(([, word = UP]) => word),
    geo,
  )
}

const client = (text: string) => Uint8Array.from(text.split('.'), Number)
const EU = client('10.1.2.3')
const US = client('20.1.2.3')
const NOWHERE = client('192.0.2.200')

const leaf = (algorithm: 'weighted' | 'geolocation' | 'failover', ...of: string[]): PolicyNode => ({
  ...{ kind: 'choose', algorithm, regions: of },
})
const told = (pool: Pool, who: Uint8Array, turn = 0, family: 4 | 6 = 4) =>
  explain(pool, { family, turn, client: who })
const chosenBy = (pool: Pool, who: Uint8Array, turn = 0) => told(pool, who, turn).chosen[0]

const fence: PolicyNode = {
  kind: 'geofence',
  rules: [
    {
      homes: ['eu'],
      node: { kind: 'failover', tiers: [leaf('weighted', 'eu'), leaf('weighted', 'spare')] },
    },
    { homes: ['us'], node: leaf('weighted', 'us') },
  ],
}
const lines: Line[] = [['eu'], ['us'], ['spare']]

describe('a geofence', () => {
  test('sends each client to its own part, through the tiers there, and nobody out', () => {
    expect(chosenBy(poolOf(lines, fence), EU)).toBe('192.0.2.0')
    expect(chosenBy(poolOf(lines, fence), US)).toBe('192.0.2.1')
    const down = poolOf([['eu', DOWN], ['us', DOWN], ['spare']], fence)
    expect(chosenBy(down, EU)).toBe('192.0.2.2')
    expect(told(down, US).outcome).toBe('all-down')
    expect(told(poolOf(lines, fence), NOWHERE).outcome).toBe('all-down')
  })

  test('leaves the others what when_all_down says, and nothing of the fenced ones', () => {
    const of = (spec: Partial<ServingPool>) =>
      told(poolOf([['eu'], ['us', WAS_UP], ['spare']], fence, spec), US)
    expect(of({ whenAllDown: 'nodata' }).outcome).toBe('nodata')
    expect(of({ whenAllDown: 'all' }).chosen).toEqual(['192.0.2.1'])
    expect(of({ whenAllDown: 'last_healthy' }).chosen).toEqual(['192.0.2.1'])
    const fallback = { whenAllDown: 'fallback', fallback: ['198.51.100.9'] } as const
    expect(of(fallback).chosen).toEqual(['198.51.100.9'])
    expect(told(poolOf(lines, fence, fallback), NOWHERE).chosen).toEqual(['198.51.100.9'])
  })

  test('says "no such record" where the other family of its part serves', () => {
    const pool = poolOf([['eu'], ['us', UP, 100, '2001:db8::1'], ['spare']], fence)
    expect(told(pool, US, 0, 4).outcome).toBe('nodata')
    expect(told(pool, US, 0, 6).chosen).toEqual(['2001:db8::1'])
  })

  test('a part for all others takes those of whom nothing is known', () => {
    const rules = [...(fence.kind === 'geofence' ? fence.rules : []), { node: leaf('weighted') }]
    const pool = poolOf(lines, { kind: 'geofence', rules })
    const seen = new Set(Array.from({ length: 60 }, (_, turn) => chosenBy(pool, NOWHERE, turn)))
    expect(seen.size).toBe(3)
  })

  test('tells the widest scope within which no client is sent another way', () => {
    const pool = poolOf(lines, fence)
    const scopeFor = (who: Uint8Array) => {
      const question: Question = { family: 4, turn: 0, client: who }
      decide(pool.pools, 0, question, new Int32Array(32))
      return decisionScope(pool.pools, 0, question)
    }
    expect(scopeFor(EU)).toBe(8)
    expect(scopeFor(US)).toBe(8)
    expect(scopeFor(client('11.0.0.1'))).toBeLessThanOrEqual(8)
    expect(told(pool, EU).geography).toBeUndefined()
  })
})

describe('tiers', () => {
  const tiers: PolicyNode = {
    kind: 'failover',
    tiers: [leaf('geolocation', 'eu', 'us'), leaf('failover', 'spare')],
  }

  test('the first that serves answers, by its own policy, whatever the next one has', () => {
    const pool = poolOf(lines, tiers)
    expect(chosenBy(pool, EU)).toBe('192.0.2.0')
    expect(chosenBy(pool, US)).toBe('192.0.2.1')
    pool.setWord(0, DOWN)
    expect(chosenBy(pool, EU)).toBe('192.0.2.1')
    pool.setWord(1, DOWN)
    expect(chosenBy(pool, EU)).toBe('192.0.2.2')
    pool.setWord(0, UP)
    expect(chosenBy(pool, EU)).toBe('192.0.2.0')
  })

  test('an answer of several addresses is of one tier', () => {
    const pool = poolOf([['eu'], ['us'], ['spare'], ['spare']], tiers, { answers: 4 })
    expect(told(pool, EU).chosen).toEqual(['192.0.2.0', '192.0.2.1'])
    pool.setWord(0, DOWN)
    pool.setWord(1, DOWN)
    expect(told(pool, EU).chosen).toEqual(['192.0.2.2', '192.0.2.3'])
  })

  test('where no tier serves, the first that when_all_down finds somebody in stands in', () => {
    const pool = poolOf(
      [
        ['eu', DOWN],
        ['us', DOWN],
        ['spare', WAS_UP],
      ],
      tiers,
      {
        whenAllDown: 'last_healthy',
      },
    )
    expect(told(pool, EU)).toMatchObject({ chosen: ['192.0.2.2'], fallback: 'last_healthy' })
  })

  test('a later tier that serves comes before anybody whom when_all_down puts in', () => {
    for (const whenAllDown of ['all', 'last_healthy', 'fallback'] as const) {
      const spec = { whenAllDown, fallback: ['198.51.100.9'] }
      const pool = poolOf([['eu', WAS_UP], ['us', WAS_UP], ['spare']], tiers, spec)
      expect(told(pool, EU)).toMatchObject({ outcome: 'answer', chosen: ['192.0.2.2'] })
    }
  })

  test('a policy that reads no client tells the scope 0', () => {
    const pool = poolOf(lines, {
      kind: 'failover',
      tiers: [leaf('weighted', 'eu'), leaf('weighted', 'us')],
    })
    const question: Question = { family: 4, turn: 0, client: EU }
    decide(pool.pools, 0, question, new Int32Array(32))
    expect(decisionScope(pool.pools, 0, question)).toBe(0)
    expect(question.place).toBe(-1)
  })
})

describe('a split', () => {
  const split: PolicyNode = {
    kind: 'split',
    parts: [
      { weight: 95, node: leaf('weighted', 'eu') },
      { weight: 5, node: leaf('weighted', 'us') },
    ],
  }
  const sharesOf = (pool: Pool, turns = 20_000) => {
    const counts = new Map<string, number>()
    for (let turn = 0; turn < turns; turn++) {
      const chosen = chosenOf(pool, turn)
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1 / turns)
    }
    return counts
  }
  const out = new Int32Array(32)
  const chosenOf = (pool: Pool, turn: number) => {
    const count = decide(pool.pools, 0, { family: 4, turn, client: EU }, out)
    return count > 0 ? `k${out[0]}` : ''
  }

  test('shares turns by weight, and those of a part by the weights inside it', () => {
    const shares = sharesOf(poolOf([['eu'], ['eu', UP, 300], ['us'], ['us']], split))
    expect(shares.get('k0')).toBeCloseTo(0.2375, 2)
    expect(shares.get('k1')).toBeCloseTo(0.7125, 2)
    expect(shares.get('k2')).toBeCloseTo(0.025, 2)
    expect(shares.get('k3')).toBeCloseTo(0.025, 2)
  })

  test('what falls to a part without a server goes to the others', () => {
    const shares = sharesOf(poolOf([['eu', DOWN], ['us'], ['us']], split))
    expect(shares.get('k1')).toBeCloseTo(0.5, 2)
    expect(shares.get('k2')).toBeCloseTo(0.5, 2)
  })

  test('a turn is found by its point', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (point) => {
        expect(pointOf(turnAt(point))).toBeCloseTo(point, 9)
      }),
    )
  })
})

describe('who asks why', () => {
  test('is told each step, whom it removed, and why', () => {
    const pool = poolOf([['eu', DOWN], ['us'], ['spare'], ['spare', UP, 50]], fence)
    const { policySteps, candidates } = told(pool, EU)
    expect(policySteps).toMatchObject([
      { path: 'policy.geofence[0]', removed: ['k1'], left: 3 },
      { path: 'policy.geofence[0].failover[1]', removed: ['k0'], left: 2 },
      { path: 'policy.geofence[0].failover[1]', kind: 'choose', removed: [], left: 2 },
    ])
    expect(policySteps![0]!.reason).toContain('region eu')
    expect(policySteps![1]!.reason).toContain('none before it serves')
    expect(candidates[1]!.reason).toContain('policy.geofence[0] goes on without it')
    expect(candidates.filter(({ chosen }) => chosen)).toHaveLength(1)
  })

  test('is told which regions serve in other parts, and which serve nowhere', () => {
    const near: PolicyNode = {
      kind: 'failover',
      tiers: [leaf('geolocation', 'eu'), leaf('weighted', 'us')],
    }
    const steps = (...own: Line[]) => told(poolOf(own, near), US).geography?.steps.slice(0, 2)
    const [us, eu] = [{ region: 'us' }, { region: 'eu', outcome: 'answers' }]
    expect(steps(['eu'], ['us'])).toEqual([{ ...us, outcome: 'other-part' }, eu])
    expect(steps(['eu'])).toEqual([{ ...us, outcome: 'no-servers' }, eu])
  })

  test('is told where the way ends for a client whom no part lets in', () => {
    const { policySteps, outcome } = told(poolOf(lines, fence), NOWHERE)
    expect(outcome).toBe('all-down')
    expect(policySteps).toMatchObject([{ path: 'policy.geofence', removed: ['k0', 'k1', 'k2'] }])
    expect(policySteps![0]!.reason).toContain('no part is for')
  })
})

const names = fc.subarray(REGIONS)
const node: fc.Memo<PolicyNode> = fc.memo((depth) => {
  const flat = names.map((of): PolicyNode => leaf('weighted', ...of))
  if (depth <= 1) return flat
  const below = node(depth - 1)
  return fc.oneof(
    flat,
    fc
      .array(below, { minLength: 1, maxLength: 3 })
      .map((tiers): PolicyNode => ({ kind: 'failover', tiers })),
    fc
      .array(fc.record({ weight: fc.nat(9), node: below }), { minLength: 1, maxLength: 3 })
      .map((parts): PolicyNode => ({ kind: 'split', parts })),
    fc
      .array(fc.record({ homes: names, node: below }), { minLength: 1, maxLength: 3 })
      .map((rules): PolicyNode => ({ kind: 'geofence', rules })),
  )
})

/** Members that some part in reach of a client may give. */
function reachOf(tree: PolicyNode, home: string, members: readonly Line[]): Set<number> {
  if (tree.kind === 'choose') {
    const of = tree.regions
    return new Set(
      [...members.keys()].filter((at) => of.length === 0 || of.includes(members[at]![0])),
    )
  }
  const union = (nodes: readonly PolicyNode[]) =>
    new Set(nodes.flatMap((one) => [...reachOf(one, home, members)]))
  if (tree.kind === 'failover') return union(tree.tiers)
  if (tree.kind === 'split')
    return union(tree.parts.filter(({ weight }) => weight > 0).map((part) => part.node))
  const rule = tree.rules.find(({ homes }) => homes === undefined || homes.includes(home))
  return rule === undefined ? new Set() : reachOf(rule.node, home, members)
}

test('any policy answers with a server in reach that serves, and with one if there is any', () => {
  const world = fc.record({
    tree: node(3),
    servers: fc.array(
      fc.tuple(fc.constantFrom(...REGIONS), fc.constantFrom(UP, DOWN, wordOf({ share: 500 }))),
      { minLength: 1, maxLength: 6 },
    ),
    later: fc.array(fc.tuple(fc.nat(5), fc.constantFrom(UP, DOWN)), { maxLength: 4 }),
    turn: fc.nat(),
  })
  fc.assert(
    fc.property(world, ({ tree, servers, later, turn }) => {
      const pool = poolOf(servers, tree)
      const words = servers.map(([, word]) => word!)
      const check = () => {
        for (const [home, who] of [
          ['eu', EU],
          ['us', US],
          ['', NOWHERE],
        ] as const) {
          const reach = reachOf(tree, home, servers)
          const well = [...reach].filter((at) => (words[at]! & 1) === 1)
          const out = new Int32Array(32)
          const count = decide(pool.pools, 0, { family: 4, turn, client: who }, out)
          expect(count > 0).toBe(well.length > 0)
          if (count > 0) expect(well).toContain(out[0])
          const fresh = poolOf(
            servers.map(([region], at) => [region, words[at]!]),
            tree,
          )
          expect(chosenBy(fresh, who, turn)).toBe(chosenBy(pool, who, turn))
        }
      }
      check()
      for (const [at, word] of later) {
        if (at >= servers.length) continue
        pool.setWord(at, word)
        words[at] = word
        check()
      }
    }),
    { numRuns: 60 },
  )
})

test('any policy survives being written down, and what is none is told apart', () => {
  fc.assert(
    fc.property(node(4), (tree) => {
      expect(isPolicyNode(JSON.parse(JSON.stringify(tree)))).toBe(true)
    }),
  )
  for (const wrong of [{ kind: 'other' }, { kind: 'failover', tiers: [] }, null, { kind: 'split' }])
    expect(isPolicyNode(wrong)).toBe(false)
  let deep: PolicyNode = leaf('weighted')
  for (let level = 0; level < 20; level++) deep = { kind: 'failover', tiers: [deep] }
  expect(isPolicyNode(deep)).toBe(false)
})
