// Goal: keys are made once and kept, drafts are signed with the keys they were compiled with, what
// is due is signed anew, and nothing of a fault goes out. Method: the actor on a virtual clock with
// a disk in memory; signatures are real.
import { describe, expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { defaultLifetimes } from '../../../../src/core/dnssec/lifetimes.ts'
import { ZONE, configOf, emptyDisk, pool, start } from './world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

describe('keys', () => {
  test('are made at the first start, on disk before they are told, and the same ones later', async () => {
    const first = await start()
    const [set] = first.said('signer.keys-set')
    expect(set!.zones.map(({ apex }) => apex)).toEqual([ZONE])
    expect(set!.zones[0]!.records.map(({ type }) => type)).toEqual([types.DNSKEY])
    expect(first.disk.keys?.keys).toHaveLength(1)
    const again = await start({ disk: first.disk })
    expect(again.keysSet()).toEqual(set)
  })

  test('two make the key set where they are asked for', async () => {
    const { list } = await start({ config: configOf({ isSplit: true }) })
    const { keys } = await list()
    expect(keys.map(({ role, flags }) => [role, flags])).toEqual([
      ['ksk', 257],
      ['zsk', 256],
    ])
    expect(keys.map(({ ds }) => ds.length)).toEqual([2, 0])
  })

  test('of a disk that cannot be written end the first start', async () => {
    await expect(start({ disk: { ...emptyDisk(), isBroken: true } })).rejects.toThrow(
      'overwatch.data_dir',
    )
  })

  test('that do not open end the start, and none are made in their place', async () => {
    const disk = emptyDisk()
    const loadKeys = async () => ({ code: 'failed' as const, message: 'keys.sealed does not open' })
    await expect(start({ disk, ports: { loadKeys } })).rejects.toThrow('does not open')
    expect(disk.keys).toBeUndefined()
  })

  test('that an operator laid down are taken for a zone without keys, and for no other', async () => {
    const other = await start()
    const [brought] = other.disk.keys!.keys
    const disk = { ...emptyDisk(), imports: [brought!] }
    const one = await start({ disk })
    expect(one.keysSet()).toMatchObject({ zones: [{ apex: ZONE }] })
    expect(one.disk.keys?.keys).toEqual([brought])
    expect(disk.imports).toEqual([])
    // The parent may have a DS of it already, so it is offered from the start.
    expect((await one.list()).keys[0]!.offered).toBe(true)
    const late = { ...structuredClone(one.disk), imports: [...other.disk.keys!.keys] }
    const two = await start({ disk: late })
    expect(two.logs.filter(({ level }) => level === 'error')).toHaveLength(1)
    expect(late.imports).toHaveLength(1)
  })

  test('with peers are not made before these had their time', async () => {
    const keySync = {
      ...configOf().keySync,
      ...{ peers: ['https://peer:9090'], pollMs: 60_000, timeoutMs: 5_000 },
    }
    const one = await start({ config: configOf({ keySync }) })
    const zones = () => (one.said('signer.keys-set').at(-1)?.zones ?? []).map(({ apex }) => apex)
    await one.clock.advanceAsync(9_000)
    expect(zones()).toEqual([])
    await one.clock.advanceAsync(2_000)
    expect(zones()).toEqual([ZONE])
  })

  test('are told without any private part', async () => {
    const one = await start()
    const secret = one.disk.keys!.keys[0]!.privateKey
    if (secret.kind !== 'scalar') throw new Error('a key of a curve is expected')
    const told = JSON.stringify([await one.list(), one.published, one.logs], (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    )
    const forms = [Buffer.from(secret.scalar).toString('base64')]
    forms.push(Buffer.from(secret.scalar).toString('hex'))
    for (const form of forms) expect(told).not.toContain(form)
  })

  test('say nothing where nothing is to be signed', async () => {
    const one = await start({ config: configOf({ enabled: false, zones: [] }) })
    expect(one.published).toEqual([])
    expect(await one.list()).toMatchObject({ enabled: false, keys: [] })
  })
})

describe('a draft', () => {
  test('is signed whole, and handed back with its epoch', async () => {
    const one = await start()
    await one.give(one.draft())
    const [told] = one.signed()
    expect(told).toMatchObject({ epoch: 1, signed: { epoch: 1 } })
    expect(one.lastSigned()).toMatchObject({ kept: 0 })
    expect(one.metrics.value('opengslb_dnssec_managed_zones')).toBe(1)
  })

  test('of other keys is given back without a reason', async () => {
    const one = await start()
    await one.give({ ...one.draft(), keysVersion: 'another' })
    expect(one.said('signer.serving-refused')).toEqual([{ epoch: 1, reason: '' }])
    expect(one.signed()).toEqual([])
  })

  test('whose key set lacks the key is refused with what is wrong', async () => {
    const one = await start()
    await one.give(one.draft([pool()], []))
    expect(one.signed()).toEqual([])
    const [refused] = one.said('signer.serving-refused')
    expect(refused!.reason).toContain(ZONE)
    await one.give({ ...one.draft(), epoch: 9 })
    expect(one.signed(), 'the next one is signed').toHaveLength(1)
  })

  test('like the one before keeps what is still good', async () => {
    const one = await start()
    await one.give(one.draft())
    const { made } = one.lastSigned() as { made: number }
    await one.give(one.draft([pool({ ttlSeconds: 6 })]))
    expect(one.lastSigned()).toEqual(expect.objectContaining({ made: 3, kept: made - 3 }))
  })

  test('after a restart is signed with the signatures of before', async () => {
    const one = await start()
    await one.give(one.draft())
    await one.clock.advanceAsync(limits.signatureSaveMs.default)
    const two = await start({ disk: one.disk, startUnixMs: one.clock.nowMs() })
    await two.give(two.draft())
    expect(two.lastSigned()).toMatchObject({ made: 0 })
  })
})

describe('signatures', () => {
  test('are made anew when the first is due, and told with a later version', async () => {
    const lifetimes = { ...defaultLifetimes, validitySeconds: 7_200, jitterSeconds: 600 }
    const one = await start({ config: configOf({ lifetimes }) })
    await one.give(one.draft())
    // Half the validity is the most that a refresh may take; CDS comes meanwhile, so the keys of
    // now are other ones than those of the draft that is served.
    await one.clock.advanceAsync(3_000_000 - limits.signatureRefreshCheckMs.default)
    expect(one.signed()).toHaveLength(1)
    expect(one.said('signer.keys-set').length).toBeGreaterThan(1)
    await one.clock.advanceAsync(600_000 + limits.signatureRefreshCheckMs.default)
    const versions = one.signed().map(({ version }) => version)
    expect(versions.length).toBeGreaterThan(1)
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
    expect(new Set(one.signed().map(({ epoch }) => epoch))).toEqual(new Set([1]))
    expect(one.said('signer.serving-refused')).toEqual([])
  })

  // Before the first look and after it, each once after the draft and once after a later one.
  for (const [beforeMs, drafts] of [
    [0, 1],
    [10_000, 1],
    [limits.signatureRefreshCheckMs.default, 1],
    [limits.signatureRefreshCheckMs.default, 2],
  ] as const)
    test(`that begin after now are made anew once the clock was set back (${beforeMs} ms)`, async () => {
      const one = await start()
      await one.give(one.draft())
      await one.clock.advanceAsync(beforeMs)
      if (drafts === 2) {
        one.clock.setUnixMs(one.clock.nowMs() + DAY_MS)
        await one.give(one.draft([pool({ ttlSeconds: 6 })]))
      }
      one.clock.setUnixMs(one.clock.nowMs() - DAY_MS)
      await one.clock.advanceAsync(limits.signatureRefreshCheckMs.default)
      expect(one.signed()).toHaveLength(drafts + 1)
      const { kept } = one.lastSigned() as { kept: number }
      expect(kept > 0, 'the signatures of before the clock went ahead hold').toBe(drafts === 2)
      await one.clock.advanceAsync(limits.signatureRefreshCheckMs.default)
      expect(one.signed()).toHaveLength(drafts + 1)
    })

  test('of answers that are wanted are added, of this epoch alone', async () => {
    const hosts = Array.from({ length: 40 }, (_, at) => at + 1)
    const members = hosts.map((host) => ({
      ...{ key: `k${host}`, address: `10.0.0.${host}`, port: 80, region: 'r', weight: 1 },
    }))
    const one = await start()
    await one.give(one.draft([pool({ answers: 3, members })]))
    const sets = [{ pool: 0, family: 4 as const, addresses: [1, 5, 9] }]
    one.behaviour.receive['dns.sets-wanted']({ epoch: 7, sets })
    await one.clock.advanceAsync(50)
    expect(one.signed()).toHaveLength(1)
    one.behaviour.receive['dns.sets-wanted']({ epoch: 1, sets })
    await one.clock.advanceAsync(50)
    expect(one.signed()).toHaveLength(2)
    expect(one.lastSigned()).toMatchObject({ made: 1 })
    one.behaviour.receive['dns.sets-wanted']({ epoch: 1, sets })
    await one.clock.advanceAsync(50)
    expect(one.signed(), 'what is signed is not signed again').toHaveLength(2)
  })
})

describe('a rollover', () => {
  const order = { zone: ZONE, emergency: false, by: 'ann' }

  test('that is asked for publishes another key, with an event and a line of status', async () => {
    const one = await start()
    const before = one.keysSet()
    const reply = await one.behaviour.receive['api.roll-keys'](order)
    expect(reply.outcome).toBe('done')
    await one.clock.advanceAsync(2_000)
    expect(one.keysSet().version).not.toBe(before.version)
    expect((await one.list()).keys.map(({ phase }) => phase)).toEqual(['retiring', 'published'])
    expect((await one.list()).zones[0]!.steps.length).toBeGreaterThan(0)
    const steps = one.said('signer.event-noted').map(({ data }) => data['step'])
    expect(steps).toEqual(expect.arrayContaining(['roll-started', 'key-made', 'key-published']))
    expect(one.disk.keys?.keys).toHaveLength(2)
  })

  test('changes nothing that is told before it is on disk', async () => {
    const one = await start()
    one.disk.isBroken = true
    const before = one.said('signer.keys-set').length
    await one.behaviour.receive['api.roll-keys'](order)
    await one.clock.advanceAsync(5_000)
    expect(one.said('signer.keys-set')).toHaveLength(before)
    one.disk.isBroken = false
    await one.clock.advanceAsync(2_000)
    expect(one.said('signer.keys-set').at(-1)!.zones[0]!.records.length).toBeGreaterThan(1)
  })

  test.each([
    [{ ...order, zone: 'other.test' }, 'not-found'],
    [{ ...order, role: 'zsk' }, 'refused'],
    [{ ...order, role: 'king' }, 'refused'],
  ])('%j is %s', async (asked, outcome) => {
    const one = await start()
    expect((await one.behaviour.receive['api.roll-keys'](asked)).outcome).toBe(outcome)
  })
})
