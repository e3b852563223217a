// Goal: under a policy made of others, a server that came back to a better tier waits out its
// hold-down while a later tier serves, and never where it is the only one that could serve a part.
import { expect, test } from 'vitest'
import { Ladders } from '../../../../src/core/health/ladders.ts'
import type { LeafAlgorithm, PolicyNode } from '../../../../src/core/steer/policy-tree.ts'

const members = ['a', 'a', 'b', 'c'].map((region) => ({ region }))
const leaf = (algorithm: LeafAlgorithm, ...regions: string[]): PolicyNode => ({
  ...{ kind: 'choose', algorithm, regions },
})

/** By server: '.' is out, '+' is in, 'o' is in and owes a hold-down; '1' in the result serves. */
function wanted(tree: PolicyNode, servers: string): string {
  const told = new Ladders(tree, members).wanted(4, {
    families: members.map(() => 4),
    eligible: [...servers].map((one) => (one === '.' ? 0 : 1)),
    owes: (member) => servers[member] === 'o',
  })
  return [...told].map((one, at) => (servers[at] === '.' ? '.' : String(one))).join('')
}

const tiers: PolicyNode = {
  kind: 'failover',
  tiers: [leaf('weighted', 'a'), leaf('weighted', 'b'), leaf('weighted', 'c')],
}

for (const [servers, expected, why] of [
  ['++++', '1111', 'all that serve stand by'],
  ['o.++', '0.11', 'one that is back in the first tier waits'],
  ['oo++', '0011', 'so do two'],
  ['o+++', '1111', 'beside one that serves there nobody waits'],
  ['oo.o', '11.1', 'where all owe, the best serve at once'],
  ['....', '....', 'nobody is nobody'],
] as const)
  test(`tiers: ${why} (${servers})`, () => expect(wanted(tiers, servers)).toBe(expected))

test('a leaf that is a failover inside a tier has a ladder of its own', () => {
  const tree: PolicyNode = {
    kind: 'failover',
    tiers: [leaf('failover', 'a'), leaf('weighted', 'b', 'c')],
  }
  expect(wanted(tree, 'o+++')).toBe('0111')
  expect(wanted(tree, 'oo++')).toBe('0011')
  expect(wanted(tree, '++++')).toBe('1111')
})

test('a server that another part gives without a ladder never waits', () => {
  const both: PolicyNode = {
    kind: 'geofence',
    rules: [{ homes: ['a'], node: tiers }, { node: leaf('weighted', 'a') }],
  }
  expect(wanted(both, 'oo++')).toBe('1111')
})

test('of two ladders one that wants it is enough', () => {
  const both: PolicyNode = {
    kind: 'geofence',
    rules: [
      { homes: ['a'], node: tiers },
      { node: { kind: 'failover', tiers: [leaf('weighted', 'a'), leaf('weighted', 'a')] } },
    ],
  }
  expect(wanted(both, 'o.++')).toBe('1.11')
})

test('without a failover nobody waits', () => {
  expect(new Ladders(leaf('weighted'), members).isAny).toBe(false)
  expect(new Ladders(leaf('failover'), members).isAny).toBe(true)
})
