// Goal: in cluster mode the dashboard says who leads, what this node does, and who is there.
import { expect, test, vi } from 'vitest'
import { browserOf, newBrowser } from './world.ts'

vi.mock('../../../src/dashboard/browser.ts', () => browserOf(() => newBrowser()))
/** By a name that the compiler does not follow, as in world.ts: the types are a browser’s. */
const load = async <T>(name: string) =>
  (await import(`../../../src/dashboard/views/${name}.ts`)) as T
const { leadership } = await load<{ leadership(told: object): [string, string][] }>('facts')

const told = {
  ...{ mode: 'cluster', leader_id: 'node-1', state: 'follower', answers: false },
  members: [
    { name: 'node-1', status: 'alive' },
    { name: 'node-2', status: 'failed' },
  ],
}

test('of a follower', () => {
  expect(leadership(told)).toEqual([
    ['Leader', 'node-1'],
    ['This node is', 'follower, refuses queries'],
    ['Members', 'node-1, node-2 (failed)'],
  ])
})

test('of the leader, and of a node that knows of none', () => {
  expect(leadership({ ...told, state: 'leader', answers: true })[1]).toEqual([
    'This node is',
    'leader, answers queries',
  ])
  expect(leadership({ ...told, leader_id: '', state: 'candidate' })[0]).toEqual(['Leader', 'none'])
})

test('and nothing of it elsewhere', () => {
  expect(leadership({ ...told, mode: 'overwatch' })).toEqual([])
})
