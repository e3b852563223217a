/** Commands that edit domains, servers and regions, against the API with a real registry. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { objectsWorld } from '../actors/api/objects-world.ts'
import { cli } from './run.ts'

let server: Server | undefined
afterEach(() => server?.close())

async function started() {
  const world = await objectsWorld()
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', async () => {
      const path = (request.url ?? '').replace('/api/v1', '')
      const answer = await world.call(request.method ?? '', path, body || undefined)
      const note = answer.headers['x-opengslb-note']
      const noted = note === undefined ? {} : { 'x-opengslb-note': note }
      const headers = { 'content-type': 'application/json', ...noted }
      response.writeHead(answer.status, headers).end(answer.text)
    })
  })
  await new Promise<void>((settle) => server!.listen(0, '127.0.0.1', settle))
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const run = (line: string) => cli(['--api', api, ...line.split(' ')])
  return { world, run }
}

test('a domain with its server is made, changed, listed and taken away', async () => {
  const { run } = await started()
  const ok = async (line: string) => {
    const { code, out, err } = await run(line)
    expect([code, err]).toEqual([0, ''])
    return out
  }
  expect(await ok('domains create new.example.com --ttl 20 --policy weighted')).toContain('created')
  const place = '--service new.example.com --address 2001:db8::7 --port 80 --region eu'
  const id = 'new.example.com:[2001:db8::7]:80'
  expect(await ok(`servers create ${place} --weight 7`)).toBe(`Server created: ${id}`)
  expect(await ok(`servers update ${id} --weight 9 --disable`)).toContain('updated')
  expect(await ok('domains update new.example.com --regions eu,us')).toContain('updated')
  expect(await ok('domains list')).toMatch(
    /new\.example\.com +weighted +eu,us +20 +0\/0 +api +enabled/,
  )
  expect(await ok('regions create sa --countries BR --continents SA')).toContain('created')
  expect(await ok('regions update sa --disable')).toContain('updated')
  expect(await ok('regions')).toMatch(/sa +BR +SA +0\/0 +api +disabled/)
  const diff = await ok('config diff')
  expect(diff).toMatch(/domain new\.example\.com +made +ttl +- +20/)
  expect(diff).toMatch(/server new\.example\.com:\[2001:db8::7\]:80 +made +weight +- +9/)
  expect(await ok('regions delete sa')).toContain('deleted')
  expect(await ok(`servers delete ${id}`)).toBe(`Server deleted: ${id}`)
  expect(await ok('domains delete new.example.com')).toContain('deleted')
  expect(await ok('config diff')).toMatch(/^No differences/)
})

for (const [line, message, exit = 1] of [
  ['domains create x.other.test', /lies in none of dns.zones/],
  ['domains update app.example.com', /nothing to change/, 2],
  ['domains update app.example.com --ttl soon', /--ttl: "soon" is not a whole number/, 2],
  ['servers update app.example.com:192.0.2.1:80 --enable --disable', /contradict/, 2],
  ['servers delete app.example.com:192.0.2.99:80', /not found/],
  ['regions delete us', /servers stand in the region/],
] as const) {
  test(`${line} fails and says why`, async () => {
    const { run } = await started()
    const { code, err } = await run(line)
    expect([code, err]).toEqual([exit, expect.stringMatching(message)])
  })
}

test('what a change still lacks is told beside it', async () => {
  const { run, world } = await started()
  const note = 'in force, but not on disk yet'
  world.answers['api.edit-object'] = () => ({ outcome: 'done', field: '', message: '', note })
  const { code, err } = await run('domains delete app.example.com')
  expect([code, err]).toEqual([0, `note: ${note}`])
})
