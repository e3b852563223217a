/**
 * Goal: a reload never empties a pool that serves, also when the registry dies in the middle of it;
 * what operators ordered survives it, and servers that are gone stay gone.
 * Method: worlds of the real actors, one seed each. Every server of a pool is replaced at once,
 * some of the new ones down at first, or deleted, or given weight 0; the registry is ended around
 * the reload, at drawn boundaries and in its commits. The invariants are those of every simulation
 * of the product.
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

const replaced = (addresses: readonly string[], weight = 100): Topology =>
  productTopology([
    productPool(
      'rr.example.com',
      addresses.map((address) => ({ ...memberOf('rr.example.com', address, {}), weight })),
    ),
    productPool('st.example.com', [
      memberOf('st.example.com', '192.0.2.21', {}),
      memberOf('st.example.com', '192.0.2.22', {}),
    ]),
  ])

/** The pool whose servers are replaced is never without one, once it had one. */
function neverEmpty(): (product: Product) => string | undefined {
  let served = false
  return ({ dns }) => {
    const heard = dns.ask('rr.example.com')
    if (heard === undefined) return undefined
    if (heard.addresses.length > 0) served = true
    else if (served) return 'the reload emptied the pool'
    return undefined
  }
}

async function startOld(seed: number, hasteChance: number): Promise<Product> {
  const topology = replaced(OLD)
  const invariants = { 'a reload empties no pool': neverEmpty() }
  const product = await startProduct({ topology, seed, hasteChance, invariants })
  await product.world.runFor(4_000)
  return product
}

const served = ({ dns }: Product) => [...dns.ask('rr.example.com')!.addresses].sort()

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

test('new servers that are all down leave the old ones in service, until one is up', async () => {
  for (let seed = 1; seed <= SEEDS / 4; seed++) {
    const random = seededRandom(seed)
    const product = await startOld(seed, random.next() * 0.1)
    for (const address of NEW) product.serve(address, 'down')
    product.reload(replaced(NEW))
    await product.world.runFor(REST_MS)
    if (random.next() < 0.5) product.world.kill('registry')
    await product.world.runFor(REST_MS)
    expect(served(product), `seed ${seed}`).toEqual(OLD)
    // A server that is kept is checked like any other.
    product.serve(OLD[0]!, 'down')
    await product.world.runFor(REST_MS)
    expect(served(product), `seed ${seed}`).toEqual([OLD[1]])
    product.serve(NEW[1]!, 'up')
    await product.world.runFor(REST_MS)
    expect(served(product), `seed ${seed}`).toEqual([NEW[1]])
  }
}, 300_000)

test('a reload that takes away every server or its weight is held through a fall, until servers return', async () => {
  for (let seed = 1; seed <= SEEDS / 4; seed++) {
    const random = seededRandom(seed)
    const product = await startOld(seed, random.next() * 0.1)
    const { world } = product
    const where = oneOf(random, ['any', 'unwritten', 'unacknowledged', 'now'] as const)
    const kill = { name: 'registry', where, nth: 1 + random.below(2) } as const
    if (kill.where !== 'now') armKill(product, kill)
    product.reload(oneOf(random, [replaced([]), replaced(OLD, 0)]))
    await world.runFor(random.below(1_500))
    if (kill.where === 'now') armKill(product, kill)
    await world.runFor(REST_MS)
    disarmKill(product)
    expect(served(product), `seed ${seed}`).toEqual(OLD)
    product.reload(replaced(NEW))
    await world.runFor(REST_MS)
    await expectOnly(product, NEW, `seed ${seed}`)
  }
}, 300_000)

test('a registry killed around a reload loses no order, and no pool its servers', async () => {
  let bitten = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed)
    const product = await startOld(seed, random.next() * 0.1)
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
