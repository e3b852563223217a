/**
 * Goal: of names that start together each has a server with a verdict before any has two, and still
 * all servers are checked as soon as ever. Method: the actor on a virtual clock.
 */
import { expect, test } from 'vitest'
import { prober } from '../../../src/actors/prober/actor.ts'
import { proberDefaults } from '../../../src/actors/prober/contract.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { memberOf } from '../core/health/sample.ts'

const SERVICES = 40
const SERVERS = 4

/** Services in the order in which their servers are checked first. */
async function checkedOf(serversOf: (service: number) => number) {
  const { ctx, clock } = fakeCtx('prober')
  const checked = new Map<string, string>()
  const probe = async ({ key, service }: { key: string; service: string }) => {
    if (!checked.has(key)) checked.set(key, service)
    return { ok: true, latencyMs: 1 }
  }
  const { receive } = await prober.start(ctx, { probe }, proberDefaults)
  const targets = Array.from({ length: SERVICES }, (_, service) => service).flatMap((service) =>
    Array.from({ length: serversOf(service) }, (_, server) => {
      const member = memberOf(`app-${service}`, `192.0.2.${server}`)
      return { member, lastVerdict: 'unknown' as const }
    }),
  )
  receive['registry.targets-set']({ targets })
  await clock.advanceAsync(limits.probeUnknownIntervalMs.default)
  return { checked: [...checked.values()], targets }
}

test('a server of each service is checked before a second of any', async () => {
  const { checked, targets } = await checkedOf(() => SERVERS)
  for (let turn = 0; turn < SERVERS; turn++) {
    const from = turn * SERVICES
    expect(new Set(checked.slice(from, from + SERVICES)).size).toBe(SERVICES)
  }
  expect(checked).toHaveLength(targets.length)
})

test('a service of many servers waits for none of few', async () => {
  const { checked } = await checkedOf((service) => (service === 0 ? 100 : 1))
  const first = checked.indexOf('app-0')
  expect(first).toBeLessThan(SERVICES)
  expect(checked).toHaveLength(100 + SERVICES - 1)
})
