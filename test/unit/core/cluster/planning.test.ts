// Goal: data is never founded over, and a cluster lets in whom it should and no second of a name.
import { describe, expect, test } from 'vitest'
import type { RaftMember } from '../../../../src/core/cluster/gateway.ts'
import {
  admissionOf,
  advertisedOf,
  initialCluster,
  planStart,
} from '../../../../src/core/cluster/planning.ts'

const facts = { hasData: false, bootstrap: false, join: [], lastKnown: [], forceNew: false }

const member = (id: string, name: string, host: string, isLearner = false): RaftMember => ({
  ...{ id, name, isLearner, clientUrls: [] },
  peerUrls: [`http://${host}:7000`],
})
const members = [member('1', 'node-1', '10.0.1.1'), member('2', 'node-2', '10.0.1.2')]
const asking = (name: string, host: string) => ({ name, peerUrl: `http://${host}:7000` })

describe('a start', () => {
  test('with data goes on with it, whatever its flags say', () => {
    const plan = planStart({ ...facts, hasData: true, bootstrap: true, join: ['b:7000'] })
    expect(plan).toEqual({ kind: 'resume', forceNew: false })
  })

  test('of the first node with an empty disk asks those it was told of before it founds', () => {
    const plan = planStart({ ...facts, bootstrap: true, join: ['b:7000', 'c:7000'] })
    expect(plan).toEqual({ kind: 'found', candidates: ['b:7000', 'c:7000'] })
  })

  test('of a node that knew members founds none beside them', () => {
    const plan = planStart({ ...facts, bootstrap: true, lastKnown: ['b:7000', 'c:7000'] })
    expect(plan).toEqual({ kind: 'join', candidates: ['b:7000', 'c:7000'] })
  })

  test('without bootstrap founds nothing', () => {
    expect(planStart({ ...facts, join: ['a:7000'] })).toMatchObject({ kind: 'join' })
    expect(planStart(facts)).toMatchObject({ kind: 'impossible' })
  })

  test('as the only member needs data', () => {
    expect(planStart({ ...facts, forceNew: true })).toMatchObject({ kind: 'impossible' })
    const plan = planStart({ ...facts, hasData: true, forceNew: true })
    expect(plan).toEqual({ kind: 'resume', forceNew: true })
  })
})

describe('a node that asks to join', () => {
  test('is added when nobody has its name or its address', () => {
    expect(admissionOf(members, asking('node-3', '10.0.1.3'))).toEqual({ kind: 'add' })
  })

  test('takes the place of its former self when its disk was wiped', () => {
    const admission = admissionOf(members, asking('node-2', '10.0.1.2'))
    expect(admission).toEqual({ kind: 'add', replaces: '2' })
  })

  test('is known already when its first try was added and never started', () => {
    const list = [...members, member('3', '', '10.0.1.3', true)]
    expect(admissionOf(list, asking('node-3', '10.0.1.3'))).toEqual({ kind: 'known', id: '3' })
  })

  test('is refused under the name of another address, and at the address of another name', () => {
    expect(admissionOf(members, asking('node-2', '10.0.1.9'))).toMatchObject({
      kind: 'refuse',
      why: expect.stringContaining('a member named node-2 is at 10.0.1.2:7000'),
    })
    expect(admissionOf(members, asking('node-9', '10.0.1.2'))).toMatchObject({ kind: 'refuse' })
  })

  test('starts with the list of all, itself by its name', () => {
    const list = [...members, member('3', '', '10.0.1.3', true)]
    expect(initialCluster(list, asking('node-3', '10.0.1.3'))).toBe(
      'node-1=http://10.0.1.1:7000,node-2=http://10.0.1.2:7000,node-3=http://10.0.1.3:7000',
    )
  })
})

test.each([
  ['10.0.1.1:7000', '', '192.0.2.1', '10.0.1.1:7000'],
  [':7000', '', '192.0.2.1', '192.0.2.1:7000'],
  ['0.0.0.0:7000', 'gslb1.example.com:7000', '192.0.2.1', 'gslb1.example.com:7000'],
  ['[::]:7000', '', '', undefined],
])('bound to %s, told %s, on %s: others use %s', (bind, advertise, own, told) => {
  expect(advertisedOf(bind, advertise, own)).toBe(told)
})
