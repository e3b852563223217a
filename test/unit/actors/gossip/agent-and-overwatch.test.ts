// Goal: whatever starts first, restarts or is lost, an overwatch holds what the agent says.
// Method: gossip actors on a network in memory, on a virtual clock.
import { expect, test } from 'vitest'
import { GossipActors } from '../../../harness/gossip-actors.ts'

test('an agent that joins is believed, and its backend reported within a second', async () => {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const agent = await actors.agent(1)
  agent.behaviour.receive['prober.verdict-changed']({
    target: 'web:10.0.1.1:80',
    verdict: 'up',
    atMs: 1,
    reason: '',
  })
  const tookMs = await actors.until(
    () => overwatch.reportOf(agent.agentId)?.backends[0]?.healthy === true,
    5_000,
  )
  expect(tookMs).toBeLessThan(1_000)
  expect(overwatch.reportOf(agent.agentId)).toMatchObject({
    region: 'eu',
    backends: [{ service: 'web', address: '10.0.1.1', port: 80, weight: 100, healthy: true }],
  })
  expect(overwatch.said('gossip.agent-reported').at(-1)?.hearsay).toBe(false)
})
