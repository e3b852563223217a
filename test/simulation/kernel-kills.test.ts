/**
 * Goal: an actor killed anywhere is back, and holds what its publishers hold.
 * Method: 1,000 worlds, one seed each, with one to three kills at random message boundaries, in
 * the middle of a batch and in the middle of a commit among them; at rest every copy must equal
 * the disk.
 */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import { phantom, toyCatalogue, toySystem } from '../harness/toys.ts'
import { type Boundary, type KillPlan, startWorld } from '../harness/world.ts'

const names = ['store', 'reader', 'mirror', 'auditor'] as const

async function live(seed: number, killed: Record<Boundary, number>) {
  const random = seededRandom(seed)
  const system = toySystem(30 + random.below(30))
  const world = await startWorld({
    catalogue: toyCatalogue,
    children: system.children,
    seed,
    hasteChance: random.next() * 0.3,
    invariants: { 'no phantom': () => phantom(system) },
  })
  const kills: KillPlan[] = []
  for (let count = 1 + random.below(3); count > 0; count--) {
    const where = (['any', 'batch', 'handler'] as const)[random.below(3)]!
    const name = where === 'handler' ? 'store' : where === 'batch' ? 'auditor' : undefined
    const plan: KillPlan = {
      name: name ?? names[random.below(4)]!,
      where,
      nth: 1 + random.below(8),
    }
    kills.push(plan)
    world.killAt(plan)
    for (let wait = 0; wait < 6 && world.killPending; wait++) await world.runFor(10)
  }
  for (const where of ['message', 'batch', 'handler'] as const) {
    killed[where] += world.killed[where]
  }
  // Long enough for every backoff, retry and deadline.
  await world.runFor(5_000)
  const at = `seed ${seed} ${JSON.stringify(kills)}`
  const held = Object.fromEntries([...system.disk.values].sort())
  for (const status of world.states()) expect(status.state, at).toBe('running')
  const copy = (values: Map<string, number> | undefined) =>
    Object.fromEntries([...(values ?? [])].sort())
  expect(copy(system.shown.reader?.values), at).toEqual(held)
  expect(copy(system.shown.mirror?.values), at).toEqual(held)
  expect(copy(system.shown.auditor), at).toEqual(held)
  expect(await world.stop(), at).toBe('clean')
  return {
    killed: Object.values(world.killed).reduce((sum, count) => sum + count),
    asks: system.outcomes.length,
    ok: system.outcomes.filter((outcome) => outcome === 'ok').length,
  }
}

test('after 1,000 kills at random message boundaries every copy equals its source', async () => {
  const killed = { message: 0, batch: 0, handler: 0 }
  let bitten = 0
  let asks = 0
  let ok = 0
  for (let seed = 1; bitten < 1_000; seed++) {
    const report = await live(seed, killed)
    asks += report.asks
    ok += report.ok
    if (report.killed > 0) bitten++
    expect(seed, 'the planned kills happen').toBeLessThan(1_500)
  }
  console.log(
    `1,000 seeds with kills: ${killed.message} between batches, ${killed.batch} in the middle of ` +
      `a batch, ${killed.handler} in the middle of a commit; ${asks} requests ended, ${ok} answered`,
  )
  for (const count of Object.values(killed)) expect(count).toBeGreaterThan(100)
  expect(ok).toBeGreaterThan(asks / 2)
}, 60_000)
