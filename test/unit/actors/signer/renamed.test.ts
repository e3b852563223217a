// Goal: a node goes on with its keys under whatever name it starts, and a copy of them is no reason
// for two nodes to change them each for itself.
import { expect, test } from 'vitest'
import type { SignerConfig } from '../../../../src/actors/signer/contract.ts'
import { House } from '../../../../src/actors/signer/house.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { type Disk, configOf, emptyDisk, portsOn, ZONE } from './world.ts'

const order = { zone: ZONE, emergency: false, by: 'ann' }
const DAY_MS = 86_400_000

async function open(disk: Disk, more: Partial<SignerConfig>, startUnixMs = 1_800_000_000_000) {
  const world = fakeCtx('signer', { startUnixMs })
  const house = await House.open(world.ctx, portsOn(disk), configOf(more))
  return {
    house,
    pass: (ms: number) => world.clock.advanceAsync(ms),
    state: () => house.keys.ring.zone(ZONE)!.bundle!.state,
    isLed: () => house.keys.ring.zone(ZONE)!.isLed,
    warnings: () =>
      world.logs.filter(({ level }) => level === 'warn').map(({ message }) => message),
  }
}

async function diskOf(node: string): Promise<Disk> {
  const disk = emptyDisk()
  const one = await open(disk, { node })
  await one.pass(2_000)
  await one.house.close()
  return disk
}

test('a container that is made anew each day leads its keys each time', async () => {
  const disk = await diskOf('0a1b2c')
  for (const [day, node] of ['3d4e5f', '0f9e8d', 'a7b6c5'].entries()) {
    const one = await open(disk, { node }, 1_800_000_000_000 + (day + 1) * DAY_MS)
    expect(one.warnings()[0]).toContain('keys were held under another name')
    await one.pass(2_000)
    expect(one.isLed()).toBe(true)
    expect(await one.house.orders.roll(order)).toMatchObject({ outcome: 'done' })
    // The clock of the start is trusted after a while.
    await one.pass(400_000)
    expect(one.state().members).toEqual([node])
    await one.house.close()
  }
})

test('so does one whose store does not say who wrote it', async () => {
  const disk = await diskOf('before')
  const { keys, rolls } = disk.keys!
  disk.keys = { keys, rolls }
  const one = await open(disk, { node: 'after' })
  await one.pass(2_000)
  expect(one.isLed()).toBe(true)
})

test('keys that came from another node are led by that one, whatever the name of this one', async () => {
  const disk = await diskOf('leader')
  disk.keys = { ...disk.keys!, holder: { node: 'follower', formerly: [] } }
  const one = await open(disk, { node: 'renamed' })
  await one.pass(2 * DAY_MS)
  expect(one.isLed()).toBe(false)
})

test('a name that was had again is no former one', async () => {
  const disk = await diskOf('first')
  for (const node of ['second', 'first']) {
    const one = await open(disk, { node })
    await one.pass(2_000)
    expect(one.isLed()).toBe(true)
    expect(one.state().terms.at(-1)?.leader).toBe(node)
    await one.house.close()
  }
  expect(disk.keys!.holder!.node).toBe('first')
})
