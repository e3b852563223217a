// Goal: what operators were promised of overrides and of objects made by the API, from outside:
// whatever they set, by either API or by the command line, is what DNS answers, is told by the
// metrics, and lives through restart, reload and the time after which agents are forgotten.
// Method: the built program with real servers, asked by UDP, edited by HTTP and command line.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, Program, projectRoot, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

const [A, B, C] = ['127.99.14.21', '127.99.14.22', '127.99.14.23'] as const
const TOKEN = 'a-token-of-sixteen-chars'
const SERVICE = 'app.kept.test'
const REMOVE_AFTER_MS = 2_000
const main = join(projectRoot, 'dist', 'cli', 'main.js')

describe.runIf(has('dig'))('what the API promises', () => {
  const program = new Program('')
  let backends: readonly Backend[] = []
  let six: Backend
  let port = 0
  const at = { dns: 0, api: 0, metrics: 0 }

  const yaml = (ttl: number) => `
dns: { listen_address: "127.0.0.1:${at.dns}", zones: [kept.test] }
overwatch:
  data_dir: "${program.folder}/data"
  stale: { threshold: 1s, remove_after: ${REMOVE_AFTER_MS}ms }
api: { enabled: true, address: "127.0.0.1:${at.api}", auth: { tokens: [${TOKEN}] } }
metrics: { enabled: true, address: "127.0.0.1:${at.metrics}" }
regions:
  - name: main
    servers:
${[A, B].map((one) => `      - { address: ${one}, port: ${port}, service: ${SERVICE} }`).join('\n')}
    health_check: { type: tcp, interval: 300ms, timeout: 200ms, success_threshold: 1 }
domains: [{ name: ${SERVICE}, regions: [main], ttl: ${ttl} }]
`

  async function call(method: string, path: string, body?: unknown) {
    const response = await fetch(`http://127.0.0.1:${at.api}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const json = (text === '' ? {} : JSON.parse(text)) as ReturnType<typeof JSON.parse>
    return { status: response.status, json }
  }

  const cli = (...words: readonly string[]) =>
    spawnSync(process.execPath, [main, '--api', `http://127.0.0.1:${at.api}`, ...words]).status

  const answers = async (name = SERVICE, type = 'A') => {
    const seen = new Set<string>()
    for (let turn = 0; turn < 4; turn++)
      for (const line of (await dig(at.dns, name, type)).answer) seen.add(line.split(/\s+/).at(-1)!)
    return [...seen].sort()
  }
  const answered = (wanted: readonly string[], name = SERVICE, type = 'A') => {
    const holds = async () => (await answers(name, type)).join() === wanted.join()
    return until(`${name} ${type} is ${wanted}`, holds, 30_000)
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${at.metrics}/metrics`)).text()
    const own = text.split('\n').filter((line) => new RegExp(`^${name}(?:\\{|\\s)`).test(line))
    return own.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  const restarted = async () => {
    program.signal('SIGKILL')
    await program.exited()
    program.start()
    await program.logged('OpenGSLB running', 30_000)
  }

  beforeAll(async () => {
    backends = await startBackends([A, B, C])
    port = backends[0]!.port
    six = (await startBackends(['::1']))[0]!
    Object.assign(at, {
      dns: await freePort(),
      api: await freePort(),
      metrics: await freePort(),
    })
    program.configure(yaml(3))
    program.start()
    await program.logged('OpenGSLB running', 30_000)
    await answered([A, B])
  }, 60_000)

  afterAll(async () => {
    await program.remove()
    await Promise.all([...backends, six].map((backend) => backend.stop()))
  })

  const BACKEND = `/overwatch/backends/${SERVICE}/${A}`
  const overrides: readonly (readonly [string, () => unknown, () => unknown])[] = [
    [
      'of the backend',
      () => call('POST', `${BACKEND}/${port}/override`, { healthy: false, reason: 'test' }),
      () => call('DELETE', `${BACKEND}/${port}/override`),
    ],
    [
      'of external tools',
      () =>
        call('PUT', `/overrides/${SERVICE}/${A}`, { healthy: false, reason: 'x', source: 'tool' }),
      () => call('DELETE', `/overrides/${SERVICE}/${A}`),
    ],
    [
      'of the command line',
      () => cli('overrides', 'set', SERVICE, A, '--reason', 'test'),
      () => cli('overrides', 'clear', SERVICE, A),
    ],
  ]
  test.each(overrides)(
    'an override %s changes the answers, the metrics, and lives on',
    async (_title, set, clear) => {
      const changes = await metric('opengslb_gossip_overrides_total')
      await set()
      await answered([B])
      expect(await metric('opengslb_overwatch_overrides_active')).toBe(1)
      expect(await metric('opengslb_gossip_overrides_total')).toBe(changes + 1)
      await restarted()
      expect(await answers()).toEqual([B])
      expect(await metric('opengslb_overwatch_overrides_active')).toBe(1)
      expect((await call('GET', '/overrides')).json.overrides).toMatchObject([
        { service: SERVICE, address: A, healthy: false },
      ])
      await clear()
      await answered([A, B])
      expect(await metric('opengslb_overwatch_overrides_active')).toBe(0)
    },
    60_000,
  )

  const NEW = 'new.kept.test'
  const SIX_NAME = 'six.kept.test'

  test('domain, backend, server and region made by the API are served, with IPv6 ids too', async () => {
    const made = [
      await call('POST', '/regions', { name: 'extra', countries: ['DE'] }),
      await call('POST', '/domains', { name: NEW, ttl: 4 }),
      await call('POST', `/domains/${NEW}/backends`, { address: C, port, region: 'extra' }),
      await call('POST', '/domains', { name: SIX_NAME, ttl: 4 }),
      await call('POST', '/servers', {
        ...{ service: SIX_NAME, address: '0:0::1', port: six.port, region: 'main' },
        health_check: { type: 'tcp', interval: '300ms', timeout: '200ms', healthy_threshold: 1 },
      }),
    ]
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
    const byDefault = { type: 'tcp', interval: '300ms', timeout: '200ms', healthy_threshold: 1 }
    const id = `${NEW}:${C}:${port}`
    expect((await call('PUT', `/servers/${id}/health-check`, byDefault)).status).toBe(200)
    await answered([C], NEW)
    await answered(['::1'], SIX_NAME, 'AAAA')
  }, 60_000)

  test('each can be read and changed by its id, and the change is answered', async () => {
    const six6 = `${SIX_NAME}:[::1]:${six.port}`
    expect((await call('GET', `/servers/${encodeURIComponent(six6)}`)).status).toBe(200)
    for (const [path, body] of [
      [`/domains/${NEW}`, { ttl: 11 }],
      [`/servers/${encodeURIComponent(six6)}`, { weight: 7 }],
      ['/regions/extra', { countries: ['FR'] }],
    ] as const)
      expect((await call('PUT', path, body)).status, path).toBe(200)
    expect((await dig(at.dns, NEW)).text).toMatch(/\s11\s+IN\s+A/)
    const { server } = (await call('GET', `/servers/${encodeURIComponent(six6)}`)).json
    expect(server).toMatchObject({ weight: 7, healthy: true })
  })

  test('they live through kill -9, a reload, and the time after which agents are forgotten', async () => {
    const holds = async () => {
      await answered([C], NEW)
      await answered(['::1'], SIX_NAME, 'AAAA')
      expect((await call('GET', '/regions/extra')).json.region.countries).toEqual(['FR'])
    }
    await restarted()
    await holds()
    program.configure(yaml(5))
    program.signal('SIGHUP')
    await program.logged('configuration reloaded')
    await holds()
    // Longer than `remove_after`, of which what the API made must know nothing.
    await sleep(REMOVE_AFTER_MS + 1_500)
    await holds()
  }, 60_000)

  test('they are taken away by their ids, at once and for good', async () => {
    const six6 = encodeURIComponent(`${SIX_NAME}:::1:${six.port}`)
    expect((await call('DELETE', `/domains/${NEW}/backends/${C}:${port}?force=true`)).status).toBe(
      204,
    )
    expect((await call('DELETE', `/servers/${six6}?force=true`)).status).toBe(204)
    expect((await call('DELETE', '/regions/extra')).status).toBe(204)
    for (const name of [NEW, SIX_NAME])
      expect((await call('DELETE', `/domains/${name}?force=true`)).status).toBe(204)
    await restarted()
    expect((await dig(at.dns, NEW)).status).toBe('NXDOMAIN')
    expect((await dig(at.dns, SIX_NAME, 'AAAA')).status).toBe('NXDOMAIN')
    expect((await call('GET', '/config/diff')).json.total).toBe(0)
  }, 60_000)
})
