// Goal: an operator who follows the feed of the built program misses nothing: not by an
// interruption, and not by kill -9 of the process; and strangers cannot listen.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectStream, connectWs, type Heard } from '../contract/feed-client.ts'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, until } from '../harness/program.ts'

const TOKEN = 'a secret+token, long enough'
const addresses = ['127.10.7.21', '127.10.7.22']
let backends: readonly Backend[] = []
let program: Program
let port = 0
let dnsPort = 0

const yaml = (folder: string) => `
dns:
  listen_address: "127.0.0.1:${dnsPort}"
  zones: [{ name: feed.test, name_servers: [{ name: ns1.feed.test, addresses: [127.0.0.1] }] }]
regions:
  - name: local
    servers:
${addresses.map((address) => `      - { address: ${address}, port: ${backends[0]!.port}, service: app.feed.test }`).join('\n')}
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.feed.test, regions: [local], ttl: 1 }]
overwatch: { data_dir: "${folder}/data" }
metrics: { enabled: false }
api:
  enabled: true
  address: "127.0.0.1:${port}"
  auth: { tokens: ["${TOKEN}"] }
logging: { level: warn, format: text }
`

beforeAll(async () => {
  backends = await startBackends(addresses)
  port = await freePort()
  dnsPort = await freePort()
  program = new Program('')
  program.configure(yaml(program.folder))
  program.start()
  await healthy()
})
afterAll(async () => {
  await program.remove()
  await Promise.all(backends.map((backend) => backend.stop()))
})

const base = () => `http://127.0.0.1:${port}/api/v1`

interface EventPage {
  readonly events: readonly Heard[]
  readonly next: number
  readonly end: boolean
}

const page = async (query = ''): Promise<EventPage> =>
  (await (await fetch(`${base()}/events${query}`)).json()) as EventPage

const healthy = () =>
  until('both backends are healthy', async () => {
    const { events } = await page('?topics=health&limit=500').catch(() => ({ events: [] }))
    return events.length > 0 && (await fetch(`${base()}/ready`)).status === 200
  })

const override = async (isHealthy: boolean) => {
  const url = `${base()}/overrides/app.feed.test/${addresses[0]}`
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ healthy: isHealthy, reason: 'a test', source: 'test', force: true }),
  })
  expect([200, 201], await answer.clone().text()).toContain(answer.status)
}

const kindsOf = (heard: readonly Heard[]) => heard.map(({ topic, kind }) => `${topic}.${kind}`)
const numbersOf = (heard: readonly Heard[]) =>
  heard
    .filter(({ number, type }) => type === 'event' && number !== undefined)
    .map((e) => e['number'])
const upTo = (from: number, last: number) =>
  Array.from({ length: last - from + 1 }, (_, index) => from + index)

test('an order of an operator is heard by WebSocket and event stream, with its effects', async () => {
  const client = await connectWs(port)
  const stream = await connectStream(port, '?topics=override,health')
  await until('hello', () => client.heard.length > 0)
  await override(false)
  await until('the override', () => kindsOf(client.heard).includes('health.status-changed'))
  await until('the stream too', () => kindsOf(stream.heard).includes('health.status-changed'))
  expect(client.heard.find(({ topic }) => topic === 'override')).toMatchObject({
    kind: 'set',
    service: 'app.feed.test',
    region: 'local',
    data: { healthy: false, reason: 'a test', address: addresses[0] },
  })
  expect(kindsOf(client.heard)).toContain('delta.word-changed')
  expect(kindsOf(stream.heard)).not.toContain('delta.word-changed')
  const [first] = client.heard
  const numbers = numbersOf(client.heard)
  const last = Number(numbers.at(-1))
  expect(numbers).toEqual(upTo(Number(first!['number']) + 1, last))
  client.end()
  stream.end()
})

test('kill -9 loses no event that was told, and who resumes hears each once, in order', async () => {
  const { next: start } = await page()
  const client = await connectWs(port, `?from=1`)
  for (let round = 0; round < 3; round++) {
    for (let turn = 0; turn < 6; turn++) await override(turn % 2 === 0)
    program.signal('SIGKILL')
    await program.exited()
    program.start()
    await healthy()
  }
  await client.closed
  const told = client.heard.filter(({ type }) => type === 'event')
  expect(told.length).toBeGreaterThan(start - 2)
  // What the first reader was told stands in the log under the same numbers.
  const again = await connectWs(port, '?from=1')
  const { next } = await page()
  await until('all of the log', () => numbersOf(again.heard).includes(next - 1))
  const durable = again.heard.filter(({ number, type }) => type === 'event' && number !== undefined)
  expect(durable.slice(0, told.length)).toEqual(told)
  expect(numbersOf(again.heard).slice(0, next - 1)).toEqual(upTo(1, next - 1))
  expect(again.heard.some(({ type }) => type === 'gap')).toBe(false)
  again.end()
}, 60_000)

test('pages of JSON go on where they end, and a bad question is named', async () => {
  const first = await page('?from=1&limit=3')
  expect(first.events.map(({ number }) => number)).toEqual([1, 2, 3])
  expect([first.next, first.end]).toEqual([4, false])
  const ahead = await page('?from=1000000')
  expect(ahead.events[0]).toMatchObject({ type: 'gap', reason: 'ahead', to: 999_999 })
  const bad = await fetch(`${base()}/events?topics=weather`)
  expect([bad.status, await bad.text()]).toEqual([400, expect.stringContaining('unknown topic')])
  await expect(connectWs(port, '?topics=weather')).rejects.toMatchObject({ status: 400 })
})

test('a page of another origin may not listen without a token, and may with one', async () => {
  const foreign = { origin: 'https://evil.example', 'user-agent': 'Mozilla/5.0' }
  await expect(connectWs(port, '', { headers: foreign })).rejects.toMatchObject({ status: 403 })
  const rebound = { origin: `http://evil.example:${port}`, host: `evil.example:${port}` }
  await expect(connectWs(port, '', { headers: rebound })).rejects.toMatchObject({ status: 403 })
  const wrong = { headers: foreign, protocols: ['opengslb.json', 'bearer.wrong'] }
  await expect(connectWs(port, '', wrong)).rejects.toMatchObject({ status: 401 })
  const encoded = Buffer.from(TOKEN).toString('base64url')
  const right = { headers: foreign, protocols: ['opengslb.json', `bearer64.${encoded}`] }
  const client = await connectWs(port, '', right)
  expect(client.protocol()).toBe('opengslb.json')
  const own = await connectWs(port, '', { headers: { origin: `http://127.0.0.1:${port}` } })
  const unknown = { protocols: ['chat'] }
  await expect(connectWs(port, '', unknown)).rejects.toMatchObject({ status: 400 })
  client.end()
  own.end()
})
