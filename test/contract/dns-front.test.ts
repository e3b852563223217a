// Goal: whatever moves the datagrams, the dns actor gets each query once and its reply goes back to
// whoever asked; nothing a client sends stops the next query.
// Method: one suite for the native front and for node:dgram, with real clients on loopback.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Answer } from '../../src/actors/dns/contract.ts'
import { lendSockets } from '../../src/actors/dns/ports-sockets.ts'
import { limits } from '../../src/core/base/limits.ts'
import { Client, kinds, message, mirror, openFront, type Opened } from '../harness/dns-fronts.ts'
import { dig, has } from '../harness/tools.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(...args: Parameters<typeof openFront>): Promise<Opened> {
  const opened = await openFront(...args)
  cleanups.push(opened.close)
  return opened
}

function client(host: string, port: number): Client {
  const made = new Client(host, port)
  cleanups.push(() => made.close())
  return made
}

/** Sends UDP from port 0, which no socket does; false where raw sockets are not allowed. */
function sendFromPortZero(port: number): boolean {
  const script = `
    use Socket;
    socket(my $s, PF_INET, SOCK_RAW, 17) or exit 3;
    my $udp = pack('nnnn', 0, $ARGV[0], 20, 0) . ("\\0" x 12);
    send($s, $udp, 0, pack_sockaddr_in(0, inet_aton('127.0.0.1'))) or exit 4;`
  return spawnSync('perl', ['-e', script, String(port)], { stdio: 'ignore' }).status === 0
}

const HELD = limits.clusterHeldReplies.default
const idOf = (bytes: Uint8Array) => (bytes[0]! << 8) | bytes[1]!

