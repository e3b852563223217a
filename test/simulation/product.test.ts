/**
 * Goal: the product keeps its invariants whatever its servers do and whichever of its actors die.
 * Method: worlds of the real actors, one seed each. Servers turn by a drawn script while actors are
 * ended at drawn boundaries; after every step each pool is asked, and the answer held against what
 * the checks really saw. At rest those who answer, explain, decide and remember must agree.
 */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/core/base/random.ts'
import {
  addKills,
  armKill,
  disarmKill,
  drawKill,
  drawMoods,
  drawThresholds,
  drawTurns,
  KEYS,
  oneOf,
} from '../harness/product-script.ts'
import { disagreements, restState } from '../harness/product-state.ts'
import { variedTopology } from '../harness/product-topology.ts'
import { ACTORS, type Product, startProduct } from '../harness/product-world.ts'

const SEEDS = process.env['OPENGSLB_FULL'] === '1' ? 1_500 : 150

/** Long enough for the last backoff, check and hold-down. */
const REST_MS = 12_000

async function expectAgreement(product: Product, at: string): Promise<void> {
  for (const status of product.world.states()) expect(status.state, at).toBe('running')
  const state = await restState(product)
  expect(state.servers.length, at).toBeGreaterThan(0)
  expect(disagreements(product, state), at).toEqual([])
}

describe('the whole product', () => {
  test('keeps its invariants while servers turn and actors are killed', async () => {
    const killed = { message: 0, batch: 0, handler: 0 }
    let steps = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed)
      const topology = variedTopology(drawThresholds(random))
      const moods = drawMoods(random)
      const product = await startProduct({
        topology,
        seed,
        moods,
        hasteChance: random.next() * 0.1,
      })
      const { world } = product
      await world.runFor(random.below(4_000))
      let kills = 0
      for (const { afterMs, address, mood } of drawTurns(random, 12, 2_500)) {
        product.serve(address, mood)
        if (kills < 4 && random.next() < 0.4 && !world.killPending) {
          kills++
          armKill(product, drawKill(random, oneOf(random, ACTORS)))
        }
        if (random.next() < 0.15) {
          const state = oneOf(random, ['up', 'down', undefined] as const)
          await product.override(oneOf(random, KEYS), state)
        }
        await world.runFor(afterMs)
      }
      disarmKill(product)
      await world.runFor(REST_MS)
      await expectAgreement(product, `seed ${seed}`)
      addKills(killed, world)
      steps += world.steps
      expect(await world.stop(), `seed ${seed}`).toBe('clean')
    }
    console.log(`${SEEDS} seeds, ${steps} steps; killed ${JSON.stringify(killed)}`)
  }, 600_000)

  test('names the seed when an invariant breaks, and the seed brings the same run back', async () => {
    const live = async (seed: number): Promise<string> => {
      const random = seededRandom(seed)
      const product = await startProduct({
        topology: variedTopology(drawThresholds(random)),
        seed,
        hasteChance: random.next() * 0.1,
        // Broken on purpose: servers do leave.
        invariants: {
          'no server ever leaves': ({ dns, world }) => {
            const heard = world.clock.monotonicMs() > 5_000 ? dns.ask('rr.example.com') : undefined
            return heard !== undefined && heard.addresses.length < 3 ? 'one has left' : undefined
          },
        },
      })
      try {
        await product.world.runFor(5_000)
        armKill(product, drawKill(random, oneOf(random, ACTORS)))
        product.serve('192.0.2.2', 'silent')
        await product.world.runFor(REST_MS)
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
      return 'nothing failed'
    }
    for (let seed = 7; seed < 12; seed++) {
      const failure = await live(seed)
      expect(failure).toMatch(/^seed \d+, step \d+: no server ever leaves: one has left\n/)
      const printed = Number(/^seed (\d+)/.exec(failure)![1])
      expect(printed).toBe(seed)
      expect(await live(printed)).toBe(failure)
    }
  })

  test('answers while everybody else is dead, and catches up when they are back', async () => {
    for (let seed = 1; seed <= SEEDS / 10; seed++) {
      const random = seededRandom(seed)
      const product = await startProduct({ topology: variedTopology({}), seed })
      const { world } = product
      await world.runFor(4_000)
      const before = product.dns.ask('rr.example.com')?.addresses.length
      expect(before, `seed ${seed}`).toBe(3)
      for (const { afterMs, address, mood } of drawTurns(random, 6, 2_000)) {
        product.serve(address, mood)
        // Whoever came back is ended again.
        for (let slice = 0; slice < 10; slice++) {
          for (const name of ACTORS) if (name !== 'dns') world.kill(name)
          await world.runFor(afterMs / 10)
          expect(product.dns.ask('rr.example.com')?.addresses.length, `seed ${seed}`).toBe(before)
        }
      }
      // The longest backoff is ten seconds.
      await world.runFor(REST_MS + 10_000)
      await expectAgreement(product, `seed ${seed}`)
    }
  }, 120_000)
})
