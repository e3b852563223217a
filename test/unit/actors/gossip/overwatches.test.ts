// Goal: overwatches that share a cluster hold the same, whatever was cut, restarted or changed.
// Method: gossip actors on a network in memory, on a virtual clock.
import { expect, test } from 'vitest'
import { Transport } from '../../../../src/actors/gossip/transport.ts'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import {
  agentConfig,
  GossipActors,
  KEY,
  OTHER_KEY,
  overwatchConfig,
  type RunningGossip,
} from '../../../harness/gossip-actors.ts'

const SEEDS = ['10.0.0.1:7946', '10.0.0.2:7946', '10.0.0.3:7946']

const up = (agent: RunningGossip, number: number, verdict: 'up' | 'down' = 'up') =>
  agent.behaviour.receive['prober.verdict-changed']({
    target: `web:10.0.1.${number}:80`,
    verdict,
    atMs: 1,
    reason: '',
  })

const holds = (overwatch: RunningGossip, agentId: string, healthy = true) =>
  overwatch.reportOf(agentId)?.backends[0]?.healthy === healthy

const override = (id: string, stamp: number, text: string): SharedRecord => ({
  kind: 'override',
  id,
  origin: 'ow1',
  stamp,
  seq: 0,
  keepUntilMs: 0,
  body: new TextEncoder().encode(text),
})

const learned = (overwatch: RunningGossip, kind: string) =>
  overwatch.said('gossip.record-learned').filter((record) => record.kind === kind)

/** Three overwatches that only the agents know of, and three agents that know all three. */
async function site(actors: GossipActors) {
  const overwatches: RunningGossip[] = []
  for (const number of [1, 2, 3]) overwatches.push(await actors.overwatch(number))
  const agents: (RunningGossip & { readonly agentId: string })[] = []
  for (const number of [1, 2, 3]) agents.push(await actors.agent(number, { overwatchNodes: SEEDS }))
  for (const [index, agent] of agents.entries()) up(agent, index + 1)
  const all = () => overwatches.every((one) => agents.every(({ agentId }) => holds(one, agentId)))
  expect(await actors.until(all, 20_000)).toBeLessThan(5_000)
  return { overwatches, agents }
}

test('three overwatches that only agents know of find each other and hold the same', async () => {
  const actors = new GossipActors()
  const { overwatches } = await site(actors)
  await actors.until(() => overwatches.every((one) => one.membersAlive().length === 6), 10_000)
  for (const one of overwatches)
    expect(one.said('gossip.overwatches-set').at(-1)?.live).toEqual(['ow1', 'ow2', 'ow3'])
  await actors.run(5_000)
  for (const { world } of overwatches)
    expect(world.metrics.value('opengslb_gossip_peers_agree')).toBe(1)
})

test('what one overwatch is told of reaches the others within 100 ms', async () => {
  const actors = new GossipActors()
  const { overwatches } = await site(actors)
  await actors.run(5_000)
  const [first, second, third] = overwatches
  first!.behaviour.receive['registry.record-told'](override('x', 5, 'down'))
  const told = () => [second!, third!].every((one) => learned(one, 'override').length === 1)
  expect(await actors.until(told, 5_000, 10)).toBeLessThan(100)
})

test('a partition parts them, and after it each learns what it missed', async () => {
  const actors = new GossipActors()
  const { overwatches, agents } = await site(actors)
  const [first, second, third] = overwatches
  const [agent] = agents
  await actors.run(5_000)
  // The third overwatch is alone.
  actors.network.partition((address) => (address === '10.0.0.3' ? 1 : 0))
  first!.behaviour.receive['registry.record-told'](override('x', 5, 'down'))
  up(agent!, 1, 'down')
  await actors.run(120_000)
  expect(holds(second!, agent!.agentId, false)).toBe(true)
  expect(holds(third!, agent!.agentId)).toBe(true)
  actors.network.heal()
  const healed = () =>
    holds(third!, agent!.agentId, false) && learned(third!, 'override').length === 1
  expect(await actors.until(healed, 120_000)).toBeLessThan(10_000)
})

