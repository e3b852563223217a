// Goal: only who is surely not there counts as nobody.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { knock } from '../../../../src/actors/cluster/ports-door.ts'

const open: Server[] = []

afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function listening(): Promise<{ readonly server: Server; readonly at: string }> {
  const server = createServer((_, response) => response.end('[]'))
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, at: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('a knock tells an empty place from one whose certificate is not taken', async () => {
  const { server, at } = await listening()
  expect(await knock(`http://${at}/`, undefined, 1_000)).toMatchObject({ code: 'answered' })
  expect(await knock(`https://${at}/`, undefined, 1_000)).toMatchObject({ code: 'failed' })
  await new Promise((resolve) => server.close(resolve))
  expect(await knock(`http://${at}/`, undefined, 1_000)).toMatchObject({ code: 'unreachable' })
})
