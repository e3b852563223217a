/**
 * The contract of the prober's port, shown on the simulated and on the real implementation.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CheckSpec, MemberSpec } from '../../src/core/steer/topology.ts'
import {
  type Scenario,
  certificates,
  plainCheck,
  plainScenarios,
  secureScenarios,
} from './prober-scenarios.ts'
import { type RealWorld, type World, realWorld, simulatedWorld } from './prober-world.ts'

const nowMs = Date.now()
const all = certificates(nowMs)

const memberAt = (
  { address, port }: { address: string; port: number },
  check: Partial<CheckSpec> = {},
): MemberSpec => ({
  key: `app:${address}:${port}`,
  service: 'app',
  address,
  family: address.includes(':') ? 6 : 4,
  port,
  region: 'here',
  weight: 1,
  source: 'static',
  check: { ...plainCheck, ...check },
})

const worlds: readonly (readonly [string, () => World])[] = [
  ['simulated', () => simulatedWorld(nowMs)],
  ['real', () => realWorld()],
]

for (const [name, open] of worlds) {
  describe(`prober port, ${name}`, () => {
    let world: World
    beforeAll(() => {
      world = open()
    })
    afterAll(() => world.close())

    async function run(scenario: Scenario, type?: 'https') {
      const at = await world.serve(scenario.server, scenario.family ?? 4)
      const check = { ...(type === undefined ? {} : { type }), ...scenario.check }
      const outcome = await world.probe(memberAt(at, check))
      expect(outcome.ok ? 'ok' : outcome.error).toBe(scenario.expected)
      expect(outcome.inconclusive).toBeUndefined()
      expect(outcome.latencyMs).toBeGreaterThanOrEqual(0)
      const allowedMs = { ...plainCheck, ...check }.timeoutMs + 250
      expect(outcome.latencyMs).toBeLessThan(allowedMs)
      return outcome
    }

    for (const scenario of plainScenarios)
      test(scenario.title, async () => {
        await run(scenario)
      })

    for (const scenario of secureScenarios(all)) {
      test(`https: ${scenario.title}`, async () => {
        const outcome = await run(scenario, 'https')
        const shown = scenario.server.certificates?.[scenario.shows ?? -1]
        if (shown === undefined) return expect(outcome.certificateExpiresMs).toBeUndefined()
        const real = 'expiresMs' in world ? (world as RealWorld).expiresMs(shown) : shown.expiresMs
        expect(outcome.certificateExpiresMs).toBe(real)
      })
    }

    test('an aborted signal ends a check at once, as inconclusive', async () => {
      const at = await world.serve({ kind: 'silent' }, 4)
      const abort = new AbortController()
      world.after(40, () => abort.abort())
      const outcome = await world.probe(memberAt(at, { timeoutMs: 5_000 }), abort.signal)
      expect(outcome).toMatchObject({ ok: false, error: 'cancelled', inconclusive: true })
      expect(outcome.latencyMs).toBeLessThan(1_000)
    })

    test('a signal aborted before is obeyed too', async () => {
      const at = await world.serve({ kind: 'http' }, 4)
      const outcome = await world.probe(memberAt(at), AbortSignal.abort())
      expect(outcome).toMatchObject({ error: 'cancelled', inconclusive: true })
    })
  })
}

describe('prober port, real requests', () => {
  let world: RealWorld
  beforeAll(() => {
    world = realWorld()
  })
  afterAll(() => world.close())

  async function requestOf(check: Partial<CheckSpec>, family: 4 | 6 = 4) {
    const at = await world.serve({ kind: 'http' }, family)
    const outcome = await world.probe(memberAt(at, check))
    return { outcome, at, request: world.seen.at(-1)! }
  }

  test('a check is one GET with our user agent, not kept alive', async () => {
    const { request } = await requestOf({ path: '/health?deep=1', host: 'app.example.com' })
    expect(request.url).toBe('/health?deep=1')
    expect(request.headers).toEqual({
      host: 'app.example.com',
      'user-agent': 'OpenGSLB-HealthCheck/2.0',
      accept: '*/*',
      connection: 'close',
    })
  })

  test('without a host the address is sent, in brackets for IPv6', async () => {
    const four = await requestOf({})
    expect(four.request.headers['host']).toBe(`127.0.0.1:${four.at.port}`)
    const six = await requestOf({}, 6)
    expect(six.request.headers['host']).toBe(`[::1]:${six.at.port}`)
  })

  test('a path without a slash gets one, and bytes no URL may hold are encoded', async () => {
    const { request } = await requestOf({ path: 'état de santé' })
    expect(request.url).toBe('/%C3%A9tat%20de%20sant%C3%A9')
  })

  test('a host that is no header field fails without a request', async () => {
    const before = world.seen.length
    const { outcome } = await requestOf({ host: 'app\r\nX-Evil: 1' })
    expect(outcome).toMatchObject({ ok: false, error: 'malformed' })
    expect(world.seen.length).toBe(before)
  })

  test('a stall of our own thread past the timeout fails no check', async () => {
    const at = await world.serve({ kind: 'http' }, 4)
    const outcome = world.probe(memberAt(at, { timeoutMs: 100 }))
    const untilMs = performance.now() + 300
    while (performance.now() < untilMs);
    expect(await outcome).toMatchObject({ ok: true })
  })

  test('a server that hangs fails after a stall too', async () => {
    const at = await world.serve({ kind: 'silent' }, 4)
    const outcome = world.probe(memberAt(at, { timeoutMs: 100 }))
    const untilMs = performance.now() + 200
    while (performance.now() < untilMs);
    expect(await outcome).toMatchObject({ ok: false, error: 'timed-out' })
  })

  test('every connection is closed when its check has ended', async () => {
    for (let turn = 0; turn < 50 && world.open() > 0; turn++)
      await new Promise((done) => setTimeout(done, 20))
    expect(world.open()).toBe(0)
  })
})
