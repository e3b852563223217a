// Goal: the API explains the very answer that was sent, foretells what another configuration or a
// loss would change, looks into the past, and makes a capsule without secrets. Method: the actor
// with tables compiled as the registry does, and samples taken from an authority of its own.
import { describe, expect, test } from 'vitest'
import { parseCapsule, replayCapsule } from '../../../../src/core/replay/capsule.ts'
import type { OverlayEntry } from '../../../../src/core/config/overlay/entry.ts'
import { declaredPools } from '../../../../src/core/replay/next.ts'
import type { Context } from '../../../../src/actors/api/context.ts'
import { decisionRoutes } from '../../../../src/actors/api/routes/decisions.ts'
import { whyRoutes } from '../../../../src/actors/api/routes/why.ts'
import type { RouteSchema } from '../../../../src/actors/api/schema.ts'
import { planShapes } from '../../../../src/actors/api/routes/plan-shapes.ts'
import { routesOf } from '../../../harness/routes.ts'
import { DOWN, UP } from '../../../harness/pools.ts'
import { START_MS } from './world.ts'
import { configText, load, whyWorld } from './why-world.ts'

/** Holds an answer to the word of its schema. */
const held = (schema: RouteSchema, status: number, value: unknown): void => {
  const shape = schema.answers[status]
  if (shape === undefined || typeof shape === 'string') throw new Error(`no schema for ${status}`)
  expect(shape.safeParse(value).error).toBeUndefined()
}

/** The schemas of routes that look at their context only when they are called. */
const [explainShape, decisionsShape, flowsShape] = [
  ...whyRoutes({} as Context),
  ...decisionRoutes({} as Context),
].map(({ schema }) => schema!)

