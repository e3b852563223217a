// Goal: what an agent says of itself is what its parts said last, and nothing of others' orders.
import { expect, test } from 'vitest'
import {
  advertisedAddress,
  type AgentBackend,
  AgentSelf,
} from '../../../../src/core/health/self.ts'

const backend = (over: Partial<AgentBackend> = {}): AgentBackend => ({
  service: 'web',
  address: '127.0.0.1',
  advertiseAddress: '',
  port: 80,
  weight: 100,
  ...over,
})

const selfOf = (...backends: readonly AgentBackend[]) => {
  const self = new AgentSelf()
  self.configure(backends, '10.0.0.7')
  return self
}

const drain = { id: 'd', reason: 'deploy', by: 'file', sinceMs: 1 } as const

for (const [address, advertise, own, expected] of [
  ['10.1.1.1', '', '10.0.0.7', '10.1.1.1'],
  ['10.1.1.1', '10.9.9.9', '10.0.0.7', '10.9.9.9'],
  ['127.0.0.1', '', '10.0.0.7', '10.0.0.7'],
  ['::1', '', '2001:db8::7', '2001:db8::7'],
  // On one machine agents and overwatches meet on the loopback; each backend keeps its address.
  ['127.0.0.11', '', '127.0.0.1', '127.0.0.11'],
  ['127.0.0.1', '', '', '127.0.0.1'],
] as const)
  test(`a backend at ${address} with "${advertise}" of an agent at "${own}" is ${expected}`, () => {
    const one = backend({ address, advertiseAddress: advertise })
    expect(advertisedAddress(one, own)).toBe(expected)
  })

test('before the first verdict a backend is neither healthy nor unhealthy', () => {
  expect(selfOf(backend()).content().backends[0]).toEqual({
    service: 'web',
    address: '10.0.0.7',
    port: 80,
    weight: 100,
    reason: '',
  })
})

test('verdicts, drains and clients are known by the checked and by the told address', () => {
  const self = selfOf(backend())
  self.verdict('web:127.0.0.1:80', 'down', 'refused')
  self.drain('web:10.0.0.7:80', drain)
  expect(self.content().backends[0]).toMatchObject({ healthy: false, reason: 'refused', drain })
  self.verdict('web:127.0.0.1:80', 'up', '')
  self.drain('web:10.0.0.7:80', undefined)
  expect(self.content().backends[0]).not.toHaveProperty('drain')
})

test('a drain of all holds where a backend has none of its own', () => {
  const self = selfOf(backend(), backend({ port: 81 }))
  const own = { ...drain, id: 'own' }
  self.drain('web:127.0.0.1:81', own)
  self.drain('', drain)
  expect(self.content().backends.map((one) => one.drain?.id)).toEqual(['d', 'own'])
  self.drain('', undefined)
  expect(self.content().backends.map((one) => one.drain?.id)).toEqual([undefined, 'own'])
})

test('what an overwatch ordered is not said back, and its clients are', () => {
  const self = selfOf(backend())
  self.drain('web:127.0.0.1:80', { ...drain, by: 'overwatch' })
  const connections = { atMs: 1, remaining: 2, arrived: 3, quietSinceMs: 0, networks: [] }
  self.connections('web:127.0.0.1:80', connections)
  expect(self.content().backends[0]).not.toHaveProperty('drain')
  expect(self.content().backends[0]?.connections).toEqual(connections)
})

test('what is configured no more is forgotten, and unknown keys are passed over', () => {
  const self = selfOf(backend())
  self.verdict('web:127.0.0.1:80', 'down', 'refused')
  self.verdict('other:127.0.0.1:80', 'down', 'refused')
  self.configure([backend({ port: 81 })], '10.0.0.7')
  self.configure([backend()], '10.0.0.7')
  expect(self.content().backends[0]).not.toHaveProperty('healthy')
})

for (const [one, told] of [
  [backend({ advertiseAddress: '10.0.1.10' }), 'web:10.0.1.10:80'],
  [backend(), 'web:10.0.0.7:80'],
  [backend({ address: 'db.internal', advertiseAddress: '2001:db8::1' }), 'web:[2001:db8::1]:80'],
  [backend({ service: 'Web.Example.COM.' }), 'web.example.com:10.0.0.7:80'],
  [backend({ address: '10.0.0.8' }), 'web:10.0.0.8:80'],
] as const)
  test(`the order for ${told} means the backend at ${one.service}:${one.address}`, () => {
    const self = selfOf(backend({ port: 81 }), one)
    const own = `${one.service}:${one.address}:80`
    expect(self.ownKey(told)).toBe(own)
    // What is counted under that key is told of this backend.
    const connections = { atMs: 1, remaining: 2, arrived: 3, quietSinceMs: 0, networks: [] }
    self.connections(own, connections)
    expect(self.content().backends[1]?.connections).toEqual(connections)
    expect(self.ownKey('web:10.0.0.9:80')).toBeUndefined()
  })

test('an order means the backend that answers hold, before one that is only checked there', () => {
  const behind = backend({ address: '10.0.0.2', advertiseAddress: '10.0.0.3' })
  const self = selfOf(behind, backend({ advertiseAddress: '10.0.0.2' }))
  expect(self.ownKey('web:10.0.0.2:80')).toBe('web:127.0.0.1:80')
})
