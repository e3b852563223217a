/**
 * In the place of the prober: an actor that notes so many events a second, each with the moment it
 * was made.
 */
import { defineActor } from '../../src/actors/define.ts'

export interface SourceConfig {
  readonly perSecond: number
}

const TICK_MS = 5

export const openPorts = () => ({})

export const prober = defineActor('prober', (ctx, _: object, first: SourceConfig) => {
  let { perSecond } = first
  let owed = 0
  let made = 0
  let lastMs = ctx.clock.monotonicMs()
  const cancel = ctx.clock.every(TICK_MS, 0, () => {
    const nowMs = ctx.clock.monotonicMs()
    owed += ((nowMs - lastMs) / 1_000) * perSecond
    lastMs = nowMs
    for (; owed >= 1; owed--) {
      made++
      const atMs = ctx.clock.nowMs()
      ctx.publish('prober.event-noted', {
        ...{ topic: 'health', event: 'status-changed', service: 'app.bench.test' },
        ...{ region: 'local', atMs },
        data: {
          ...{ backend: 'app.bench.test:192.0.2.1:80', address: '192.0.2.1', port: 80 },
          ...{ old_status: 'healthy', new_status: 'unhealthy', old_cause: 'validation' },
          ...{ cause: 'validation', serving: false, reason: 'refused', made },
        },
      })
    }
  })
  return {
    receive: {
      'registry.targets-set': () => {},
      'registry.check-wanted': () => {},
      'api.list-checks': () => ({ checks: [] }),
      'api.count-checks': () => ({ passed: made, failed: 0, inconclusive: 0, late: 0 }),
    },
    onReconfigured: (next) => {
      perSecond = next.perSecond
      lastMs = ctx.clock.monotonicMs()
      owed = 0
    },
    onStop: () => cancel(),
  }
})
