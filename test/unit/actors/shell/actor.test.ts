import { describe, expect, test } from 'vitest'
import { shell } from '../../../../src/actors/shell/actor.ts'
import type {
  Counts,
  HttpAnswer,
  HttpRequest,
  ListenOptions,
  ShellConfig,
  ShellPorts,
  TlsFile,
} from '../../../../src/actors/shell/contract.ts'
import { fail, ok } from '../../../../src/core/base/result.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const CONFIG: ShellConfig = {
  reloads: { succeeded: 0, failed: 0, lastMs: 0, loadedMs: 1_000 },
  api: { address: '127.0.0.1:8080', enabled: true },
  metrics: { address: ':9090', enabled: true, allowedNetworks: ['10.0.0.0/8'] },
}

const REQUEST: HttpRequest = {
  method: 'GET',
  path: '/',
  query: '',
  headers: {},
  body: new Uint8Array(0),
  remoteAddress: '127.0.0.1',
}

async function shellWorld(config: ShellConfig = CONFIG, taken = '', badTls?: TlsFile) {
  const world = fakeCtx('shell')
  const open = new Map<string, ListenOptions>()
  let counts: ((all: boolean) => Counts) | undefined
  const ports: ShellPorts = {
    onDrainSignal: () => () => {},
    listen: async (options) => {
      if (options.address === taken)
        return fail({ code: 'address-in-use', message: `${taken}: the address is already in use` })
      if (options.tls !== undefined && badTls !== undefined)
        return fail({ code: 'bad-tls', message: '/x.pem: there is no such file', file: badTls })
      open.set(options.address, options)
      const close = async () => void open.delete(options.address)
      return ok({ kind: 'node', port: 1, close })
    },
    fallbackReason: 'it is a test',
    setLogLevel: () => {},
    counts: (all) => counts?.(all),
    metricsText: async () => ({
      text: 'opengslb_up 1\n',
      contentType: 'text/plain; version=0.0.4',
    }),
  }
  const start = () => shell.start(world.ctx, ports, config)
  const send = async (address: string, request: Partial<HttpRequest>): Promise<HttpAnswer> =>
    await open.get(address)!.onRequest({ ...REQUEST, ...request })
  const countWith = (source: (all: boolean) => Counts) => {
    counts = source
  }
  return { ...world, open, start, send, countWith }
}

describe('listeners', () => {
  test('opens what is enabled, and stop closes it', async () => {
    const world = await shellWorld()
    const behaviour = await world.start()
    expect([...world.open.keys()]).toEqual(['127.0.0.1:8080', ':9090'])
    await behaviour.onStop?.()
    expect(world.open.size).toBe(0)
  })

  test('only the API listener is given the certificate, and a bad file fails by its key', async () => {
    const tls = { certFile: '/c.pem', keyFile: '/k.pem' }
    const config = { ...CONFIG, api: { ...CONFIG.api, tls } }
    const world = await shellWorld(config)
    await world.start()
    expect(world.open.get('127.0.0.1:8080')?.tls).toEqual(tls)
    expect(world.open.get(':9090')?.tls).toBeUndefined()
    for (const [file, key] of [
      ['certFile', 'api.tls.cert_file'],
      ['keyFile', 'api.tls.key_file'],
    ] as const) {
      const broken = await shellWorld(config, '', file)
      await expect(broken.start()).rejects.toThrow(`${key}: /x.pem: there is no such file`)
    }
  })

  test('opens nothing that is disabled', async () => {
    const world = await shellWorld({
      ...CONFIG,
      api: { ...CONFIG.api, enabled: false },
      metrics: { ...CONFIG.metrics, enabled: false },
    })
    await world.start()
    expect(world.open.size).toBe(0)
    expect(world.logs).toEqual([])
  })

  for (const [key, address] of [
    ['api.address', '127.0.0.1:8080'],
    ['metrics.address', ':9090'],
  ] as const) {
    test(`an address that is taken fails the start, names ${key}, and leaves nothing open`, async () => {
      const world = await shellWorld(CONFIG, address)
      await expect(world.start()).rejects.toThrow(
        `${key}: ${address}: the address is already in use`,
      )
      expect(world.open.size).toBe(0)
    })
  }

  test('why the fallback serves is logged', async () => {
    const world = await shellWorld()
    await world.start()
    expect(world.logs[0]).toMatchObject({ fields: { reason: 'it is a test' } })
  })

  test('a reload takes the networks at once, and is counted', async () => {
    const world = await shellWorld()
    const behaviour = await world.start()
    const from = { path: '/metrics', remoteAddress: '192.0.2.1' }
    expect((await world.send(':9090', from)).status).toBe(403)
    behaviour.onReconfigured?.({
      ...CONFIG,
      reloads: { succeeded: 2, failed: 1, lastMs: 5_000, loadedMs: 5_000 },
      metrics: { ...CONFIG.metrics, allowedNetworks: ['192.0.2.0/24'] },
    })
    expect((await world.send(':9090', from)).status).toBe(200)
    const reloads = 'opengslb_config_reloads_total'
    expect(world.metrics.value(reloads, { result: 'success' })).toBe(2)
    expect(world.metrics.value(reloads, { result: 'failure' })).toBe(1)
    expect(world.metrics.value('opengslb_config_reload_timestamp_seconds')).toBe(5)
  })
})

