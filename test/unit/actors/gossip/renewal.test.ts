// Goal: a running agent renews its certificate before its end; every overwatch follows, by the word
// of the old key, and nothing is lost meanwhile. Method: gossip actors on a network in memory.
import { expect, test } from 'vitest'
import type { GossipPorts } from '../../../../src/actors/gossip/contract.ts'
import { limits } from '../../../../src/core/base/limits.ts'
import { ok } from '../../../../src/core/base/result.ts'
import { agentIdOf } from '../../../../src/core/gossip/app/certificate.ts'
import type { AgentKey } from '../../../../src/core/gossip/app/crypto.ts'
import { keyOf } from '../../../harness/agents.ts'
import { agentConfig, GossipActors, type RunningGossip } from '../../../harness/gossip-actors.ts'

const LOOK = limits.certificateLookMs.default
const SEEDS = ['10.0.0.1:7946', '10.0.0.2:7946']

/** An agent whose files hold what `now` says. */
async function agentOf(actors: GossipActors, now: { key: AgentKey; agentId: string }) {
  const first = now.key
  const ports: GossipPorts = {
    ...actors.network.ports('10.0.1.1', first),
    identity: (files) =>
      ok({
        agentId: now.agentId,
        region: files.region,
        key: now.key,
        previousKey: undefined,
        notAfterMs: 4_000_000_000_000,
      }),
    renew: (files) => {
      now.key = keyOf({ agentId: now.agentId })
      return ports.identity(files, 0)
    },
  }
  return actors.start(agentConfig({ overwatchNodes: SEEDS }), ports)
}

const say = (agent: RunningGossip, verdict: 'up' | 'down') =>
  agent.behaviour.receive['prober.verdict-changed']({
    target: 'web:10.0.1.1:80',
    verdict,
    atMs: 1,
    reason: '',
  })

async function pinsOf(overwatch: RunningGossip) {
  const { agents } = await overwatch.behaviour.receive['api.list-agents']({})
  return agents.map(({ fingerprint }) => fingerprint)
}

const logged = (one: RunningGossip, message: string) =>
  one.world.logs.filter((line) => line.message === message)

async function site(actors: GossipActors) {
  const key = keyOf()
  const agentId = agentIdOf('eu', key.fingerprint)
  const files = { key, agentId }
  const overwatches = [await actors.overwatch(1), await actors.overwatch(2, { seeds: [SEEDS[0]!] })]
  const agent = await agentOf(actors, files)
  say(agent, 'up')
  const isHeard = (healthy: boolean) => () =>
    overwatches.every((one) => one.reportOf(agentId)?.backends[0]?.healthy === healthy)
  await actors.until(isHeard(true), 10_000)
  return { files, agentId, overwatches, agent, isHeard }
}

test('a renewed key is introduced by the old one, pinned everywhere and believed', async () => {
  const actors = new GossipActors()
  const { files, agentId, overwatches, agent, isHeard } = await site(actors)
  files.key = keyOf({ agentId })
  await actors.run(1.2 * LOOK)
  for (const one of overwatches) {
    expect(await pinsOf(one)).toEqual([files.key.fingerprint])
    expect(one.said('gossip.agent-left')).toEqual([])
    expect(logged(one, 'agent refused')).toEqual([])
    expect(logged(one, 'agent silent')).toEqual([])
  }
  expect(logged(agent, 'identity renewed')).toHaveLength(1)
  expect(logged(agent, 'refused by an overwatch')).toEqual([])
  say(agent, 'down')
  expect(await actors.until(isHeard(false), 5_000, 10)).toBeLessThan(500)
})

test('an overwatch that was cut off from it all follows once it is back', async () => {
  const actors = new GossipActors()
  const { files, agentId, overwatches, agent, isHeard } = await site(actors)
  files.key = keyOf({ agentId })
  actors.network.partition((address) => (address === '10.0.0.2' ? 1 : 0))
  await actors.run(1.2 * LOOK)
  expect(await pinsOf(overwatches[0]!)).toEqual([files.key.fingerprint])
  expect(await pinsOf(overwatches[1]!)).not.toEqual([files.key.fingerprint])
  say(agent, 'down')
  actors.network.heal()
  expect(await actors.until(isHeard(false), 60_000)).toBeLessThan(20_000)
  expect(await pinsOf(overwatches[1]!)).toEqual([files.key.fingerprint])
})

