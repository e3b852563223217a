// Goal: an edit made by the API of one overwatch is in force on the others, whatever the order in
// which its records come, unless the file of the other says something else.
// Method: two registries behind two APIs, the records of one handed to the other.
import { expect, test, vi } from 'vitest'
import { Objects } from '../../../../src/actors/registry/objects.ts'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { FILE, objectsWorld } from './objects-world.ts'
import { START_MS } from './world.ts'

type World = Awaited<ReturnType<typeof objectsWorld>>

const OFF = `${FILE}\noverwatch: { peering: { sync: { api_edits: false } } }\n`

/** Everything that was told, newest version of each key, in the order given. */
const edits = (world: World, order: 'told' | 'reversed' = 'told'): readonly SharedRecord[] => {
  const newest = new Map(
    world
      .told()
      .filter(({ kind }) => kind === 'object')
      .map((record) => [record.id, record] as const),
  )
  return order === 'told' ? [...newest.values()] : [...newest.values()].reverse()
}

async function carry(from: World, to: World, order: 'told' | 'reversed' = 'told'): Promise<void> {
  for (const record of edits(from, order)) to.learned(record)
  await settled(to)
}

const settled = (world: World) => world.registry.clock.advanceAsync(60)

const served = (world: World) =>
  Object.fromEntries(
    world.lastPools().map(({ name, members }) => [name, members.map(({ address }) => address)]),
  )

const view = async (world: World) => (await world.call('GET', '/domains/new.example.com')).json

const SERVER = { service: 'new.example.com', address: '192.0.2.77', port: 80, region: 'us' }

async function makeNew(world: World): Promise<void> {
  const made = await world.call('POST', '/domains', { name: 'new.example.com', ttl: 9 })
  expect(made.status).toBe(201)
  expect((await world.call('POST', '/servers', SERVER)).status).toBe(201)
}

for (const order of ['told', 'reversed'] as const)
  test(`a domain and its server made on one are served by the other (${order})`, async () => {
    const [one, other] = [await objectsWorld(), await objectsWorld()]
    await makeNew(one)
    await carry(one, other, order)
    expect(served(other)).toEqual(served(one))
    expect(served(other)['new.example.com']).toEqual(['192.0.2.77'])
    const noted = other.registry.published.filter(([id]) => id === 'registry.record-told')
    // What was learned is not said again as its own.
    expect(noted.filter(([, record]) => (record as { kind: string }).kind === 'object')).toEqual([])
  })

test('many that come together are looked at once, also where one of them does not fit', async () => {
  const fitting = FILE.replace('regions:', 'regions:\n  - { name: far }')
  const [one, other] = [await objectsWorld(fitting), await objectsWorld()]
  expect((await one.call('POST', '/domains', { name: 'new.example.com' })).status).toBe(201)
  const address = (at: number) => `192.0.2.${100 + at}`
  for (let at = 0; at < 40; at++) {
    const server = { ...SERVER, address: address(at), region: at === 7 ? 'far' : 'us' }
    expect((await one.call('POST', '/servers', server)).status).toBe(201)
  }
  const looks = vi.spyOn(Objects.prototype, 'contentOf')
  await carry(one, other)
  expect(looks).toHaveBeenCalledTimes(1)
  looks.mockRestore()
  const fit = Array.from({ length: 40 }, (_, at) => address(at)).filter((_, at) => at !== 7)
  expect(served(other)['new.example.com']?.toSorted()).toEqual(fit.toSorted())
  expect(other.registry.logs.filter(({ message }) => message.startsWith('edit of'))).toHaveLength(
    41,
  )
})

test('deleting it on the other takes it away from both, and a late word does not bring it back', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  await makeNew(one)
  const early = edits(one)
  await carry(one, other)
  expect((await other.call('DELETE', '/domains/new.example.com')).status).toBeLessThan(300)
  await carry(other, one)
  for (const record of early) one.learned(record)
  await settled(one)
  expect(served(one)['new.example.com']).toBeUndefined()
  expect(served(one)).toEqual(served(other))
})

test('it is kept by the other through a restart, and is the same edit there', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  await makeNew(one)
  await carry(one, other)
  const again = await objectsWorld(FILE, other.disk)
  expect(served(again)['new.example.com']).toEqual(['192.0.2.77'])
  expect(await view(again)).toEqual(await view(one))
})

