// Goal: nothing is signed with, told or said to be served of keys that are not on disk, and of a
// job that is refused nothing is said to be served either.
import { expect, test } from 'vitest'
import type { SignerConfig, SignerPorts } from '../../../../src/actors/signer/contract.ts'
import { House } from '../../../../src/actors/signer/house.ts'
import type { KeysSet } from '../../../../src/actors/signer/keys.ts'
import { fail } from '../../../../src/core/base/result.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { configOf, draftOf, emptyDisk, portsOn, ZONE } from './world.ts'

const OTHER = 'other.test'
const order = { zone: ZONE, emergency: false, by: 'ann' }

async function open(config: SignerConfig = configOf()) {
  const world = fakeCtx('signer')
  const disk = emptyDisk()
  const house = await House.open(world.ctx, portsOn(disk), config)
  const said = (id: string) =>
    world.published.flatMap(([name, message]) => (name === id ? [message] : []))
  const keysSet = () => said('signer.keys-set').at(-1) as KeysSet
  let epoch = 0
  const pass = (ms: number) => world.clock.advanceAsync(ms)
  return {
    ...{ house, disk, said, keysSet, pass },
    give: async (draft: Partial<ReturnType<typeof draftOf>> = {}) => {
      house.draft({ ...draftOf(keysSet(), ++epoch), ...draft })
      await pass(50)
    },
    /** What DNS threads are said to answer with, and what the ring has come to. */
    served: () => house.keys.ring.zone(ZONE)!.mark().serves[0]!.version,
    version: () => house.keys.ring.zone(ZONE)!.bundle!.state.version,
    /** What a peer that leads would have given. */
    turn: () => {
      const nowSeconds = house.nowSeconds()
      const times = { startedSeconds: 0, takeoverSeconds: 60, patienceSeconds: 86_400 }
      return house.keys.ring.turn({ nowSeconds, ...times, unheard: [] })
    },
    dnskeys: () =>
      keysSet().zones.map(
        ({ records }) => records.filter(({ type }) => type === types.DNSKEY).length,
      ),
  }
}

test('a key set that is not on disk is not said to be served', async () => {
  const one = await open()
  await one.give()
  const before = one.served()
  expect(before).toBe(one.version())
  one.disk.isBroken = true
  await one.house.orders.roll(order)
  await one.house.changed([one.turn()])
  expect(one.version()).toBeGreaterThan(before)
  one.house.desk.again()
  await one.pass(50)
  expect(one.said('signer.serving-signed')).toHaveLength(2)
  expect(one.served()).toBe(before)
  // Nor by who starts anew and hears the set again.
  one.house.tellKeys()
  expect(one.dnskeys()).toEqual([1])
  one.disk.isBroken = false
  await one.pass(2_000)
  expect(one.dnskeys()).toEqual([2])
  await one.give()
  expect(one.served()).toBe(one.version())
})

test('where a write failed no step is taken and nobody is told, and both once it is made up for', async () => {
  const one = await open(configOf({ isClustered: true }))
  one.house.syncer.board!.nodes(['one'], true)
  await one.pass(2_000)
  await one.give()
  const before = one.version()
  const told = one.said('signer.record-told').length
  expect(told).toBeGreaterThan(0)
  one.disk.isBroken = true
  await one.house.orders.roll(order)
  await one.pass(10_000)
  expect(one.version()).toBe(before)
  expect(one.said('signer.record-told')).toHaveLength(told)
  one.disk.isBroken = false
  await one.pass(2_000)
  expect(one.version()).toBeGreaterThan(before)
  expect(one.said('signer.record-told').length).toBeGreaterThan(told)
})

test('a zone begins no keys while some were laid down that cannot be read', async () => {
  const world = fakeCtx('signer')
  const disk = emptyDisk()
  const fault = { file: 'import', fault: 'EACCES' }
  let isUnread = true
  const ports = {
    ...portsOn(disk),
    readImports: async () => ({ keys: [], faults: isUnread ? [fault] : [], isUnread }),
  }
  const house = await House.open(world.ctx, ports, configOf())
  await world.clock.advanceAsync(600_000)
  expect([house.keys.ring.bare(), disk.keys]).toEqual([[ZONE], undefined])
  isUnread = false
  await house.configure(configOf())
  expect(house.keys.ring.bare()).toEqual([])
})

test('a node that signs no more has no zone, and asks for newer keys before it signs again', async () => {
  const keySync = { ...configOf().keySync, peers: ['https://two'] }
  let asked = 0
  const world = fakeCtx('signer')
  const disk = emptyDisk()
  const post: SignerPorts['post'] = async () => {
    asked++
    await new Promise<void>((resolve) => world.ctx.clock.after(1_000, resolve))
    return fail('nobody is there')
  }
  const first = await House.open(world.ctx, portsOn(disk), configOf())
  await first.close()
  const house = await House.open(world.ctx, { ...portsOn(disk), post }, configOf({ keySync }))
  await world.clock.advanceAsync(10_000)
  const tags = house.keys.of(ZONE)!.state.keys.map(({ tag }) => tag)
  await house.configure(configOf({ keySync, enabled: false, zones: [] }))
  expect(house.keys.ring.names()).toEqual([])
  house.keys.notePoolTtl(9)
  expect(house.keys.ring.names()).toEqual([])
  await world.clock.advanceAsync(10_000)
  const said = () => world.published.filter(([name]) => name === 'signer.keys-set').length
  const [saidBefore, askedBefore] = [said(), asked]
  await house.configure(configOf({ keySync }))
  expect([said(), asked]).toEqual([saidBefore, askedBefore + 1])
  await world.clock.advanceAsync(1_500)
  expect(said()).toBe(saidBefore + 1)
  expect(house.keys.of(ZONE)!.state.keys.map(({ tag }) => tag)).toEqual(tags)
})

test('a new zone is not told before its keys are on disk', async () => {
  const one = await open()
  one.disk.isBroken = true
  const zones = [...configOf().zones, { zone: OTHER, ttlSeconds: 60 }]
  await one.house.configure(configOf({ zones }))
  await one.pass(3_000)
  expect(one.dnskeys()).toEqual([1])
  one.disk.isBroken = false
  await one.pass(2_000)
  expect(one.dnskeys()).toEqual([1, 1])
})

test('a draft that is refused is not said to be served when the one before is signed anew', async () => {
  const one = await open()
  await one.give()
  const before = one.served()
  await one.house.orders.roll(order)
  await one.pass(2_000)
  expect(one.version()).toBeGreaterThan(before)
  const { parts } = draftOf({ ...one.keysSet(), zones: [] }, 9)
  await one.give({ parts })
  expect(one.said('signer.serving-refused')).toHaveLength(1)
  one.house.desk.again()
  await one.pass(50)
  expect(one.said('signer.serving-signed')).toHaveLength(2)
  expect(one.served()).toBe(before)
  await one.give()
  expect(one.served()).toBe(one.version())
})