test('files of another agent are not taken up, and that is said once', async () => {
  const actors = new GossipActors()
  const { files, agentId, overwatches, agent } = await site(actors)
  const before = files.key.fingerprint
  files.key = keyOf()
  files.agentId = agentIdOf('eu', files.key.fingerprint)
  await actors.run(3 * LOOK)
  expect(files.agentId).not.toBe(agentId)
  expect(await pinsOf(overwatches[0]!)).toEqual([before])
  expect(logged(agent, 'identity not renewed')).toHaveLength(1)
})

test('asked by an operator an agent makes another key, and every overwatch knows it at once', async () => {
  const actors = new GossipActors()
  const { files, agentId, overwatches, agent, isHeard } = await site(actors)
  const before = files.key.fingerprint
  // The first request and the first introduction are lost.
  let lost = 0
  actors.network.passes = (_from, _to, octets) => octets.length < 150 || lost++ > 1
  const [asked] = overwatches
  const rotate = asked!.behaviour.receive['api.rotate-agent']
  const reply = await rotate({ agentId, by: 'me' })
  expect(reply).toMatchObject({ outcome: 'done', fingerprint: before })
  await actors.run(2_000)
  expect(lost).toBeGreaterThan(2)
  expect(files.key.fingerprint).not.toBe(before)
  for (const one of overwatches) {
    expect(await pinsOf(one)).toEqual([files.key.fingerprint])
    expect(one.said('gossip.agent-left')).toEqual([])
    const pins = one.said('gossip.record-learned').filter(({ kind }) => kind === 'pin')
    const kept = new TextDecoder().decode(pins.at(-1)?.body)
    expect(kept).toContain(files.key.fingerprint)
  }
  // One that joins later hears of the agent from the others alone, and believes what they pass on.
  actors.network.passes = (from, to) => !`${from} ${to}`.includes('10.0.1.1')
  actors.network.partition((address) => (address === '10.0.1.1' ? 1 : 0))
  const third = await actors.overwatch(3, { seeds: [SEEDS[0]!] })
  await actors.until(() => third.reportOf(agentId) !== undefined, 5_000)
  expect(third.reportOf(agentId)?.backends[0]?.healthy).toBe(true)
  expect(logged(third, 'agent refused')).toEqual([])
  actors.network.passes = () => true
  actors.network.heal()
  expect(logged(agent, 'identity renewed')).toHaveLength(1)
  say(agent, 'down')
  expect(await actors.until(isHeard(false), 5_000, 10)).toBeLessThan(500)
})

test('another key is made once a minute at most, and only in the place of the one named', async () => {
  const actors = new GossipActors()
  const { files, agentId, overwatches, agent } = await site(actors)
  const rotate = overwatches[0]!.behaviour.receive['api.rotate-agent']
  await rotate({ agentId, by: 'me' })
  await actors.run(3_000)
  const second = files.key.fingerprint
  await rotate({ agentId, by: 'me' })
  await actors.run(30_000)
  expect(files.key.fingerprint).toBe(second)
  await actors.run(40_000)
  await rotate({ agentId, by: 'me' })
  await actors.run(3_000)
  expect(files.key.fingerprint).not.toBe(second)
  expect(await pinsOf(overwatches[1]!)).toEqual([files.key.fingerprint])
  expect(logged(agent, 'identity renewed')).toHaveLength(2)
  expect(await rotate({ agentId: 'nobody', by: 'me' })).toMatchObject({ outcome: 'not-found' })
  await overwatches[0]!.behaviour.receive['api.revoke-agent']({ agentId, reason: 'x', by: 'me' })
  expect(await rotate({ agentId, by: 'me' })).toMatchObject({ outcome: 'refused' })
})

test('a pair that was put in place by hand is taken up by a reload', async () => {
  const actors = new GossipActors()
  const { files, agentId, overwatches, agent } = await site(actors)
  files.key = keyOf({ agentId })
  agent.behaviour.onReconfigured?.(agent.config)
  await actors.run(1_000)
  for (const one of overwatches) expect(await pinsOf(one)).toEqual([files.key.fingerprint])
})
