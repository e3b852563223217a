/** The commands on agents, drains and backends, against a server that answers as the API does. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { cli } from './run.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Serves the replies by `METHOD path`, and keeps the bodies it got. */
async function serve(replies: Record<string, unknown>) {
  const seen: [string, string][] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const name = `${request.method} ${request.url}`
      seen.push([name, Buffer.concat(chunks).toString()])
      const reply = replies[name]
      response.writeHead(reply === undefined ? 404 : reply === null ? 204 : 200)
      response.end(reply === null ? undefined : JSON.stringify(reply ?? { error: 'not found' }))
    })
  })
  servers.push(server)
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { seen, run: (...argv: string[]) => cli(['--api', url, ...argv]) }
}

const drain = {
  ...{ id: 'd1', backend: 'app:10.0.0.1:80', reason: 'work', by: 'overwatch' },
  ...{ declared_by: 'ann', since: '2025-06-15T15:06:40.000Z', safe: false },
  why: '2 connections remain',
  connections: { remaining: 2, networks: [{ network: '198.51.100.0/24', connections: 2 }] },
}

describe('drain', () => {
  test('start names what it is given', async () => {
    const { run, seen } = await serve({
      'POST /api/v1/drains': { message: 'drained', ids: ['d1'] },
    })
    const { out, code } = await run(
      ...['drain', 'start', 'app', '10.0.0.1:80', '--reason', 'work', '--expires-in', '2h'],
    )
    expect([code, out]).toEqual([0, 'drained.\n  d1'])
    expect(JSON.parse(seen[0]![1])).toEqual({
      ...{ service: 'app', address: '10.0.0.1', port: 80, reason: 'work' },
      expires_in_seconds: 7_200,
    })
    expect((await run('drain', 'start', 'app', 'x', '--reason', 'work')).code).toBe(2)
  })

  test('list and show say whether it is safe to stop', async () => {
    const { run } = await serve({
      'GET /api/v1/drains': { drains: [drain] },
      'GET /api/v1/drains/d1': { drain },
    })
    expect((await run('drain')).out).toMatch(/^ID +BACKEND .*\nd1 +app:10.0.0.1:80 +ann .* no$/)
    const { out } = await run('drain', 'show', 'd1')
    expect(out).toContain('Safe to stop: no, 2 connections remain')
    expect(out).toContain('198.51.100.0/24  2')
  })

  test('stop ends it', async () => {
    const { run } = await serve({ 'DELETE /api/v1/drains/d1': null })
    expect((await run('drain', 'stop', 'd1')).out).toBe('Drain ended: d1.')
    expect((await run('drain', 'stop', 'x')).code).toBe(1)
  })
})

describe('agents', () => {
  const agent = {
    ...{ agent_id: 'eu-1', region: 'eu', fingerprint: 'ab', algorithm: 'ed25519' },
    ...{ first_seen: 'a', last_seen: 'b', not_after: 'c', expires_in_hours: 5 },
    ...{ revoked: false, connected: true, backends: 2, services: ['app'] },
  }

  test('are listed, shown and told when they expire', async () => {
    const { run } = await serve({
      'GET /api/v1/overwatch/agents': { agents: [agent] },
      'GET /api/v1/overwatch/agents/eu-1': agent,
      'GET /api/v1/overwatch/agents/expiring?threshold_days=9': { expiring: [agent] },
    })
    expect((await run('agents')).out).toMatch(/\neu-1 +eu +connected +2 +b +ed25519 +c$/)
    expect((await run('agents', 'show', 'eu-1')).out).toMatch(/^Agent eu-1: connected\n/)
    const { out } = await run('agents', 'expiring', '--days', '9')
    expect(out).toMatch(/\neu-1 +c +5$/)
  })

  test('the pinned key is compared with the one the agent shows', async () => {
    const { run } = await serve({ 'GET /api/v1/overwatch/agents/eu-1': agent })
    expect(await run('agents', 'pin', 'eu-1')).toMatchObject({
      code: 0,
      out: 'ab (ed25519), pinned a',
    })
    expect(await run('agents', 'pin', 'eu-1', 'A:B')).toMatchObject({
      code: 0,
      out: 'ab (ed25519), pinned a, the same',
    })
    expect(await run('agents', 'pin', 'eu-1', 'cd')).toMatchObject({ code: 4 })
  })

  test('are revoked and forgotten', async () => {
    const { run, seen } = await serve({
      'POST /api/v1/overwatch/agents/eu-1/revoke': { success: true },
      'DELETE /api/v1/overwatch/agents/eu-1': { success: true },
    })
    const revoked = await run('agents', 'revoke', 'eu-1', '--reason', 'lost')
    expect(revoked.out).toBe('Agent revoked: eu-1.')
    expect(JSON.parse(seen[0]![1])).toEqual({ reason: 'lost' })
    expect((await run('agents', 'forget', 'eu-1')).out).toBe('Agent forgotten: eu-1.')
  })
})

test('backends explain shows each layer and marks the one that decided', async () => {
  const backend = {
    ...{ service: 'app', address: '10.0.0.1', port: 80, source: 'agent', agent_id: 'eu-1' },
    ...{ effective_status: 'healthy', serving: true, cause: 'validation', share: 0.3 },
    layers: [
      { layer: 'drain', because: 'no drain', decided: false },
      { layer: 'validation', says: 'healthy', because: 'checks pass', decided: true },
    ],
  }
  const { run } = await serve({
    'GET /api/v1/overwatch/backends?service=app': { backends: [backend] },
  })
  const { out } = await run('backends', 'explain', 'App', '10.0.0.1')
  expect(out).toBe(
    [
      'app 10.0.0.1:80 (agent, agent eu-1)',
      '  healthy by validation: it serves, 30% of its weight',
      '  drain       -          no drain',
      '> validation  healthy    checks pass',
    ].join('\n'),
  )
  expect((await run('backends', 'explain', 'app', '10.0.0.2')).code).toBe(1)
})
