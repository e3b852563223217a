// Goal: what gave way to the file stays so when the file goes on, also through a start, although
// overwatches go on to remember the edit; a later edit of the same object is taken.
// Method: a registry behind the API, its file changed and changed back.
import { expect, test } from 'vitest'
import { FILE, objectsWorld } from './objects-world.ts'

type World = Awaited<ReturnType<typeof objectsWorld>>

const WITH_NEW = `${FILE.replace(
  'servers:\n',
  'servers:\n      - { address: 192.0.2.77, service: new.example.com }\n',
)}  - { name: new.example.com, regions: [us], ttl: 9 }\n`
const TTL_60 = FILE.replace('ttl: 20', 'ttl: 60')

const names = (world: World) => world.lastPools().map(({ name }) => name)
const ttl = async (world: World) =>
  (await world.call('GET', '/domains/app.example.com')).json.domain.ttl as number

async function makeNew(world: World): Promise<void> {
  const domain = { name: 'new.example.com', regions: ['us'], ttl: 7 }
  expect((await world.call('POST', '/domains', domain)).status).toBe(201)
  const server = { service: 'new.example.com', address: '192.0.2.77', port: 80, region: 'us' }
  expect((await world.call('POST', '/servers', server)).status).toBe(201)
}

test('a name that the file took over is gone once the file drops it', async () => {
  const world = await objectsWorld()
  await makeNew(world)
  await world.reload(WITH_NEW)
  await world.reload(FILE)
  expect(names(world)).not.toContain('new.example.com')
  expect((await world.call('GET', '/config/diff')).json.differences).toEqual([])
  await makeNew(world)
  expect(names(world)).toContain('new.example.com')
  await world.reload(`${FILE}# again\n`)
  expect(names(world)).toContain('new.example.com')
})

test('and stays gone where the node starts between, or starts with another file', async () => {
  const world = await objectsWorld()
  await makeNew(world)
  const declared = await objectsWorld(WITH_NEW, world.disk)
  const after = await objectsWorld(FILE, declared.disk)
  expect(names(after)).not.toContain('new.example.com')
})

test('and on a node that learns of the edit while its file has the name', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld(WITH_NEW)]
  await makeNew(one)
  for (const record of one.told()) if (record.kind === 'object') other.learned(record)
  await other.registry.clock.advanceAsync(60)
  await other.reload(FILE)
  expect(names(other)).not.toContain('new.example.com')
})

test('a key that the file changed and changed back is the file, until it is edited anew', async () => {
  const world = await objectsWorld()
  await world.call('PATCH', '/domains/app.example.com', { ttl: 5, answers: 2 })
  await world.reload(TTL_60)
  expect(await ttl(world)).toBe(60)
  await world.reload(FILE)
  const again = await objectsWorld(FILE, world.disk)
  for (const one of [world, again]) {
    const { domain } = (await one.call('GET', '/domains/app.example.com')).json
    expect([domain.ttl, domain.answers]).toEqual([20, 2])
  }
  await again.call('PATCH', '/domains/app.example.com', { ttl: 6 })
  await again.reload(`${FILE}# again\n`)
  expect(await ttl(again)).toBe(6)
})

test('a later edit of another node is taken', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  const told = () => one.told().filter(({ kind }) => kind === 'object')
  await one.call('PATCH', '/domains/app.example.com', { ttl: 5 })
  for (const record of told()) other.learned(record)
  await other.registry.clock.advanceAsync(60)
  await other.reload(TTL_60)
  await other.reload(FILE)
  expect(await ttl(other)).toBe(20)
  for (const record of told()) other.learned(record)
  await other.registry.clock.advanceAsync(60)
  expect(await ttl(other)).toBe(20)
  await one.call('PATCH', '/domains/app.example.com', { ttl: 8 })
  for (const record of told()) other.learned(record)
  await other.registry.clock.advanceAsync(60)
  expect(await ttl(other)).toBe(8)
})
