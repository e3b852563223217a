// Goal: whatever starts first, restarts or is lost, an overwatch holds what the agent says.
// Method: gossip actors on a network in memory, on a virtual clock.
import { describe, expect, test } from 'vitest'
import { agentIdOf, toPem } from '../../../../src/core/gossip/app/certificate.ts'
import type { AgentKey } from '../../../../src/core/gossip/app/crypto.ts'
import { keyOf, START } from '../../../harness/agents.ts'
import type { RunningGossip } from '../../../harness/gossip-actors.ts'
import { GossipActors } from '../../../harness/gossip-actors.ts'

type Agent = RunningGossip & { readonly agentId: string }

const say = (agent: Agent, verdict: 'up' | 'down', reason = '') =>
  agent.behaviour.receive['prober.verdict-changed']({
    target: 'web:10.0.1.1:80',
    verdict,
    atMs: 1,
    reason,
  })

const healthOf = (overwatch: RunningGossip, { agentId }: Agent) =>
  overwatch.reportOf(agentId)?.backends[0]?.healthy

/** One overwatch that believes one agent. */
async function pair(actors: GossipActors) {
  const overwatch = await actors.overwatch(1)
  const agent = await actors.agent(1)
  say(agent, 'up')
  await actors.until(() => healthOf(overwatch, agent) === true, 5_000)
  return { overwatch, agent }
}

test('an agent that joins is believed, and its backend reported within a second', async () => {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const agent = await actors.agent(1)
  say(agent, 'up')
  const tookMs = await actors.until(() => healthOf(overwatch, agent) === true, 5_000)
  expect(tookMs).toBeLessThan(1_000)
  expect(overwatch.reportOf(agent.agentId)).toMatchObject({
    region: 'eu',
    backends: [{ service: 'web', address: '10.0.1.1', port: 80, weight: 100, healthy: true }],
  })
  expect(overwatch.said('gossip.agent-reported').at(-1)?.hearsay).toBe(false)
})

test('an agent starts before any overwatch, and is heard soon after one starts', async () => {
  const actors = new GossipActors()
  const agent = await actors.agent(1)
  say(agent, 'up')
  await actors.run(120_000)
  const overwatch = await actors.overwatch(1)
  const tookMs = await actors.until(() => healthOf(overwatch, agent) === true, 30_000)
  // The datagram a second finds it, not the attempts that have backed off.
  expect(tookMs).toBeLessThan(2_000)
})

test('an overwatch that is killed and started again is told everything within two seconds', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  await actors.run(30_000)
  actors.network.kill('10.0.0.1')
  await actors.run(300)
  const restarted = await actors.overwatch(1)
  const tookMs = await actors.until(() => healthOf(restarted, agent) === true, 30_000)
  expect(tookMs).toBeLessThan(2_000)
  expect(healthOf(overwatch, agent)).toBe(true)
  expect(agent.world.logs.some(({ message }) => message === 'overwatch restarted')).toBe(true)
})

test('an overwatch that is another process the next instant is told everything', async () => {
  const actors = new GossipActors()
  const { agent } = await pair(actors)
  await actors.run(12_345)
  // Nobody had the time to miss it: only its answer to a ping tells of another start.
  actors.network.kill('10.0.0.1')
  const restarted = await actors.overwatch(1)
  const tookMs = await actors.until(() => healthOf(restarted, agent) === true, 30_000)
  expect(tookMs).toBeLessThan(2_000)
})

test('an overwatch that was taken for dead is told everything within two seconds', async () => {
  const actors = new GossipActors()
  const { agent } = await pair(actors)
  actors.network.kill('10.0.0.1')
  await actors.run(120_000)
  expect(agent.membersAlive()).toEqual([agent.agentId])
  const restarted = await actors.overwatch(1)
  const tookMs = await actors.until(() => healthOf(restarted, agent) === true, 30_000)
  expect(tookMs).toBeLessThan(2_500)
})

test('an overwatch that stopped in order and came back is told everything', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  await actors.stop(overwatch)
  await actors.run(60_000)
  const restarted = await actors.overwatch(1)
  const tookMs = await actors.until(() => healthOf(restarted, agent) === true, 30_000)
  expect(tookMs).toBeLessThan(2_500)
})

test('a change of health is heard within 100 ms', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  say(agent, 'down', 'refused')
  const tookMs = await actors.until(() => healthOf(overwatch, agent) === false, 5_000, 10)
  expect(tookMs).toBeLessThan(100)
  expect(overwatch.reportOf(agent.agentId)?.backends[0]?.reason).toBe('refused')
})

