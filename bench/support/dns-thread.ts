/**
 * A whole DNS thread without its sockets: the real actor and the real batch loop, over a slab that
 * the bench fills where `recvmmsg` would.
 *
 * Everything is on, as in the product: counters, samples, times, cookies, rate limiting. What
 * the system calls would cost is left out, and so is filling the slab.
 */
import { randomBytes } from 'node:crypto'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { dns } from '../../src/actors/dns/actor.ts'
import type { Answer, DnsConfig, ReadAhead } from '../../src/actors/dns/contract.ts'
import { batchAnswerer, STRIDE } from '../../src/actors/dns/ports-native.ts'
import { dnsShared } from '../../src/actors/dns/shared.ts'
import { limits } from '../../src/core/base/limits.ts'
import type { RouteParts } from '../../src/core/steer/routes.ts'
import type { Snapshot, WordChange } from '../../src/core/steer/snapshot.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import { catalogue } from '../../src/messages/catalogue.ts'
import { codecOf } from '../../src/messages/codec.ts'
import { PEER_BYTES, type Slab, slabOf, UNANSWERED } from '../../src/native/index.ts'
import { fakeCtx } from '../../test/harness/ctx.ts'
import { servingSetFrom } from '../../test/harness/dns-world.ts'
import { signedServingSet } from '../../test/harness/dnssec-serving.ts'
import { DOWN, UP } from '../../test/harness/pools.ts'

export const BATCH = 64
/** Client networks that ask in turn. */
const NETWORKS = 4_096
/** Networks drawn, of which each is asked with in turn. */
const DRAWN = 2 ** 20
const AF_INET = 2

export interface DnsThread {
  /** Answers so many batches of 64; gives the nanoseconds a query that answering took. */
  run(batches: number): number
  /** Lets the process end. */
  close(): void
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

/** How the network is drawn that a query's client subnet names. */
export type Draw = 'zipf' | 'uniform'

/**
 * The last two octets of the subnets of queries to come, each of one of so many networks. What is
 * drawn lies in memory read in order, as a datagram does.
 */
function drawnNetworks(draw: Draw, networks: number): Uint16Array {
  let state = 0x2545f491
  return Uint16Array.from({ length: DRAWN }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const point = (state >>> 0) / 2 ** 32
    if (draw === 'uniform') return Math.floor(point * networks)
    // Zipf with exponent 1: the logarithm of the rank is uniform; an odd factor scatters ranks.
    return Math.imul(Math.floor(networks ** point) - 1, 40_503) & (networks - 1)
  })
}

