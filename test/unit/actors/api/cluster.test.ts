// Goal: the API tells of the cluster as the guide shows it, and of none where the node is alone.
import { describe, expect, test } from 'vitest'
import type { ClusterView } from '../../../../src/messages/cluster-views.ts'
import { apiWorld } from './world.ts'

const member = (name: string, role: 'leader' | 'follower' | 'learner', isAlive = true) => ({
  ...{ id: `id-${name}`, name, address: `${name}:7000`, role, isAlive, version: '2.0.0' },
  isVoter: role !== 'learner',
})

const VIEW: ClusterView = {
  ...{ node: 'node-2', state: 'follower', engine: 'embedded', leader: 'node-1', answers: false },
  ...{ leaderAddress: 'node-1:7000', term: 4, commitIndex: 90, pending: 0 },
  members: [
    member('node-1', 'leader'),
    member('node-2', 'follower'),
    member('c', 'learner', false),
  ],
  ...{ elections: 1, lastElectionMs: 1, engineVersion: '3.4.23' },
}

async function worldOf(view: ClusterView = VIEW) {
  const world = await apiWorld({ mode: 'cluster' })
  world.answers['api.list-agents'] = () => ({ agents: [] })
  world.answers['api.read-cluster'] = () => ({ cluster: view })
  return world
}

describe('in cluster mode', () => {
  test('the status has the fields of both generations of documents', async () => {
    const { call } = await worldOf()
    const { status, json } = await call('GET', '/api/v1/cluster/status')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      ...{ mode: 'cluster', node_id: 'node-2', node_name: 'node-2', is_leader: false },
      ...{ leader_id: 'node-1', leader_address: 'node-1:7000', cluster_size: 3 },
      ...{ state: 'follower', raft: { state: 'follower', term: 4, commit_index: 90 } },
    })
    expect(json.members[2]).toEqual({ name: 'c', address: 'c:7000', status: 'failed' })
  })

  test('the members are told by name, with state and vote', async () => {
    const { call } = await worldOf()
    const { json } = await call('GET', '/api/v1/cluster/members')
    expect(json.members).toMatchObject([
      { id: 'node-1', address: 'node-1:7000', state: 'Leader', is_voter: true },
      { id: 'node-2', address: 'node-2:7000', state: 'Follower', is_voter: true },
      { id: 'c', address: 'c:7000', state: 'Learner', is_voter: false },
    ])
  })

  test('the leader is who answers, and nobody else', async () => {
    const follower = await worldOf()
    expect((await follower.call('GET', '/api/v1/cluster/leader')).status).toBe(503)
    const leader = await worldOf({ ...VIEW, node: 'node-1', state: 'leader', answers: true })
    expect((await leader.call('GET', '/api/v1/cluster/leader')).status).toBe(200)
    const stuck = await worldOf({ ...VIEW, node: 'node-1', state: 'leader', answers: false })
    expect((await stuck.call('GET', '/api/v1/cluster/leader')).status).toBe(503)
  })

  test.each([
    ['done', 200],
    ['not-found', 404],
    ['refused', 409],
    ['unavailable', 503],
  ] as const)('a removal that is %s is answered %d', async (outcome, status) => {
    const world = await worldOf()
    world.answers['api.remove-member'] = ({ name }) => ({ outcome, message: `about ${name}` })
    const answer = await world.call('DELETE', '/api/v1/cluster/members/node-3')
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.json)).toContain('about node-3')
  })

  test('an override that the cluster has not stored is answered 503', async () => {
    const world = await worldOf()
    world.answers['api.set-override'] = () => ({ outcome: 'not-stored', message: 'in force here' })
    const path = '/api/v1/overwatch/backends/app.example.com/10.0.0.1/80/override'
    const body = { healthy: false, reason: 'x' }
    const answer = await world.call('POST', path, { body })
    expect(answer.status).toBe(503)
  })

  test('a drain that ends without the cluster having stored it is answered 503', async () => {
    const world = await worldOf()
    world.answers['api.list-drains'] = () => ({ drains: [] })
    const message = 'app:10.0.0.1:80 is no longer drained (in force here)'
    world.answers['api.lift-drain'] = () => ({ outcome: 'not-stored', message })
    const answer = await world.call('DELETE', '/api/v1/drains/x.1.0')
    expect(answer).toMatchObject({ status: 503, json: { error: message } })
  })
})

describe('a node that is alone', () => {
  test('has no members and leads', async () => {
    const { call } = await apiWorld({})
    expect((await call('GET', '/api/v1/cluster/members')).status).toBe(404)
    expect((await call('POST', '/api/v1/cluster/leave', { body: {} })).status).toBe(404)
    expect((await call('GET', '/api/v1/cluster/leader')).status).toBe(200)
  })
})
