// Goal: whether the node is ready is asked of a name that is served now, whatever the API has taken
// away of the file's names; a node that serves nothing yet is ready once it answers at all.
// Method: the tables that a real registry makes of a file and edits, handed to the API.
import { createSocket } from 'node:dgram'
import { describe, expect, test } from 'vitest'
import { untilServing } from '../../../../src/actors/api/ports-serving.ts'
import { objectsWorld } from './objects-world.ts'

const NONE = 'dns: { listen_address: "192.0.2.53:53" }\nregions: [{ name: us }]\n'
const FILE = `
dns: { listen_address: "192.0.2.53:53" }
regions:
  - name: us
    servers:
      - { address: 192.0.2.1, service: app.example.com }
      - { address: 192.0.2.2, service: web.example.com }
domains:
  - { name: app.example.com, regions: [us] }
  - { name: web.example.com, regions: [us] }
`
type World = Awaited<ReturnType<typeof objectsWorld>>

/** The API is told of what the registry serves now, and asked; what it asked of DNS. */
async function asked(world: World): Promise<readonly [number, string | undefined]> {
  for (const [id, message] of world.registry.published)
    if (id === 'registry.serving-set') world.behaviour.receive[id](message)
  world.clock.advance(5_000)
  const { status } = await world.call('GET', '/ready')
  return [status, world.dns.asked.at(-1)?.[1]]
}

test('the first name of the file is asked for, and when it is deleted the next', async () => {
  const world = await objectsWorld(FILE)
  expect((await asked(world))[1]).toBe('app.example.com')
  expect((await world.call('DELETE', '/domains/app.example.com')).status).toBe(204)
  expect((await asked(world))[1]).toBe('web.example.com')
})

test('without any zone a refusal is an answer; once there is one it is not', async () => {
  const world = await objectsWorld(NONE)
  world.dns.outcome = { code: 'answered', rcode: 5, authoritative: false }
  world.answers['api.list-backends'] = () => ({
    ...{ backends: [], settled: true, regions: [], holds: [] },
  })
  expect(await asked(world)).toEqual([200, ''])
  expect((await world.call('POST', '/domains', { name: 'new.example.com' })).status).toBe(201)
  expect(await asked(world)).toEqual([503, 'new.example.com'])
})

describe('a start is over', () => {
  const never = () => false
  const [app, web] = ['app.example.com', 'web.example.com']
  const [NOT_YET, REFUSED, OK] = [2, 5, 0]

  /** Answers each name with its rcode; what is neither refused nor failed has authority. */
  async function serverOf(rcodeOf: (first: string) => number) {
    const socket = createSocket('udp4')
    socket.on('message', (query, from) => {
      const reply = Uint8Array.from(query)
      const rcode = rcodeOf(String.fromCharCode(query[13]!))
      reply[2] = rcode === OK ? 0x84 : 0x80
      reply[3] = rcode
      socket.send(reply, from.port, from.address)
    })
    await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve))
    return { socket, address: `127.0.0.1:${socket.address().port}` }
  }

  test('once any name of the file is answered with authority', async () => {
    const { socket, address } = await serverOf((first) => (first === 'w' ? OK : NOT_YET))
    expect(await untilServing(address, [app], never, 100)).toBe(false)
    expect(await untilServing(address, [app, web], never, 2_000)).toBe(true)
    expect(await untilServing(address, [], never, 2_000)).toBe(true)
    socket.close()
  })

  test('once all of them are refused, as edits by the API took them away', async () => {
    const { socket, address } = await serverOf((first) => (first === 'w' ? REFUSED : NOT_YET))
    expect(await untilServing(address, [web], never, 2_000)).toBe(true)
    expect(await untilServing(address, [web, app, web], never, 300)).toBe(false)
    socket.close()
  })
})
