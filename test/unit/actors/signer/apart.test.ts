// Goal: overwatches that share no keys are told of, and no CDS asks for a DS that fits one alone.
import { expect, test } from 'vitest'
import type { SignerConfig } from '../../../../src/actors/signer/contract.ts'
import { House } from '../../../../src/actors/signer/house.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { configOf, emptyDisk, portsOn, ZONE } from './world.ts'

async function open(more: Partial<SignerConfig> = {}) {
  const world = fakeCtx('signer')
  const house = await House.open(world.ctx, portsOn(emptyDisk()), configOf(more))
  const { node } = configOf(more)
  return {
    ...{ house, node },
    warnings: () => world.logs.filter(({ message }) => message.includes('share no keys')),
    pass: () => world.clock.advanceAsync(3 * limits.rollTurnMs.default),
  }
}

const waits = ({ house }: Awaited<ReturnType<typeof open>>) =>
  house.list(ZONE).zones[0]!.steps.join(' ')

test('an overwatch that shares no keys is told of once, and named in the status', async () => {
  const one = await open()
  one.house.apart.hear([one.node])
  expect(one.warnings()).toEqual([])
  one.house.apart.hear([one.node, 'overwatch-2'])
  one.house.apart.hear([one.node, 'overwatch-2'])
  expect(one.warnings().map(({ fields }) => fields?.['overwatches'])).toEqual(['overwatch-2'])
  await one.pass()
  expect(waits(one)).toContain('overwatch-2')
})

test('no CDS waits for it once it is gone', async () => {
  const one = await open()
  one.house.apart.hear([one.node, 'overwatch-2'])
  await one.pass()
  expect(waits(one)).toContain('waits until all nodes were heard once')
  one.house.apart.hear([one.node])
  await one.pass()
  expect(waits(one)).not.toContain('overwatch-2')
})

test('who says that keys are not shared, or signs nothing, hears no more of it', async () => {
  const off = { ...configOf().keySync, isEnabled: false }
  for (const more of [{ keySync: off }, { enabled: false, zones: [] }]) {
    const one = await open(more)
    one.house.apart.hear([one.node, 'overwatch-2'])
    expect([one.warnings(), one.house.apart.names]).toEqual([[], []])
  }
})
