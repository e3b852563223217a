// Goal: how a name chooses is edited by the API as it is written in the file: policies, clients
// that stick, shares that follow machines; it takes effect, is shown as it was written, lives
// through a restart, and says what is wrong with its place.
// Method: the api actor with a real registry behind it; what that serves is read off its snapshot.
import { describe, expect, test } from 'vitest'
import * as shapes from '../../../../src/actors/api/schemas/objects.ts'
import { FILE, objectsWorld } from './objects-world.ts'

const POLICY = {
  geofence: [
    {
      continents: ['EU'],
      failover: [
        { routing_algorithm: 'learned_latency', regions: ['eu'] },
        { routing_algorithm: 'weighted', regions: ['us'] },
      ],
    },
    { weighted: [{ weight: 95, routing_algorithm: 'weighted', regions: ['us'] }] },
  ],
}
const APP = '/domains/app.example.com'
const SETS = { regions: ['us', 'eu'], policy: POLICY }

type World = Awaited<ReturnType<typeof objectsWorld>>
const poolOf = (world: World, name: string) => world.lastPools().find((pool) => pool.name === name)

describe('a policy by the API', () => {
  test('is served, shown as it was written, and taken back', async () => {
    const world = await objectsWorld()
    const put = await world.call('PUT', APP, SETS)
    expect([put.status, put.json.error]).toEqual([200, undefined])
    expect(shapes.domain.parse(put.json.domain)).toMatchObject({
      ...{ routing_policy: 'composed', policy: POLICY, edited: true },
    })
    expect(poolOf(world, 'app.example.com')).toMatchObject({
      policy: 'composed',
      tree: { kind: 'geofence', rules: [{ continents: ['EU'] }, { node: { kind: 'split' } }] },
    })
    const back = await world.call('PATCH', APP, { policy: null, regions: null })
    expect(back.json.domain).toMatchObject({ routing_policy: 'round-robin', regions: ['us'] })
    expect(back.json.domain.policy).toBeUndefined()
    expect(poolOf(world, 'app.example.com')).toMatchObject({ policy: 'round-robin' })
  })

  test('is on disk, and there after a restart', async () => {
    const world = await objectsWorld()
    await world.call('PUT', APP, SETS)
    const again = await objectsWorld(FILE, world.disk, 2)
    expect((await again.call('GET', APP)).json.domain).toMatchObject({ policy: POLICY })
    expect((await again.call('GET', APP)).json.domain.fault).toBeUndefined()
  })

  test('of a new name brings the regions that its parts name', async () => {
    const world = await objectsWorld()
    const body = { name: 'new.example.com', policy: POLICY, sticky: { by: 'client_prefix' } }
    const made = await world.call('POST', '/domains', body)
    expect([made.status, made.json.error]).toEqual([201, undefined])
    expect(made.json.domain).toMatchObject({ regions: ['eu', 'us'], policy: POLICY })
    expect(made.json.domain.sticky).toEqual({
      ...{ by: 'client_prefix', ipv4_prefix: 24, ipv6_prefix: 48, balance: 1.25 },
    })
  })

  test('and a flat algorithm take the place of each other, also of those of the file', async () => {
    const flat = FILE.replace('ttl: 20', 'ttl: 20, routing_algorithm: weighted')
    const world = await objectsWorld(flat)
    expect((await world.call('PATCH', APP, SETS)).json.domain).toMatchObject({ policy: POLICY })
    const other = await world.call('PATCH', APP, { routing_policy: 'failover' })
    expect(other.json.domain).toMatchObject({ routing_policy: 'failover' })
    expect(other.json.domain.policy).toBeUndefined()
    const composed = await objectsWorld(
      FILE.replace('ttl: 20', 'ttl: 20, policy: { failover: [{ regions: [us] }] }'),
    )
    const shown = (await composed.call('GET', APP)).json.domain
    expect(shown).toMatchObject({
      routing_policy: 'composed',
      policy: { failover: [{ routing_algorithm: 'weighted', regions: ['us'] }] },
    })
    const rr = await composed.call('PUT', APP, { routing_policy: 'rr' })
    expect(rr.json.domain).toMatchObject({ routing_policy: 'round-robin' })
    expect(poolOf(composed, 'app.example.com')).toMatchObject({ policy: 'round-robin' })
  })

  test('as the list shows it is taken as it is', async () => {
    const world = await objectsWorld()
    await world.call('PUT', APP, SETS)
    const { policy, routing_policy, ttl } = (await world.call('GET', APP)).json.domain
    const same = await world.call('PUT', APP, { policy, routing_policy, ttl })
    expect([same.status, same.json.domain.policy]).toEqual([200, POLICY])
  })

  test('changed in the file later gives way to the file', async () => {
    const tiers = (region: string) =>
      FILE.replace('ttl: 20', `ttl: 20, policy: { failover: [{ regions: [${region}] }] }`).replace(
        'regions: [us]',
        'regions: [us, eu]',
      )
    const world = await objectsWorld(tiers('us'))
    await world.call('PUT', APP, { policy: POLICY })
    const kept = await objectsWorld(tiers('us'), world.disk, 2)
    expect((await kept.call('GET', APP)).json.domain).toMatchObject({ policy: POLICY })
    const given = await objectsWorld(tiers('eu'), kept.disk, 3)
    expect((await given.call('GET', APP)).json.domain.policy).toEqual({
      failover: [{ routing_algorithm: 'weighted', regions: ['eu'] }],
    })
  })

  for (const [policy, error] of [
    [{ failover: [] }, /^policy: failover must have at least one part/],
    [{ failover: [{ regions: ['mars'] }] }, /^policy.*failover\[0\].*is not a region/],
    [{ failovr: [{ regions: ['us'] }] }, /^policy: failovr is not a known key of a policy; did/],
    [{ weighted: [{ weight: -1, regions: ['us'] }] }, /^policy: weighted\[0\]\.weight is below/],
    [{ geofence: [{ countries: ['Narnia'], regions: ['us'] }] }, /^policy: geofence\[0\]\.coun/],
    [{}, /^policy: says nothing of how to choose/],
    ['weighted', /^policy/],
    [[1], /^policy/],
  ] as const)
    test(`${JSON.stringify(policy)} is refused with its place, and nothing changes`, async () => {
      const world = await objectsWorld()
      const answer = await world.call('PATCH', APP, { policy })
      expect([answer.status, answer.json.error]).toEqual([400, expect.stringMatching(error)])
      expect(poolOf(world, 'app.example.com')).toMatchObject({ policy: 'round-robin' })
    })

  test('with levels beyond the limit is refused, not followed', async () => {
    const world = await objectsWorld()
    let policy: object = { regions: ['us'] }
    for (let level = 0; level < 40; level++) policy = { failover: [policy] }
    const answer = await world.call('PATCH', APP, { policy })
    expect([answer.status, answer.json.error]).toEqual([400, expect.stringMatching(/^policy: /)])
  })
})

