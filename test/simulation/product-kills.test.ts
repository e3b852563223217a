/**
 * Goal: after a kill anywhere the product comes to the very state it would have come to without.
 * Method: 500 seeds, 10,000 at full size, with one kill each, of registry, prober, api and dns in
 * turn: between messages, in the middle of a batch, while a handler waits, and at both moments of a
 * commit. The same seed is run again without the kill; at rest the answers, the registry, the API's
 * explanations and the disk must be equal. All other invariants are checked on the way.
 */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import type { CommitMoment } from '../harness/product-disk.ts'
import {
  addKills,
  armKill,
  disarmKill,
  drawKill,
  drawMoods,
  drawTurns,
  type ProductKill,
  KEYS,
  oneOf,
} from '../harness/product-script.ts'
import { disagreements, type RestState, restState } from '../harness/product-state.ts'
import { variedTopology } from '../harness/product-topology.ts'
import { type Product, startProduct } from '../harness/product-world.ts'

const KILLS = process.env['OPENGSLB_FULL'] === '1' ? 10_000 : 500
const VICTIMS = ['registry', 'prober', 'api', 'dns'] as const
const COMMITS: readonly CommitMoment[] = ['unwritten', 'unacknowledged']

/** Thresholds of two, a hold-down of 2.5 s, and the backoff of a single fall. */
const REST_MS = 6_500

/** Its verdict takes two checks. */
const SHARED = '192.0.2.9'
const SHARED_MS = 2_600

interface Run {
  readonly state: RestState
  readonly kill: ProductKill | undefined
  readonly killed: Product['world']['killed']
}

/** The kill of a seed, armed as the script begins. */
function arm(product: Product, seed: number): ProductKill {
  const random = seededRandom(seed ^ 0x2545f491)
  const kill = drawKill(random, VICTIMS[seed % VICTIMS.length]!)
  if (kill.where !== 'now') armKill(product, kill)
  return kill
}

const fell = (product: Product, { name }: ProductKill) => product.incarnationOf(name) > 1

async function live(seed: number, isKilled: boolean): Promise<Run> {
  const random = seededRandom(seed)
  const moods = drawMoods(random)
  const hasteChance = random.next() * 0.1
  const product = await startProduct({
    topology: variedTopology({}),
    seed,
    moods,
    hasteChance,
    // product.test.ts looks after every step; here there are ten times as many worlds.
    checkEvery: 16,
  })
  const { world } = product
  await world.runFor(500 + random.below(2_000))
  let kill = isKilled ? arm(product, seed) : undefined
  const turns = drawTurns(random, 3, 1_500)
  const orderTurn = random.below(turns.length)
  const order = oneOf(random, ['up', 'down', undefined] as const)
  const ordered = oneOf(random, KEYS)
  const nowIndex = random.below(turns.length)
  for (const [index, { afterMs, address, mood }] of turns.entries()) {
    product.serve(address, mood)
    // Two pools share this server, so its verdicts make batches of two words.
    product.serve(SHARED, index % 2 === 0 ? 'down' : 'up')
    if (index === orderTurn) await product.override(ordered, order)
    // A look at the API gives every actor a message.
    else await product.request('GET', '/api/v1/overwatch/backends')
    if (kill?.where === 'now' && index === nowIndex) world.kill(kill.name)
    await world.runFor(afterMs)
  }
  await world.runFor(SHARED_MS)
  if (kill !== undefined && product.lives(kill.name) && !fell(product, kill)) {
    // Its boundary did not come up.
    kill = { ...kill, where: 'now' }
    world.kill(kill.name)
  }
  disarmKill(product)
  await world.runFor(REST_MS)
  const at = `seed ${seed} ${JSON.stringify(kill)}`
  for (const status of world.states()) expect(status.state, at).toBe('running')
  const bitten = kill !== undefined && fell(product, kill)
  const state = await restState(product)
  expect(disagreements(product, state), at).toEqual([])
  return { state, kill: bitten ? kill : undefined, killed: world.killed }
}

test(`after each of ${KILLS} kills the state is that of the same seed without a kill`, async () => {
  const killed = { message: 0, batch: 0, handler: 0 }
  const byVictim: Record<string, number> = {}
  let bitten = 0
  for (let seed = 1; bitten < KILLS; seed++) {
    const run = await live(seed, true)
    expect(seed, 'the planned kills happen').toBeLessThan(KILLS * 1.5)
    if (run.kill === undefined) continue
    bitten++
    addKills(killed, run)
    const victim = `${run.kill.name} ${run.kill.where}`
    byVictim[victim] = (byVictim[victim] ?? 0) + 1
    const twin = await live(seed, false)
    expect(run.state, `seed ${seed} ${JSON.stringify(run.kill)}`).toEqual(twin.state)
  }
  console.log(`${bitten} kills: ${JSON.stringify(byVictim)}; ${JSON.stringify(killed)}`)
  for (const where of COMMITS) expect(byVictim[`registry ${where}`]).toBeGreaterThan(KILLS / 50)
  for (const where of ['message', 'batch', 'handler'] as const)
    expect(killed[where]).toBeGreaterThan(KILLS / 25)
  expect(byVictim['dns batch']).toBeGreaterThan(KILLS / 50)
}, 3_600_000)