test('an agent that only one overwatch hears is known to the others as hearsay', async () => {
  const actors = new GossipActors()
  const { overwatches } = await site(actors)
  await actors.run(5_000)
  // It reaches the first alone.
  const [first, second] = overwatches
  actors.network.partition((address) => (address === '10.0.1.9' ? 1 : 0))
  actors.network.bridge('10.0.1.9', '10.0.0.1')
  const agent = await actors.agent(9, { overwatchNodes: SEEDS })
  up(agent, 9)
  expect(await actors.until(() => holds(second!, agent.agentId), 20_000)).toBeLessThan(5_000)
  const heard = (one: RunningGossip) =>
    one.said('gossip.agent-reported').filter(({ agentId }) => agentId === agent.agentId)
  expect(heard(first!).at(-1)?.hearsay).toBe(false)
  expect(heard(second!).at(-1)?.hearsay).toBe(true)
  // Pins come before the words they vouch for.
  expect(learned(second!, 'pin').some(({ id }) => id === agent.agentId)).toBe(true)
})

test('a revocation on one overwatch holds on all of them at once', async () => {
  const actors = new GossipActors()
  const { overwatches, agents } = await site(actors)
  await actors.run(2_000)
  const { agentId } = agents[0]!
  await overwatches[0]!.behaviour.receive['api.revoke-agent']({ agentId, reason: 'x', by: 'me' })
  const gone = () =>
    overwatches.every((one) =>
      one.said('gossip.agent-left').some((left) => left.agentId === agentId),
    )
  expect(await actors.until(gone, 5_000, 10)).toBeLessThan(100)
  await actors.run(60_000)
  for (const one of overwatches) expect(one.reportOf(agentId)).toBeUndefined()
})

test('a fourth overwatch that joins is warm within five seconds', async () => {
  const actors = new GossipActors()
  const { overwatches, agents } = await site(actors)
  overwatches[0]!.behaviour.receive['registry.record-told'](override('x', 5, 'down'))
  await actors.run(30_000)
  const fourth = await actors.overwatch(4, { seeds: [SEEDS[1]!] })
  const warm = () =>
    agents.every(({ agentId }) => holds(fourth, agentId)) &&
    learned(fourth, 'override').length === 1
  expect(await actors.until(warm, 60_000)).toBeLessThan(5_000)
})

test('an overwatch without seeds comes back to all it knew by what was persisted', async () => {
  const actors = new GossipActors()
  const { overwatches } = await site(actors)
  await actors.run(5_000)
  const kept = overwatches[0]!.said('gossip.record-learned')
  expect(kept.filter(({ kind }) => kind === 'member').length).toBeGreaterThan(3)
  actors.network.kill('10.0.0.1')
  const restarted = await actors.overwatch(1)
  for (const record of kept) restarted.behaviour.receive['registry.record-told'](record)
  const found = () => restarted.membersAlive().length === 6
  expect(await actors.until(found, 20_000)).toBeLessThan(2_000)
})

test('one agent that speaks is enough for a restarted overwatch to find everyone', async () => {
  const actors = new GossipActors()
  const { overwatches } = await site(actors)
  await actors.run(5_000)
  actors.network.kill('10.0.0.1')
  await actors.run(100)
  const restarted = await actors.overwatch(1)
  const found = () => restarted.membersAlive().length === 6
  expect(await actors.until(found, 20_000)).toBeLessThan(2_500)
  expect(overwatches).toHaveLength(3)
})

test('a sender that is no member is asked for all it knows, once in a while', async () => {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const ports = actors.network.ports('10.0.1.77')
  let asked = 0
  const ears = { datagrams: () => {}, accept: () => void asked++ }
  const opened = await ports.open('10.0.1.77:7946', ears)
  if (!opened.ok) throw new Error(opened.error.message)
  const stranger = new Transport(opened.value, ports, [KEY])
  const say = () => {
    const payload = new TextEncoder().encode('{"type":"heartbeat"}')
    stranger.send({ addr: Uint8Array.of(10, 0, 0, 1), port: 7_946 }, [{ type: 'user', payload }], 5)
    return actors.run(1_000)
  }
  for (let second = 0; second < 5; second++) await say()
  expect(asked).toBe(1)
  await actors.run(10_000)
  await say()
  expect(asked).toBe(2)
  expect(overwatch.membersAlive()).toEqual(['ow1'])
})

