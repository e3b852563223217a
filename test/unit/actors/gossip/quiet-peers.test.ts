// Goal: two overwatches that hold the same ten thousand backends have little to say to each other:
// at most 5 KB a second of both ways together, datagrams and streams, all of gossip in it.
// Method: two gossip actors on a network in memory that counts octets. What their registries say
// again from time to time is said again here too.
import { expect, test } from 'vitest'
import { limits } from '../../../../src/core/base/limits.ts'
import { seededRandom } from '../../../../src/core/base/random.ts'
import type { SharedRecord } from '../../../../src/core/gossip/peers/record.ts'
import { encodeBody } from '../../../../src/core/health/shared-bodies.ts'
import { START } from '../../../harness/agents.ts'
import { GossipActors, type RunningGossip } from '../../../harness/gossip-actors.ts'

const BACKENDS = 10_000
const MINUTES = 4
const MOST_BYTES_A_SECOND = 5_000
const NODES = ['ow1', 'ow2'] as const

/** What an overwatch says of a backend: its own verdict, kept as long as others keep it. */
const verdictOf = (origin: string, backend: number, stamp: number): SharedRecord => ({
  kind: 'verdict',
  id: `${origin} web:10.${backend >> 16}.${(backend >> 8) & 255}.${backend & 255}:80`,
  origin,
  stamp,
  seq: 0,
  keepUntilMs: stamp + limits.toldKeepMs.default,
  body: encodeBody(['up', stamp]),
})

const tell = (one: RunningGossip, record: SharedRecord) =>
  one.behaviour.receive['registry.record-told'](record)

test('10,000 backends without a change cost two overwatches at most 5 KB a second', async () => {
  const actors = new GossipActors()
  const { network } = actors
  const overwatches = [
    await actors.overwatch(1),
    await actors.overwatch(2, { seeds: ['10.0.0.1:7946'] }),
  ]
  await actors.until(() => overwatches.every((one) => one.membersAlive().length === 2), 10_000)
  for (const [index, one] of overwatches.entries())
    for (let backend = 0; backend < BACKENDS; backend++)
      tell(one, verdictOf(NODES[index]!, backend, START))
  const agree = () =>
    overwatches.every(
      ({ world }) =>
        world.metrics.value('opengslb_gossip_peers_agree') === 1 &&
        world.metrics.value('opengslb_gossip_records') === 2 * BACKENDS,
    )
  expect(await actors.until(agree, 60_000, 500)).toBeLessThan(30_000)
  const bytes = () =>
    (network.octets.get('10.0.0.1 10.0.0.2') ?? 0) + (network.octets.get('10.0.0.2 10.0.0.1') ?? 0)
  const random = seededRandom(3)
  const before = bytes()
  // Each is said again once in half to the whole of the time, so four thirds of them in it.
  const againEachSecond = (BACKENDS * 4) / 3 / (limits.retellMs.default / 1_000)
  for (let second = 0; second < MINUTES * 60; second++) {
    for (const [index, one] of overwatches.entries())
      for (let said = 0; said < againEachSecond; said++)
        tell(one, verdictOf(NODES[index]!, random.below(BACKENDS), START + second * 1_000 + said))
    await actors.run(1_000)
  }
  const rate = (bytes() - before) / (MINUTES * 60)
  console.info(`${Math.round(rate)} bytes a second`)
  expect(rate).toBeLessThan(MOST_BYTES_A_SECOND)
  expect(agree()).toBe(true)
}, 120_000)
