/**
 * Goal: a reload never empties a pool that serves, and hardly when the registry dies in the middle
 * of it; what operators ordered survives it, and servers that are gone stay gone.
 * Method: worlds of the real actors, one seed each. Every server of a pool is replaced at once,
 * some of the new ones down at first; the registry is ended around the reload, at drawn boundaries
 * and in its commits. The invariants are those of every simulation of the product.
 */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import type { Topology } from '../../src/core/steer/topology.ts'
import { armKill, disarmKill, oneOf } from '../harness/product-script.ts'
import { disagreements, restState } from '../harness/product-state.ts'
import { memberOf, productPool, productTopology } from '../harness/product-topology.ts'
import { type Product, startProduct } from '../harness/product-world.ts'

const SEEDS = process.env['OPENGSLB_FULL'] === '1' ? 1_000 : 100
const REST_MS = 6_500

const OLD = ['192.0.2.1', '192.0.2.2']
const NEW = ['192.0.2.11', '192.0.2.12']
const STAYS = 'st.example.com:192.0.2.21:80'

const replaced = (addresses: readonly string[]): Topology =>
  productTopology([
    productPool(
      'rr.example.com',
      addresses.map((address) => memberOf('rr.example.com', address, {})),
    ),
    productPool('st.example.com', [
      memberOf('st.example.com', '192.0.2.21', {}),
      memberOf('st.example.com', '192.0.2.22', {}),
    ]),
  ])

/** The pool whose servers are replaced is without one for at most so long, once it had one. */
function emptyAtMost(mostMs: number): (product: Product) => string | undefined {
  let servedMs = Number.POSITIVE_INFINITY
  return ({ dns, world }) => {
    const nowMs = world.clock.monotonicMs()
    const heard = dns.ask('rr.example.com')
    if (heard === undefined) return undefined
    const isEmpty = heard.addresses.length === 0
    if (!isEmpty) servedMs = nowMs
    return isEmpty && nowMs - servedMs > mostMs ? 'the reload emptied the pool' : undefined
  }
}

async function startOld(seed: number, hasteChance: number, emptyMsMax = 0): Promise<Product> {
  const topology = replaced(OLD)
  const invariants = { 'a reload empties no pool': emptyAtMost(emptyMsMax) }
  const product = await startProduct({ topology, seed, hasteChance, invariants })
  await product.world.runFor(4_000)
  return product
}

/** Only the servers of the topology are anywhere, and everybody agrees on them. */
async function expectOnly(product: Product, addresses: readonly string[], at: string) {
  const state = await restState(product)
  expect(disagreements(product, state), at).toEqual([])
  expect(state.answers['rr.example.com A'], at).toBe([...addresses].sort().join(' '))
  const keys = product.topology.pools.flatMap((pool) => pool.members.map((member) => member.key))
  expect(state.rows.map((row) => row.split(' ')[0]).sort(), at).toEqual([...keys].sort())
  expect(state.servers.length, at).toBe(keys.length)
  return state
}

test('the old servers serve until a new one does, and then leave', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed)
    const product = await startOld(seed, random.next() * 0.1)
    product.serve(NEW[0]!, oneOf(random, ['up', 'down', 'silent'] as const))
    product.reload(replaced(NEW))
    await product.world.runFor(REST_MS)
    for (const address of NEW) product.serve(address, 'up')
    await product.world.runFor(REST_MS)
    await expectOnly(product, NEW, `seed ${seed}`)
  }
}, 300_000)

test('new servers that are all down leave the pool to when_all_down', async () => {
  const product = await startProduct({ topology: replaced(OLD), seed: 1 })
  await product.world.runFor(4_000)
  for (const address of NEW) product.serve(address, 'down')
  product.reload(replaced(NEW))
  await product.world.runFor(REST_MS)
  expect(product.dns.ask('rr.example.com')).toMatchObject({ rcode: 2, addresses: [] })
  product.serve(NEW[1]!, 'up')
  await product.world.runFor(REST_MS)
  expect(product.dns.ask('rr.example.com')).toMatchObject({ rcode: 0, addresses: [NEW[1]] })
})

/**
 * Which servers the guard-rail keeps is known to the registry alone. If it dies meanwhile the pool
 * is without them until a new server has its first verdict: two checks half a second apart.
 */
const FIRST_VERDICT_MS = 1_500

test('a registry killed around a reload loses no order, and no pool for long', async () => {
  let bitten = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed)
    const product = await startOld(seed, random.next() * 0.1, FIRST_VERDICT_MS)
    const { world } = product
    const order = oneOf(random, ['up', 'down'] as const)
    await product.override(STAYS, order)
    const where = oneOf(random, ['any', 'unwritten', 'unacknowledged', 'now'] as const)
    const kill = { name: 'registry', where, nth: 1 + random.below(2) } as const
    if (kill.where !== 'now') armKill(product, kill)
    product.reload(replaced(NEW))
    await world.runFor(random.below(1_500))
    if (kill.where === 'now') armKill(product, kill)
    await world.runFor(REST_MS)
    disarmKill(product)
    if (product.incarnationOf('registry') > 1) bitten++
    const at = `seed ${seed}`
    const state = await expectOnly(product, NEW, at)
    const cause = `${order === 'up' ? 'healthy' : 'unhealthy'} override`
    const line = state.servers.find((text) => text.startsWith('st.example.com 192.0.2.21 '))
    expect(line, at).toContain(cause)
  }
  expect(bitten).toBeGreaterThan(SEEDS / 2)
}, 300_000)

test('a server that was deleted and comes back is unknown until it is checked', async () => {
  for (let seed = 1; seed <= SEEDS / 4; seed++) {
    const random = seededRandom(seed)
    const product = await startOld(seed, random.next() * 0.1)
    const { world } = product
    product.reload(replaced(NEW))
    await world.runFor(3_000 + random.below(2_000))
    if (random.next() < 0.5) world.kill('registry')
    await world.runFor(1_500)
    // Nobody looked at it for so long; the invariants hold it back until somebody has.
    for (const address of OLD) product.serve(address, 'down')
    product.reload(replaced([...OLD, ...NEW]))
    await world.runFor(REST_MS)
    const at = `seed ${seed}`
    const state = await restState(product)
    expect(disagreements(product, state), at).toEqual([])
    expect(state.answers['rr.example.com A'], at).toBe(NEW.join(' '))
  }
}, 300_000)