describe('api requests', () => {
  test('go to the api actor as they are, and its answer comes back', async () => {
    const world = await shellWorld()
    await world.start()
    const reply = { status: 201, headers: { a: 'b' }, body: new Uint8Array([1]) }
    world.answers['shell.handle-request'] = () => reply
    expect(await world.send('127.0.0.1:8080', { path: '/x', query: 'q=1' })).toEqual(reply)
    expect(world.asked).toEqual([
      ['shell.handle-request', { ...REQUEST, path: '/x', query: 'q=1' }],
    ])
  })

  test('a fault of the api actor is a 503 in JSON with Retry-After', async () => {
    const world = await shellWorld()
    await world.start()
    const answer = await world.send('127.0.0.1:8080', { path: '/x' })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
    expect(JSON.parse(String(answer.body))).toEqual({ error: expect.any(String), code: 503 })
    await world.send('127.0.0.1:8080', { path: '/x' })
    expect(world.logs.filter((line) => line.level === 'warn')).toHaveLength(1)
  })
})

describe('readers of the feed', () => {
  test('have the topics that are made for them named, again to an API that was restarted', async () => {
    const world = await shellWorld()
    const behaviour = await world.start()
    const filter = {
      topics: ['decision' as const],
      ...{ services: [], regions: [], nothing: false },
    }
    world.answers['shell.open-feed'] = () => ({
      ...{ status: 200, headers: {}, body: new Uint8Array(0), protocol: '', from: -1, next: 1 },
      ...{ filter, hello: { version: '2', nodeId: 'n' } },
    })
    const told = () => world.published.filter(([id]) => id === 'shell.topics-heard')
    behaviour.onPeerStarted?.('api')
    expect(told()).toEqual([])
    const { feed } = world.open.get('127.0.0.1:8080')!
    const admission = await feed!.admit(REQUEST, 'websocket')
    if (admission.code !== 'admitted') throw new Error(admission.code)
    const reader = admission.open({ send: () => 0, waitingBytes: () => 0, close: () => {} })
    const heard = ['shell.topics-heard', { topics: ['decision'] }]
    expect(told()).toEqual([heard])
    behaviour.onPeerStarted?.('api')
    expect(told()).toEqual([heard, heard])
    reader.closed()
    expect(told().at(-1)).toEqual(['shell.topics-heard', { topics: [] }])
    await behaviour.onStop?.()
  })
})