/** Writes the networks into queries that end with the octets of a subnet of /24. */
function place(slab: Slab, drawn: Uint16Array, from: number): void {
  for (let at = 0; at < BATCH; at++) {
    const network = drawn[(from + at) % DRAWN]!
    const end = at * slab.stride + slab.inputLengths[at]!
    slab.input[end - 2] = network >> 8
    slab.input[end - 1] = network & 255
  }
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

/**
 * Changes of words as they reach a thread: one message in a post of its own, the dearest way, read
 * from a real channel, decoded, taken up and acknowledged. Writing it is another thread's work.
 */
function deltasFrom({ epoch, version, pools }: Snapshot, take: (change: WordChange) => void) {
  const codec = codecOf(catalogue)
  const { port1: registry, port2: thread } = new MessageChannel()
  const members = pools[0]?.members.length ?? 0
  let count = 0
  return {
    /** Each member in turn is taken out, then each let back in. */
    post(): void {
      const word = Math.floor(count / members) % 2 === 0 ? DOWN : UP
      const place = { pool: 0, member: count % members, word }
      const change = { epoch, version: version + ++count, ...place }
      const bytes = codec.batch([codec.fact('registry.word-changed', change)])
      registry.postMessage(bytes, [bytes.buffer as ArrayBuffer])
      // Acknowledgements are taken away, so that they do not pile up.
      while (receiveMessageOnPort(registry) !== undefined);
    },
    take(): void {
      const { message } = receiveMessageOnPort(thread) as { message: Uint8Array }
      for (const item of codec.decode(message).items)
        if (item.kind === 'fact') take(item.message as WordChange)
      thread.postMessage(count)
    },
    close: () => registry.close(),
  }
}

export interface DnsThreadOptions {
  /** Only clients that rate limiting exempts. */
  readonly loopback: boolean
  /** A change of a word comes with every so many batches; absent: none. */
  readonly batchesPerDelta?: number
  readonly samplesPerSecond?: number
  /** How its zones deny, where they are signed. */
  readonly signed?: 'nsec' | 'nsec3'
  /** What was learned of clients. */
  readonly routes?: RouteParts
  /** The subnet of each query is one of `networks`, a power of two; absent: as the query has it. */
  readonly draw?: Draw
  readonly networks?: number
}

function configFor(samplesPerSecond = limits.samplesPerSecond.default): DnsConfig {
  const { turns, hashSeed, cookieSecret, rateMemory } = dnsShared(randomBytes)
  return {
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
}

/** Timers run between slices, when they are due; the event loop is not reached meanwhile. */
function slicedClock() {
  const { every: _, after: __, ...time } = realClock()
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
  return { clock, timers }
}

export async function dnsThread(
  snapshot: Snapshot,
  queries: readonly Uint8Array[],
  {
    loopback,
    batchesPerDelta,
    samplesPerSecond,
    signed,
    routes,
    draw,
    networks = 1,
  }: DnsThreadOptions,
): Promise<DnsThread> {
  let answer: Answer | undefined
  let readAhead: ReadAhead | undefined
  const { ctx } = fakeCtx('dns')
  const config = configFor(samplesPerSecond)
  const { hashSeed } = config
  const none = { tcpConnections: 0, repliesDropped: 0, connectionsShed: 0 }
  // Metrics that keep nothing: what is kept there is no matter of the thread.
  const nothing = { add() {}, set() {}, observe() {}, addAll() {}, reset() {} }
  const silent = () => nothing
  const metrics = { counter: silent, gauge: silent, histogram: silent, onCollect() {} }
  const { clock, timers } = slicedClock()
  const behaviour = await dns.start(
    { ...ctx, clock, metrics, publish() {} },
    {
      listen: async (request) => {
        answer = request.answer
        readAhead = request.readAhead
        const front = { kind: 'bench', host: '127.0.0.1', port: 0, counts: () => none }
        const idle = { serve() {}, release() {}, reconfigure() {} }
        const still = { ...idle, close: async () => undefined }
        return { code: 'listening', front: { ...front, ...still } }
      },
    },
    config,
  )
  const serving =
    signed === undefined
      ? servingSetFrom(snapshot, hashSeed)
      : signedServingSet(snapshot, hashSeed | 0, signed)
  behaviour.receive['registry.serving-set'](serving)
  if (routes !== undefined)
    behaviour.receive['registry.routes-set']({ version: routes.version, parts: routes })
  const slab = slabOf(BATCH, STRIDE)
  const onBatch = batchAnswerer(slab, answer!, () => false, readAhead)
  const peers = peersOf(loopback)
  const drawn = draw && drawnNetworks(draw, networks)
  let nextDrawn = 0
  const deltas = deltasFrom(snapshot, behaviour.receive['registry.word-changed'])
  let untilDelta = batchesPerDelta ?? 0
  let next = 0
  return {
    run: (batches) => {
      let spentMs = 0
      for (let batch = 0; batch < batches; batch++) {
        fill(slab, queries, peers, next)
        if (drawn !== undefined) place(slab, drawn, nextDrawn)
        nextDrawn = (nextDrawn + BATCH) % DRAWN
        next = (next + BATCH) % (queries.length * NETWORKS)
        const isDue = --untilDelta === 0
        if (isDue) deltas.post()
        const beganMs = performance.now()
        if (isDue) deltas.take()
        onBatch(BATCH)
        spentMs += performance.now() - beganMs
        if (isDue) untilDelta = batchesPerDelta!
        for (const timer of timers) timer()
        for (let at = 0; at < BATCH; at++)
          if (slab.outputLengths[at] === 0) throw new Error('a query was not answered')
      }
      return (spentMs * 1e6) / (batches * BATCH)
    },
    close: deltas.close,
  }
}
