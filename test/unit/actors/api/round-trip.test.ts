// Goal: what an object shows of itself can be sent back: as it is it changes nothing, and with one
// field changed it changes that field.
// Method: the api actor with a real registry behind it; every object of the file, and some of the
// API's own.
import { describe, expect, test } from 'vitest'
import { objectsWorld } from './objects-world.ts'

type World = Awaited<ReturnType<typeof objectsWorld>>

async function madeWorld(): Promise<World> {
  const world = await objectsWorld()
  for (const [path, body] of [
    ['/regions', { name: 'made', countries: ['FR'], latitude: 1, longitude: 2 }],
    ['/domains', { name: 'made.example.com', ttl: 9, regions: ['made'], description: 'd' }],
    [
      '/servers',
      {
        ...{ service: 'made.example.com', address: '192.0.2.77', port: 80, region: 'made' },
        health_check: { type: 'http', path: '/up', interval: '2s' },
      },
    ],
  ] as const)
    expect((await world.call('POST', path, body)).status).toBe(201)
  return world
}

const KINDS = [
  ['domains', 'domain', 'ttl', 77],
  ['servers', 'server', 'weight', 7],
  ['regions', 'region', 'countries', ['IT']],
] as const

/** Those that the file or the API declares; what agents alone bring is theirs to change. */
async function idsOf(world: World, list: string): Promise<string[]> {
  const shown = (await world.call('GET', `/${list}`)).json[list] as {
    readonly id: string
    readonly source: string
  }[]
  const ids = shown.filter(({ source }) => /config|static|api/.test(source)).map(({ id }) => id)
  expect(ids.length).toBeGreaterThan(2)
  return ids
}

/** All but how it came to be: a value that is sent counts as set, also where it is the default. */
const told = ({ edited: _, revision: __, ...object }: Readonly<Record<string, unknown>>) => ({
  ...object,
  ...{ created_at: '', updated_at: '' },
})

describe.each(KINDS)('%s', (list, one, field, value) => {
  test('sent back as they are stay as they are, and so does what is served', async () => {
    const world = await madeWorld()
    const pools = JSON.stringify(world.lastPools())
    for (const id of await idsOf(world, list)) {
      const path = `/${list}/${encodeURIComponent(id)}`
      const object = (await world.call('GET', path)).json[one]
      for (const method of ['PUT', 'PATCH']) {
        const answer = await world.call(method, path, object)
        expect([id, method, answer.status, answer.json.error]).toEqual([id, method, 200, undefined])
      }
      expect(told((await world.call('GET', path)).json[one])).toEqual(told(object))
    }
    expect(JSON.stringify(world.lastPools())).toBe(pools)
  })

  test('sent back with one field changed take that change', async () => {
    const world = await madeWorld()
    const [id] = await idsOf(world, list)
    const path = `/${list}/${encodeURIComponent(id!)}`
    const object = (await world.call('GET', path)).json[one]
    const changed = await world.call('PUT', `${path}?force=true`, { ...object, [field]: value })
    expect([changed.status, changed.json[one][field]]).toEqual([200, value])
    expect((await world.call('GET', path)).json[one]).toMatchObject({ [field]: value })
  })
})

test('what is only told is refused where nothing else is sent', async () => {
  const world = await madeWorld()
  const { status, json } = await world.call('PUT', '/domains/made.example.com', { status: 'down' })
  expect([status, json.error]).toEqual([400, 'status: is told, and cannot be set'])
})

test('what nobody knows is refused all the same', async () => {
  const world = await madeWorld()
  const { status, json } = await world.call('PUT', '/domains/made.example.com', { colour: 'red' })
  expect([status, json.error]).toEqual([400, 'colour: is not known here'])
})
