/**
 * A whole DNS thread without its sockets: the real actor and the real batch loop, over a slab that
 * the bench fills where `recvmmsg` would.
 *
 * Everything is on, as in the product: counters, samples, times, cookies, rate limiting. What
 * the system calls would cost is left out, and so is filling the slab.
 */
import { randomBytes } from 'node:crypto'
import { dns } from '../../src/actors/dns/actor.ts'
import type { Answer, DnsConfig } from '../../src/actors/dns/contract.ts'
import { batchAnswerer, STRIDE } from '../../src/actors/dns/ports-native.ts'
import { dnsShared } from '../../src/actors/dns/shared.ts'
import { limits } from '../../src/core/base/limits.ts'
import type { Snapshot } from '../../src/core/steer/snapshot.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import { PEER_BYTES, type Slab, slabOf, UNANSWERED } from '../../src/native/index.ts'
import { fakeCtx } from '../../test/harness/ctx.ts'
import { servingSetFrom } from '../../test/harness/dns-world.ts'
import { signedServingSet } from '../../test/harness/dnssec-serving.ts'

export const BATCH = 64
/** Client networks that ask in turn. */
const NETWORKS = 4_096
const AF_INET = 2

export interface DnsThread {
  /** Answers so many batches of 64; gives the nanoseconds a query that answering took. */
  run(batches: number): number
}

/** Octets of one address of each network, 127.x.y.1 or 198.18.x.y upwards. */
function peersOf(loopback: boolean): Uint8Array {
  const peers = new Uint8Array(NETWORKS * PEER_BYTES)
  for (let network = 0; network < NETWORKS; network++) {
    const at = network * PEER_BYTES
    const [first, second] = loopback ? [127, network >> 8] : [198, 18 + (network >> 8)]
    peers.set([AF_INET, 0, 0xc0, 0x01, first!, second!, network & 255, 1], at)
  }
  return peers
}

function fill(slab: Slab, queries: readonly Uint8Array[], peers: Uint8Array, from: number): void {
  for (let at = 0; at < BATCH; at++) {
    const query = queries[(from + at) % queries.length]!
    slab.input.set(query, at * slab.stride)
    slab.inputLengths[at] = query.length
    slab.outputLengths[at] = UNANSWERED
    const network = ((from + at) % NETWORKS) * PEER_BYTES
    // No subarray: what the bench allocates would hide what the thread does.
    for (let byte = 0; byte < 8; byte++) slab.peers[at * PEER_BYTES + byte] = peers[network + byte]!
  }
}

const servingOf = (snapshot: Snapshot, hashSeed: number, signed: 'nsec' | 'nsec3' | undefined) =>
  signed === undefined
    ? servingSetFrom(snapshot, hashSeed)
    : signedServingSet(snapshot, hashSeed | 0, signed)

/** `loopback`: from clients that rate limiting exempts; `signed`: how its zones deny. */
export async function dnsThread(
  snapshot: Snapshot,
  queries: readonly Uint8Array[],
  loopback: boolean,
  samplesPerSecond = limits.samplesPerSecond.default,
  signed?: 'nsec' | 'nsec3',
): Promise<DnsThread> {
  let answer: Answer | undefined
  const { ctx } = fakeCtx('dns')
  const { turns, hashSeed, cookieSecret, rateMemory } = dnsShared(randomBytes)
  const config: DnsConfig = {
    sockets: [],
    listenAddress: '127.0.0.1:0',
    udpPayloadSize: 1232,
    nsid: '',
    versionString: '',
    hashSeed,
    turns,
    samplesPerSecond,
    subnets: { trustedNetworks: [] },
    cookies: { secret: cookieSecret, previousSecret: new Uint8Array(0), require: false },
    rateLimit: {
      responsesPerSecond: 1_000_000,
      slip: 2,
      windowSeconds: 15,
      ipv4PrefixBits: 24,
      ipv6PrefixBits: 56,
      exemptNetworks: [],
    },
    rateMemory,
    tcp: { maxConnections: 0, maxConnectionsPerClient: 0, idleTimeoutMs: 0, maxPipelined: 0 },
  }
  const none = { tcpConnections: 0, repliesDropped: 0, connectionsShed: 0, kernelDrops: 0 }
  const { every: _, after: __, ...time } = realClock()
  // Metrics that keep nothing: what is kept there is no matter of the thread.
  const nothing = { add() {}, set() {}, observe() {}, addAll() {}, reset() {} }
  const silent = () => nothing
  const metrics = { counter: silent, gauge: silent, histogram: silent, onCollect() {} }
  // Timers run between slices, when they are due; the event loop is not reached meanwhile.
  const timers: (() => void)[] = []
  const clock = {
    ...time,
    every: (intervalMs: number, _phaseMs: number, run: () => void) => {
      let dueMs = time.monotonicMs() + intervalMs
      timers.push(() => {
        if (time.monotonicMs() < dueMs) return
        dueMs = time.monotonicMs() + intervalMs
        run()
      })
      return () => undefined
    },
    after: () => () => undefined,
  }
  const behaviour = await dns.start(
    { ...ctx, clock, metrics, publish() {} },
    {
      listen: async (request) => {
        answer = request.answer
        const front = { kind: 'bench', host: '127.0.0.1', port: 0, counts: () => none }
        const still = { serve() {}, reconfigure() {}, close: async () => undefined }
        return { code: 'listening', front: { ...front, ...still } }
      },
    },
    config,
  )
  behaviour.receive['registry.serving-set'](servingOf(snapshot, hashSeed, signed))
  const slab = slabOf(BATCH, STRIDE)
  const onBatch = batchAnswerer(slab, answer!)
  const peers = peersOf(loopback)
  let next = 0
  return {
    run: (batches) => {
      let spentMs = 0
      for (let batch = 0; batch < batches; batch++) {
        fill(slab, queries, peers, next)
        next = (next + BATCH) % (queries.length * NETWORKS)
        const beganMs = performance.now()
        onBatch(BATCH)
        spentMs += performance.now() - beganMs
        for (const timer of timers) timer()
        for (let at = 0; at < BATCH; at++)
          if (slab.outputLengths[at] === 0) throw new Error('a query was not answered')
      }
      return (spentMs * 1e6) / (batches * BATCH)
    },
  }
}