test('the key is changed while everything runs, and nobody is lost meanwhile', async () => {
  const actors = new GossipActors()
  const { overwatches, agents } = await site(actors)
  const all = [...overwatches, ...agents]
  const keys = async (encryptionKeys: readonly string[]) => {
    for (const one of all) {
      one.behaviour.onReconfigured?.({ ...one.config, encryptionKeys })
      await actors.run(3_000)
    }
  }
  await keys([KEY, OTHER_KEY])
  await keys([OTHER_KEY, KEY])
  await keys([OTHER_KEY])
  up(agents[0]!, 1, 'down')
  await actors.run(1_000)
  for (const one of overwatches) {
    expect(holds(one, agents[0]!.agentId, false)).toBe(true)
    expect(one.said('gossip.agent-left')).toEqual([])
    expect(one.world.metrics.value('opengslb_gossip_node_leaves_total') ?? 0).toBe(0)
    expect(one.world.metrics.value('opengslb_gossip_decryption_failures_total') ?? 0).toBe(0)
  }
})

test('a node with another key is no member, and what it says is counted', async () => {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const stranger = await actors.agent(1, { encryptionKeys: [OTHER_KEY] })
  up(stranger, 1)
  await actors.run(30_000)
  expect(overwatch.membersAlive()).toEqual(['ow1'])
  const count = overwatch.world.metrics.value('opengslb_gossip_decryption_failures_total')
  expect(count).toBeGreaterThan(0)
})

test('peers on a port of their own find each other by one bootstrap address', async () => {
  const actors = new GossipActors()
  const peering = (number: number, bootstrapPeers: readonly string[]) => ({
    peering: { enabled: true, bindAddress: `10.0.0.${number}:7947`, bootstrapPeers, secret: 's' },
  })
  const first = await actors.overwatch(1, peering(1, []))
  const second = await actors.overwatch(2, peering(2, ['10.0.0.1:7947']))
  first.behaviour.receive['registry.record-told'](override('x', 5, 'down'))
  const told = () => learned(second, 'override').length === 1
  expect(await actors.until(told, 30_000)).toBeLessThan(5_000)
  // A drain waits for the members that are alive, so each has to be one although no agent is there.
  const both = () => [first, second].every((one) => one.membersAlive().join() === 'ow1,ow2')
  expect(await actors.until(both, 30_000)).toBeLessThan(5_000)
  expect(first.said('gossip.overwatches-set').at(-1)?.live).toEqual(['ow1', 'ow2'])
  await actors.run(60_000)
  expect(second.said('gossip.overwatches-set').at(-1)?.live).toEqual(['ow1', 'ow2'])
})

test('an overwatch with another secret is not believed', async () => {
  const actors = new GossipActors()
  const secret = (word: string) => ({
    seeds: SEEDS,
    peering: { ...overwatchConfig().peering, secret: word },
  })
  const first = await actors.overwatch(1, secret('one'))
  const second = await actors.overwatch(2, secret('other'))
  first.behaviour.receive['registry.record-told'](override('x', 5, 'down'))
  await actors.run(30_000)
  expect(second.membersAlive()).toEqual(['ow1', 'ow2'])
  expect(learned(second, 'override')).toEqual([])
  expect(second.world.metrics.value('opengslb_gossip_frames_refused_total')).toBeGreaterThan(0)
})

test('an agent finds overwatches by an anycast address, and falls back when it is silent', async () => {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const discovery = {
    enabled: true,
    anycastAddress: '10.9.9.9:7946',
    fallbackNodes: ['fallback.example:7946'],
  }
  actors.network.names.set('fallback.example', '10.0.0.1')
  const agent = await actors.agent(1, { overwatchNodes: [], discovery })
  up(agent, 1)
  expect(await actors.until(() => holds(overwatch, agent.agentId), 20_000)).toBeLessThan(5_000)
  expect(agentConfig().discovery.enabled).toBe(false)
})

