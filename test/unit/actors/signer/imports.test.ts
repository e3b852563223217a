// Goal: of keys that BIND wrote, those that are over come to no work here and those at work go on.
import { describe, expect, test } from 'vitest'
import { sortImports } from '../../../../src/core/dnssec/imports.ts'
import type { KeyTimes } from '../../../../src/core/dnssec/key-times.ts'
import type { StoredKey } from '../../../../src/core/dnssec/keyfile.ts'
import { typeName } from '../../../../src/core/dns/types.ts'
import { crypto } from '../../../harness/dnssec.ts'
import { configOf, emptyDisk, start, ZONE } from './world.ts'

const HOUR = 3_600

async function nowSeconds(): Promise<number> {
  const { clock } = await start()
  return Math.floor(clock.nowMs() / 1_000)
}

const keyOf = (role: StoredKey['role'], times: KeyTimes, algorithm: 13 | 15 = 13): StoredKey => ({
  ...crypto.generate(algorithm, 2_048),
  ...{ zone: ZONE, role, times },
})

describe('times of BIND', () => {
  test.each<[string, KeyTimes, string]>([
    ['no times', {}, 'taken'],
    ['at work', { publish: 1, activate: 99 }, 'taken'],
    ['at work, its end planned', { activate: 99, inactive: 101, delete: 102 }, 'taken'],
    ['in use from now on', { publish: 1, activate: 100 }, 'taken'],
    ['to come', { publish: 1, activate: 101 }, 'it is not in use before 19700101000141'],
    ['inactive', { activate: 1, inactive: 100, delete: 200 }, 'taken'],
    ['deleted', { inactive: 99, delete: 100 }, 'its time to be deleted was 19700101000140'],
  ])('%s', (_what, times, expected) => {
    const key = keyOf('csk', times)
    const { taken, left } = sortImports([keyOf('csk', {}), key], 100)
    expect(left[0]?.why ?? 'taken').toBe(expected)
    expect(taken).toHaveLength(expected === 'taken' ? 2 : 1)
  })

  test('that plan an end are forgotten: this node decides it', () => {
    const { taken } = sortImports([keyOf('csk', { created: 1, inactive: 101, delete: 102 })], 100)
    expect(taken[0]!.times).toEqual({ created: 1 })
  })

  test('an inactive key without another of its algorithm is left out', () => {
    const inactive = keyOf('csk', { inactive: 99 })
    const { left } = sortImports([inactive, keyOf('csk', {}, 15)], 100)
    expect(left[0]!.why).toBe('it is inactive since 19700101000139, and no other key does its work')
  })

  test('with a key at work for the rest, an entry point signs the keys alone', () => {
    const roles = (zsk: KeyTimes) =>
      sortImports([keyOf('csk', {}), keyOf('zsk', zsk)], 100).taken.map(({ role }) => role)
    expect(roles({})).toEqual(['ksk', 'zsk'])
    expect(roles({ inactive: 99 })).toEqual(['csk', 'zsk'])
    expect(roles({ delete: 99 })).toEqual(['csk'])
  })
})

test('a ZSK alone is left: new keys beside it would not be those of the DS of the parent', async () => {
  const key = keyOf('zsk', {})
  expect(sortImports([key], 100)).toEqual({
    ...{ taken: [], left: [{ key, why: expect.stringContaining('(KSK or CSK)') }] },
  })
  const one = await start({ disk: { ...emptyDisk(), imports: [key] } })
  await one.clock.advanceAsync(600_000)
  const { keys, zones } = await one.list()
  expect(keys).toEqual([])
  expect(zones[0]!.steps).toEqual([expect.stringContaining('cannot be taken')])
})

test('a zone of which a key cannot be taken begins none, and takes none of the others', async () => {
  const disk = { ...emptyDisk(), imports: [keyOf('csk', {})], held: [ZONE] }
  const one = await start({ disk })
  await one.clock.advanceAsync(600_000)
  expect((await one.list()).keys).toEqual([])
  const said = one.logs.filter(({ level }) => level === 'error')
  expect(said.at(-1)).toMatchObject({
    ...{ message: expect.stringContaining('cannot be taken'), fields: { zones: ZONE } },
  })
})

test('a key that is over is told and has no part in the zone', async () => {
  const now = await nowSeconds()
  const over = keyOf('csk', { activate: 1, inactive: now - 9, delete: now - 5 })
  const one = await start({ disk: { ...emptyDisk(), imports: [keyOf('csk', {}), over] } })
  const apex = one.keysSet().zones[0]!.records.map(({ type }) => typeName(type))
  expect(apex).toEqual(['DNSKEY', 'CDS', 'CDNSKEY'])
  expect((await one.list()).keys).toHaveLength(1)
  expect(one.logs.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'a key file is not taken', fields: { reason: expect.stringContaining('deleted') } },
  ])
})

test('an inactive key is published without work until caches have lost its signatures', async () => {
  const now = await nowSeconds()
  const old = keyOf('csk', { activate: 1, inactive: now - 9, delete: now + 9 * HOUR })
  const config = configOf()
  const one = await start({ config, disk: { ...emptyDisk(), imports: [keyOf('csk', {}), old] } })
  const shown = async () =>
    (await one.list()).keys.map(({ phase, published, offered }) => [phase, published, offered])
  await one.give(one.draft())
  const both = [
    ['active', true, true],
    ['retiring', true, false],
  ]
  expect(await shown()).toEqual(both)
  const { zones } = config
  const heldSeconds = zones[0]!.ttlSeconds + config.roll.safetySeconds
  await one.clock.advanceAsync((heldSeconds - 10) * 1_000)
  expect(await shown()).toEqual(both)
  for (let at = 0; at < 20; at++) {
    await one.give(one.draft())
    await one.clock.advanceAsync(60_000)
  }
  expect((await shown()).filter(([, isPublished]) => isPublished)).toEqual([both[0]])
})
