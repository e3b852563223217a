// Goal: the dns actor answers on real loopback sockets from the last snapshot it was given, within
// its caps. Method: the actor with its plain front on port 0, a virtual clock, real clients.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { dns } from '../../../src/actors/dns/actor.ts'
import type { DnsConfig, DnsPorts, Front } from '../../../src/actors/dns/contract.ts'
import { openPorts } from '../../../src/actors/dns/ports.ts'
import { clientBytes } from '../../../src/actors/dns/ports-client.ts'
import { TcpSession } from '../../../src/actors/dns/ports-session.ts'
import { keyOf } from '../../../src/actors/dns/ports-tcp.ts'
import { countsInto } from '../../harness/dns-counts.ts'
import { fakeCtx } from '../../harness/ctx.ts'
import { decodeReply, line, type Reply } from '../../harness/dns-decode.ts'
import { buildQuery } from '../../harness/dns-query.ts'
import { servingSetOf, type WorldParts } from '../../harness/dns-world.ts'
import { DOWN, UP } from '../../harness/pools.ts'

const PARTS: WorldParts = {
  zones: { 'example.com': '@ NS ns1\nns1 A 192.0.2.53\nlong TXT "0123456789"' },
  pools: [{ name: 'app.example.com', zone: 'example.com', addresses: ['192.0.2.1', '192.0.2.2'] }],
}

const TCP = {
  maxConnections: 16,
  maxConnectionsPerClient: 8,
  idleTimeoutMs: 10_000,
  maxPipelined: 128,
}

const configOf = (changes: Partial<DnsConfig> = {}): DnsConfig => ({
  sockets: [],
  listenAddress: '127.0.0.1:0',
  udpPayloadSize: 1232,
  nsid: 'one',
  versionString: '',
  hashSeed: 77,
  turns: new SharedArrayBuffer(1024),
  tcp: TCP,
  ...changes,
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

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
  const ctx = { ...world.ctx, lend: countsInto(world.metrics) }
  const behaviour = await dns.start(ctx, ports, config)
  cleanups.push(() => behaviour.onStop?.())
  return { world, behaviour, port: front!.port, front: front! }
}

async function udp(port: number, query: Uint8Array, host = '127.0.0.1'): Promise<Reply> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    socket.send(query, port, host)
    const [bytes] = (await once(socket, 'message')) as [Buffer]
    return decodeReply(bytes)
  } finally {
    socket.close()
  }
}

const framed = (query: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 255), query])

async function open(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host)
  socket.on('error', () => socket.destroy())
  cleanups.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Collects framed replies until there are so many. */
async function replies(socket: Socket, count: number): Promise<Reply[]> {
  let bytes = Buffer.alloc(0)
  const found: Reply[] = []
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0)
      found.push(decodeReply(Uint8Array.from(bytes.subarray(2, end))))
      bytes = bytes.subarray(end)
    }
    if (found.length >= count) return found
  }
  return found
}

const APP = buildQuery({ name: 'app.example.com', type: 'A' })

