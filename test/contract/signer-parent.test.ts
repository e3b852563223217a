/** Goal: servers of a parent are asked over UDP, over TCP when need be; faults are no answers. */
import { createSocket } from 'node:dgram'
import { type Server, createServer } from 'node:net'
import { decode, encode } from 'dns-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { askParent, placeOf } from '../../src/actors/signer/ports-parent.ts'
import { limits } from '../../src/core/base/limits.ts'
import { dsOfReply } from '../../src/core/dnssec/parent/look.ts'
import { type ParentServer, startParent } from '../harness/parent-server.ts'

const ZONE = 'gslb.example.com'
const ends: (() => void)[] = []

afterEach(() => {
  for (const end of ends.splice(0)) end()
})

async function parentWith(ds: readonly string[]): Promise<ParentServer> {
  const parent = await startParent('example.com')
  parent.ds = ds
  ends.push(parent.stop)
  return parent
}

const ask = (...ports: readonly number[]) =>
  askParent(ZONE, {
    servers: ports.map((port) => ({ host: '127.0.0.1', port })),
    resolvers: [],
  })

const DS = `12345 13 2 ${'ab'.repeat(32)}`

/** Says over UDP that its answer is cut, and gives it over TCP; `bent` changes what it sends. */
async function cutting(bent: (reply: Buffer) => Buffer): Promise<number> {
  const tcp: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      const question = decode(bytes.subarray(2))
      const digest = Buffer.alloc(32, 0xab)
      const data = { keyTag: 12_345, algorithm: 13, digestType: 2, digest }
      const name = question.questions?.[0]?.name ?? ''
      const reply = encode({
        ...{ type: 'response', flags: 1 << 10, questions: question.questions ?? [] },
        id: question.id ?? 0,
        answers: [{ type: 'DS', name, ttl: 9, data }],
      })
      const head = Buffer.alloc(2)
      head.writeUInt16BE(reply.length)
      socket.end(bent(Buffer.concat([head, reply])))
    })
  })
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  const place = tcp.address()
  const port = typeof place === 'object' && place !== null ? place.port : 0
  const udp = createSocket('udp4')
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  udp.on('message', (bytes, from) => {
    const { id = 0, questions = [] } = decode(bytes)
    const flags = (1 << 10) | (1 << 9)
    udp.send(encode({ type: 'response', id, flags, questions }), from.port, from.address)
  })
  ends.push(
    () => udp.close(),
    () => tcp.close(),
  )
  return port
}

/** Knows the name servers of the zone above, and addresses of them where nobody is. */
async function resolver(names: readonly string[]): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  ends.push(() => socket.close())
  socket.on('message', (bytes, from) => {
    const { id = 0, questions = [] } = decode(bytes)
    const { name = '', type } = questions[0] ?? {}
    const answers = {
      NS: names.map((data) => ({ type: 'NS' as const, name, ttl: 60, data })),
      A: [{ type: 'A' as const, name, ttl: 60, data: '255.255.255.255' }],
      AAAA: [{ type: 'AAAA' as const, name, ttl: 60, data: 'fe80::1' }],
    }
    const found = type === 'NS' || type === 'A' || type === 'AAAA' ? answers[type] : []
    const reply = { type: 'response' as const, id, flags: 0x180, questions, answers: [...found] }
    socket.send(encode(reply), from.port, from.address)
  })
  return socket.address().port
}

describe('the servers of a parent', { timeout: 30_000 }, () => {
  test('are asked each, and answer for themselves', async () => {
    const [one, two] = [await parentWith([DS]), await parentWith([])]
    const answers = await ask(one.port, two.port)
    expect(answers.map(({ server }) => server)).toEqual([
      `127.0.0.1:${one.port}`,
      `127.0.0.1:${two.port}`,
    ])
    const sets = answers.map(({ reply }) => reply && dsOfReply(reply, ZONE)?.rdatas.length)
    expect(sets).toEqual([1, 0])
  })

  test('that are silent, or not there, give no reply in time', async () => {
    const deaf = await parentWith([DS])
    deaf.isDeaf = true
    const gone = await startParent('example.com')
    gone.stop()
    const answers = await ask(deaf.port, gone.port)
    expect(answers.map(({ reply }) => reply)).toEqual([undefined, undefined])
  })

  test.each([13, 20])('are asked all where %i names have two addresses each', async (count) => {
    const names = Array.from({ length: count }, (_, at) => `ns${at + 10}.example.net`)
    const port = await resolver(names)
    const resolvers = [{ host: '127.0.0.1', port }]
    const answers = await askParent(ZONE, { servers: [], resolvers })
    expect([...new Set(answers.map(({ server }) => server))]).toEqual(names)
    // More names than are asked are there all the same, so that the look is not complete.
    const asked = Math.min(count, limits.parentServers.default)
    expect(answers).toHaveLength(2 * asked + (count - asked))
  })

  test('that are named beyond those asked give no reply', async () => {
    const one = await parentWith([DS])
    const ports = Array.from({ length: limits.parentServers.default + 1 }, () => one.port)
    const answers = await ask(...ports)
    expect(answers.map(({ reply }) => reply !== undefined)).toEqual([
      ...ports.slice(1).map(() => true),
      false,
    ])
  })

  test('that there is no way to give no reply, at once', async () => {
    // Nobody may send there without leave: connecting fails, as it does without a route.
    const places = ['255.255.255.255', '240.0.0.1'].map((host) => ({ host, port: 53 }))
    const answers = await askParent(ZONE, { servers: places.slice(0, 1), resolvers: [] })
    expect(answers).toEqual([{ server: '255.255.255.255:53' }])
    expect(await askParent(ZONE, { servers: [], resolvers: places })).toEqual([])
  })

  test('are asked again over TCP when the answer is cut', async () => {
    const port = await cutting((reply) => reply)
    const [answer] = await ask(port)
    expect(dsOfReply(answer!.reply!, ZONE)?.rdatas).toHaveLength(1)
  })

  test('that send garbage over TCP give no reply', async () => {
    const port = await cutting(() => Buffer.alloc(70_000, 0xff))
    const other = await cutting((reply) => reply.subarray(0, 20))
    const answers = await ask(port, other)
    expect(answers.map(({ reply }) => reply)).toEqual([undefined, undefined])
  })

  test('are named as configuration and system name them', () => {
    expect(placeOf('192.0.2.1')).toEqual({ host: '192.0.2.1', port: 53 })
    expect(placeOf('192.0.2.1:5353')).toEqual({ host: '192.0.2.1', port: 5_353 })
    expect(placeOf('[2001:db8::1]:54')).toEqual({ host: '2001:db8::1', port: 54 })
    expect(placeOf('2001:db8::1')).toEqual({ host: '2001:db8::1', port: 53 })
  })
})