test('one lost datagram loses nothing: the change is heard within 300 ms', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  await actors.run(1_000)
  let left = 1
  actors.network.passes = (from, _to, octets) =>
    !(from.startsWith('10.0.1.1:') && octets.length > 300 && left-- > 0)
  say(agent, 'down', 'refused')
  const tookMs = await actors.until(() => healthOf(overwatch, agent) === false, 5_000, 10)
  expect(left).toBeLessThan(1)
  expect(tookMs).toBeLessThan(300)
})

test('with every third datagram lost nobody dies and all changes are heard', async () => {
  const actors = new GossipActors(3)
  const { overwatch, agent } = await pair(actors)
  actors.network.loss = 0.33
  for (const verdict of ['down', 'up', 'down', 'up'] as const) {
    say(agent, verdict)
    const wanted = verdict === 'up'
    const tookMs = await actors.until(() => healthOf(overwatch, agent) === wanted, 20_000)
    expect(tookMs).toBeLessThan(5_000)
  }
  expect(overwatch.said('gossip.agent-left')).toEqual([])
})

test('an agent whose clock is set back or forth says that it lives at every interval', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  for (const byMs of [-3_600_000, 7_200_000]) {
    actors.clock.setUnixMs(actors.clock.nowMs() + byMs)
    const before = overwatch.said('gossip.agent-seen').length
    await actors.run(60_000)
    expect(overwatch.said('gossip.agent-seen').length - before).toBeGreaterThanOrEqual(5)
    expect(overwatch.said('gossip.agent-seen').length - before).toBeLessThanOrEqual(8)
  }
  // What is said meanwhile is confirmed, and the farewell is heard.
  actors.clock.setUnixMs(START)
  say(agent, 'down', 'refused')
  expect(await actors.until(() => healthOf(overwatch, agent) === false, 5_000, 10)).toBeLessThan(
    100,
  )
  const startMs = actors.clock.monotonicMs()
  await actors.stop(agent)
  expect(actors.clock.monotonicMs() - startMs).toBeLessThan(2_000)
})

test('an agent that is stopped deregisters, and its backend leaves at once', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  const startMs = actors.clock.monotonicMs()
  await actors.stop(agent)
  expect(actors.clock.monotonicMs() - startMs).toBeLessThan(2_000)
  expect(overwatch.said('gossip.agent-left')).toMatchObject([
    { agentId: agent.agentId, reason: 'deregistered' },
  ])
  await actors.run(1_000)
  expect(overwatch.membersAlive()).toEqual(['ow1'])
})

test('an agent stops within a second and a half though no overwatch answers', async () => {
  const actors = new GossipActors()
  const { agent } = await pair(actors)
  actors.network.kill('10.0.0.1')
  const startMs = actors.clock.monotonicMs()
  await actors.stop(agent)
  expect(actors.clock.monotonicMs() - startMs).toBeLessThanOrEqual(1_600)
})

test('a revoked agent leaves at once and is refused from then on', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  const revoke = overwatch.behaviour.receive['api.revoke-agent']
  const { agentId } = agent
  expect(await revoke({ agentId, reason: 'lost laptop', by: 'me' })).toMatchObject({
    outcome: 'done',
  })
  expect(overwatch.said('gossip.agent-left')).toMatchObject([{ agentId, reason: 'revoked' }])
  say(agent, 'down')
  await actors.run(60_000)
  expect(overwatch.reportOf(agentId)).toBeUndefined()
  const { agents } = await overwatch.behaviour.receive['api.list-agents']({})
  expect(agents).toMatchObject([{ agentId, revoked: true, revokedReason: 'lost laptop' }])
  expect(await revoke({ agentId, reason: '', by: 'me' })).toMatchObject({ outcome: 'already-done' })
  expect(await revoke({ agentId: 'nobody', reason: '', by: '' })).toMatchObject({
    outcome: 'not-found',
  })
})

test('a forgotten agent proves its right again and is back within seconds', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  const { agentId } = agent
  await overwatch.behaviour.receive['api.forget-agent']({ agentId, by: 'me' })
  expect(overwatch.said('gossip.agent-left')).toMatchObject([{ agentId, reason: 'forgotten' }])
  const tookMs = await actors.until(() => healthOf(overwatch, agent) === true, 30_000)
  expect(tookMs).toBeLessThan(11_000)
})