test('who is in the cluster is told once, and then only who changed', async () => {
  const actors = new GossipActors()
  const { overwatches } = await site(actors)
  const [first] = overwatches
  await actors.run(10_000)
  const told = () => [
    first!.said('gossip.members-set').length,
    first!.said('gossip.member-changed').length,
    first!.said('gossip.overwatches-set').length,
  ]
  const before = told()
  expect(before[0]).toBe(1)
  await actors.run(600_000)
  expect(told()).toEqual(before)
  await actors.agent(4, { overwatchNodes: SEEDS })
  await actors.run(2_000)
  expect(told()).toEqual([1, before[1]! + 1, before[2]])
  expect(first!.membersAlive()).toHaveLength(7)
  first!.behaviour.onPeerStarted?.('api')
  expect(first!.said('gossip.members-set').at(-1)?.members).toHaveLength(7)
})

test('a registry that starts anew is told everything, no faster than it reads', async () => {
  const actors = new GossipActors()
  const { overwatches, agents } = await site(actors)
  const { said, world, behaviour } = overwatches[0]!
  await actors.run(10_000)
  world.published.length = 0
  world.outbox.fill = 0.5
  behaviour.onPeerStarted?.('registry')
  expect(said('gossip.agent-reported')).toEqual([])
  world.outbox.fill = 0
  await actors.run(10)
  const told = said('gossip.agent-reported').map(({ agentId }) => agentId)
  expect(told.sort()).toEqual(agents.map(({ agentId }) => agentId).sort())
  const kinds = said('gossip.record-learned').map(({ kind }) => kind)
  for (const kind of ['pin', 'agent']) expect(kinds).toContain(kind)
})

test('a registry that was away hears of an agent that deregistered', async () => {
  const actors = new GossipActors()
  const { overwatches, agents } = await site(actors)
  const { said, world, behaviour } = overwatches[0]!
  await actors.run(10_000)
  await actors.stop(agents[0]!)
  world.published.length = 0
  behaviour.onPeerStarted?.('registry')
  await actors.run(10)
  expect(said('gossip.agent-left')).toMatchObject([
    { agentId: agents[0]!.agentId, reason: 'deregistered' },
  ])
})

test('what is left of a dead agent does not come to life when another takes a backend', async () => {
  const actors = new GossipActors()
  const overwatch = await actors.overwatch(1)
  const backend = (port: number) => {
    return { service: 'web', address: '10.0.1.9', advertiseAddress: '', port, weight: 100 }
  }
  const dead = await actors.agent(1, { backends: [backend(80), backend(81)] })
  const reports = ({ agentId }: { readonly agentId: string }) =>
    overwatch.said('gossip.agent-reported').filter((one) => one.agentId === agentId)
  await actors.until(() => reports(dead).length > 0, 5_000)
  const other = await actors.agent(2, { backends: [backend(80)] })
  await actors.until(() => reports(other).length > 0, 5_000)
  actors.network.kill('10.0.1.1')
  overwatch.world.published.length = 0
  await actors.until(() => reports(other).at(-1)?.report.backends.length === 1, 60_000)
  const last = reports(dead).at(-1)
  expect(last?.report.backends.map(({ port }) => port)).toEqual([81])
  expect(last?.hearsay).toBe(true)
  expect(actors.clock.nowMs() - last!.atMs).toBeGreaterThan(25_000)
  const seen = () => overwatch.behaviour.receive['api.list-agents']({})
  const view = async () => (await seen()).agents.find(({ agentId }) => agentId === dead.agentId)
  await actors.run(5_000)
  expect((await view())?.connected).toBe(false)
  // Nor when the registry starts anew.
  overwatch.world.published.length = 0
  overwatch.behaviour.onPeerStarted?.('registry')
  expect([dead, other].map((one) => reports(one).map(({ hearsay }) => hearsay))).toEqual([
    [true],
    [false],
  ])
})