describe.each(kinds)('%s', (kind) => {
  test.each([
    ['127.0.0.1', '127.0.0.1:0'],
    ['::1', '[::1]:0'],
    ['127.0.0.1', ':0'],
    ['::1', ':0'],
    ['127.0.0.1', '[::]:0'],
    ['::1', '[::]:0'],
  ])(
    'each query to %s, bound to %s, gets one reply, at the socket that asked',
    async (host, to) => {
      const { port } = await open(kind, to, mirror)
      const clients = Array.from({ length: 20 }, () => client(host, port))
      for (let id = 0; id < 50; id++)
        for (const [index, one] of clients.entries()) one.send(message(index * 100 + id, 40))
      for (const [index, one] of clients.entries()) {
        const heard = await one.hear(50)
        const ids = heard.map(({ bytes }) => idOf(bytes)).sort((a, b) => a - b)
        expect(ids).toEqual(Array.from({ length: 50 }, (_, id) => index * 100 + id))
        for (const reply of heard) {
          expect(reply).toMatchObject({ address: host, port })
          expect(reply.bytes[2]).toBe(0x80)
          expect(reply.bytes.slice(12)).toEqual(message(idOf(reply.bytes), 40).slice(12))
        }
      }
    },
  )

  test.each([
    ['127.0.0.1:0', '127.0.0.1', [127, 0, 0, 1]],
    ['[::1]:0', '::1', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    [':0', '127.0.0.1', [127, 0, 0, 1]],
  ])('on %s the client %s is told by its bytes', async (to, host, expected) => {
    const answer: Answer = (_query, _start, _length, out, outStart, { bytes, transport }) => {
      out.set(bytes, outStart)
      out[outStart + bytes.length] = transport === 'udp' ? 1 : 2
      return bytes.length + 1
    }
    const { port } = await open(kind, to, answer)
    const heard = await client(host, port).ask(message(1))
    expect([...heard!.bytes]).toEqual([...expected, 1])
  })

  test.each([
    ['127.0.0.1', '127.0.0.1:0'],
    ['::1', '[::1]:0'],
    ['127.0.0.1', ':0'],
    ['::1', ':0'],
  ])('what is to wait goes to who asked, when it is released: %s on %s', async (host, to) => {
    // Odd ids wait; what waits is overwritten in the batch by what comes later.
    const waits: Answer = (query, start, ...rest) => {
      const bytes = mirror(query, start, ...rest)
      return query[start + 1]! % 2 === 1 ? -bytes : bytes
    }
    let heard = 0
    const waiting = { heard: () => heard, nowMs: () => 0 }
    const { front, port } = await open(kind, to, waits, {}, waiting)
    const clients = [client(host, port), client(host, port)]
    const idsOf = (one: Client) => one.heard.map(({ bytes }) => idOf(bytes)).sort((a, b) => a - b)
    const odd = Array.from({ length: 20 }, (_, at) => 2 * at + 1)
    for (const one of clients) for (let id = 0; id < 40; id++) one.send(message(id, 40))
    for (const one of clients) await one.hear(20)
    expect(clients.flatMap(idsOf).every((id) => id % 2 === 0)).toBe(true)
    heard = 1
    front.release(heard, 0)
    for (const one of clients) expect(await one.hear(20)).toHaveLength(20)
    heard = 2
    front.release(heard, 0)
    for (const one of clients) {
      const all = await one.hear(40)
      expect(idsOf(one)).toEqual(expect.arrayContaining(odd))
      for (const reply of all) {
        expect(reply).toMatchObject({ address: host, port })
        expect(reply.bytes.slice(12)).toEqual(message(idOf(reply.bytes), 40).slice(12))
      }
    }
    // Forgotten, and what finds no room goes at once.
    const late = client(host, port)
    for (let at = 0; at < HELD + 8; at++) late.send(message(1, 40))
    expect((await late.hear(8)).length).toBe(8)
    front.release(heard, limits.clusterHeldMs.default + 1)
    late.send(message(2))
    expect((await late.hear(9)).map(({ bytes }) => idOf(bytes)).at(-1)).toBe(2)
    expect(late.heard).toHaveLength(9)
  })

  test('what gets no answer gets no reply, and the next query is answered', async () => {
    const answer: Answer = (query, start, ...rest) =>
      query[start + 1]! % 2 === 1 ? 0 : mirror(query, start, ...rest)
    const { port } = await open(kind, '127.0.0.1:0', answer)
    const one = client('127.0.0.1', port)
    for (let id = 0; id < 100; id++) one.send(message(id))
    expect(new Set((await one.hear(50)).map(({ bytes }) => idOf(bytes) % 2))).toEqual(new Set([0]))
    expect(one.heard).toHaveLength(50)
  })

  test('empty and oversized datagrams are passed over', async () => {
    const lengths: number[] = []
    const answer: Answer = (query, start, length, ...rest) => {
      lengths.push(length)
      return length === 0 ? 0 : mirror(query, start, length, ...rest)
    }
    const { port } = await open(kind, '127.0.0.1:0', answer)
    const one = client('127.0.0.1', port)
    for (const size of [0, 4_097, 65_507, 0]) one.send(new Uint8Array(size))
    expect((await one.ask(message(7, 4_096)))?.bytes).toHaveLength(4_096)
    expect(lengths.filter((length) => length > 0)).toEqual([4_096])
    expect(one.heard).toHaveLength(1)
  })

  test('a query from port 0 is not answered, and the next one is', async () => {
    let asked = 0
    const { port, front } = await open(kind, '127.0.0.1:0', (...args) => {
      asked++
      return mirror(...args)
    })
    // Without the right to raw sockets the datagram cannot be made; the rest still has to hold.
    const isSent = sendFromPortZero(port)
    const one = client('127.0.0.1', port)
    expect(await one.ask(message(5))).toBeDefined()
    expect([asked, front.counts().repliesDropped], `sent: ${isSent}`).toEqual([1, 0])
  })

  test('replies of every size up to the largest arrive whole', async () => {
    const answer: Answer = (query, start, _length, out, outStart) => {
      const size = (query[start + 2]! << 8) | query[start + 3]!
      out.fill(query[start]!, outStart, outStart + size)
      return size
    }
    const { port } = await open(kind, '127.0.0.1:0', answer)
    const one = client('127.0.0.1', port)
    for (const size of [1, 2, 12, 511, 512, 513, 1_232, 1_473, 4_095, 4_096]) {
      const query = Uint8Array.of(size & 0xff, 0, size >> 8, size & 0xff, 0, 0, 0, 0, 0, 0, 0, 0)
      const heard = await one.ask(query)
      expect(heard?.bytes).toEqual(new Uint8Array(size).fill(size & 0xff))
    }
  })

  test('10,000 queries at once are all answered, while the buffer holds them', async () => {
    const { port } = await open(kind, '127.0.0.1:0', mirror)
    // 50 sockets, so that none of ours is the one that overflows.
    const clients = Array.from({ length: 50 }, () => client('127.0.0.1', port))
    const all = () => clients.reduce((sum, { heard }) => sum + heard.length, 0)
    // A wave is sent without giving the front a turn. The native front asks for a buffer of 4 MiB,
    // which takes them all where the process may have it; an ordinary one takes 250 small ones.
    const isLarge = kind === 'native' && lendNotes().length === 0
    const wave = isLarge ? 10_000 : 200
    for (let sent = 0; sent < 10_000; sent += wave) {
      for (let id = 0; id < wave; id++) clients[id % 50]!.send(message(id & 0xffff))
      const endMs = performance.now() + 5_000
      while (all() < sent + wave && performance.now() < endMs) await sleep(1)
      expect(all()).toBe(sent + wave)
    }
  })

  test('a closed front is silent, and its port can be had again', async () => {
    const first = await openFront(kind, '127.0.0.1:0', mirror)
    const { port } = first
    const one = client('127.0.0.1', port)
    expect(await one.ask(message(1))).toBeDefined()
    await first.close()
    one.send(message(2))
    await sleep(20)
    const second = await open(kind, `127.0.0.1:${port}`, mirror)
    expect(second.port).toBe(port)
    expect(idOf((await one.ask(message(3)))!.bytes)).toBe(3)
    expect(one.heard.map(({ bytes }) => idOf(bytes))).toEqual([1, 3])
  })

  test('a port that is in use is not shared', async () => {
    const { port } = await open(kind, '127.0.0.1:0', mirror)
    await expect(openFront('dgram', `127.0.0.1:${port}`, mirror)).rejects.toThrow('address in use')
    const { threads } = lendSockets({
      listenAddress: `127.0.0.1:${port}`,
      threads: 1,
      batchSize: 64,
    })
    expect(threads).toEqual([[]])
  })

  test.each([
    ['127.0.0.1:0', '127.0.0.1'],
    ['[::1]:0', '::1'],
    [':0', '127.0.0.1'],
    [':0', '::1'],
  ])('TCP is served beside UDP on %s, asked at %s', async (to, host) => {
    const { port } = await open(kind, to, mirror)
    const socket = connect(port, host)
    cleanups.push(() => socket.destroy())
    socket.write(Uint8Array.of(0, 12, ...message(9)))
    const [reply] = (await once(socket, 'data')) as [Buffer]
    expect([...reply.subarray(0, 5)]).toEqual([0, 12, 0, 9, 0x80])
  })
})

/** What the native front would tell an operator of this machine. */
function lendNotes(): readonly string[] {
  const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 1, batchSize: 64 })
  lent.close()
  return lent.notes
}