describe('a pin by the word of an operator', () => {
  const orderOf = (key: AgentKey, agentId = agentIdOf('eu', key.fingerprint)) => ({
    ...{ agentId, region: 'eu', certificatePem: toPem(key.certificate), by: 'me' },
  })

  test('is believed before the first contact, and the agent still proves its token', async () => {
    const actors = new GossipActors()
    const overwatch = await actors.overwatch(1)
    const key = keyOf()
    const pin = overwatch.behaviour.receive['api.pin-agent']
    expect(await pin(orderOf(key))).toMatchObject({ outcome: 'done' })
    const { agents } = await overwatch.behaviour.receive['api.list-agents']({})
    expect(agents).toMatchObject([{ fingerprint: key.fingerprint, services: [], revoked: false }])
    expect(overwatch.said('gossip.record-learned')).toMatchObject([{ kind: 'pin' }])
    const agent = await actors.agent(1, {}, key)
    say(agent, 'up')
    await actors.until(() => healthOf(overwatch, agent) === true, 5_000)
    const known = await overwatch.behaviour.receive['api.list-agents']({})
    expect(known.agents[0]).toMatchObject({ services: ['web'] })
  })

  test('takes the place of another key of that agent, which is refused from then on', async () => {
    const actors = new GossipActors()
    const { overwatch, agent } = await pair(actors)
    const { agentId } = agent
    const pin = overwatch.behaviour.receive['api.pin-agent']
    const next = keyOf({ agentId })
    expect(await pin(orderOf(next, agentId))).toMatchObject({ outcome: 'done' })
    const { agents } = await overwatch.behaviour.receive['api.list-agents']({})
    expect(agents).toMatchObject([{ agentId, fingerprint: next.fingerprint }])
    say(agent, 'down')
    await actors.run(30_000)
    expect(healthOf(overwatch, agent)).not.toBe(false)
  })

  test('must be of that agent, in force, and not revoked', async () => {
    const actors = new GossipActors()
    const { overwatch, agent } = await pair(actors)
    const pin = overwatch.behaviour.receive['api.pin-agent']
    const outcomeOf = async (order: Parameters<typeof pin>[0]) => (await pin(order)).outcome
    const key = keyOf()
    expect(await outcomeOf(orderOf(key, 'eu-somebody'))).toBe('malformed')
    expect(await outcomeOf({ ...orderOf(key), certificatePem: 'nonsense' })).toBe('malformed')
    expect(await outcomeOf({ ...orderOf(key), region: 'a b' })).toBe('malformed')
    const old = keyOf({ notBeforeMs: START - 2_000, notAfterMs: START - 1_000 })
    expect(await outcomeOf(orderOf(old))).toBe('malformed')
    const { agentId } = agent
    await overwatch.behaviour.receive['api.revoke-agent']({ agentId, reason: 'x', by: 'me' })
    expect(await outcomeOf(orderOf(keyOf({ agentId }), agentId))).toBe('refused')
  })
})

test('heartbeats that go unanswered are said in the log, loudly at the threshold', async () => {
  const actors = new GossipActors()
  const { agent } = await pair(actors)
  await actors.run(15_000)
  // Acknowledgements of heartbeats are lost; pings and acks of membership pass.
  actors.network.passes = (from, _to, octets) =>
    !(from.startsWith('10.0.0.1') && octets.length > 130)
  await actors.run(60_000)
  const lines = agent.world.logs.map(({ message }) => message)
  expect(lines).toContain('heartbeat not answered')
  expect(lines).toContain('overwatch does not answer heartbeats')
  const failures = agent.world.metrics.value('opengslb_agent_heartbeat_failures_total')
  expect(failures).toBeGreaterThan(2)
})

test('drains that an overwatch declares reach the agent, and their end does', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  const backend = 'web:10.0.1.1:80'
  const drain = { id: 'd1', reason: 'deploy', by: 'overwatch', sinceMs: 5 } as const
  const { agentId } = agent
  const set = overwatch.behaviour.receive['registry.drains-set']
  set({ drains: [{ agentId, backend, drain }] })
  await actors.run(100)
  expect(agent.said('gossip.drains-wanted').at(-1)).toEqual({ drains: [{ backend, drain }] })
  // What an overwatch ordered is counted, and never said in the agent's own name.
  agent.behaviour.receive['vitals.drain-changed']({ backend, drain })
  await actors.run(1_000)
  expect(overwatch.reportOf(agentId)?.backends[0]?.drain).toBeUndefined()
  set({ drains: [] })
  await actors.run(100)
  expect(agent.said('gossip.drains-wanted').at(-1)).toEqual({ drains: [] })
})

test('an order for the advertised address is for the backend that is checked elsewhere', async () => {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const checked = { service: 'Web', address: '127.0.0.1', port: 80, weight: 100 }
  const backends = [{ ...checked, advertiseAddress: '10.0.1.10' }]
  const agent = await actors.agent(1, { backends })
  const { agentId } = agent
  await actors.until(() => overwatch.reportOf(agentId) !== undefined, 5_000)
  const drain = { id: 'd1', reason: 'deploy', by: 'overwatch', sinceMs: 5 } as const
  const order = { agentId, backend: 'web:10.0.1.10:80', drain }
  overwatch.behaviour.receive['registry.drains-set']({ drains: [order] })
  await actors.run(100)
  const wanted = () => agent.said('gossip.drains-wanted').at(-1)?.drains[0]?.backend
  expect(wanted()).toBe('Web:127.0.0.1:80')
  const connections = { atMs: 1, remaining: 2, arrived: 3, quietSinceMs: 0, networks: [] }
  agent.behaviour.receive['vitals.clients-counted']({ backend: wanted()!, connections })
  await actors.run(2_000)
  const told = overwatch.reportOf(agentId)?.backends[0]
  expect(told).toMatchObject({ address: '10.0.1.10', connections: { remaining: 2 } })
  // The same order after a reload that checks it elsewhere.
  const moved = [{ ...checked, address: '127.0.0.2', advertiseAddress: '10.0.1.10' }]
  agent.behaviour.onReconfigured?.({ ...agent.config, backends: moved } as typeof agent.config)
  expect(wanted()).toBe('Web:127.0.0.2:80')
})