describe('clients that stick and shares that follow machines', () => {
  test('are set key by key over what the file says, and taken back together', async () => {
    const world = await objectsWorld(
      FILE.replace('ttl: 20', 'ttl: 20, sticky: { by: client_prefix, balance: 2 }'),
    )
    const put = await world.call('PUT', APP, {
      sticky: { ipv4_prefix: 20 },
      capacity: { by: 'cpu', least: 0.5 },
    })
    expect(put.json.domain).toMatchObject({
      sticky: { by: 'client_prefix', ipv4_prefix: 20, balance: 2 },
      capacity: { by: 'cpu', least: 0.5, band: 0.1 },
    })
    expect(poolOf(world, 'app.example.com')).toMatchObject({
      sticky: { bits4: 20, balance: 2 },
    })
    const back = await world.call('PATCH', APP, { sticky: null, capacity: null })
    expect(back.json.domain.sticky).toMatchObject({ ipv4_prefix: 24, balance: 2 })
    expect(back.json.domain.capacity).toBeUndefined()
  })

  for (const [body, error] of [
    [{ sticky: { by: 'cookie' } }, /^sticky\.by: /],
    [{ sticky: { size: 3 } }, /^sticky\.size: is not known here/],
    [{ sticky: 'client_prefix' }, /^sticky/],
    [{ capacity: { band: 7 } }, /^capacity\.band: /],
  ] as const)
    test(`${JSON.stringify(body)} is refused`, async () => {
      const answer = await (await objectsWorld()).call('PATCH', APP, body)
      expect([answer.status, answer.json.error]).toEqual([400, expect.stringMatching(error)])
    })
})

test('the difference to the file shows a policy as it is', async () => {
  const world = await objectsWorld()
  await world.call('PUT', APP, SETS)
  const { json } = await world.call('GET', '/config/diff')
  const [{ fields }] = json.edits ?? json.differences ?? json.changes
  expect(fields).toContainEqual({ name: 'policy', file: null, api: POLICY })
})
