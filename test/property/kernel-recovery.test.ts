/**
 * Goal: any interleaving and any crash leaves a restarted actor with what its publishers hold.
 * Method: fast-check draws the seed of the scheduler, its haste, and any kills; at rest every copy
 * equals the disk, whatever happened. It shrinks to the fewest kills that break this.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { phantom, toyCatalogue, toySystem } from '../harness/toys.ts'
import { startWorld } from '../harness/world.ts'

const kill = fc.record({
  name: fc.constantFrom('store', 'reader', 'mirror', 'auditor', 'driver'),
  where: fc.constantFrom('any', 'batch', 'handler', 'now'),
  nth: fc.integer({ min: 1, max: 20 }),
  afterMs: fc.integer({ min: 0, max: 30 }),
})

test('any interleaving and any crash leaves every copy equal to its source at rest', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.array(kill, { maxLength: 5 }),
      async (seed, hasteChance, kills) => {
        const system = toySystem(25)
        const world = await startWorld({
          catalogue: toyCatalogue,
          children: system.children,
          seed,
          hasteChance,
          invariants: { 'no phantom': () => phantom(system) },
        })
        for (const { name, where, nth, afterMs } of kills) {
          if (where === 'now') world.kill(name)
          else world.killAt({ name, where, nth })
          await world.runFor(afterMs)
        }
        await world.runFor(20_000)
        const held = [...system.disk.values].sort()
        expect([...(system.shown.reader?.values ?? [])].sort()).toEqual(held)
        expect([...(system.shown.mirror?.values ?? [])].sort()).toEqual(held)
        expect([...(system.shown.auditor ?? [])].sort()).toEqual(held)
        expect(await world.stop()).toBe('clean')
      },
    ),
    { numRuns: 300 },
  )
}, 60_000)

test('one seed gives one run', async () => {
  const trace = async () => {
    const system = toySystem(20)
    const { children } = system
    const world = await startWorld({ catalogue: toyCatalogue, children, seed: 42 })
    world.killAt({ name: 'store', where: 'any', nth: 7 })
    await world.runFor(1_000)
    return { steps: world.steps, trace: world.trace, values: [...system.disk.values] }
  }
  expect(await trace()).toEqual(await trace())
})
