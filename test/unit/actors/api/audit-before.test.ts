// Goal: the audit log tells what held before a change beside what was asked for, so that whoever
// reads it can tell what an edit did, and undo it.
// Method: the api actor with a real registry behind it.
import { expect, test } from 'vitest'
import { objectsWorld } from './objects-world.ts'

async function lastEntry(world: Awaited<ReturnType<typeof objectsWorld>>) {
  const { entries } = (await world.call('GET', '/audit-logs?sort_order=desc&limit=1')).json
  return entries[0] as Record<string, unknown>
}

const SERVER = '/servers/app.example.com:192.0.2.1:80'

test('an edit tells what the keys it names were, in the words it used', async () => {
  const world = await objectsWorld()
  const body = { ttl: 5, routing_policy: 'weighted', description: 'hot' }
  expect((await world.call('PATCH', '/domains/app.example.com', body)).status).toBe(200)
  expect(await lastEntry(world)).toMatchObject({
    before: { ttl: 20, routing_policy: 'round-robin', description: null },
    after: body,
  })
  await world.call('PATCH', '/domains/app.example.com', { ttl: 6, description: 'cold' })
  expect((await lastEntry(world))['before']).toEqual({ ttl: 5, description: 'hot' })
})

test('what is made had nothing before, and what is taken away was all of it', async () => {
  const world = await objectsWorld()
  await world.call('POST', '/domains', { name: 'new.example.com', ttl: 9 })
  expect(await lastEntry(world)).not.toHaveProperty('before')
  await world.call('DELETE', '/domains/new.example.com')
  expect(await lastEntry(world)).toMatchObject({
    ...{ action: 'delete', resource_id: 'new.example.com' },
    before: { ttl: 9, routing_algorithm: 'round-robin', enabled: true },
  })
})

test('of a server: its weight, and the whole check where a part of it is edited', async () => {
  const world = await objectsWorld()
  expect((await world.call('PATCH', SERVER, { weight: 7 })).status).toBe(200)
  expect((await lastEntry(world))['before']).toEqual({ weight: 50 })
  const check = await world.call('PUT', `${SERVER}/health-check`, { path: '/alive' })
  expect(check.status).toBe(200)
  expect((await lastEntry(world))['before']).toMatchObject({ health_check: { path: '/health' } })
})

test('of settings and of mappings too', async () => {
  const world = await objectsWorld()
  await world.call('PUT', '/config/dns', { default_ttl: 44 })
  expect((await lastEntry(world))['before']).toMatchObject({ default_ttl: 60 })
  await world.call('PUT', '/geo/mappings', { cidr: '10.9.0.0/16', region: 'us' })
  await world.call('PUT', '/geo/mappings', { cidr: '10.9.0.0/16', region: 'eu' })
  expect(await lastEntry(world)).toMatchObject({
    before: { region: 'us' },
    after: { region: 'eu' },
  })
})

test('an override tells the one it takes the place of, and its end tells what it was', async () => {
  const world = await objectsWorld()
  const path = '/overrides/web.example.com/192.0.2.9'
  const order = { healthy: true, reason: 'first', source: 'tool' }
  expect((await world.call('PUT', path, order)).status).toBe(200)
  expect(await lastEntry(world)).not.toHaveProperty('before')
  await world.call('PUT', path, { ...order, reason: 'second' })
  expect(await lastEntry(world)).toMatchObject({
    before: { backend: 'web.example.com:192.0.2.9:80', healthy: true, reason: 'first' },
    after: { reason: 'second' },
  })
  await world.call('DELETE', path)
  expect((await lastEntry(world))['before']).toMatchObject({ reason: 'second', source: 'tool' })
})

test('a refused edit tells nothing of before: nothing was changed', async () => {
  const world = await objectsWorld()
  await world.call('PATCH', '/domains/app.example.com', { ttl: -1 })
  const entry = await lastEntry(world)
  expect(entry['status']).toBe('failure')
  expect(entry).not.toHaveProperty('before')
})

test('preferences tell what they were', async () => {
  const world = await objectsWorld()
  await world.call('PUT', '/preferences', { theme: 'dark' })
  expect(await lastEntry(world)).toMatchObject({
    before: { theme: 'auto' },
    after: { theme: 'dark' },
  })
})
