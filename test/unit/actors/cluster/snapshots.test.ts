// Goal: a node saves a snapshot each interval in which the store changed, none without a leader,
// not two at once, and says once that it cannot.
import { expect, test } from 'vitest'
import type { SnapshotOutcome } from '../../../../src/actors/cluster/contract.ts'
import { Snapshots } from '../../../../src/actors/cluster/snapshots.ts'
import type { ClusterCtx } from '../../../../src/actors/cluster/standing.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const EVERY_MS = 1_000

function start(outcome: SnapshotOutcome = { code: 'saved', bytes: 100 }, tookMs = 0) {
  const { ctx, clock, logs } = fakeCtx('cluster')
  const world = { revision: 1, leads: true, outcome }
  let calls = 0
  const snapshots = new Snapshots({
    ctx: ctx as ClusterCtx,
    ports: {
      saveSnapshot: (folder) =>
        new Promise((resolve) => {
          expect(folder).toBe('/raft')
          calls++
          clock.after(tookMs, () => resolve(world.outcome))
        }),
    },
    ...{ folder: '/raft', intervalMs: EVERY_MS },
    revision: () => world.revision,
    hasLeader: () => world.leads,
  })
  snapshots.start()
  const pass = async (intervals: number) => {
    await clock.advanceAsync(intervals * EVERY_MS)
    return calls
  }
  return { snapshots, world, pass, clock, logs }
}

test('each change is saved once, at the next interval', async () => {
  const { snapshots, world, pass, clock } = start()
  expect(await pass(5)).toBe(1)
  expect(snapshots.lastMs).toBeGreaterThan(clock.nowMs() - 5 * EVERY_MS)
  world.revision = 2
  expect(await pass(3)).toBe(2)
  expect(snapshots.counts).toEqual({ saved: 2, failed: 0 })
})

test('nothing is saved before the store was read, nor without a leader', async () => {
  const { world, pass } = start()
  world.revision = 0
  expect(await pass(3)).toBe(0)
  Object.assign(world, { revision: 4, leads: false })
  expect(await pass(3)).toBe(0)
  world.leads = true
  expect(await pass(3)).toBe(1)
})

test('one that takes long is waited for', async () => {
  const { world, pass } = start({ code: 'saved', bytes: 1 }, 3.5 * EVERY_MS)
  world.revision = 7
  expect(await pass(3)).toBe(1)
})

test('one that failed is tried again, and told once', async () => {
  const { snapshots, world, pass, logs } = start({ code: 'failed', message: 'no space' })
  await pass(4)
  expect(snapshots.counts.failed).toBeGreaterThan(2)
  expect(logs.filter(({ message }) => message === 'no snapshot saved')).toHaveLength(1)
  world.outcome = { code: 'saved', bytes: 1 }
  await pass(2)
  expect(snapshots.counts.saved).toBe(1)
  expect(logs.some(({ message }) => message.includes('saved again'))).toBe(true)
})
