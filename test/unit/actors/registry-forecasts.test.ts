// Goal: under thresholds of the cluster the servers of a machine with too much to do take less,
// whatever its agent asks for itself; the floor of the pool holds, and silence ends it.
import { expect, test } from 'vitest'
import { A, B, START_MS } from './registry-world.ts'
import { backendAt, worldOf } from './registry-agents-world.ts'

const foresight = {
  ...{ cpu: 80, memory: 85, errors: 5, errorsWindowMs: 10_000 },
  ...{ bleedMs: 4_000, hysteresisShare: 0.1 },
}

async function start(bleedFloor: number) {
  const world = await worldOf([A, B], {}, { foresight, bleedFloor })
  for (const address of [A, B]) world.verdict(address, 'up')
  const tell = (address: string, cpuPercent: number, share = 1_000) => {
    const signal = share < 1_000 ? ('bleed' as const) : ('none' as const)
    const vitals = { atMs: START_MS, signal, reason: '', sinceMs: START_MS, cpuPercent, share }
    world.report(`agent-${address}`, [backendAt(address)], { vitals })
  }
  return { ...world, tell, pass: (ms: number) => world.clock.advanceAsync(ms) }
}

test('the one above the threshold of the cluster takes nothing after the bleed', async () => {
  const { tell, pass, shares, ctx } = await start(0.01)
  tell(A, 95)
  tell(B, 40)
  await pass(3_000)
  expect(shares()[A]).toBeLessThan(1_000)
  await pass(4_000)
  expect(shares()).toEqual({ [A]: 0, [B]: 1_000 })
  tell(A, 20)
  await pass(9_000)
  expect(shares()[A]).toBeGreaterThan(0)
  expect(ctx).toBeDefined()
})

test('when all have too much to do the pool keeps its floor', async () => {
  const { tell, pass, shares } = await start(0.5)
  tell(A, 95)
  tell(B, 95)
  await pass(8_000)
  expect(shares()).toEqual({ [A]: 500, [B]: 500 })
})

test('an agent that asks for less than the cluster would is given less', async () => {
  const { tell, pass, shares } = await start(0.01)
  tell(A, 50, 300)
  await pass(2_000)
  expect(shares()[A]).toBe(300)
})

test('an agent that fell silent is judged by its checks alone', async () => {
  const { tell, pass, shares, seen } = await start(0.01)
  tell(A, 95)
  await pass(6_000)
  expect(shares()[A]).toBe(0)
  for (let at = 0; at < 3; at++) {
    seen(`agent-${B}`)
    await pass(5_000)
  }
  expect(shares()[A]).toBe(1_000)
})
