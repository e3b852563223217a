/**
 * The dashboard as files, through both HTTP fronts: what a browser gets, with which promises, and
 * that everything else is still the API's to answer.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { shell } from '../../src/actors/shell/actor.ts'
import type { Listen, ShellConfig, ShellPorts } from '../../src/actors/shell/contract.ts'
import { readDashboard } from '../../src/actors/shell/ports-dashboard.ts'
import { listenNode } from '../../src/actors/shell/ports-node.ts'
import { listenUws } from '../../src/actors/shell/ports-uws.ts'
import { loadUws, realOrigin } from '../../src/actors/shell/ports-uws-load.ts'
import { fakeCtx } from '../harness/ctx.ts'

const folder = mkdtempSync(join(tmpdir(), 'opengslb-dashboard-'))
const script = 'export const x = 1\n'.repeat(200)
mkdirSync(join(folder, 'assets'))
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>')
writeFileSync(join(folder, 'assets', 'index-abc.js'), script)
writeFileSync(join(folder, 'assets', 'style-abc.css'), 'body{}')
writeFileSync(join(folder, 'assets', 'secret.key'), 'no file of the dashboard')
writeFileSync(join(folder, 'other.html'), 'not listed')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const uws = loadUws({ ...realOrigin(), forced: undefined })
const fronts: [string, Listen][] = [['node', listenNode]]
if (uws.ok) fronts.push(['uws', (options) => listenUws(uws.value, options)])

let stop: (() => unknown) | undefined
afterEach(async () => {
  await stop?.()
  stop = undefined
})

interface Got {
  readonly status: number
  readonly headers: Record<string, string | undefined>
  readonly body: Buffer
}

/** Starts a shell whose API answers 418 to everything, and returns a way to ask it. */
async function start(listen: Listen, api: Partial<ShellConfig['api']> = {}) {
  let port = 0
  const world = fakeCtx('shell')
  const body = new TextEncoder().encode('the API')
  world.answers['shell.handle-request'] = () => ({ status: 418, headers: {}, body })
  const ports: ShellPorts = {
    onDrainSignal: () => () => {},
    listen: async (options) => {
      const front = await listen(options)
      if (front.ok) port = front.value.port
      return front
    },
    dashboardFiles: readDashboard(folder),
    fallbackReason: undefined,
    setLogLevel: () => {},
    counts: () => undefined,
    metricsText: async () => ({ text: '', contentType: 'text/plain' }),
  }
  const behaviour = await shell.start(world.ctx, ports, {
    reloads: { succeeded: 0, failed: 0, lastMs: 0, loadedMs: 1 },
    api: { address: '127.0.0.1:0', enabled: true, dashboard: { allowedNetworks: [] }, ...api },
    metrics: { address: '', enabled: false, allowedNetworks: [] },
  })
  stop = () => behaviour.onStop?.()
  return (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers as Got['headers'],
            body: Buffer.concat(chunks),
          }),
        )
      })
      sent.on('error', reject)
      sent.end()
    })
}

const HTML = { accept: 'text/html,application/xhtml+xml;q=0.9' }

describe.each(fronts)('the dashboard by %s', (_name, listen) => {
  test('a browser gets the page, with a policy that admits this origin alone', async () => {
    const get = await start(listen)
    const { status, headers, body } = await get('/', HTML)
    expect(status).toBe(200)
    expect(body.toString()).toContain('<title>page</title>')
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-length': String(body.length),
    })
    const policy = headers['content-security-policy'] ?? ''
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ])
  })

  test('a file whose name holds its hash may be kept for ever, and travels as gzip', async () => {
    const get = await start(listen)
    const plain = await get('/assets/index-abc.js')
    const zipped = await get('/assets/index-abc.js', { 'accept-encoding': 'br, gzip' })
    const refused = await get('/assets/index-abc.js', { 'accept-encoding': 'gzip;q=0' })
    expect(plain.body.toString()).toBe(script)
    expect(refused.body.toString()).toBe(script)
    expect(gunzipSync(zipped.body).toString()).toBe(script)
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(zipped.headers['vary']).toBe('accept-encoding')
    expect(zipped.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(zipped.headers['etag']).not.toBe(plain.headers['etag'])
  })

  test('who has it already gets 304 without a body, by HEAD the header alone', async () => {
    const get = await start(listen)
    const { headers, body } = await get('/', HTML)
    const tag = headers['etag'] ?? ''
    for (const given of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const again = await get('/', { ...HTML, 'if-none-match': given })
      expect([again.status, again.body.length, again.headers['etag']]).toEqual([304, 0, tag])
    }
    expect((await get('/', { ...HTML, 'if-none-match': '"other"' })).status).toBe(200)
    const head = await get('/', HTML, 'HEAD')
    expect([head.status, head.body.length]).toEqual([200, 0])
    expect(head.headers['content-length']).toBe(String(body.length))
  })

  test('everything else is the API: a program at /, other paths, names that climb', async () => {
    const get = await start(listen)
    const others = ['/index.html', '/other.html', '/assets/', '/assets/secret.key', '/api/v1']
    const climbing = ['/assets/../other.html', '/assets/%2e%2e/other.html', '//', '/assets/x.js']
    for (const path of [...others, ...climbing])
      expect([path, (await get(path, HTML)).status]).toEqual([path, 418])
    expect((await get('/', { accept: '*/*' })).status).toBe(418)
    expect((await get('/', { accept: 'text/html;q=0' })).status).toBe(418)
  })

  test('the page takes no other method', async () => {
    const get = await start(listen)
    const { status, headers } = await get('/', HTML, 'POST')
    expect([status, headers['allow']]).toEqual([405, 'GET, HEAD'])
  })

  test('a mode without a dashboard leaves the page to the API', async () => {
    const get = await start(listen, { dashboard: undefined } as Partial<ShellConfig['api']>)
    expect((await get('/', HTML)).status).toBe(418)
  })
})

test('a build that is not there is no dashboard, and no fault', () => {
  expect(readDashboard(join(folder, 'nowhere'))).toEqual([])
})