test('an order whose datagram is lost is heard within a second', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  await actors.run(2_000)
  let lost = 0
  actors.network.passes = (from, _to, octets) =>
    !(from.startsWith('10.0.0.1:') && octets.length > 150 && lost++ === 0)
  const drain = { id: 'd1', reason: 'deploy', by: 'overwatch', sinceMs: 5 } as const
  const { agentId } = agent
  const order = { agentId, backend: 'web:10.0.1.1:80', drain }
  overwatch.behaviour.receive['registry.drains-set']({ drains: [order] })
  const wanted = () => agent.said('gossip.drains-wanted').at(-1)?.drains.length === 1
  const tookMs = await actors.until(wanted, 30_000, 10)
  expect(lost).toBeGreaterThan(1)
  expect(tookMs).toBeLessThan(500)
})

test('an agent that is killed and started on another port is a member at once', async () => {
  const actors = new GossipActors()
  const key = keyOf()
  const overwatches = [await actors.overwatch(1), await actors.overwatch(2)]
  const nodes = ['10.0.0.1:7946', '10.0.0.2:7946']
  say(await actors.agent(1, { overwatchNodes: nodes }, key), 'up')
  await actors.run(20_000)
  actors.network.kill('10.0.1.1')
  await actors.run(400)
  const agent = await actors.agent(1, { overwatchNodes: nodes }, key)
  say(agent, 'up')
  await actors.run(1_000)
  const drain = { id: 'd1', reason: 'deploy', by: 'overwatch', sinceMs: 5 } as const
  const { agentId } = agent
  const order = { agentId, backend: 'web:10.0.1.1:80', drain }
  for (const { behaviour } of overwatches)
    behaviour.receive['registry.drains-set']({ drains: [order] })
  await actors.run(100)
  // An order goes to where the member is: to the port it has now.
  expect(agent.said('gossip.drains-wanted').at(-1)).toMatchObject({ drains: [{ drain }] })
  for (const overwatch of overwatches) expect(overwatch.membersAlive()).toContain(agentId)
  await actors.run(60_000)
  for (const overwatch of overwatches) {
    expect(overwatch.membersAlive()).toEqual([agentId, 'ow1', 'ow2'])
    expect(overwatch.said('gossip.agent-left')).toEqual([])
  }
})

test('a drain and vitals of the agent are in its next report', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  const drain = { id: 'd2', reason: 'file', by: 'file', sinceMs: 5 } as const
  agent.behaviour.receive['vitals.drain-changed']({ backend: '', drain })
  const vitals = { atMs: 6, cpuPercent: 91, signal: 'bleed', reason: '', sinceMs: 6, share: 500 }
  agent.behaviour.receive['vitals.reading-changed']({ vitals: { ...vitals, signal: 'bleed' } })
  await actors.run(100)
  const report = overwatch.reportOf(agent.agentId)
  expect(report?.backends[0]?.drain).toMatchObject({ id: 'd2', by: 'file' })
  expect(report?.vitals).toMatchObject({ signal: 'bleed', share: 500 })
})

test('another heartbeat interval holds from the reload on', async () => {
  const actors = new GossipActors()
  const { overwatch, agent } = await pair(actors)
  agent.behaviour.onReconfigured?.({
    ...agent.config,
    heartbeatIntervalMs: 1_000,
  } as typeof agent.config)
  await actors.run(2_000)
  const before = overwatch.said('gossip.agent-seen').length
  await actors.run(10_000)
  expect(overwatch.said('gossip.agent-seen').length - before).toBeGreaterThanOrEqual(9)
})

test('an agent is believed once, however often its first messages are challenged', async () => {
  const actors = new GossipActors()
  actors.network.delayMs = [150, 400]
  const { overwatch } = await pair(actors)
  await actors.run(10_000)
  const believed = overwatch.world.logs.filter(({ message }) => message === 'agent believed')
  expect(believed).toHaveLength(1)
  expect(overwatch.world.metrics.value('opengslb_overwatch_agent_auth_success_total')).toBe(1)
})
