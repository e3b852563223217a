// Goal: only who is surely not there counts as nobody; renewed certificates are taken up.
import { readFileSync, renameSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { knock, openDoor } from '../../../../src/actors/cluster/ports-door.ts'
import { openGateway } from '../../../../src/actors/cluster/ports-gateway.ts'
import { makeCertificates } from '../../../harness/certificates.ts'
import { freePort } from '../../../harness/program.ts'
import { has } from '../../../harness/tools.ts'

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

test('a knock gives the cluster that an etcd names', async () => {
  const { server, at } = await listening()
  expect(await knock(`http://${at}/`, undefined, 1_000)).not.toHaveProperty('clusterId')
  server.prependListener('request', (_, response) =>
    response.setHeader('X-Etcd-Cluster-Id', 'cafe'),
  )
  expect(await knock(`http://${at}/`, undefined, 1_000)).toMatchObject({ clusterId: 'cafe' })
})

/** Serial number of the certificate that is shown there. */
const shown = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false }
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })

test.runIf(has('openssl'))(
  'the door shows a renewed certificate, and waits for a whole one',
  async () => {
    const tls = makeCertificates()
    const port = await freePort()
    const handle = async () => ({ status: 200, text: '{}' })
    const door = await openDoor({ host: '127.0.0.1', port, tls, handle, heard: () => () => {} })
    const first = await shown(port)
    // The key is away for a moment.
    renameSync(tls.keyFile, `${tls.keyFile}.old`)
    expect(await shown(port)).toBe(first)
    tls.renew()
    expect(await shown(port)).not.toBe(first)
    if (door.code === 'open') await door.close()
    tls.remove()
  },
)

test.runIf(has('openssl'))('a client of etcd shows its renewed certificate', async () => {
  const tls = makeCertificates()
  const seen: string[] = []
  const [cert, key] = [readFileSync(tls.certFile), readFileSync(tls.keyFile)]
  const server = https.createServer({ cert, key, requestCert: true, rejectUnauthorized: false })
  server.on('request', (request, response) => {
    const { serialNumber } = (request.socket as TLSSocket).getPeerCertificate()
    seen.push(serialNumber)
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoints = [`https://127.0.0.1:${(server.address() as AddressInfo).port}`]
  const credentials = { username: '', password: '', tls }
  const gateway = openGateway({ kind: 'external', endpoints, ...credentials })
  const call = () => gateway.call('/', {}, 2_000)
  await call()
  tls.renew()
  await call()
  gateway.close()
  server.close()
  tls.remove()
  expect([seen.length, new Set(seen).size]).toEqual([2, 2])
})