describe.runIf(kinds.includes('native'))('native alone', () => {
  test.each(['127.0.0.1', '127.0.0.2', '127.7.8.9'])(
    'bound to every address, a reply leaves from the one that was asked: %s',
    async (host) => {
      const { port } = await open('native', ':0', mirror)
      // From an address of its own, and connected: only what comes from `host` is heard.
      const one = client(host, port)
      one.socket.bind(0, '127.0.0.3')
      await once(one.socket, 'listening')
      one.socket.connect(port, host)
      await once(one.socket, 'connect')
      one.socket.send(message(3))
      const [reply] = await one.hear(1)
      expect(reply).toMatchObject({ address: host, port })
    },
  )

  test.runIf(has('dig'))('dig accepts the reply of a second address', async () => {
    const { port } = await open('native', ':0', mirror)
    const reply = await dig(port, '@127.0.0.2', 'example.com', 'A')
    expect(reply.text).not.toContain('reply from unexpected source')
    expect(reply.status).toBe('NOERROR')
  })

  test('queries wait in the queue until it serves', async () => {
    const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 1, batchSize: 64 })
    const { port } = lent.threads[0]![0]!
    const one = client('127.0.0.1', port)
    for (let id = 0; id < 100; id++) one.send(message(id))
    await sleep(50)
    expect(one.heard).toEqual([])
    // Without TCP, whose port of this number somebody else may have.
    await open('native', '127.0.0.1:0', mirror, { sockets: lent.threads[0]!, udpOnly: true })
    expect(await one.hear(100)).toHaveLength(100)
    lent.close()
  })

  test('a thread for UDP alone leaves TCP to another', async () => {
    const { port } = await open('native', '127.0.0.1:0', mirror, { udpOnly: true })
    expect(await client('127.0.0.1', port).ask(message(1))).toBeDefined()
    const socket = connect(port, '127.0.0.1')
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNREFUSED')
  })
})
