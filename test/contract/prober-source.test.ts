// Goal: checks leave from the address the operator chose, whatever their type.
import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPorts } from '../../src/actors/prober/ports.ts'
import type { MemberSpec } from '../../src/core/steer/topology.ts'
import { plainCheck } from './prober-scenarios.ts'

const seen: string[] = []
const server = createServer((_, reply) => reply.end())
server.on('connection', (socket) => seen.push(socket.remoteAddress ?? ''))
let port = 0

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
afterAll(() => void server.close())

const memberOf = (type: 'http' | 'tcp'): MemberSpec => ({
  key: `web:127.0.0.1:${port}`,
  service: 'web',
  address: '127.0.0.1',
  family: 4,
  port,
  region: '',
  weight: 1,
  source: 'static',
  check: { ...plainCheck, type, timeoutMs: 2_000 },
})

for (const type of ['http', 'tcp'] as const) {
  test(`a ${type} check leaves from the configured address of its family`, async () => {
    const ports = openPorts({ sourceAddresses: ['::1', '127.0.0.77'] })
    expect(await ports.probe(memberOf(type))).toMatchObject({ ok: true })
    await expect.poll(() => seen.splice(0)).toEqual(['127.0.0.77'])
  })
}

test('an address this machine does not have is a fault of the check, and nothing is thrown', async () => {
  const ports = openPorts({ sourceAddresses: ['192.0.2.77'] })
  expect(await ports.probe(memberOf('tcp'))).toMatchObject({ ok: false })
})