describe('GET /api/v1/explain', () => {
  test('explains the very answer that was sent, with the words of then', async () => {
    const { call, sent, behaviour } = await whyWorld(7)
    const change = { epoch: 2, version: 6, pool: 0, member: 1, word: DOWN }
    behaviour.receive['registry.word-changed'](change)
    const { json } = await call('GET', '/api/v1/explain?name=App.example.com.&client=198.51.100.6')
    held(explainShape!, 200, json)
    expect(json).toMatchObject({ source: 'recorded', verified: true, epoch: 2, turn: 6 })
    expect(json.wire.hex).toBe(sent[6])
    expect(json.candidates.map((one: { serving: boolean }) => one.serving)).toEqual([
      true,
      true,
      true,
    ])
    expect(json.wire.text[0]).toContain('NOERROR')
  })

  test('without a sample it tells what would be answered now', async () => {
    const { call } = await whyWorld(0, [DOWN, UP, UP])
    const { json } = await call('GET', '/api/v1/explain?name=app.example.com&turn=0')
    expect(json).toMatchObject({ source: 'asked', verified: true, answers: ['192.0.2.2'] })
    expect(json.candidates[0]).toMatchObject({ id: 'app.example.com:192.0.2.1:80', serving: false })
    const other = await call('GET', '/api/v1/explain?name=ns1.example.com')
    held(explainShape!, 200, other.json)
    expect(other.json).toMatchObject({ steered: false, outcome: 'not-steered', candidates: [] })
    expect(other.json.wire.text[1]).toContain('192.0.2.53')
  })

  test.each([
    ['name', ''],
    ['name', 'name=a..b'],
    ['client', 'name=a.test&client=nobody'],
    ['type', 'name=a.test&type=NONSENSE'],
    ['turn', 'name=a.test&turn=-1'],
    ['at', 'name=a.test&at=yesterday'],
  ])('a fault of %s is told (%s)', async (field, query) => {
    const { call } = await whyWorld()
    const { status, json } = await call('GET', `/api/v1/explain?${query}`)
    expect(status).toBe(400)
    expect(json.error).toContain(field)
  })

  test('at a past moment it tells what held then, or since when anything is held', async () => {
    const { call, answers, snapshot } = await whyWorld()
    const past = { ...snapshot, configHash: '', atMs: START_MS, words: [[DOWN, DOWN, UP]] }
    answers['api.read-history'] = ({ atMs }) =>
      atMs < START_MS
        ? { outcome: 'nothing-held', heldFromMs: START_MS }
        : { outcome: 'found', heldFromMs: START_MS, past }
    const path = '/api/v1/explain?name=app.example.com&at='
    const then = await call('GET', path + String(START_MS + 5))
    held(explainShape!, 200, then.json)
    expect(then.json).toMatchObject({ source: 'past', answers: ['192.0.2.3'], verified: true })
    const before = await call('GET', `${path}2001-01-01T00:00:00Z`)
    expect(before.status).toBe(404)
    expect(before.json.error).toBe(`nothing is held before ${new Date(START_MS).toISOString()}`)
  })

  test('rows of learned latency of then decide, and where they are not held it says so', async () => {
    const { call, answers, snapshot, behaviour, clock } = await whyWorld()
    const configuration = configText().replace('weighted', 'learned_latency')
    const pools = declaredPools(load(configuration).topology)
    const past = { ...snapshot, pools, configHash: '', configuration, atMs: 0 }
    answers['api.read-history'] = () => ({ outcome: 'found', heldFromMs: 0, past })
    const routes = (version: number, first: number) => ({
      ...{ version, slot: 1 },
      services: [routesOf('app.example.com', ['eu', 'us'], [first, 1 - first])],
    })
    const startMs = clock.nowMs()
    clock.advance(1_000)
    behaviour.receive['registry.routes-set']({ version: 1, parts: routes(1, 1) })
    clock.advance(1_000)
    behaviour.receive['registry.routes-set']({ version: 2, parts: routes(2, 0) })
    behaviour.receive['registry.routes-set']({ version: 1, parts: routes(1, 1) })
    const at = async (atMs: number) => {
      const path = `/api/v1/explain?name=app.example.com&client=203.0.113.9&at=${atMs}`
      const { json } = await call('GET', path)
      held(explainShape!, 200, json)
      return json
    }
    const region = ({ candidates }: { candidates: { chosen: boolean; region: string }[] }) =>
      candidates.find(({ chosen }) => chosen)?.region
    const first = await at(startMs + 1_500)
    expect([region(first), first.unknown, first.verified]).toEqual(['us', undefined, true])
    expect(region(await at(startMs + 2_500))).toBe('eu')
    const early = await at(startMs - 5)
    expect(early.unknown).toContain('is not held any more')
    expect(early).not.toHaveProperty('verified')
    expect((await at(startMs + 500)).unknown).toBeUndefined()
  })
})

describe('GET /api/v1/routing/decisions and flows', () => {
  test('newest first, each with its server, each verified', async () => {
    const { call, ask, tell } = await whyWorld(300)
    ask('nothing.example.com', [203, 0, 113, 1])
    tell()
    const { json } = await call('GET', '/api/v1/routing/decisions?limit=3')
    held(decisionsShape!, 200, json)
    expect(json).toMatchObject({ total: 301, limit: 3, offset: 0 })
    expect(json.decisions[0]).toMatchObject({
      domain: 'nothing.example.com',
      outcome: 'no-name',
      selected_server: '',
      verified: true,
    })
    expect(json.decisions[1]).toMatchObject({
      domain: 'app.example.com',
      algorithm: 'weighted',
      client_ip: '198.51.100.49',
      turn: 299,
      verified: true,
    })
    const one = await call(
      'GET',
      '/api/v1/routing/decisions?client_ip=198.51.100.7&outcome=answered',
    )
    expect(one.json.total).toBe(6)
    const flows = await call('GET', '/api/v1/routing/flows')
    held(flowsShape!, 200, flows.json)
    const counts = Object.fromEntries(
      flows.json.flows.map((flow: { destination_region: string; request_count: number }) => [
        flow.destination_region,
        flow.request_count,
      ]),
    )
    expect(counts).toEqual({ eu: 200, us: 100 })
  })
})

