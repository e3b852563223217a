// Goal: what an operator makes or edits by the API is in the answers at once, and stays there
// through kill -9, SIGHUP and a new file; what the file changes later wins.
// Method: the built program with real servers on loopback addresses, asked by UDP.
import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { decodeReply } from '../harness/dns-decode.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { freePort, Program, until } from '../harness/program.ts'
import { dig } from '../harness/tools.ts'

const TOKEN = 'a-token-of-sixteen-chars'
const [A, B, C] = ['127.10.9.1', '127.10.9.2', '127.10.9.3'] as const
let backends: readonly Backend[] = []
let program: Program
let [dnsPort, apiPort, backendPort] = [0, 0, 0]

interface File {
  readonly ttl?: number
  readonly servers?: readonly string[]
  readonly check?: string
}

const yaml = ({ ttl = 7, servers = [A, B], check = '500ms' }: File = {}) => `
dns: { listen_address: "127.0.0.1:${dnsPort}", threads: 1, zones: [live.test] }
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${apiPort}", auth: { tokens: [${TOKEN}] } }
logging: { level: info }
regions:
  - name: main
    servers:
${servers.map((one) => `      - { address: ${one}, port: ${backendPort}, service: app.live.test }`).join('\n')}
    health_check: { type: tcp, interval: ${check}, timeout: 200ms, success_threshold: 1 }
domains: [{ name: app.live.test, regions: [main], ttl: ${ttl} }]
`

