// Goal: an answer about one object takes the servers and checks of one service: those of all are
// a message that the registry packs while verdicts and edits wait.
import { expect, test } from 'vitest'
import { objectsWorld } from './objects-world.ts'

async function world() {
  const { answers, call } = await objectsWorld()
  type Handlers = Record<string, (message: { service?: string }) => unknown>
  const handlers = answers as unknown as Handlers
  const asked: (string | undefined)[] = []
  const services: string[][] = []
  const list = handlers['api.list-backends']!
  handlers['api.list-backends'] = async (message) => {
    asked.push(message.service)
    const reply = (await list(message)) as { backends: { service: string }[] }
    services.push([...new Set(reply.backends.map(({ service }) => service))])
    return reply
  }
  handlers['api.list-checks'] = (message) => {
    asked.push(message.service)
    return { checks: [] }
  }
  return { call, asked, services }
}

const APP = 'app.example.com'

test.each([
  ['PUT', `/servers/${APP}:192.0.2.1:80`, { weight: 10 }],
  ['GET', `/servers/${APP}:192.0.2.1:80`, undefined],
  ['PUT', `/domains/${APP}`, { ttl: 25 }],
  ['GET', `/domains/${APP}`, undefined],
  ['GET', `/domains/${APP}/backends`, undefined],
])('%s %s', async (method, path, body) => {
  const { call, asked, services } = await world()
  expect((await call(method, path, body)).status).toBe(200)
  expect(asked).toEqual([APP, APP])
  expect(services).toEqual([[APP]])
})

test('a list takes all of them, and a name that is too long for one none', async () => {
  const { call, asked } = await world()
  expect((await call('GET', '/servers')).status).toBe(200)
  expect(asked.splice(0)).toEqual([undefined, undefined])
  expect((await call('GET', `/domains/${'x'.repeat(900)}`)).status).toBe(404)
  expect(asked[0]).toHaveLength(255)
})
