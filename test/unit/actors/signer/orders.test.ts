// Goal: an order to roll keys that is not taken is told the reason that holds, and an operator who
// knows that other nodes are dead is not held up by them.
import { expect, test } from 'vitest'
import type { SignerConfig, SignerPorts } from '../../../../src/actors/signer/contract.ts'
import { House } from '../../../../src/actors/signer/house.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { fail, ok } from '../../../../src/core/base/result.ts'
import type { RollState } from '../../../../src/core/dnssec/roll/types.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { type Disk, configOf, emptyDisk, portsOn, ZONE } from './world.ts'

const order = { zone: ZONE, emergency: true, by: 'ann' }
const keySync = { ...configOf().keySync, peers: ['https://two'] }

async function open(
  disk: Disk,
  more: Partial<SignerConfig> = {},
  ports: Partial<SignerPorts> = {},
) {
  const world = fakeCtx('signer')
  const house = await House.open(world.ctx, { ...portsOn(disk), ...ports }, configOf(more))
  const pass = (ms: number) => world.clock.advanceAsync(ms)
  return {
    ...{ house, pass },
    state: () => house.keys.ring.zone(ZONE)!.bundle!.state,
    roll: async (force = false) => {
      const reply = house.orders.roll({ ...order, force })
      await pass(2_000)
      return await reply
    },
  }
}

/** A disk with keys, whose document was changed. */
async function diskWith(change: Partial<RollState>): Promise<Disk> {
  const disk = emptyDisk()
  const { house } = await open(disk)
  await house.close()
  disk.keys = { ...disk.keys!, rolls: disk.keys!.rolls.map((state) => ({ ...state, ...change })) }
  return disk
}

const term = (leader: string) => [{ term: 1, leader, fromRevision: 1 }]

test('a leader that hears too few says whom it misses, and forced it waits for them no more', async () => {
  const disk = await diskWith({ members: ['one', 'two'] })
  const one = await open(disk, { keySync })
  const refused = await one.roll()
  expect(refused.outcome).toBe('refused')
  expect(refused.message).toContain('too few of the nodes')
  expect(refused.message).toContain('for want of two')
  expect(one.state().isUrgent).toBe(false)
  expect(await one.roll(true)).toEqual({
    outcome: 'done',
    message: `a rollover of ${ZONE} begins, and waits no more for two`,
  })
  expect(one.state()).toMatchObject({ members: ['one'], isUrgent: true })
  await one.house.close()
  const again = await open(disk, { keySync })
  expect(again.state().members).toEqual(['one'])
})

test('a dead leader is told of as one, and forced the node leads', async () => {
  const disk = await diskWith({ members: ['one', 'two'], terms: term('two') })
  const one = await open(disk, { keySync })
  const { message } = await one.roll()
  expect(message).toContain(`two leads the keys of ${ZONE}, and was not heard of late`)
  expect((await one.roll(true)).outcome).toBe('done')
  expect(one.state().terms.at(-1)).toMatchObject({ term: 2, leader: 'one' })
})

test('a leader that lives is to be asked, whatever is forced', async () => {
  const disk = await diskWith({ members: ['one', 'two', 'three'], terms: term('two') })
  const one = await open(disk, { keySync })
  one.house.keys.ring.hear('two', one.house.nowSeconds())
  for (const force of [false, true])
    expect((await one.roll(force)).message).toBe(`two leads the keys of ${ZONE}: ask there`)
  expect(one.state().members).toEqual(['one', 'two', 'three'])
})

test('a peer that can be reached is not taken for dead', async () => {
  const two = await open(emptyDisk(), { node: 'two', keySync })
  const disk = await diskWith({ members: ['one', 'two', 'three'] })
  let isUp = false
  const post: SignerPorts['post'] = async (_, message) => {
    const answer = isUp ? await two.house.syncer.answer(message, '192.0.2.1') : undefined
    return answer?.ok === true ? ok(answer.value) : fail('nobody is there')
  }
  const one = await open(disk, { keySync }, { post })
  await one.pass(10_000)
  isUp = true
  expect(await one.roll(true)).toMatchObject({ message: expect.stringContaining('for three') })
  expect(one.state().members).toEqual(['one', 'two'])
})

test('a zone with as many keys as it may have begins no rollover and stores no key more', async () => {
  const disk = emptyDisk()
  const one = await open(disk)
  const most = limits.rollKeys.default
  for (let count = 1; count < most; count++)
    expect((await one.house.orders.roll(order)).outcome).toBe('done')
  const before = one.state()
  expect(await one.house.orders.roll(order)).toEqual({
    outcome: 'refused',
    message: `${ZONE} has ${most} keys already: some must go before more are made`,
  })
  expect(one.state()).toBe(before)
  expect(disk.keys!.keys).toHaveLength(most)
})

test('a role that the zone has no key of is none to roll', async () => {
  const one = await open(emptyDisk())
  expect(await one.house.orders.roll({ ...order, role: 'ksk' })).toEqual({
    outcome: 'refused',
    message: `${ZONE} has no such key in use`,
  })
})
