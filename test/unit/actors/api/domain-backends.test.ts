// Goal: a server is taken away through its own domain only.
import { expect, test } from 'vitest'
import { objectsWorld } from './objects-world.ts'

const id = (text: string) => encodeURIComponent(text)
const APP = '/domains/app.example.com/backends'

test.each([
  ['192.0.2.1:80', 204],
  ['[2001:db8::1]:80', 204],
  ['App.Example.com.:192.0.2.1:80', 204],
  ['app.example.com:2001:db8::1:80', 204],
  ['web.example.com:192.0.2.9:80', 404],
  ['192.0.2.9:80', 404],
  ['app.example.com', 404],
])('%s of one domain gives %i', async (text, status) => {
  const world = await objectsWorld()
  expect((await world.call('DELETE', `${APP}/${id(text)}?force=true`)).status).toBe(status)
  const listed = (await world.call('GET', '/domains/web.example.com/backends')).json
  expect(listed.total).toBe(1)
  expect((await world.call('GET', APP)).json.total).toBe(status === 204 ? 2 : 3)
})
