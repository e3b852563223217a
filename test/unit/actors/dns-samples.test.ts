// Goal: a session of sampled answers over real UDP is made again byte for byte while words change,
// and sampling keeps its rate. Method: the dns actor with its plain front on port 0 and a virtual
// clock, real datagrams; what it publishes is answered again with the tables it was given.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { dns } from '../../../src/actors/dns/actor.ts'
import type { DnsConfig, DnsPorts, Front } from '../../../src/actors/dns/contract.ts'
import { openPorts } from '../../../src/actors/dns/ports.ts'
import { limits } from '../../../src/core/base/limits.ts'
import { Execution, rerun } from '../../../src/core/replay/execute.ts'
import { readSamples } from '../../../src/core/replay/sample.ts'
import { type FakeCtx, fakeCtx } from '../../harness/ctx.ts'
import { countsInto } from '../../harness/dns-counts.ts'
import { buildQuery } from '../../harness/dns-query.ts'
import { servingSetOf, type WorldParts } from '../../harness/dns-world.ts'
import { DOWN, UP, WAS_UP } from '../../harness/pools.ts'

const FLUSH_MS = limits.sampleFlushMs.default

const addresses = Array.from({ length: 12 }, (_, at) => `192.0.2.${at + 1}`)
const PARTS: WorldParts = {
  zones: { 'example.com': '@ NS ns1\nns1 A 192.0.2.53\nalias CNAME app\nwww A 192.0.2.99' },
  pools: [
    { name: 'app.example.com', zone: 'example.com', addresses },
    {
      name: 'heavy.example.com',
      zone: 'example.com',
      addresses: [...addresses, '2001:db8::1', '2001:db8::2'],
      spec: { policy: 'weighted', answers: 8, whenAllDown: 'last_healthy' },
    },
  ],
}

