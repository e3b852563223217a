// Goal: a clock that is wrong for a while, at a restart or later, makes no key take a step early.
import { describe, expect, test } from 'vitest'
import { Steady } from '../../../../src/actors/signer/steady.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { plainNsec3 } from '../../../../src/core/dnssec/nsec3.ts'
import { configOf, type Disk, start, ZONE } from './world.ts'

const HOUR = 3_600
const roll = {
  safetySeconds: HOUR,
  parentSeconds: 60,
  zskLifetimeSeconds: 0,
  kskLifetimeSeconds: 0,
}
const config = configOf({ isSplit: true, roll })
const STEADY_SECONDS = limits.rollSteadyMs.default / 1_000

type World = Awaited<ReturnType<typeof start>>

/** So many seconds, with a draft of what stands at the apexes at each step. */
async function run(one: World, seconds: number, stepSeconds = 20): Promise<void> {
  for (let at = 0; at < seconds; at += stepSeconds) {
    await one.give(one.draft())
    await one.clock.advanceAsync(stepSeconds * 1_000)
  }
}

const phases = async (one: World) =>
  (await one.list()).keys.filter(({ role }) => role === 'zsk').map(({ phase }) => phase)

/** A zone whose next zone key was published a moment ago. */
async function rolling(): Promise<World> {
  const one = await start({ config })
  await run(one, 2 * HOUR, 60)
  const order = { zone: ZONE, role: 'zsk', emergency: false, by: 'ann' }
  await one.behaviour.receive['api.roll-keys'](order)
  await run(one, 60)
  expect(await phases(one)).toEqual(['retiring', 'published'])
  return one
}

const setBy = (one: World, hours: number) =>
  one.clock.setUnixMs(one.clock.nowMs() + hours * HOUR * 1_000)

describe('a clock that may be hours ahead', () => {
  test('at a restart, until it is set', async () => {
    const one = await rolling()
    const disk: Disk = structuredClone(one.disk)
    const two = await start({ config, disk, startUnixMs: one.clock.nowMs() + 8 * HOUR * 1_000 })
    await run(two, STEADY_SECONDS - 20)
    setBy(two, -8)
    await run(two, 2 * STEADY_SECONDS)
    expect(await phases(two)).toEqual(['retiring', 'published'])
    await run(two, 2 * HOUR, 60)
    expect((await phases(two)).at(-1), 'once the wait is over').toBe('active')
  })

  test('for a while, in the middle of a rollover', async () => {
    const one = await rolling()
    setBy(one, 8)
    await run(one, STEADY_SECONDS - 20)
    setBy(one, -8)
    await run(one, 2 * STEADY_SECONDS)
    expect(await phases(one)).toEqual(['retiring', 'published'])
  })

  test('times nothing that the parent shows', async () => {
    const asked: number[] = []
    const one = await start({ config })
    const two = await start({
      config: configOf({ roll, parent: { ...config.parent, pollMs: 60_000 } }),
      ...{ disk: structuredClone(one.disk), startUnixMs: one.clock.nowMs() },
      ports: {
        askParent: async () => {
          asked.push(two.clock.monotonicMs())
          return []
        },
      },
    })
    await two.clock.advanceAsync(2 * limits.rollSteadyMs.default)
    expect(asked.length).toBeGreaterThan(0)
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(limits.rollSteadyMs.default)
  })

  test('keeps no key from being published, which waits for no time', async () => {
    const one = await start({ config })
    const disk = structuredClone(one.disk)
    const two = await start({ config, disk, startUnixMs: one.clock.nowMs() })
    const order = { zone: ZONE, role: 'zsk', emergency: false, by: 'ann' }
    await two.behaviour.receive['api.roll-keys'](order)
    await run(two, 4, 2)
    expect(await phases(two)).toEqual(['retiring', 'published'])
  })
})

test('how long a node is up is not told by the time of day, which may have been 1970', async () => {
  const { clock } = await start({ config })
  clock.setUnixMs(0)
  const steady = new Steady(clock, false)
  await clock.advanceAsync(60_000)
  clock.setUnixMs(1_800_000_000_000)
  await clock.advanceAsync(60_000)
  expect(steady.upMs()).toBe(120_000)
})

test('what is signed goes by the rules that stand at the apexes until others do', async () => {
  let isSlow = false
  const one = await start({
    ports: {
      readImports: async () => {
        if (isSlow) await new Promise<void>((done) => one.clock.after(500, done))
        return { keys: [], faults: [] }
      },
    },
  } as Parameters<typeof start>[0])
  await one.give(one.draft())
  isSlow = true
  one.behaviour.onReconfigured!(configOf({ denial: { kind: 'nsec3', ...plainNsec3 } }))
  await one.give(one.draft())
  expect(one.said('signer.serving-refused')).toEqual([])
})
