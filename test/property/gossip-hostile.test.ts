// Goal: whatever comes in at the ports of a gossip actor, with the key or without, it goes on.
// Method: an overwatch on a socket of the test; mutants of packets, streams, agents' messages and
// frames, sealed again with its key so that they pass the outer layers. An honest agent beside
// them is still heard at the end. OPENGSLB_FULL=1 makes a million mutants.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Heard, SocketEars } from '../../src/actors/gossip/contract.ts'
import { nodeAesGcm, nonceSource } from '../../src/actors/gossip/ports-crypto.ts'
import { keyringOf } from '../../src/actors/gossip/transport.ts'
import { limits } from '../../src/core/base/limits.ts'
import { type Random, seededRandom } from '../../src/core/base/random.ts'
import type { Endpoint } from '../../src/core/gossip/messages.ts'
import { seal } from '../../src/core/gossip/wire/crypt.ts'
import { encodePacketMessage } from '../../src/core/gossip/wire/packet-message.ts'
import { encodeStreamMessage } from '../../src/core/gossip/wire/stream-message.ts'
import { joined } from '../../src/core/gossip/wire/types.ts'
import { signed } from '../harness/agent-frames.ts'
import { GossipActors, KEY, overwatchConfig } from '../harness/gossip-actors.ts'
import { mutated, packetCorpus, streamCorpus } from '../harness/gossip-mutator.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
const mutants = full ? 1_000_000 : 20_000
const seed = Number(process.env['OPENGSLB_SEED'] ?? 4_004)

const encryption = {
  keyring: keyringOf([KEY]),
  aesGcm: nodeAesGcm,
  nonce: nonceSource(),
  version: 1,
  verifyIncoming: true,
  verifyOutgoing: true,
} as const
const none = new Uint8Array(0)
const sealedPacket = (octets: Uint8Array) => seal(encryption, octets, none)

function sealedStream(octets: Uint8Array): Uint8Array {
  const header = Uint8Array.of(10, 0, 0, 0, 0)
  new DataView(header.buffer).setUint32(1, octets.length + 29)
  return joined(header, seal(encryption, octets, header))
}

const garbage = () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed / 1_048_576
}

/** Whom mutants come from: enough places that none is the only one judged. */
const placeOf = (random: Random): Endpoint => ({
  addr: Uint8Array.of(10, 9, random.below(4), random.below(250)),
  port: 1 + random.below(65_535),
})

function throwAll(ears: SocketEars, random: Random, count: number): void {
  const frame = joined(
    new TextEncoder().encode('OGP1'),
    Uint8Array.of(0, 1, 0x61),
    new Uint8Array(60),
  )
  const said = [signed(), signed({ type: 'agent_auth' }), frame]
  const user = said.map((payload) => ({ type: 'user', payload }) as const)
  const packets = [...packetCorpus(), ...user.map(encodePacketMessage)]
  const streams = [...streamCorpus(), ...user.map(encodeStreamMessage)]
  const any = (from: readonly Uint8Array[]) => from[random.below(from.length)]!
  for (let index = 0; index < count; index++) {
    const from = placeOf(random)
    const way = random.below(10)
    const isStream = way >= 7
    const corpus = isStream ? streams : packets
    const wrap = isStream ? sealedStream : sealedPacket
    const mutant = mutated(any(corpus), random, any(corpus))
    // Most are sealed after they were changed, some before, some not at all.
    const octets =
      way % 7 === 6 ? mutated(wrap(any(corpus)), random, mutant) : way === 5 ? mutant : wrap(mutant)
    if (!isStream) ears.datagrams([{ octets, from }])
    else {
      const stream = ears.accept(from)
      let heard: Heard = 'more'
      const piece = 1 + random.below(700)
      for (let at = 0; at < octets.length && heard === 'more' && stream !== undefined; at += piece)
        heard = stream.feed(octets.slice(at, at + piece))
      if (heard === 'more') stream?.end()
    }
  }
}

const title = `an overwatch goes on under ${mutants} mutants at its ports (seed ${seed})`
test(title, { timeout: full ? 3_600_000 : 120_000 }, async () => {
  const actors = new GossipActors(seed)
  const random = seededRandom(seed)
  const ports = actors.network.ports('10.0.0.1')
  let ears: SocketEars | undefined
  const open: typeof ports.open = (bind, given) => {
    ears = given
    return ports.open(bind, given)
  }
  const overwatch = await actors.start(overwatchConfig({ allowUnsignedAgents: true }), {
    ...ports,
    open,
  })
  const agent = await actors.agent(1)
  await actors.run(5_000)
  expect(overwatch.reportOf(agent.agentId)).toBeDefined()
  const rounds = 20
  const heapMb: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let left = mutants / rounds; left > 0; left -= 500) {
      throwAll(ears!, random, Math.min(left, 500))
      await actors.run(100)
    }
    // What a test keeps of the facts is not the actor's memory.
    overwatch.world.published.length = 0
    overwatch.world.logs.length = 0
    heapMb.push(garbage())
  }
  await actors.run(60_000)
  // It still hears an honest agent, which may have been accused in the meantime.
  agent.behaviour.receive['prober.verdict-changed']({
    target: 'web:10.0.1.1:80',
    verdict: 'down',
    atMs: 1,
    reason: 'refused',
  })
  const heard = () => overwatch.reportOf(agent.agentId)?.backends[0]?.healthy === false
  expect(await actors.until(heard, 60_000)).toBeDefined()
  const { metrics } = overwatch.world
  expect(metrics.value('opengslb_gossip_message_processing_errors_total')).toBeGreaterThan(100)
  expect(metrics.value('opengslb_gossip_decryption_failures_total')).toBeGreaterThan(100)
  expect(metrics.value('opengslb_gossip_queue_depth')).toBe(0)
  expect(metrics.value('opengslb_gossip_members')).toBeLessThan(limits.swimMembers.default)
  // The last two thirds grow by no more than names that were never heard before cost.
  const third = Math.floor(rounds / 3)
  expect(heapMb.at(-1)! - heapMb[third]!).toBeLessThan(40)
})
