// Goal: the cookies of dig and kdig are answered as these tools expect, required ones are retried
// with, and one server's cookie is good on another with the same secret.
// Method: the dns actor on a loopback port, real tools.
import { afterAll, describe, expect, test } from 'vitest'
import { dns } from '../../src/actors/dns/actor.ts'
import type { DnsConfig, DnsPorts } from '../../src/actors/dns/contract.ts'
import { openPorts } from '../../src/actors/dns/ports.ts'
import { fakeCtx } from '../harness/ctx.ts'
import { servingSetOf } from '../harness/dns-world.ts'
import { dig, has, output } from '../harness/tools.ts'

const stops: (() => unknown)[] = []
afterAll(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** A server; returns its port. */
async function serve(require: boolean, secret = 1): Promise<number> {
  const config: DnsConfig = {
    sockets: [],
    listenAddress: '127.0.0.1:0',
    udpPayloadSize: 1232,
    nsid: '',
    versionString: '',
    hashSeed: 7,
    turns: new SharedArrayBuffer(1_024),
    cookies: {
      secret: new Uint8Array(16).fill(secret),
      previousSecret: new Uint8Array(0),
      require,
    },
    tcp: { maxConnections: 8, maxConnectionsPerClient: 8, idleTimeoutMs: 5_000, maxPipelined: 8 },
  }
  const real = openPorts(config)
  let port = 0
  const ports: DnsPorts = {
    listen: async (request) => {
      const outcome = await real.listen(request)
      if (outcome.code === 'listening') port = outcome.front.port
      return outcome
    },
  }
  const behaviour = await dns.start(fakeCtx('dns').ctx, ports, config)
  stops.push(() => behaviour.onStop?.())
  behaviour.receive['registry.serving-set'](
    servingSetOf({ zones: { 'example.com': 'www A 192.0.2.1' } }, config.hashSeed),
  )
  return port
}

const cookieOf = (text: string) => /COOKIE: ([0-9A-F]{48})/.exec(text)?.[1]

describe.runIf(has('dig'))('dig', () => {
  test('calls our cookie good, and ours is good at a server with the same secret', async () => {
    const first = await dig(await serve(false), '+cookie', 'www.example.com')
    expect(first.status).toBe('NOERROR')
    expect(first.text).toMatch(/; COOKIE: [0-9a-f]{48} \(good\)/)
    const cookie = /; COOKIE: ([0-9a-f]{48})/.exec(first.text)![1]!
    const words = [`+cookie=${cookie}`, '+nobadcookie', 'www.example.com'] as const
    expect((await dig(await serve(true), ...words)).status).toBe('NOERROR')
    expect((await dig(await serve(true, 2), ...words)).status).toBe('BADCOOKIE')
  })

  test('asks again by itself where a cookie is required, and gets its answer', async () => {
    const port = await serve(true)
    const strict = await dig(port, '+cookie', '+nobadcookie', 'www.example.com')
    expect([strict.status, strict.answer]).toEqual(['BADCOOKIE', []])
    const patient = await dig(port, '+cookie', '+badcookie', 'www.example.com')
    expect([patient.status, patient.answer]).toEqual(['NOERROR', ['A 192.0.2.1']])
    expect((await dig(port, '+nocookie', 'www.example.com')).status).toBe('NOERROR')
  })
})

describe.runIf(has('kdig'))('kdig', () => {
  const kdig = (port: number, ...words: string[]) =>
    output('kdig', ['@127.0.0.1', '-p', String(port), '+retry=0', ...words, 'www.example.com'])

  test('shows our cookie, and gets an answer with it where one is required', async () => {
    const told = await kdig(await serve(false), '+cookie')
    expect(told).toContain('status: NOERROR')
    const cookie = cookieOf(told)
    expect(cookie, told).toBeDefined()
    expect(await kdig(await serve(true), `+cookie=${cookie}`)).toContain('status: NOERROR')
    expect(await kdig(await serve(true), '+cookie', '+nobadcookie')).toContain('BADCOOKIE')
  })
})
