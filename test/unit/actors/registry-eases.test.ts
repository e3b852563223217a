// Goal: what agents tell of their machines becomes shares of their servers, a step an interval,
// never below the least nor the floor of the pool, besides what agents ask for themselves. Of
// metrics opengslb_backend_capacity_share_ratio moves.
import { expect, test } from 'vitest'
import { A, B, START_MS } from './registry-world.ts'
import { backendAt, worldOf } from './registry-agents-world.ts'
import { keyOf } from '../core/health/sample.ts'

const capacity = { band: 0.1, step: 50, least: 250 }

async function start(bleedFloor = 0.01) {
  const world = await worldOf([A, B], {}, { capacity, bleedFloor })
  for (const address of [A, B]) world.verdict(address, 'up')
  const tell = (cpu: Readonly<Record<string, number>>, share = 1_000) => {
    for (const [address, cpuPercent] of Object.entries(cpu)) {
      const signal = share < 1_000 ? ('bleed' as const) : ('none' as const)
      const vitals = { atMs: START_MS, signal, reason: '', sinceMs: START_MS }
      const fields = { vitals: { ...vitals, cpuPercent, share } }
      world.report(`agent-${address}`, [backendAt(address)], fields)
    }
  }
  const intervals = async (count: number, cpu: Readonly<Record<string, number>>, share = 1_000) => {
    for (let round = 0; round < count; round++) {
      // Twice, so that nobody seems silent.
      for (let half = 0; half < 2; half++) {
        tell(cpu, share)
        await world.clock.advanceAsync(5_000)
      }
    }
  }
  return { ...world, intervals }
}

test('the one that works harder gives up a step each interval, down to the least', async () => {
  const { intervals, shares, metrics } = await start()
  await intervals(1, { [A]: 95, [B]: 45 })
  expect(shares()).toEqual({ [A]: 950, [B]: 1_000 })
  await intervals(1, { [A]: 95, [B]: 45 })
  expect(shares()).toEqual({ [A]: 900, [B]: 1_000 })
  await intervals(20, { [A]: 95, [B]: 45 })
  expect(shares()).toEqual({ [A]: 250, [B]: 1_000 })
  const labels = { domain: 'app', server: keyOf('app', A) }
  expect(metrics.value('opengslb_backend_capacity_share_ratio', labels)).toBe(0.25)
})

test('within the band nothing moves, and with less work the share comes back', async () => {
  const { intervals, shares } = await start()
  await intervals(4, { [A]: 90, [B]: 50 })
  const held = shares()
  expect(held[A]).toBe(800)
  await intervals(5, { [A]: 58, [B]: 50 })
  expect(shares()).toEqual(held)
  await intervals(10, { [A]: 40, [B]: 60 })
  expect(shares()[A]).toBe(1_000)
})

test('the floor of the pool holds besides', async () => {
  const { intervals, shares } = await start(0.9)
  await intervals(20, { [A]: 95, [B]: 45 })
  const own = shares()
  expect((own[A]! + own[B]!) / 2).toBeGreaterThanOrEqual(900)
})

test('what an agent asks for is eased as well', async () => {
  const { intervals, shares } = await start()
  await intervals(2, { [A]: 95, [B]: 45 }, 500)
  expect(shares()).toEqual({ [A]: 450, [B]: 500 })
})

test('an agent that fell silent is compared with nobody', async () => {
  const { intervals, shares, clock, seen } = await start()
  await intervals(4, { [A]: 95, [B]: 45 })
  expect(shares()[A]).toBe(800)
  for (let round = 0; round < 8; round++) {
    seen(`agent-${B}`)
    await clock.advanceAsync(10_000)
  }
  expect(shares()[A]).toBe(1_000)
})