describe('POST /api/v1/plan', () => {
  test('the same configuration moves nobody', async () => {
    const { call } = await whyWorld(600)
    const { json } = await call('POST', '/api/v1/plan', { body: configText() })
    held(planShapes.plan, 200, json)
    expect(json).toMatchObject({ samples: 600, queries: 600, moved_share: 0, flows: [] })
  })

  test('a weight of 0 moves the share that server had', async () => {
    const { call } = await whyWorld(600)
    const { json } = await call('POST', '/api/v1/plan', { body: configText(0) })
    held(planShapes.plan, 200, json)
    // Turns are laid out anew: all of its third moves, and some between the others.
    expect(json.services[0].moved_share).toBeGreaterThanOrEqual(0.33)
    const load = json.load.find((one: { server: string }) => one.server.includes('192.0.2.1:'))
    expect(load).toMatchObject({ region: 'eu', after: 0 })
    expect(Math.abs(load.before - 200)).toBeLessThan(3)
    expect(json.services[0].clients).toBe(50)
  })

  test('names that vanish, new servers, and servers over a stated capacity are told', async () => {
    const { call } = await whyWorld(600)
    const other = configText()
      .replaceAll('app.example.com', 'new.example.com')
      .replace('192.0.2.3', '192.0.2.4')
    const { json } = await call('POST', '/api/v1/plan', { body: other })
    expect(json.vanished).toEqual({ names: ['app.example.com'], zones: [] })
    expect(json.assumed_healthy).toContain('new.example.com:192.0.2.4:80')
    expect(json.flows[0]).toMatchObject({ service: 'app.example.com', to: 'NXDOMAIN' })
    const capacities = { 'app.example.com:192.0.2.2:80': 4, 'app.example.com:192.0.2.3:80': 9 }
    const json2 = await call('POST', '/api/v1/plan', {
      headers: { 'content-type': 'application/json' },
      body: { config: configText(0), capacities },
    })
    // 600 questions in a minute are 10 a second, 5 for each of two servers.
    expect(json2.json.over_capacity).toMatchObject([
      { server: 'app.example.com:192.0.2.2:80', capacity: 4 },
    ])
  })

  test('a configuration with faults is told all of them', async () => {
    const { call } = await whyWorld(1)
    const { status, json } = await call('POST', '/api/v1/plan', { body: 'dns: { ttl: 1 }\nx: 2' })
    expect(status).toBe(422)
    held(planShapes.plan, 422, json)
    expect(json.problems.length).toBeGreaterThan(1)
  })
})

/** The API has said that a server of the file has another weight. */
const reweighed = (weight: number): OverlayEntry => ({
  ...{ kind: 'server', id: 'app.example.com:192.0.2.1:80', owned: true, deleted: false },
  ...{ fields: { weight }, was: { weight: '100' }, notes: {}, by: 'ops' },
  ...{ createdAtMs: 1, updatedAtMs: 1, revision: 1 },
})

describe('with edits of the API over the file', () => {
  const shareOf = (json: { load: { server: string; before: number; after: number }[] }) =>
    json.load.find(({ server }) => server.includes('192.0.2.1:'))

  test('a plan keeps them, where the other file says what the file says of their keys', async () => {
    const { call } = await whyWorld(600, undefined, [reweighed(0)])
    const same = (await call('POST', '/api/v1/plan', { body: configText() })).json
    expect(same).toMatchObject({ moved_share: 0, edits: { given_way: [], set_aside: [] } })
    expect(shareOf(same)?.after ?? 0).toBe(0)
    const other = configText().replace('ttl: 40', 'ttl: 20')
    expect((await call('POST', '/api/v1/plan', { body: other })).json.moved_share).toBe(0)
  })

  test('a plan tells which give way to the other file, and counts without them', async () => {
    const { call } = await whyWorld(600, undefined, [reweighed(0)])
    const { json } = await call('POST', '/api/v1/plan', { body: configText(50) })
    expect(json.edits.given_way).toEqual([
      expect.stringMatching(/^server app\.example\.com:192\.0\.2\.1:80 weight: /),
    ])
    expect(shareOf(json)?.after).toBeGreaterThan(100)
  })

  test('a capsule holds them, and replays to the same answers', async () => {
    const { call, answers, sent } = await whyWorld(200, undefined, [reweighed(300)])
    answers['api.read-log'] = () => ({ events: [] })
    const { text } = await call('POST', '/api/v1/capsules', { body: {} })
    const capsule = parseCapsule(new TextEncoder().encode(text))
    if (!capsule.ok) throw new Error(capsule.error)
    expect(capsule.value.edits).toEqual([reweighed(300)])
    const replayed = replayCapsule(capsule.value)
    expect(replayed).toMatchObject({ ok: true, value: { same: 200, different: 0 } })
    if (replayed.ok) expect(replayed.value.replayed.map((one) => one.answer_hex)).toEqual(sent)
    // The same capsule with another edit answers otherwise.
    const other = replayCapsule({ ...capsule.value, edits: [reweighed(1)] })
    expect(other.ok && other.value.different).toBeGreaterThan(50)
  })
})

