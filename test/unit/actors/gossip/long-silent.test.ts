// Goal: what is decided of an agent that has been silent for long reaches the registry, and nobody
// takes its old report for a sign of life.
import { expect, test } from 'vitest'
import { GossipActors } from '../../../harness/gossip-actors.ts'

async function longSilent() {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const { agentId } = await actors.agent(1)
  await actors.run(5_000)
  actors.network.kill('10.0.1.1')
  await actors.run(400_000)
  return { actors, overwatch, agentId }
}

test('a key that is revoked takes its servers along, however long it was silent', async () => {
  const { actors, overwatch, agentId } = await longSilent()
  const other = await actors.overwatch(2, { seeds: ['10.0.0.1:7946'] })
  await actors.run(5_000)
  const { receive } = overwatch.behaviour
  await receive['api.revoke-agent']({ agentId, reason: 'host lost', by: 'me' })
  await actors.run(5_000)
  for (const one of [overwatch, other])
    expect(one.said('gossip.agent-left')).toMatchObject([{ agentId, reason: 'revoked' }])
})

test('so does one that is forgotten', async () => {
  const { actors, overwatch, agentId } = await longSilent()
  await overwatch.behaviour.receive['api.forget-agent']({ agentId, by: 'me' })
  await actors.run(1_000)
  expect(overwatch.said('gossip.agent-left')).toMatchObject([{ agentId, reason: 'forgotten' }])
})

test('an overwatch that joins takes an old report for as old as it is', async () => {
  const { actors, agentId } = await longSilent()
  const joined = await actors.overwatch(2, { seeds: ['10.0.0.1:7946'] })
  await actors.run(10_000)
  const reports = joined.said('gossip.agent-reported')
  expect(reports).toMatchObject([{ agentId, hearsay: true }])
  expect(actors.clock.nowMs() - reports[0]!.report.atMs).toBeGreaterThan(400_000)
  expect(joined.said('gossip.agent-seen')).toEqual([])
})