describe('serving', () => {
  test('before the first snapshot a query gets SERVFAIL with EDE 14, Not Ready', async () => {
    const { port } = await start()
    const reply = await udp(port, buildQuery({ name: 'app.example.com', type: 'A', edns: {} }))
    expect(reply.rcode).toBe('SERVFAIL')
    expect(reply.opt?.options).toEqual([[15, [0, 14]]])
  })

  test('answers follow the snapshot, then each word; a stale word changes nothing', async () => {
    const { port, behaviour } = await start()
    behaviour.receive['registry.serving-set'](servingSetOf({ ...PARTS, version: 5 }, 77))
    const first = [await udp(port, APP), await udp(port, APP)]
    expect(first.map((reply) => reply.answers[0]?.data).sort()).toEqual(['192.0.2.1', '192.0.2.2'])
    const word = { epoch: 1, version: 6, pool: 0, member: 0, word: DOWN }
    behaviour.receive['registry.word-changed'](word)
    behaviour.receive['registry.word-changed']({ ...word, version: 4, word: UP })
    behaviour.receive['registry.word-changed']({ ...word, epoch: 9, version: 99, word: UP })
    const second = [await udp(port, APP), await udp(port, APP)]
    expect(second.map((reply) => reply.answers[0]?.data)).toEqual(['192.0.2.2', '192.0.2.2'])
  })

  test('a snapshot of an older epoch is ignored', async () => {
    const { port, behaviour } = await start()
    behaviour.receive['registry.serving-set'](servingSetOf({ ...PARTS, epoch: 3 }, 77))
    behaviour.receive['registry.serving-set'](servingSetOf({ zones: {}, epoch: 2 }, 77))
    expect((await udp(port, APP)).rcode).toBe('NOERROR')
  })

  test('every address of the machine is served on ":port", IPv4 and IPv6 alike', async () => {
    const { port, behaviour } = await start({ listenAddress: ':0' })
    behaviour.receive['registry.serving-set'](servingSetOf(PARTS, 77))
    expect((await udp(port, APP)).rcode).toBe('NOERROR')
    expect((await udp(port, APP, '::1')).rcode).toBe('NOERROR')
    const socket = await open(port, '::1')
    socket.write(framed(APP))
    expect((await replies(socket, 1))[0]?.rcode).toBe('NOERROR')
  })

  test('garbage and responses get nothing, and the next query is answered', async () => {
    const { port, behaviour } = await start()
    behaviour.receive['registry.serving-set'](servingSetOf(PARTS, 77))
    const socket = createSocket('udp4')
    const heard: number[] = []
    socket.on('message', (bytes) => heard.push(bytes.readUInt16BE(0)))
    socket.send(Uint8Array.of(1, 2, 3), port, '127.0.0.1')
    socket.send(Uint8Array.of(), port, '127.0.0.1')
    socket.send(buildQuery({ name: 'x', type: 'A', id: 7, flags: 0x8000 }), port, '127.0.0.1')
    socket.send(buildQuery({ name: 'app.example.com', type: 'A', id: 8 }), port, '127.0.0.1')
    await once(socket, 'message')
    socket.close()
    expect(heard).toEqual([8])
  })

  test('counters are labelled by steered name, zone or "other", never by a made-up name', async () => {
    const { port, behaviour, world } = await start()
    behaviour.receive['registry.serving-set'](servingSetOf(PARTS, 77))
    await udp(port, APP)
    await udp(port, buildQuery({ name: 'nope.example.com', type: 'A' }))
    await udp(port, buildQuery({ name: 'other.org', type: 'TYPE999' }))
    const total = (domain: string, type: string, status: string) =>
      world.metrics.value('opengslb_dns_queries_total', { domain, type, status })
    expect(total('app.example.com', 'A', 'NOERROR')).toBe(1)
    expect(total('example.com', 'A', 'NXDOMAIN')).toBe(1)
    expect(total('other', 'other', 'REFUSED')).toBe(1)
    expect(world.metrics.value('opengslb_dns_refused_total')).toBe(1)
    const server = { domain: 'app.example.com', algorithm: 'round-robin', server: '192.0.2.1:80' }
    expect(world.metrics.value('opengslb_routing_decisions_total', server)).toBe(1)
  })

  test('what was counted under one snapshot is kept when the next renames the counters', async () => {
    const { port, behaviour, world } = await start()
    behaviour.receive['registry.serving-set'](servingSetOf(PARTS, 77))
    await udp(port, APP)
    behaviour.receive['registry.serving-set'](servingSetOf({ zones: {}, epoch: 2 }, 77))
    await udp(port, APP)
    const total = (domain: string, status: string) =>
      world.metrics.value('opengslb_dns_queries_total', { domain, type: 'A', status })
    expect(total('app.example.com', 'NOERROR')).toBe(1)
    expect(total('other', 'REFUSED')).toBe(1)
  })
})

