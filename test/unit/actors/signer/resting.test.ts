// Goal: after a time without signatures the parent is offered keys only when no cache holds any of
// it, as at the first start. Method: signing turned off and on, by reloads and by restarts.
import { expect, test } from 'vitest'
import type { SignerConfig } from '../../../../src/actors/signer/contract.ts'
import { types } from '../../../../src/core/dns/types.ts'
import { configOf, emptyDisk, start } from './world.ts'

const HOUR_MS = 3_600_000
const OFF = configOf({ enabled: false })
const OTHER = configOf({ zones: [{ zone: 'other.test', ttlSeconds: 60 }] })

type Signer = Awaited<ReturnType<typeof start>>

const counted = (one: Signer, type: number) =>
  one
    .keysSet()
    .zones.flatMap(({ records }) => records)
    .filter((each) => each.type === type).length

/** Records at the apex: keys, and what they ask of the parent. */
const apexOf = (one: Signer) => [counted(one, types.DNSKEY), counted(one, types.CDS) > 0]

async function pass(one: Signer, ms: number): Promise<void> {
  await one.clock.advanceAsync(ms)
  await one.give(one.draft())
}

/** Signed for long enough that the parent is offered the key. */
async function offered(disk = emptyDisk()): Promise<Signer> {
  const one = await start({ disk })
  await one.give(one.draft())
  await pass(one, HOUR_MS)
  expect(apexOf(one)).toEqual([1, true])
  return one
}

const reload = async (one: Signer, config: SignerConfig, ms: number) => {
  one.behaviour.onReconfigured!(config)
  await one.clock.advanceAsync(ms)
}

for (const [what, without] of [
  ['signing turned off and on', OFF],
  ['a zone taken out and in', OTHER],
] as const) {
  test(`${what} by reloads: the same key, and CDS once caches have lost the time between`, async () => {
    const one = await offered()
    const before = (await one.list()).keys.map(({ keyTag }) => keyTag)
    await reload(one, without, 6 * HOUR_MS)
    await reload(one, configOf(), 100)
    expect((await one.list()).keys.map(({ keyTag }) => keyTag)).toEqual(before)
    expect(apexOf(one)).toEqual([1, false])
    await one.give(one.draft())
    // The longest TTL, of the keys, and the margin.
    await pass(one, 300_000)
    expect(apexOf(one)).toEqual([1, false])
    await pass(one, 180_000)
    expect(apexOf(one)).toEqual([1, true])
  })

  test(`${what} by restarts: the same`, async () => {
    const disk = emptyDisk()
    const one = await offered(disk)
    await one.behaviour.onStop!()
    const off = await start({ disk, config: without, startUnixMs: one.clock.nowMs() })
    await off.clock.advanceAsync(6 * HOUR_MS)
    await off.behaviour.onStop!()
    const again = await start({ disk, startUnixMs: off.clock.nowMs() })
    expect(apexOf(again)).toEqual([1, false])
    await again.give(again.draft())
    await pass(again, HOUR_MS)
    expect(apexOf(again)).toEqual([1, true])
  })
}

test('a restart that signs on offers what it offered', async () => {
  const disk = emptyDisk()
  const one = await offered(disk)
  await one.behaviour.onStop!()
  const again = await start({ disk, startUnixMs: one.clock.nowMs() })
  expect(apexOf(again)).toEqual([1, true])
})