describe('POST /api/v1/rehearse', () => {
  test('the loss of a region moves its share, over the TTL', async () => {
    const { call } = await whyWorld(600)
    const body = { regions: ['eu'], detection_ms: 2_000 }
    const { json } = await call('POST', '/api/v1/rehearse', { body })
    held(planShapes.rehearse, 200, json)
    expect(json.killed).toHaveLength(2)
    expect(json.moved_share).toBeCloseTo(2 / 3, 1)
    expect(json.converged_ms).toBe(42_000)
    expect(json.timeline.at(-1)).toEqual({ at_ms: 42_000, still_sent: 0 })
    const us = json.load.find((one: { region: string }) => one.region === 'us')
    expect(us.after).toBeCloseTo(1)
    expect(us.queries_per_second_after).toBeGreaterThan(us.queries_per_second_before * 2.5)
  })

  test('the loss of all servers says what the name answers then', async () => {
    const { call } = await whyWorld()
    const backends = ['192.0.2.1', '192.0.2.2:80', 'app.example.com:192.0.2.3:80']
    const { json } = await call('POST', '/api/v1/rehearse', { body: { backends } })
    expect(json.services).toMatchObject([{ service: 'app.example.com', after: 'all-down' }])
  })

  test.each([
    [{}, 400],
    [{ regions: 'eu' }, 400],
    [{ regions: ['nowhere'] }, 404],
  ])('%j is refused', async (body, status) => {
    const { call } = await whyWorld()
    expect((await call('POST', '/api/v1/rehearse', { body })).status).toBe(status)
  })
})

describe('POST /api/v1/capsules', () => {
  test('holds no secret and no answer, and replays to the same answers', async () => {
    const { call, answers, sent } = await whyWorld(200)
    answers['api.read-log'] = () => ({ events: [{ kind: 'guard-released', atMs: 1 }] })
    const { status, text, headers, json } = await call('POST', '/api/v1/capsules', { body: {} })
    expect(status).toBe(200)
    held(planShapes.capsule, 200, json)
    expect(headers['content-disposition']).toMatch(/capsule\.json"$/)
    for (const secret of ['00112233', 'a-token-that-nobody', 'correct-horse'])
      expect(text).not.toContain(secret)
    expect(text).not.toContain(Buffer.from(sent[0]!, 'hex').toString('base64'))
    const capsule = parseCapsule(new TextEncoder().encode(text))
    if (!capsule.ok) throw new Error(capsule.error)
    const replayed = replayCapsule(capsule.value)
    expect(replayed).toMatchObject({ ok: true, value: { same: 200, different: 0, skipped: {} } })
    if (replayed.ok) expect(replayed.value.replayed.map((one) => one.answer_hex)).toEqual(sent)
    // One weight, changed in the capsule itself.
    const edited = { ...capsule.value }
    edited.configuration = edited.configuration.replace('"weight": "100"', '"weight": "1"')
    const other = replayCapsule(edited)
    expect(other.ok && other.value.different).toBeGreaterThan(50)
    expect(other.ok && other.value.same).toBeGreaterThan(50)
  })

  test('what is no capsule is refused with the place of the fault', () => {
    const parse = (text: string) => parseCapsule(new TextEncoder().encode(text))
    expect(parse('nonsense')).toMatchObject({ ok: false })
    expect(parse('{"format":"opengslb-capsule"}')).toMatchObject({ ok: false })
    expect(parse('[]')).toMatchObject({ ok: false })
  })
})