describe('tcp (RFC 7766)', () => {
  test('pipelined queries in one segment are all answered, in order', async () => {
    const { port, behaviour } = await start()
    behaviour.receive['registry.serving-set'](servingSetOf(PARTS, 77))
    const socket = await open(port)
    const ids = Array.from({ length: 400 }, (_, index) => index + 1)
    socket.write(
      Buffer.concat(
        ids.map((id) => framed(buildQuery({ name: 'long.example.com', type: 'TXT', id }))),
      ),
    )
    const got = await replies(socket, ids.length)
    expect(got.map((reply) => reply.id)).toEqual(ids)
    expect(line(got[0]!.answers[0]!)).toBe('long.example.com 300 TXT 0123456789')
  })

  test('a query that arrives octet by octet is answered', async () => {
    const { port, behaviour } = await start()
    behaviour.receive['registry.serving-set'](servingSetOf(PARTS, 77))
    const socket = await open(port)
    socket.setNoDelay(true)
    for (const octet of framed(APP)) {
      socket.write(Uint8Array.of(octet))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await replies(socket, 1))[0]?.answers).toHaveLength(1)
  })

  test('keepalive is told when asked for (RFC 7828)', async () => {
    const { port } = await start()
    const socket = await open(port)
    socket.write(framed(buildQuery({ name: 'x.org', type: 'A', edns: { options: [[11, []]] } })))
    const [reply] = await replies(socket, 1)
    expect(reply?.opt?.options[0]).toEqual([11, [0, 100]])
  })

  test('an idle connection is closed', async () => {
    const { port } = await start({ tcp: { ...TCP, idleTimeoutMs: 100 } })
    const socket = await open(port)
    socket.resume()
    await once(socket, 'close')
  })

  test('at the cap the connection idle longest gives way', async () => {
    const { port, front } = await start({ tcp: { ...TCP, maxConnections: 2 } })
    const [first, second] = [await open(port), await open(port)]
    // The first is used again, so the second is now idle longest.
    first.write(framed(APP))
    await once(first, 'readable')
    second.resume()
    const third = await open(port)
    await once(second, 'close')
    third.write(framed(APP))
    expect(await replies(third, 1)).toHaveLength(1)
    expect(front.counts()).toMatchObject({ tcpConnections: 2, connectionsShed: 1 })
  })

  test('one client gets no more than its share of connections', async () => {
    const { port, front } = await start({ tcp: { ...TCP, maxConnectionsPerClient: 1 } })
    const first = await open(port)
    const second = await open(port)
    second.resume()
    await once(second, 'close')
    expect(front.counts().tcpConnections).toBe(1)
    first.write(framed(APP))
    expect(await replies(first, 1)).toHaveLength(1)
  })

  test('a client of IPv6 is all of its site', () => {
    const key = (text: string) => keyOf(clientBytes(text))
    expect(key('2001:db8:1:2::1')).toBe(key('2001:db8:1:2:ffff::9'))
    expect(key('2001:db8:1:2::1')).not.toBe(key('2001:db8:1:3::1'))
    expect(key('192.0.2.1')).not.toBe(key('192.0.2.2'))
  })

  test('reading pauses at the bound of unsent replies and goes on when the kernel took them', () => {
    const taken: (() => void)[] = []
    const writes: Uint8Array[] = []
    const socket = new Duplex({
      read: () => {},
      write: (chunk: Uint8Array, _encoding, done) => {
        writes.push(chunk)
        taken.push(done)
      },
    })
    const echo = (query: Uint8Array, at: number, length: number, out: Uint8Array, to: number) => {
      out.set(query.subarray(at, at + length), to)
      return length
    }
    // The session sees a stream; that it is not a socket does not matter to it.
    new TcpSession(socket as Socket, Uint8Array.of(127, 0, 0, 1), echo, () => 4)
    socket.emit(
      'data',
      Buffer.concat(Array.from({ length: 10 }, (_, i) => framed(Uint8Array.of(i)))),
    )
    let answered = 0
    // Each reply has three octets, and none was taken yet.
    expect([socket.writableLength / 3, socket.isPaused()]).toEqual([4, true])
    while (taken.length > 0) {
      taken.shift()!()
      answered++
    }
    expect([answered, socket.isPaused()]).toEqual([10, false])
    expect(writes.map((chunk) => chunk[2])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('a client that does not read is not read from: what it costs is bounded', async () => {
    const { port, behaviour, world } = await start({ tcp: { ...TCP, maxPipelined: 4 } })
    behaviour.receive['registry.serving-set'](servingSetOf(PARTS, 77))
    const socket = await open(port)
    socket.pause()
    const block = Buffer.concat(Array.from({ length: 2_000 }, () => framed(APP)))
    let written = 0
    // Writes until the kernel's buffers on both sides are full and stay so.
    while (written < 200 && (socket.write(block) || socket.writableLength < 4_000_000)) {
      written++
      await new Promise((resolve) => setImmediate(resolve))
    }
    const answered = () =>
      world.metrics.value('opengslb_dns_queries_total', {
        domain: 'app.example.com',
        type: 'A',
        status: 'NOERROR',
      }) ?? 0
    let before = -1
    while (before !== answered()) {
      before = answered()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(answered()).toBeLessThan(written * 2_000)
    socket.destroy()
    expect((await udp(port, APP)).rcode).toBe('NOERROR')
  })
})

describe('starting', () => {
  test('an address in use fails the start and is named, for UDP and for TCP', async () => {
    const blocker = createServer()
    blocker.listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    cleanups.push(() => blocker.close())
    const { port } = blocker.address() as { port: number }
    const listenAddress = `127.0.0.1:${port}`
    await expect(start({ listenAddress })).rejects.toThrow(
      `dns.listen_address "${listenAddress}": address in use`,
    )
    // The UDP socket of the failed start is gone, so another can have its port.
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
    blocker.close()
    await once(blocker, 'close')
    await expect(start({ listenAddress })).rejects.toThrow('address in use')
    socket.close()
  })

  test.each([
    ['nonsense', 'not host:port'],
    ['203.0.113.9:0', 'no interface of this machine'],
  ])('dns.listen_address %s fails the start with a reason', async (listenAddress, reason) => {
    await expect(start({ listenAddress })).rejects.toThrow(reason)
  })

  test('a refused port says which right is missing', async () => {
    const { ctx } = fakeCtx('dns')
    const ports: DnsPorts = {
      listen: async () => ({ code: 'not-permitted', message: 'not permitted: bind EACCES' }),
    }
    await expect(dns.start(ctx, ports, configOf({ listenAddress: ':53' }))).rejects.toThrow(
      'dns.listen_address ":53": not permitted: bind EACCES (ports below 1024 need CAP_NET_BIND',
    )
  })
})

test('an IPv4-mapped peer is an IPv4 client, a link-local one loses its zone', () => {
  expect([...clientBytes('::ffff:192.0.2.1')]).toEqual([192, 0, 2, 1])
  expect(clientBytes('fe80::1%eth0')).toHaveLength(16)
})
