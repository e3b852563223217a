// Goal: an endpoint that hangs is left for the next one, by calls and by watches alike, and by no
// more than one step however many wait for it.
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openGateway } from '../../../../src/actors/cluster/ports-gateway.ts'
import type { Gateway } from '../../../../src/actors/cluster/contract.ts'
import { paths } from '../../../../src/core/cluster/gateway.ts'

const open: (Server | Gateway)[] = []

afterEach(() => {
  for (const one of open.splice(0)) {
    if ('closeAllConnections' in one) one.closeAllConnections()
    one.close()
  }
})

async function endpoint(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function gatewayTo(...endpoints: readonly string[]): Gateway {
  return gatewayAs('', ...endpoints)
}

function gatewayAs(username: string, ...endpoints: readonly string[]): Gateway {
  const gateway = openGateway({ kind: 'external', endpoints, username, password: '' })
  open.push(gateway)
  return gateway
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const hangs: RequestListener = () => {}
const answers: RequestListener = (_, response) => response.end('{"header":{"revision":"7"}}')
const line = '{"result":{"created":true}}\n'

/** Begins each watch, and answers nothing else. */
const fallsSilent: RequestListener = ({ url }, response) => {
  if (url === paths.watch) response.write(line)
}

test('a call that had no answer in time is followed by one to the next endpoint', async () => {
  const gateway = gatewayTo(await endpoint(hangs), await endpoint(answers))
  expect(await gateway.call(paths.range, {}, 50)).toMatchObject({ code: 'timed-out' })
  await pause(20)
  expect(await gateway.call(paths.range, {}, 1_000)).toMatchObject({ code: 'answered' })
})

test.each([
  'etcdserver: invalid auth token',
  'etcdserver: revision of auth store is old',
  'etcdserver: user name is empty',
])('who is told "%s" signs in again', async (error) => {
  let tokens = 0
  const at = await endpoint(({ url, headers }, response) => {
    if (url === paths.authenticate) return response.end(`{"token":"t${++tokens}"}`)
    const fits = headers.authorization === 't2'
    return response.end(fits ? '{}' : JSON.stringify({ error, code: 3 }))
  })
  const gateway = gatewayAs('opengslb', at)
  expect(await gateway.call(paths.put, {}, 1_000)).toMatchObject({ code: 'answered' })
  expect(tokens).toBe(2)
})

test('who is not let in says why', async () => {
  const at = await endpoint(({ url }, response) => {
    const why = url === paths.authenticate ? 'invalid user ID or password' : 'user name is empty'
    response.end(JSON.stringify({ error: `etcdserver: ${why}`, code: 3 }))
  })
  const outcome = await gatewayAs('opengslb', at).call(paths.put, {}, 1_000)
  expect(outcome).toMatchObject({ message: 'etcdserver: invalid user ID or password' })
})

test('calls that wait for one endpoint leave it once', async () => {
  const gateway = gatewayTo(await endpoint(hangs), await endpoint(answers))
  const calls = [50, 60].map((ms) => gateway.call(paths.range, {}, ms))
  await Promise.all(calls)
  await pause(20)
  expect(await gateway.call(paths.range, {}, 1_000)).toMatchObject({ code: 'answered' })
})

test('a watch of an endpoint that is left ends, and one that is closed leaves nothing', async () => {
  const gateway = gatewayTo(await endpoint(fallsSilent), await endpoint(answers))
  const [lines, ends]: [string[], string[]] = [[], []]
  const watch = () =>
    gateway.watch(
      {},
      (text) => lines.push(text),
      (why) => ends.push(why),
    )
  watch()()
  watch()
  await pause(50)
  expect([lines.length, ends]).toEqual([1, []])
  await gateway.call(paths.range, {}, 50)
  expect(ends).toEqual(['its endpoint is left'])
  await pause(20)
  expect(await gateway.call(paths.range, {}, 1_000)).toMatchObject({ code: 'answered' })
})

test('a watch that is never begun ends, and the next goes to another endpoint', async () => {
  const gateway = gatewayTo(await endpoint(hangs), await endpoint(fallsSilent))
  const why = await new Promise((resolve) => void gateway.watch({}, () => {}, resolve))
  expect(why).toContain('no word within')
  const said = await new Promise((resolve) => void gateway.watch({}, resolve, () => {}))
  expect(`${said}\n`).toBe(line)
})