describe('metrics requests', () => {
  for (const [request, status, body] of [
    [{ path: '/metrics' }, 200, 'opengslb_up 1\n'],
    [{ path: '/health' }, 200, 'OK'],
    [{ path: '/health', remoteAddress: '10.2.3.4' }, 200, 'OK'],
    [{ path: '/metrics', remoteAddress: '192.0.2.1' }, 403, 'Forbidden'],
    [{ path: '/health', remoteAddress: '192.0.2.1' }, 403, 'Forbidden'],
    [{ path: '/other' }, 404, undefined],
    [{ path: '/metrics', method: 'POST' }, 405, undefined],
    [{ path: '/metrics', method: 'HEAD' }, 200, undefined],
  ] as const) {
    test(`${JSON.stringify(request)} gives ${status}`, async () => {
      const world = await shellWorld()
      await world.start()
      const answer = await world.send(':9090', request)
      expect(answer.status).toBe(status)
      if (body !== undefined) expect(answer.body).toBe(body)
      expect(world.asked).toEqual([])
    })
  }

  test('without networks everybody may scrape', async () => {
    const world = await shellWorld({
      ...CONFIG,
      metrics: { ...CONFIG.metrics, allowedNetworks: [] },
    })
    await world.start()
    const from = { path: '/metrics', remoteAddress: '192.0.2.1' }
    expect((await world.send(':9090', from)).status).toBe(200)
  })
})

describe('health checks on the listener of the metrics', () => {
  test('old clients are served there, and not on the listener of the API', async () => {
    const world = await shellWorld()
    await world.start()
    expect(world.open.get(':9090')?.oldClients).toBe(true)
    expect(world.open.get('127.0.0.1:8080')?.oldClients).toBeUndefined()
  })

  test.each(['/live', '/api/v1/live'])('%s is answered without asking anybody', async (path) => {
    const world = await shellWorld()
    await world.start()
    const answer = await world.send(':9090', { path })
    expect([answer.status, answer.body]).toEqual([200, '{"alive":true}'])
    expect(world.asked).toEqual([])
  })

  test.each(['/ready', '/api/v1/ready'])('%s is what the API says', async (path) => {
    const world = await shellWorld()
    await world.start()
    const reply = { status: 503, headers: {}, body: new Uint8Array([1]) }
    world.answers['shell.handle-request'] = () => reply
    const headers = { host: 'evil.example', 'user-agent': 'Mozilla/5.0' }
    expect(await world.send(':9090', { path, headers })).toEqual(reply)
    expect(world.asked[0]![1]).toMatchObject({
      ...{ path: '/api/v1/ready', headers: { host: 'localhost' }, remoteAddress: '127.0.0.1' },
    })
    expect((await world.send(':9090', { path, remoteAddress: '192.0.2.1' })).status).toBe(403)
  })
})

describe('what DNS counts', () => {
  const COUNTS: Counts = {
    totals: {
      ...{ queries: 3, byRcode: {}, byTransport: {}, byOutcome: {} },
      ...{ decisions: 0, byAlgorithm: {} },
    },
    times: { bounds: [], counts: [], sumSeconds: 0 },
    domains: [],
    servers: [],
  }

  test('is published each second, with all rows at first, each minute and to a new reader', async () => {
    const world = await shellWorld()
    const asked: boolean[] = []
    world.countWith((all) => {
      asked.push(all)
      return COUNTS
    })
    const behaviour = await world.start()
    world.clock.advance(61_000)
    expect(world.published).toHaveLength(61)
    expect(world.published[0]).toEqual([
      'shell.counters-read',
      { atMs: world.clock.nowMs() - 60_000, ...COUNTS },
    ])
    expect(asked.map((all, at) => (all ? at + 1 : 0)).filter((at) => at > 0)).toEqual([1, 61])
    behaviour.onPeerStarted?.('api')
    world.clock.advance(1_000)
    expect(asked.at(-1)).toBe(true)
    await behaviour.onStop?.()
    world.clock.advance(5_000)
    expect(world.published).toHaveLength(62)
  })

  test('is published by nobody where nobody answers DNS', async () => {
    const world = await shellWorld()
    await world.start()
    world.clock.advance(5_000)
    expect(world.published).toEqual([])
  })
})
