/**
 * Goal: after a kill of the registry anywhere, with agents that claim, drain, bleed, go silent and
 * leave, the product comes to the very state it would have come to without.
 * Method: a scripted gossip actor and seeded servers; the same seed runs twice, once with a kill in
 * the middle of a message, a commit or a handler. At rest the answers, the registry's view and what
 * is kept on disk must be equal.
 */
import { expect, test } from 'vitest'
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import { AGENT_NAME, ScriptedAgents } from '../harness/product-gossip.ts'
import { armKill, disarmKill, drawKill, oneOf } from '../harness/product-script.ts'
import { restState } from '../harness/product-state.ts'
import { variedTopology } from '../harness/product-topology.ts'
import { type Mood, type Product, startProduct } from '../harness/product-world.ts'

const KILLS = process.env['OPENGSLB_FULL'] === '1' ? 2_000 : 100
const SERVERS = { a1: '198.51.100.1', a2: '198.51.100.2', a3: '198.51.100.3' } as const
type AgentName = keyof typeof SERVERS
const NAMES: readonly AgentName[] = ['a1', 'a2', 'a3']

/** Silence of three seconds, removal after six, verdicts of two checks, and a fall's backoff. */
const REST_MS = 14_000

const MOODS: readonly Mood[] = ['up', 'up', 'up', 'down', 'sick']

interface Act {
  readonly afterMs: number
  readonly agent: AgentName
  readonly what: 'mood' | 'ill' | 'well' | 'drain' | 'bleed' | 'hush' | 'leave' | 'order'
  readonly mood: Mood
}

const WHATS = ['mood', 'mood', 'ill', 'well', 'drain', 'bleed', 'hush', 'leave', 'order'] as const

const drawActs = (random: Random): Act[] =>
  Array.from({ length: 5 }, () => ({
    afterMs: random.below(1_500),
    agent: oneOf(random, NAMES),
    what: oneOf(random, WHATS),
    mood: oneOf(random, MOODS),
  }))

async function act(product: Product, agents: ScriptedAgents, { agent, what, mood }: Act) {
  const address = SERVERS[agent]
  const drain = { id: `d-${agent}`, reason: 'work', by: 'file' as const, sinceMs: 1 }
  if (what === 'mood') product.serve(address, mood)
  if (what === 'ill') agents.say(agent, [{ address, healthy: false, reason: 'refused' }])
  if (what === 'well') agents.say(agent, [{ address }])
  if (what === 'drain') agents.say(agent, [{ address, drain }])
  if (what === 'bleed') agents.say(agent, [{ address }], 300)
  if (what === 'hush') agents.hush(agent)
  if (what === 'leave') agents.leave(agent)
  if (what !== 'order') return
  const body = { service: AGENT_NAME, address, reason: 'work', force: true }
  // An operator asks again until there is an answer; where the server is gone, that is one too.
  for (let attempt = 0; attempt < 30; attempt++) {
    const answer = await product.request('POST', '/api/v1/drains', body)
    if (answer?.status === 201 || answer?.status === 404) return
    await product.world.runFor(100)
  }
}

async function stateOf(product: Product) {
  const { answers, servers, rows } = await restState(product)
  const heard = product.dns.ask(AGENT_NAME)
  const kept = [...product.disk.shared]
    .filter(([key]) => key.startsWith('report/') || key.startsWith('record/drain/'))
    .map(([key]) => key)
    .sort()
  const served = [heard?.rcode, ...[...(heard?.addresses ?? [])].sort()].join(' ')
  return { answers, servers, rows, kept, served }
}

async function live(seed: number, isKilled: boolean) {
  const random = seededRandom(seed)
  const agents = new ScriptedAgents()
  const hasteChance = random.next() * 0.1
  const topology = variedTopology({})
  const product = await startProduct({ topology, seed, hasteChance, agents, checkEvery: 16 })
  const { world } = product
  for (const name of NAMES) {
    product.serve(SERVERS[name], 'up')
    agents.say(name, [{ address: SERVERS[name] }])
  }
  await world.runFor(2_000 + random.below(1_500))
  expect(product.dns.ask(AGENT_NAME)?.addresses, `seed ${seed}`).toHaveLength(3)
  const acts = drawActs(random)
  if (isKilled) armKill(product, drawKill(seededRandom(seed ^ 0x1234567), 'registry'))
  for (const one of acts) {
    await act(product, agents, one)
    await world.runFor(one.afterMs)
  }
  const bitten = product.incarnationOf('registry') > 1
  disarmKill(product)
  await world.runFor(REST_MS)
  for (const status of world.states()) expect(status.state, `seed ${seed}`).toBe('running')
  return { state: await stateOf(product), bitten, acts }
}

test(`after each of ${KILLS} kills of the registry agents are where they would have been`, async () => {
  let bitten = 0
  const kinds = new Set<string>()
  for (let seed = 1; bitten < KILLS; seed++) {
    const run = await live(seed, true)
    expect(seed, 'the planned kills happen').toBeLessThan(KILLS * 3)
    if (!run.bitten) continue
    bitten++
    for (const { what } of run.acts) kinds.add(what)
    const twin = await live(seed, false)
    expect(run.state, `seed ${seed} ${JSON.stringify(run.acts)}`).toEqual(twin.state)
  }
  expect(kinds.size).toBe(new Set(WHATS).size)
}, 3_600_000)
