import { describe, expect, test } from 'vitest'
import { alarmsOf, type State } from '../../../src/dashboard/alarms.ts'
import type { BackendTold } from '../../../src/dashboard/shapes.ts'

const NOW = Date.UTC(2026, 10, 21, 12)

const backend = (over: BackendTold = {}): BackendTold => ({
  service: 'app.test',
  address: '10.0.0.1',
  port: 80,
  effective_status: 'healthy',
  serving: true,
  ...over,
})

const told = (over: Partial<State>) =>
  alarmsOf({ backends: [], held: [], agents: [], drains: [], ...over }, NOW).map(
    ({ level, title, detail }) => [level, title, detail],
  )

describe('alarms', () => {
  test('a deployment in order has none', () => {
    expect(told({ backends: [backend()], agents: [{ agent_id: 'a', connected: true }] })).toEqual(
      [],
    )
  })

  test('a name that nobody serves comes first and is the worst', () => {
    const down = backend({ effective_status: 'unhealthy', serving: false })
    expect(told({ backends: [down, backend({ service: 'web.test' })] })).toEqual([
      ['bad', 'Nobody serves app.test', 'none of 1 backend is in service'],
      ['warn', '1 backend unhealthy', 'app.test at 10.0.0.1'],
    ])
  })

  test('the guard-rail says what it holds and why', () => {
    const held = [{ domain: 'app.test', reason: 'no-servers', servers: ['a', 'b'] }]
    expect(told({ held })).toEqual([
      [
        'warn',
        'Guard-rail holds 2 servers of app.test',
        'the configuration leaves the name without servers',
      ],
    ])
  })

  test('agents that are not heard and certificates that end count, revoked ones do not', () => {
    const agents = [
      { agent_id: 'a', connected: false },
      { agent_id: 'b', connected: false, revoked: true },
      { agent_id: 'c', connected: true, expires_in_hours: 20 },
    ]
    expect(told({ agents }).map(([, title]) => title)).toEqual([
      '1 agent not heard',
      '1 agent with a certificate that ends within 30 days',
    ])
  })

  test('orders are notes, and a drain tells when it is safe', () => {
    const backends = [backend({ override_status: true })]
    const byTime = (offsetMs: number) => new Date(NOW + offsetMs).toISOString()
    const drains = [
      { safe: true },
      { safe: 'unknown' },
      { safe: 'unknown', safe_by_time: byTime(-1) },
      { safe: 'unknown', safe_by_time: byTime(1) },
      { safe: false, safe_by_time: byTime(-1) },
    ] as const
    expect(told({ backends, drains })).toEqual([
      ['note', '1 override in force', 'app.test at 10.0.0.1'],
      ['note', '5 drains under way', '2 safe to stop'],
    ])
  })

  test('one that stays keeps its key, one that grows gets another', () => {
    const down = (address: string) => backend({ address, effective_status: 'unhealthy' })
    const keys = (...backends: BackendTold[]) =>
      alarmsOf({ backends, held: [], agents: [], drains: [] }, NOW).map(({ key }) => key)
    expect(keys(down('1'), down('2'))).toEqual(keys(down('2'), down('1')))
    expect(keys(down('1'))).not.toEqual(keys(down('1'), down('2')))
  })
})