test('the later of two edits of one object wins on both', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  await makeNew(one)
  await carry(one, other)
  await other.call('PATCH', '/domains/new.example.com', { ttl: 21 })
  one.registry.clock.advance(500)
  await one.call('PATCH', '/domains/new.example.com', { ttl: 33 })
  await carry(one, other)
  await carry(other, one)
  for (const world of [one, other]) expect(await view(world)).toMatchObject({ domain: { ttl: 33 } })
})

test('where the file of the other declares the name, its file stands', async () => {
  const one = await objectsWorld()
  const file = FILE.replace('domains:', 'domains:\n  - { name: new.example.com, regions: [us] }')
  const other = await objectsWorld(file)
  const before = await view(other)
  await makeNew(one)
  await carry(one, other)
  expect(await view(one)).toMatchObject({ domain: { ttl: 9 } })
  const { ttl, created_at } = before.domain
  expect(await view(other)).toMatchObject({ domain: { ttl, created_at } })
  expect(ttl).not.toBe(9)
})

test('nothing is told or taken while it is turned off; once it is on, both sides meet', async () => {
  const [one, other] = [await objectsWorld(OFF), await objectsWorld(OFF)]
  await makeNew(one)
  expect(edits(one)).toEqual([])
  await one.reload(FILE)
  expect(edits(one).length).toBe(2)
  await carry(one, other)
  expect(served(other)['new.example.com']).toBeUndefined()
  await other.reload(FILE)
  expect(served(other)).toEqual(served(one))
})

/** Sharing is turned off, the clock set back by an hour, the edit made, and sharing on again. */
async function whileOff(world: World, edit: () => Promise<{ status: number }>): Promise<void> {
  await world.reload(OFF)
  const before = edits(world).length
  world.registry.clock.setUnixMs(START_MS - 3_600_000)
  expect((await edit()).status).toBeLessThan(300)
  expect(edits(world).length).toBe(before)
  await world.reload(FILE)
}

test('an edit made while sharing was off and the clock went back stands once it is on', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  await makeNew(one)
  await carry(one, other)
  await whileOff(one, () => one.call('PATCH', '/domains/new.example.com', { ttl: 44 }))
  expect(await view(one)).toMatchObject({ domain: { ttl: 44 } })
  await carry(one, other)
  expect(await view(other)).toMatchObject({ domain: { ttl: 44 } })
})

test('what was deleted while sharing was off stays deleted once it is on', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  await makeNew(one)
  await carry(one, other)
  await whileOff(one, () => one.call('DELETE', '/domains/new.example.com?force=true'))
  expect(served(one)['new.example.com']).toBeUndefined()
  await carry(one, other)
  expect(served(other)['new.example.com']).toBeUndefined()
})

test('what was kept while sharing was off is not told to a gossip actor that starts', async () => {
  const world = await objectsWorld(OFF)
  await makeNew(world)
  world.peerStarted('gossip')
  expect(edits(world)).toEqual([])
  await world.reload(FILE)
  expect(edits(world).length).toBe(2)
})

test('made anew after its end was forgotten here, it outranks the end that others remember', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  const day = limits.peerTombstoneMs.default
  await makeNew(one)
  one.registry.clock.setUnixMs(START_MS + day)
  await one.call('DELETE', '/domains/new.example.com?force=true')
  await carry(one, other)
  // The end is over by this clock, which was wrong and is set right; a start comes between.
  one.registry.clock.setUnixMs(START_MS + 2 * day + 1)
  await one.registry.clock.advanceAsync(limits.sharedTickMs.default)
  const again = await objectsWorld(FILE, one.disk)
  expect((await again.call('POST', '/domains', { name: 'new.example.com', ttl: 7 })).status).toBe(
    201,
  )
  for (const record of edits(other)) again.learned(record)
  await settled(again)
  await carry(again, other)
  for (const world of [again, other])
    expect(await view(world)).toMatchObject({ domain: { ttl: 7 } })
})

test('a setting is of one node, and a body that is no edit changes nothing', async () => {
  const [one, other] = [await objectsWorld(), await objectsWorld()]
  await makeNew(one)
  const before = served(other)
  for (const record of edits(one)) {
    const body = new TextEncoder().encode(
      new TextDecoder().decode(record.body).replace('new.example.com', 'old.example.com'),
    )
    other.learned({ ...record, body })
    other.learned({ ...record, stamp: record.stamp + 1, body: record.body.subarray(1) })
    other.learned({ ...record, id: 'setting/logging', stamp: record.stamp + 2 })
  }
  await settled(other)
  expect(served(other)).toEqual(before)
})
