// Goal: the machine is judged on its beat, whatever an application's page takes to come.
import { expect, test } from 'vitest'
import type { ErrorCounts, VitalsConfig } from '../../../../src/actors/vitals/contract.ts'
import { Readings } from '../../../../src/actors/vitals/readings.ts'
import { Service } from '../../../../src/actors/vitals/service.ts'
import { fakeCtx } from '../../../harness/ctx.ts'

const SECOND = 1_000
const rule = { threshold: 80, windowMs: 3 * SECOND, bleedMs: 4 * SECOND }
const rules = {
  ...{ cpu: rule, memory: rule, errors: { ...rule, threshold: 5 } },
  ...{ hysteresisShare: 0.1, intervalMs: SECOND },
}
const errorSource = { kind: 'metrics', url: 'http://x/', errors: 'e', total: 't' } as const

test('a page that is slow to come hides no load, and is not asked for twice', async () => {
  const { ctx, clock } = fakeCtx('vitals')
  const answers: ((counts: ErrorCounts | undefined) => void)[] = []
  const config: VitalsConfig = {
    ...{ agentId: 'eu-1', backends: [], drainFile: '', drainStatePath: '', countClients: false },
    errorSource,
  }
  let busy = 0
  const ports = {
    readMachine: async () => {
      busy += 95
      return { cpu: { busy, whole: busy / 0.95 } }
    },
    readErrors: () => new Promise<ErrorCounts | undefined>((resolve) => answers.push(resolve)),
  } as unknown as ConstructorParameters<typeof Readings>[1]
  const readings = new Readings(ctx, ports, config, rules, new Service(), () => {})
  await clock.advanceAsync(10 * SECOND)
  expect(answers).toHaveLength(1)
  expect(readings.vitals).toMatchObject({ cpuPercent: 95, reason: 'cpu_threshold_exceeded' })
  // The page counts once it is there, and is asked for again at the next beat.
  for (const errors of [0, 50]) {
    answers.at(-1)!({ errors, total: errors * 2 })
    await clock.advanceAsync(SECOND)
  }
  expect(answers).toHaveLength(3)
  expect(readings.vitals?.errorPercent).toBe(50)
  readings.stop()
  answers.at(-1)!({ errors: 50, total: 1_000 })
  await clock.advanceAsync(SECOND)
  expect(readings.vitals?.errorPercent).toBe(50)
})

test.each([-3_600, 3_600])(
  'a clock set by %i s neither freezes the share nor moves it',
  async (by) => {
    const { ctx, clock } = fakeCtx('vitals')
    const config: VitalsConfig = {
      ...{ agentId: 'eu-1', backends: [], drainFile: '', drainStatePath: '', countClients: false },
    }
    let [busy, whole, percent] = [0, 0, 95]
    const ports = {
      readMachine: async () => {
        busy += percent
        whole += 100
        return { cpu: { busy, whole } }
      },
    } as unknown as ConstructorParameters<typeof Readings>[1]
    const readings = new Readings(ctx, ports, config, rules, new Service(), () => {})
    await clock.advanceAsync(5 * SECOND)
    const before = readings.vitals!.share
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(1_000)
    clock.setUnixMs(clock.nowMs() + by * SECOND)
    await clock.advanceAsync(250)
    expect(readings.vitals!.share).toBeGreaterThan(0)
    expect(readings.vitals!.atMs).toBeGreaterThan(clock.nowMs() - SECOND)
    percent = 5
    await clock.advanceAsync(30 * SECOND)
    expect(readings.vitals).toMatchObject({ share: 1_000, signal: 'none' })
    readings.stop()
  },
)
