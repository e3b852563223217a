// Goal: a name made by the API against which a new file has records is set aside and told, with its
// servers, and is back once the records are gone; the file wins, as for a name that is made anew.
import { expect, test } from 'vitest'
import { FILE, objectsWorld } from './objects-world.ts'

const withRecords = (records: string) =>
  FILE.replace('zones: [example.com]', `zones: [{ name: example.com, records: [${records}] }]`)

test.each([
  ['new.sub.example.com', '{ name: sub, type: NS, value: ns.other.net. }'],
  ['new.example.com', '{ name: new, type: CNAME, value: app.example.com. }'],
  ['new.example.com', '{ name: new, type: A, value: 192.0.2.3 }'],
])('%s beside %s', async (name, record) => {
  const world = await objectsWorld()
  const names = () => world.lastPools().map((pool) => pool.name)
  expect((await world.call('POST', '/domains', { name })).status).toBe(201)
  const server = { service: name, address: '192.0.2.77', port: 80, region: 'us' }
  expect((await world.call('POST', '/servers', server)).status).toBe(201)
  expect((await world.call('POST', '/domains', { name: 'other.example.com' })).status).toBe(201)
  await world.reload(withRecords(record))
  expect(names()).toEqual(['app.example.com', 'web.example.com', 'other.example.com'])
  const { json } = await world.call('GET', `/domains/${name}`)
  expect(json.domain.fault).toMatch(/^name /)
  const faults = (await world.call('GET', '/config/diff')).json.differences as { fault?: unknown }[]
  expect(faults.filter(({ fault }) => fault !== undefined)).toHaveLength(2)
  // What else is edited meanwhile does not bring it back, nor does an edit of itself.
  expect((await world.call('PATCH', '/domains/app.example.com', { ttl: 7 })).status).toBe(200)
  expect((await world.call('PATCH', `/domains/${name}`, { ttl: 7 })).status).toBe(400)
  expect(names()).not.toContain(name)
  expect((await world.call('DELETE', `/domains/${name}`)).status).toBe(204)
  expect((await world.call('POST', '/domains', { name })).status).toBe(409)
})

test('it is back in force once the records are gone', async () => {
  const world = await objectsWorld()
  const name = 'new.sub.example.com'
  expect((await world.call('POST', '/domains', { name })).status).toBe(201)
  await world.reload(withRecords('{ name: sub, type: NS, value: ns.other.net. }'))
  expect(world.lastPools().map((pool) => pool.name)).not.toContain(name)
  await world.reload(FILE)
  expect(world.lastPools().map((pool) => pool.name)).toContain(name)
})
