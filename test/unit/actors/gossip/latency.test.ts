/**
 * Goal: learned round-trip times travel from an agent to the latency actor of each overwatch, on
 * the services it has and no others, and records of them between overwatches, past the registry.
 * Method: gossip actors on a network in memory, on a virtual clock.
 */
import { expect, test } from 'vitest'
import { GossipActors } from '../../../harness/gossip-actors.ts'

const row = (index: number) => ({
  subnet: `10.${index >> 8}.${index & 255}.0/24`,
  rttMs: 12.5,
  samples: 9,
  lastSeenMs: 1_750_000_000_000,
  deviationMs: 1.25,
  minMs: 11,
})

async function pair() {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const agent = await actors.agent(1)
  agent.behaviour.receive['prober.verdict-changed']({
    ...{ target: 'web:10.0.1.1:80', verdict: 'up', atMs: 1, reason: '' },
  })
  await actors.until(() => overwatch.reportOf(agent.agentId) !== undefined, 5_000)
  const tell = (service: string, count: number) =>
    agent.behaviour.receive['latency.rows-measured']({
      service,
      rows: Array.from({ length: count }, (_, index) => row(index)),
    })
  return { actors, overwatch, agent, tell }
}

test('rows of an agent reach the latency actor of its overwatch, on services it has', async () => {
  const { actors, overwatch, agent, tell } = await pair()
  tell('web', 2)
  tell('other', 2)
  await actors.run(1_000)
  expect(overwatch.said('gossip.latency-reported')).toEqual([
    { agentId: agent.agentId, region: 'eu', services: ['web'], rows: [row(0), row(1)] },
  ])
})

test('a page of the most rows arrives whole', async () => {
  const { actors, overwatch, tell } = await pair()
  tell('web', 300)
  await actors.run(2_000)
  const rows = overwatch.said('gossip.latency-reported').flatMap((message) => message.rows)
  expect(rows).toHaveLength(300)
  expect(rows.at(-1)).toEqual(row(299))
})

test('records of rows go to other overwatches and not to the registry', async () => {
  const { actors, overwatch } = await pair()
  const other = await actors.overwatch(2, { seeds: ['10.0.0.1:7946'] })
  const body = new Uint8Array(5_000).fill(7)
  const nowMs = Math.floor(actors.clock.nowMs())
  const record = { kind: 'latency', id: 'ow1/0', origin: 'ow1', stamp: nowMs, seq: 0 }
  const whole = { ...record, keepUntilMs: nowMs + 3_600_000, body }
  overwatch.behaviour.receive['latency.record-told'](whole)
  const learned = () => other.said('gossip.latency-record-learned')
  await actors.until(() => learned().length > 0, 20_000)
  expect(learned()[0]).toMatchObject({ ...record, body })
  const kept = [overwatch, other].flatMap((one) => one.said('gossip.record-learned'))
  expect(kept.filter(({ kind }) => kind === 'latency')).toEqual([])
  // A latency actor that starts anew holds nothing, and is told again.
  other.behaviour.onPeerStarted?.('latency')
  expect(learned()).toHaveLength(2)
})
