// Goal: keys and DS records are told as the documents of old have them, to whoever may read, and no
// DS is told that a cache could not bear yet.
import { describe, expect, test } from 'vitest'
import type { KeyView } from '../../../../src/messages/signer-views.ts'
import { apiWorld, START_MS } from './world.ts'

const key = (fields: Partial<KeyView> = {}): KeyView => ({
  ...{ zone: 'a.test', keyTag: 100, algorithm: 13, algorithmName: 'ECDSAP256SHA256' },
  ...{ flags: 257, role: 'csk', publicKey: 'AAAA', createdMs: START_MS, published: true },
  ...{ active: true, phase: 'active', parentDs: 'unknown', offered: false },
  ds: [{ digestType: 2, digest: 'AB12' }],
  ...fields,
})

const sync = {
  ...{ enabled: true, pollMs: 3_600_000, lastSyncMs: START_MS, lastError: '' },
  nextSyncMs: START_MS + 1_000,
  peers: [{ peer: 'https://b:9090', lastTriedMs: START_MS, lastSuccessMs: 0, lastError: 'no' }],
}

async function world(keys: readonly KeyView[] = [key()], enabled = true) {
  const made = await apiWorld()
  made.answers['api.list-keys'] = ({ zone }) => ({
    ...{ enabled, keys, sync },
    zones: zone === 'other.test' ? [] : [{ zone: 'a.test', denial: 'nsec', steps: ['waits'] }],
  })
  return made
}

describe('status', () => {
  test('has the fields of the original and of its documents, on both paths', async () => {
    const { call } = await world()
    for (const path of ['/api/v1/dnssec', '/api/v1/dnssec/status']) {
      const { status, json } = await call('GET', path)
      expect(status).toBe(200)
      expect(json.keys[0]).toMatchObject({
        ...{ zone: 'a.test', key_tag: 100, algorithm: 'ECDSAP256SHA256', flags: 257 },
        ...{ public_key: 'AAAA', can_sign: true, node_id: 'node-1' },
      })
      expect(json.sync).toMatchObject({
        ...{ enabled: true, last_sync_error: null, peer_count: 1, poll_interval: '1h' },
        ...{ last_sync: new Date(START_MS).toISOString() },
        peers: [{ peer: 'https://b:9090', last_success: null, last_error: 'no' }],
      })
      expect(json.zones).toEqual([{ zone: 'a.test', denial: 'nsec', steps: ['waits'] }])
    }
  })

  test('says why nothing is signed', async () => {
    const { call } = await world([], false)
    const { json } = await call('GET', '/api/v1/dnssec/status')
    expect(json).toMatchObject({ enabled: false, keys: [], message: expect.any(String) })
  })

  test('of a zone that is not signed is not found', async () => {
    const { call } = await world()
    expect((await call('GET', '/api/v1/dnssec/ds?zone=Other.Test.')).status).toBe(404)
  })

  test('of a signer that is away is 503', async () => {
    const { call } = await apiWorld()
    expect((await call('GET', '/api/v1/dnssec/status')).status).toBe(503)
  })
})

describe('DS records', () => {
  const records = async (keys: readonly KeyView[]) => {
    const { call } = await world(keys)
    const { ds_records: all } = (await call('GET', '/api/v1/dnssec/ds')).json
    return all.map((one: { ds_record: string }) => one.ds_record)
  }

  test('are lines of a zone file', async () => {
    expect(await records([key()])).toEqual(['a.test. IN DS 100 13 2 AB12'])
  })

  test('are those of keys that sign the keys, before any was offered', async () => {
    const second = key({ keyTag: 200, phase: 'published' })
    expect(await records([key(), second])).toEqual(['a.test. IN DS 100 13 2 AB12'])
    const old = key({ phase: 'retiring' })
    expect(await records([old, second])).toEqual(['a.test. IN DS 100 13 2 AB12'])
  })

  test('are those that are offered, once one is', async () => {
    const old = key({ phase: 'retiring' })
    const next = key({ keyTag: 200, offered: true })
    expect(await records([old, next])).toEqual(['a.test. IN DS 200 13 2 AB12'])
  })

  test('are none of keys that no DS points at', async () => {
    expect(await records([key({ role: 'zsk', ds: [] })])).toEqual([])
  })
})

describe('orders', () => {
  test.each([
    ['done', 200],
    ['refused', 409],
    ['not-found', 404],
    ['unavailable', 400],
  ] as const)('a rollover that is %s is %i', async (outcome, status) => {
    const { call, answers, asked } = await world()
    answers['api.roll-keys'] = () => ({ outcome, message: 'so it is' })
    const body = { zone: 'A.test.', role: 'csk', emergency: true }
    const reply = await call('POST', '/api/v1/dnssec/rollover', { body })
    expect(reply.status).toBe(status)
    expect(asked.at(-1)).toEqual([
      'api.roll-keys',
      { zone: 'a.test', role: 'csk', emergency: true, by: 'api' },
    ])
  })

  test('a look at the peers is asked for', async () => {
    const { call, answers } = await world()
    answers['api.sync-keys'] = () => ({ outcome: 'done', message: '2 peers are asked' })
    const { status, json } = await call('POST', '/api/v1/dnssec/sync')
    expect([status, json]).toEqual([200, { status: 'ok', message: '2 peers are asked' }])
  })
})

test('a domain says whether its zone is signed', async () => {
  const settings = { dnssec: true, features: [], logging: {} }
  for (const [zones, is] of [
    [['example.com'], true],
    [['ample.com', 'app.example.com.test'], false],
  ] as const) {
    const { call, answers } = await apiWorld({ settings: { ...settings, signedZones: zones } })
    answers['api.list-objects'] = () => ({ objects: [] })
    const { domains } = (await call('GET', '/api/v1/domains')).json
    const told = domains.map((one: { dnssec_enabled: boolean }) => one.dnssec_enabled)
    expect(told).toEqual([is, is])
  }
})

test('a DS of the parent is told with its tags, or as none, and with the longest TTL by default', async () => {
  const { call, answers } = await world()
  const told: unknown[] = []
  answers['api.tell-ds'] = ({ keyTags, ttlSeconds }) => {
    told.push([...keyTags, ttlSeconds])
    return { outcome: 'done', message: '' }
  }
  const tell = async (body: object) =>
    (await call('POST', '/api/v1/dnssec/parent-ds', { body: { zone: 'a.test', ...body } })).status
  expect(await tell({ key_tags: [] })).toBe(400)
  expect(await tell({ key_tags: [7], none: true })).toBe(400)
  expect(await tell({ key_tags: [7] })).toBe(200)
  expect(await tell({ key_tags: [7], ttl_seconds: 3_600 })).toBe(200)
  expect(await tell({ key_tags: [], none: true })).toBe(200)
  expect(told).toEqual([[7, 604_800], [7, 3_600], [604_800]])
})