async function call(method: string, path: string, body?: unknown, headers = {}) {
  const response = await fetch(`http://127.0.0.1:${apiPort}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    json: (text === '' ? undefined : JSON.parse(text)) as ReturnType<typeof JSON.parse>,
  }
}

const answers = async (name: string) => {
  const seen = new Set<string>()
  for (let turn = 0; turn < 4; turn++)
    for (const line of (await dig(dnsPort, name)).answer) seen.add(line.split(/\s+/).at(-1)!)
  return [...seen].sort()
}
/** TTL of the first record of the answer. */
const ttlOf = async (name: string) => {
  const { text } = await dig(dnsPort, name)
  return Number(/ANSWER SECTION:\n\S+\s+(\d+)/.exec(text)?.[1] ?? -1)
}
const rcode = async (name: string) => (await dig(dnsPort, name)).status
const restarted = async () => {
  program.signal('SIGKILL')
  await program.exited()
  program.start()
  await program.logged('OpenGSLB running')
}
const reloaded = async (file: File) => {
  const before = program.output.split('configuration reloaded').length
  program.configure(yaml(file))
  program.signal('SIGHUP')
  await until('reloaded', () => program.output.split('configuration reloaded').length > before)
}

beforeAll(async () => {
  backends = await startBackends([A, B, C])
  backendPort = backends[0]!.port
  ;[dnsPort, apiPort] = [await freePort(), await freePort()]
  program = new Program('')
  program.configure(yaml())
  program.start()
  await program.logged('OpenGSLB running')
  await until('app is served', async () => (await answers('app.live.test')).length === 2)
})
afterAll(async () => {
  await program.remove()
  await Promise.all(backends.map((one) => one.stop()))
})

const NAME = 'new.live.test'
const serverId = (address: string) => `${NAME}:${address}:${backendPort}`

test('a domain and its server made by the API are answered, and live through kill -9 and SIGHUP', async () => {
  expect(await rcode(NAME)).toBe('NXDOMAIN')
  const domain = await call('POST', '/domains', { name: NAME, ttl: 9 })
  expect([domain.status, domain.json]).toMatchObject([201, { domain: { ttl: 9, enabled: true } }])
  const server = { service: NAME, address: C, port: backendPort, region: 'main' }
  const made = await call('POST', '/servers', {
    ...server,
    health_check: { type: 'tcp', interval: '200ms', timeout: '100ms', healthy_threshold: 1 },
  })
  expect([made.status, made.json]).toMatchObject([
    201,
    { server: { id: serverId(C), source: 'api' } },
  ])
  await until('the new name is answered', async () => (await answers(NAME)).length === 1)
  expect(await answers(NAME)).toEqual([C])
  await restarted()
  expect(await answers(NAME)).toEqual([C])
  await reloaded({ ttl: 8 })
  expect(await answers(NAME)).toEqual([C])
  expect(await ttlOf(NAME)).toBe(9)
})

test('an edit is in the answers within 200 ms of being sent', async () => {
  const socket = createSocket('udp4')
  const query = buildQuery({ name: NAME, type: 'A' })
  const ask = () =>
    new Promise<number>((resolve) => {
      socket.once('message', (reply) => resolve(decodeReply(reply).answers[0]?.ttl ?? -1))
      socket.send(query, dnsPort, '127.0.0.1')
    })
  const took: number[] = []
  for (let ttl = 20; ttl < 31; ttl++) {
    const sent = performance.now()
    expect((await call('PUT', `/domains/${NAME}`, { ttl })).status).toBe(200)
    while ((await ask()) !== ttl) await sleep(1)
    took.push(performance.now() - sent)
  }
  socket.close()
  // The median: a test machine may be away for longer than that by itself.
  expect(took.sort((a, b) => a - b)[5]).toBeLessThan(200)
})

test('a key edited by the API gives way when the file changes the same key', async () => {
  expect((await call('PATCH', '/domains/app.live.test', { ttl: 33 })).status).toBe(200)
  expect(await ttlOf('app.live.test')).toBe(33)
  const diff = await call('GET', '/config/diff')
  expect(diff.json.differences).toContainEqual(
    expect.objectContaining({
      ...{ kind: 'domain', id: 'app.live.test', change: 'edited' },
      fields: [{ name: 'ttl', file: 8, api: 33 }],
    }),
  )
  await reloaded({ ttl: 8, check: '400ms' })
  expect(await ttlOf('app.live.test')).toBe(33)
  await reloaded({ ttl: 6 })
  await program.logged('the file takes the place of an edit')
  await until('the file holds', async () => (await ttlOf('app.live.test')) === 6)
})

test('a server of the file that was deleted stays away until its entry changes', async () => {
  const id = `app.live.test:${B}:${backendPort}`
  expect((await call('DELETE', `/servers/${id}`)).status).toBe(204)
  expect(await answers('app.live.test')).toEqual([A])
  await restarted()
  expect(await answers('app.live.test')).toEqual([A])
  await reloaded({ ttl: 5 })
  expect(await answers('app.live.test')).toEqual([A])
  expect((await call('GET', `/servers/${id}`)).status).toBe(404)
})

test('the last server of a name goes only by force, and is then gone for good', async () => {
  const path = `/servers/${serverId(C)}`
  const held = await call('DELETE', path)
  expect([held.status, held.json.error]).toMatchObject([409, expect.stringContaining('no IPv4')])
  expect(await answers(NAME)).toEqual([C])
  expect((await call('DELETE', `${path}?force=true`)).status).toBe(204)
  expect(await rcode(NAME)).toBe('SERVFAIL')
})

test('a domain that is switched off or deleted is not there, at once and after a restart', async () => {
  await call('PATCH', `/domains/${NAME}`, { enabled: false })
  expect(await rcode(NAME)).toBe('NXDOMAIN')
  await call('PATCH', `/domains/${NAME}`, { enabled: true })
  expect(await rcode(NAME)).toBe('SERVFAIL')
  expect((await call('DELETE', `/domains/${NAME}`)).status).toBe(204)
  expect(await rcode(NAME)).toBe('NXDOMAIN')
  expect((await call('DELETE', '/domains/app.live.test')).status).toBe(204)
  expect(await rcode('app.live.test')).toBe('NXDOMAIN')
  await restarted()
  expect([await rcode(NAME), await rcode('app.live.test')]).toEqual(['NXDOMAIN', 'NXDOMAIN'])
})

test('the level of the log set by the API holds through a restart and a reload', async () => {
  expect((await call('PUT', '/config/logging', { level: 'error' })).status).toBe(200)
  program.signal('SIGKILL')
  await program.exited()
  program.start()
  await until(
    'the API answers',
    async () => (await call('GET', '/live').catch(() => undefined)) !== undefined,
  )
  await until('quiet', async () => {
    const before = program.output.length
    await call('PATCH', '/regions/main', { description: `at ${before}` })
    return program.output.length === before
  })
  expect((await call('DELETE', '/config/logging')).status).toBe(204)
  await until('speaks again', async () => {
    await call('PATCH', '/regions/main', { description: String(Math.random()) })
    return program.output.includes('configuration edited')
  })
})
