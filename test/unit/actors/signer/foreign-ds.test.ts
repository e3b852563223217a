// Goal: the status names a zone whose parent has DS records of other keys alone. Method: a signer
// whose parent answers so, then with none.
import { expect, test } from 'vitest'
import { House } from '../../../../src/actors/signer/house.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { fakeCtx } from '../../../harness/ctx.ts'
import { configOf, emptyDisk, portsOn, ZONE } from './world.ts'

const DS = { owner: ZONE, type: types.DS, ttlSeconds: 60 }
const RDATA = Uint8Array.of(0x30, 0x39, 13, 2, ...new Uint8Array(32).fill(7))
const RARELY_MS = 3_600_000

test('the status tells of a DS that is of no key of ours, and of nothing once it is gone', async () => {
  const world = fakeCtx('signer')
  const told = { rcode: 0, isAuthoritative: true, isCut: false }
  let answers = [{ ...DS, rdata: RDATA }]
  const ports = {
    ...portsOn(emptyDisk()),
    askParent: async () => [
      { server: 'p', reply: { ...told, answers, negativeTtlSeconds: 60, soaOwner: 'test' } },
    ],
  }
  const parent = { pollMs: 60_000, servers: ['192.0.2.1:53'], resolver: '' }
  const house = await House.open(world.ctx, ports, configOf({ parent }))
  const steps = () => house.list(ZONE).zones[0]!.steps.join(' ')
  await world.clock.advanceAsync(RARELY_MS)
  expect(steps()).toContain('none of a key that is published here')
  answers = []
  await world.clock.advanceAsync(RARELY_MS)
  expect(steps()).not.toContain('none of a key that is published here')
})
