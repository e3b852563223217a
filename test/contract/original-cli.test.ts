// Goal: the command line of the original works against our API: each request it makes gets the code
// it expects and the fields it reads. Requests and fields were recorded; what the original's own
// server answered wrongly is answered truly here, in the same shape.
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, until } from '../harness/program.ts'

const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/)
const generated = { generated_at: time }
const override = z.object({
  service: z.string(),
  address: z.string(),
  healthy: z.boolean(),
  reason: z.string(),
  source: z.string(),
  created_at: time,
  authority: z.literal('external_tool'),
})
const server = z.object({
  id: z.string(),
  name: z.string(),
  address: z.string(),
  port: z.number(),
  weight: z.number(),
  region: z.string(),
  enabled: z.boolean(),
  healthy: z.boolean(),
  metadata: z.record(z.string(), z.string()),
})
const mapping = z.object({ cidr: z.string(), region: z.string(), source: z.string() })
const refusal = z.object({ error: z.string(), code: z.number() })

interface Recorded {
  /** The command of the original that asks this. */
  readonly command: string
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly code: number
  /** Absent where the answer has no body. */
  readonly shape?: z.ZodType
  /** The feature that brings the endpoint, where it may not be there yet. */
  readonly waits?: string
}

const ONE = '/api/v1/overrides/app.gslb.test/127.99.11.21'
const ID = 'app.gslb.test:127.99.11.29:8080'

const recorded: readonly Recorded[] = [
  {
    command: 'status',
    method: 'GET',
    path: '/api/v1/ready',
    code: 200,
    shape: z.object({ ready: z.literal(true), dns_ready: z.boolean(), health_ready: z.boolean() }),
  },
  {
    command: 'status',
    method: 'GET',
    path: '/api/v1/overwatch/stats',
    code: 200,
    shape: z.object({
      ...{ total_backends: z.literal(2), healthy_backends: z.number() },
      ...{ unhealthy_backends: z.number(), stale_backends: z.number() },
      ...{ active_overrides: z.number(), active_agents: z.literal(0), unique_services: z.number() },
      ...{ validation_enabled: z.boolean(), validated_backends: z.number() },
      backends_by_service: z.record(z.string(), z.number()),
      backends_by_region: z.record(z.string(), z.number()),
      ...generated,
    }),
  },
  {
    command: 'servers list --service app.gslb.test --region eu --status healthy',
    method: 'GET',
    path: '/api/v1/overwatch/backends?service=app.gslb.test&region=eu&status=healthy',
    code: 200,
    shape: z.object({
      backends: z
        .array(
          z.object({
            ...{ service: z.string(), address: z.string(), port: z.number(), weight: z.number() },
            ...{ agent_id: z.string(), region: z.literal('eu'), effective_status: z.string() },
            ...{ agent_healthy: z.boolean(), agent_last_seen: time },
          }),
        )
        .length(2),
      ...generated,
    }),
  },
  {
    command: 'overrides set app.gslb.test 127.99.11.21 --reason maint',
    method: 'PUT',
    path: ONE,
    body: { healthy: false, reason: 'maint', source: 'cli' },
    code: 200,
    shape: override.extend({ healthy: z.literal(false), reason: z.literal('maint') }),
  },
  {
    command: 'overrides set without a source',
    method: 'PUT',
    path: ONE,
    body: { healthy: false, reason: 'maint' },
    code: 400,
    shape: refusal.extend({ error: z.literal('source is required') }),
  },
  {
    command: 'overrides list',
    method: 'GET',
    path: '/api/v1/overrides',
    code: 200,
    shape: z.object({ overrides: z.array(override).length(1) }),
  },
  { command: 'overrides clear', method: 'DELETE', path: ONE, code: 204 },
  {
    command: 'overrides clear, again',
    method: 'DELETE',
    path: ONE,
    code: 404,
    shape: refusal.extend({ error: z.literal('override not found'), code: z.literal(404) }),
  },
  {
    command: 'servers create',
    method: 'POST',
    path: '/api/v1/servers',
    body: {
      ...{ name: 'app.gslb.test', address: '127.99.11.29', port: 8_080, protocol: 'tcp' },
      ...{ weight: 100, region: 'eu', metadata: { service: 'app.gslb.test' } },
    },
    code: 201,
    shape: z.object({ server: z.object({ name: z.string(), address: z.string() }) }),
    waits: 'objects made by the API',
  },
  {
    command: 'servers update',
    method: 'PUT',
    path: `/api/v1/servers/${ID}`,
    body: { weight: 10, region: 'eu' },
    code: 200,
    shape: z.object({ server: server.extend({ weight: z.literal(10) }) }),
    waits: 'objects made by the API',
  },
  {
    command: 'servers delete',
    method: 'DELETE',
    path: `/api/v1/servers/${ID}`,
    code: 204,
    waits: 'objects made by the API',
  },
  {
    command: 'geo add 10.70.0.0/16 eu --comment api',
    method: 'PUT',
    path: '/api/v1/geo/mappings',
    body: { cidr: '10.70.0.0/16', region: 'eu', comment: 'api' },
    code: 201,
    shape: mapping,
    waits: 'geolocation',
  },
  {
    command: 'geo mappings',
    method: 'GET',
    path: '/api/v1/geo/mappings',
    code: 200,
    shape: z.object({ mappings: z.array(mapping), ...generated }),
    waits: 'geolocation',
  },
  {
    command: 'geo test 10.70.0.1',
    method: 'GET',
    path: '/api/v1/geo/test?ip=10.70.0.1',
    code: 200,
    shape: z.object({ ip: z.string(), region: z.string(), match_type: z.string() }),
    waits: 'geolocation',
  },
  {
    command: 'geo remove 10.70.0.0/16',
    method: 'DELETE',
    path: '/api/v1/geo/mappings/10.70.0.0%2F16',
    code: 204,
    waits: 'geolocation',
  },
  {
    command: 'dnssec status',
    method: 'GET',
    path: '/api/v1/dnssec/status',
    code: 200,
    shape: z.object({ enabled: z.boolean() }),
    waits: 'DNSSEC',
  },
  {
    command: 'dnssec ds',
    method: 'GET',
    path: '/api/v1/dnssec/ds',
    code: 200,
    shape: z.object({ enabled: z.boolean() }),
    waits: 'DNSSEC',
  },
]

