// Goal: agents that sign nothing are refused unless that is allowed, and then heard in order.
// Method: messages as the Go program writes them.
import { describe, expect, test } from 'vitest'
import { octetsOf } from '../../../../../src/core/gossip/app/crypto.ts'
import { agentId, FROM, pinned, reports, wire } from '../../../../harness/agent-frames.ts'
import { kindsOf, receiverOf, settingsOf, START } from '../../../../harness/agents.ts'

describe('agents that sign nothing', () => {
  const plain = (over: Record<string, unknown> = {}, at = '12:00:00.000000001') =>
    octetsOf(
      JSON.stringify({
        type: 'heartbeat',
        agent_id: 'us-6ca5f88d2d98',
        region: 'us',
        timestamp: `2026-11-21T${at}Z`,
        payload: { backends: [wire({ service: 'any.service' })], fingerprint: '' },
        ...over,
      }),
    )

  test('are refused, and the setting that admits them is named', () => {
    const receiver = receiverOf()
    const [refusal] = receiver.receive(plain(), FROM, START)
    expect(refusal?.kind === 'refusal' && refusal.refusal).toMatchObject({
      code: 'unsigned',
      times: 1,
    })
    expect(JSON.stringify(refusal)).toContain('overwatch.gossip.allow_unsigned_agents')
    expect(receiver.unsigned).toBe(1)
  })

  test('are heard where that is allowed, in the order of their own time', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    const first = receiver.receive(plain(), FROM, START)
    expect(reports(first)[0]).toMatchObject({
      agentId: 'us-6ca5f88d2d98',
      boot: START - 50,
      seq: 1,
    })
    const down = { payload: { backends: [wire({ service: 'any.service', healthy: false })] } }
    expect(
      reports(receiver.receive(plain(down, '12:00:02.5'), FROM, START + 2_500))[0],
    ).toMatchObject({
      seq: 2,
    })
    expect(receiver.receive(plain({}, '12:00:01'), FROM, START + 2_600)).toEqual([])
    const bare = { payload: { backends: null, fingerprint: '' } }
    expect(kindsOf(receiver.receive(plain(bare, '12:00:03'), FROM, START + 3_000))).toEqual([
      'seen',
    ])
  })

  test('may not speak for an agent that is pinned', () => {
    const receiver = pinned({ allowUnsigned: true })
    receiver.receive(plain({ agent_id: agentId }), FROM, START)
    expect(receiver.refusalCounts.get('unsigned-for-pinned')).toBe(1)
  })

  test('register and deregister single backends', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    const one = { service: 'web', address: '10.0.0.7', port: 80, weight: 5 }
    const two = { ...one, port: 81 }
    const say = (type: string, payload: object, second: number) =>
      receiver.receive(plain({ type, payload }, `12:00:0${second}`), FROM, START + second * 1_000)
    expect(reports(say('register', one, 1))[0]?.backends).toMatchObject([
      { healthy: true, port: 80 },
    ])
    expect(reports(say('register', two, 2))[0]?.backends).toHaveLength(2)
    expect(reports(say('deregister', one, 3))[0]?.backends).toMatchObject([{ port: 81 }])
    expect(kindsOf(say('deregister', two, 4))).toEqual(['left'])
    expect(say('register', one, 2)).toEqual([])
  })

  test('are out at once when the setting is withdrawn', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    receiver.receive(plain(), FROM, START)
    expect(kindsOf(receiver.configure(settingsOf(), START))).toEqual(['left'])
  })

  test('bring latencies too', () => {
    const receiver = receiverOf({ allowUnsigned: true })
    const payload = {
      backend: 'web',
      subnets: [
        {
          subnet: '10.99.0.0/24',
          ewma_ns: 17_000,
          sample_count: 1,
          last_seen: '2026-11-20T23:54:16.643636133Z',
        },
      ],
    }
    const [output] = receiver.receive(plain({ type: 'latency_report', payload }), FROM, START)
    expect(output).toMatchObject({
      kind: 'latency',
      service: 'web',
      rows: [{ subnet: '10.99.0.0/24', rttMs: 0.017, samples: 1 }],
    })
  })
})