const configOf = (changes: Partial<DnsConfig> = {}): DnsConfig => ({
  sockets: [],
  listenAddress: '127.0.0.1:0',
  udpPayloadSize: 1232,
  nsid: 'one',
  versionString: '',
  hashSeed: 77,
  turns: new SharedArrayBuffer(1024),
  whyNetworks: [],
  cookies: {
    secret: new Uint8Array(16).fill(3),
    previousSecret: new Uint8Array(0),
    require: false,
  },
  samplesPerSecond: limits.samplesPerSecond.max,
  tcp: { maxConnections: 4, maxConnectionsPerClient: 4, idleTimeoutMs: 1_000, maxPipelined: 8 },
  ...changes,
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const sampledBy = ({ published }: FakeCtx<'dns'>) =>
  published.flatMap(([id, message]) => (id === 'dns.decisions-sampled' ? [message] : []))

async function start(changes: Partial<DnsConfig> = {}) {
  const config = configOf(changes)
  const world = fakeCtx('dns')
  let front: Front | undefined
  const real = openPorts(config)
  const ports: DnsPorts = {
    listen: async (request) => {
      const outcome = await real.listen(request)
      if (outcome.code === 'listening') front = outcome.front
      return outcome
    },
  }
  const behaviour = await dns.start(
    { ...world.ctx, lend: countsInto(world.metrics) },
    ports,
    config,
  )
  cleanups.push(() => behaviour.onStop?.())
  const served = servingSetOf(PARTS, config.hashSeed)
  behaviour.receive['registry.serving-set'](served)
  const socket = createSocket('udp4')
  socket.connect(front!.port, '127.0.0.1')
  await once(socket, 'connect')
  cleanups.push(() => socket.close())
  return { world, behaviour, socket, served, config }
}

const questions = [
  ['app.example.com', 'A'],
  ['alias.example.com', 'A'],
  ['heavy.example.com', 'A'],
  ['heavy.example.com', 'AAAA'],
  ['www.example.com', 'A'],
  ['nothing.example.com', 'A'],
  ['elsewhere.test', 'A'],
] as const

const queryAt = (id: number): Uint8Array => {
  const [name, type] = questions[id % questions.length]!
  const cookie = [10, [1, 2, 3, 4, 5, 6, 7, 8]] as const
  const ecs = [8, [0, 1, 24, 0, 198, 51, 100]] as const
  const edns = { options: id % 2 === 0 ? [cookie] : [ecs] }
  return buildQuery({ name, type, id: id & 0xffff, ...(id % 3 === 0 ? {} : { edns }) })
}

/** Asks with ids from `from` on and waits for every answer, by id. */
async function askAll(
  socket: Awaited<ReturnType<typeof start>>['socket'],
  from: number,
  count: number,
): Promise<Map<number, string>> {
  const answers = new Map<number, string>()
  const hear = (reply: Buffer) => void answers.set(reply.readUInt16BE(0), reply.toString('latin1'))
  socket.on('message', hear)
  // A window small enough that no socket buffer overflows.
  for (let at = 0; at < count; at += 50) {
    const end = Math.min(count, at + 50)
    for (let next = at; next < end; next++) socket.send(queryAt(from + next))
    while (answers.size < end) await new Promise((resolve) => setImmediate(resolve))
  }
  socket.off('message', hear)
  return answers
}

describe('samples over UDP', () => {
  const wanted = process.env['OPENGSLB_FULL'] === '1' ? 1_000_000 : 20_000

  test(`${wanted} answers are made again byte for byte while words change`, {
    timeout: 600_000,
  }, async () => {
    const { world, behaviour, socket, served } = await start()
    const words = [UP, DOWN, WAS_UP, (UP & ~(0x3ff << 16)) | (250 << 16)]
    let remade = 0
    let version = 1
    const round = 1_000
    for (let from = 0; from < wanted; from += round) {
      for (let change = 0; change < 20; change++) {
        version++
        const [pool, member] = [version % 2, (version * 7) % 14]
        const word = words[(version * 5 + change) % words.length]!
        behaviour.receive['registry.word-changed']({ epoch: 1, version, pool, member, word })
      }
      const answers = await askAll(socket, from, round)
      world.published.length = 0
      world.clock.advance(FLUSH_MS)
      for (const [id, message] of world.published) {
        if (id !== 'dns.decisions-sampled') continue
        const execution = new Execution(message.settings, served.epoch, served.parts)
        for (const sample of readSamples(message.bytes)) {
          const again = rerun(execution, sample)
          if (again.code !== 'same') throw new Error(`${again.code} at ${remade}`)
          const bytes = Buffer.from(again.answer)
          const sent = answers.get(bytes.readUInt16BE(0))
          if (sent !== bytes.toString('latin1')) throw new Error(`not what was sent: ${remade}`)
          remade++
        }
      }
    }
    expect(remade).toBe(wanted)
  })

  test('a message tells how many queries there were, and samples stand for all of them', async () => {
    const { world, socket } = await start({ samplesPerSecond: 50 })
    const taken: number[] = []
    let stoodFor = 0
    for (let round = 0; round < 6; round++) {
      await askAll(socket, 0, 640)
      world.published.length = 0
      world.clock.advance(FLUSH_MS)
      const message = sampledBy(world)[0]!
      const samples = readSamples(message.bytes)
      taken.push(samples.length)
      expect(message.count).toBe(samples.length)
      for (const { standsFor } of samples) stoodFor += standsFor
    }
    // 50 a second are 10 in 200 ms: never more, and once the rate is known no fewer by much.
    expect(Math.max(...taken)).toBeLessThanOrEqual(10)
    expect(Math.min(...taken.slice(1))).toBeGreaterThanOrEqual(8)
    expect(stoodFor).toBeGreaterThan(640 * 5)
    expect(stoodFor).toBeLessThanOrEqual(640 * 6)
  })

  test('a jump of the rate exceeds the budget of no interval', async () => {
    const { world, socket } = await start({ samplesPerSecond: 50 })
    for (const [asked, most] of [
      [5, 5],
      [3_000, 10],
    ] as const) {
      await askAll(socket, 0, asked)
      world.published.length = 0
      world.clock.advance(FLUSH_MS)
      const message = sampledBy(world)[0]!
      expect(message.count).toBeLessThanOrEqual(most)
      expect(message.count).toBeGreaterThan(most / 2)
    }
  })

  test('a rate of 0 samples nothing', async () => {
    const { world, socket } = await start({ samplesPerSecond: 0 })
    await askAll(socket, 0, 300)
    world.clock.advance(FLUSH_MS * 3)
    expect(world.published).toEqual([])
  })

  test('what was answered under old settings is told with them', async () => {
    const { world, behaviour, socket, config, served } = await start()
    await askAll(socket, 0, 7)
    behaviour.onReconfigured!({ ...config, nsid: 'two' })
    await askAll(socket, 7, 7)
    world.clock.advance(FLUSH_MS)
    const messages = sampledBy(world)
    expect(messages.map(({ settings }) => settings.nsid)).toEqual(['one', 'two'])
    for (const { settings, bytes } of messages) {
      const execution = new Execution(settings, 1, served.parts)
      for (const sample of readSamples(bytes)) expect(rerun(execution, sample).code).toBe('same')
    }
  })

  test('secrets are not among what is told of the settings', async () => {
    const { world, socket } = await start()
    await askAll(socket, 0, 2)
    world.clock.advance(FLUSH_MS)
    const { settings } = sampledBy(world)[0]!
    expect(Object.keys(settings).sort()).toEqual(
      [...['cookies', 'nsid', 'tcpIdleTimeoutMs', 'udpPayloadSize', 'versionString']].concat(
        'whyNetworks',
      ),
    )
    expect(settings.cookies).toBe('on')
  })
})