describe('the command line of the original', () => {
  let program: Program
  let backends: Backend[]
  let port = 0

  /** As a Go program asks: no Origin, no fetch metadata, a user agent of its own. */
  const ask = (one: Recorded): Promise<{ code: number; type: string; text: string }> =>
    new Promise((settle, reject) => {
      const { method, path, body } = one
      const payload = body === undefined ? '' : JSON.stringify(body)
      const headers = {
        'user-agent': 'Go-http-client/1.1',
        ...(payload === '' ? {} : { 'content-type': 'application/json' }),
        'content-length': Buffer.byteLength(payload),
      }
      const sent = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        const type = response.headers['content-type'] ?? ''
        response.on('end', () => settle({ code: response.statusCode ?? 0, type, text }))
      })
      sent.on('error', reject)
      sent.end(payload)
    })

  beforeAll(async () => {
    backends = await startBackends(['127.99.11.21', '127.99.11.22'])
    port = await freePort()
    program = new Program('')
    const servers = backends.map(
      ({ address, port: at }) => `{ address: ${address}, port: ${at}, service: app.gslb.test }`,
    )
    program.configure(`
dns: { listen_address: "127.0.0.1:${await freePort()}", zones: [gslb.test] }
regions: [{ name: eu, servers: [${servers.join(', ')}], health_check: { type: tcp, interval: 1s, timeout: 500ms } }]
domains: [{ name: app.gslb.test, regions: [eu] }]
overwatch: { data_dir: "${program.folder}/data" }
api: { enabled: true, address: "127.0.0.1:${port}" }
logging: { level: warn, format: text }
`)
    program.start()
    const ready = recorded[0]!
    await until('it is ready', async () => {
      const answer = await ask(ready).catch(() => undefined)
      return answer?.code === 200
    })
    // Ready is one server up of each name; what is recorded here lists both.
    const listed = recorded.find(({ command }) => command.startsWith('servers list'))!
    await until('both servers are up', async () => (await ask(listed)).text.includes('"total":2'))
  }, 30_000)

  afterAll(async () => {
    await program.remove()
    await Promise.all(backends.map((backend) => backend.stop()))
  })

  for (const one of recorded)
    test(`${one.command}: ${one.method} ${one.path}`, async () => {
      const { code, type, text } = await ask(one)
      if (one.waits !== undefined && code === 404) {
        expect(refusal.safeParse(JSON.parse(text)).success, text).toBe(true)
        return
      }
      expect(code, text).toBe(one.code)
      if (one.shape === undefined) return expect(text).toBe('')
      expect(type).toMatch(/^application\/json/)
      const read = one.shape.safeParse(JSON.parse(text))
      expect(read.error?.issues ?? [], text).toEqual([])
    })
})
