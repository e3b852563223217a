/**
 * Goal: clients of a real server are counted right by both ways to read the kernel's table, over
 * both families: kept connections, short ones, our own checks. Method: the whole actor with its
 * real ports, a node:http server, and clients on loopback.
 */
import { Agent, createServer, get } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openPorts as openProber } from '../../src/actors/prober/ports.ts'
import { vitals } from '../../src/actors/vitals/actor.ts'
import { openPorts } from '../../src/actors/vitals/ports.ts'
import { openTcpTable } from '../../src/actors/vitals/ports-table.ts'
import { checkMarksMemory } from '../../src/core/health/clients-marks.ts'
import { TCP_ROW_BYTES, TcpRows } from '../../src/core/health/clients-rows.ts'
import type { ConnectionsSeen } from '../../src/core/health/report.ts'
import { realClock } from '../../src/kernel/clock-real.ts'
import { loadNative } from '../../src/native/index.ts'
import { fakeCtx } from '../harness/ctx.ts'
import { hasAddon } from '../harness/dns-fronts.ts'
import { plainCheck } from './prober-scenarios.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)
const families = [['127.0.0.1', 4] as const, ...(hasIpv6 ? [['::1', 6] as const] : [])]

/** Switches the addon off for one test. */
function withoutAddon(): void {
  const before = process.env['OPENGSLB_NATIVE']
  process.env['OPENGSLB_NATIVE'] = '0'
  cleanups.push(() => {
    if (before === undefined) delete process.env['OPENGSLB_NATIVE']
    else process.env['OPENGSLB_NATIVE'] = before
  })
}

async function serve(address: string): Promise<number> {
  const server = createServer((_request, response) => response.end('ok'))
  server.keepAliveTimeout = 60_000
  await new Promise<void>((done) => server.listen(0, address, done))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** The vitals actor, with one backend that drains; what it last said of its clients. */
async function draining(address: string, port: number, checkMarks = checkMarksMemory()) {
  const world = fakeCtx('vitals')
  let last: ConnectionsSeen | undefined
  const ctx = {
    ...world.ctx,
    clock: realClock(),
    publish: (id: string, fact: { connections?: ConnectionsSeen }) => {
      if (id === 'vitals.clients-counted') last = fact.connections
    },
  } as typeof world.ctx
  const key = `web:${address}:${port}`
  const actor = await vitals.start(ctx, openPorts({}), {
    agentId: 'x',
    backends: [{ key, addresses: [address], port }],
    drainFile: '',
    drainStatePath: '',
    countClients: true,
    checkMarks,
  })
  cleanups.push(() => actor.onStop?.())
  const begin = () => actor.receive['api.set-local-drain']({ reason: 'test' })
  const until = (fits: (seen: ConnectionsSeen) => boolean) =>
    vi.waitFor(
      () => {
        expect(last, JSON.stringify(last)).toSatisfy(
          (seen: ConnectionsSeen | undefined) => seen !== undefined && fits(seen),
        )
        return last!
      },
      { timeout: 5_000, interval: 20 },
    )
  return { begin, until }
}

/** One request; resolves when its connection has its reply, and is closed or kept. */
const ask = (host: string, port: number, agent: Agent | false) =>
  new Promise<void>((done, fail) => {
    get({ host, port, agent }, (reply) => {
      reply.resume()
      reply.on('end', () => done())
    }).on('error', fail)
  })

function keeping(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 })
  cleanups.push(() => agent.destroy())
  return agent
}

describe.each(families)('clients over %s', (address, family) => {
  test.each([
    ['netlink', true],
    ['/proc/net/tcp', false],
  ])('kept connections are counted, and gone when they are closed (%s)', async (_way, native) => {
    if (native && !hasAddon) return
    if (!native) withoutAddon()
    const port = await serve(address)
    const agent = keeping()
    await Promise.all(Array.from({ length: 3 }, () => ask(address, port, agent)))
    const world = await draining(address, port)
    await world.begin()
    const first = await world.until(({ remaining }) => remaining === 3)
    expect(first.arrived).toBe(0)
    const more = keeping()
    await Promise.all(Array.from({ length: 2 }, () => ask(address, port, more)))
    const second = await world.until(({ arrived }) => arrived === 2)
    expect(second.remaining).toBe(5)
    const network = family === 4 ? '127.0.0.0/24' : '::/48'
    expect(second.networks).toEqual([{ network, connections: 5 }])
    agent.destroy()
    more.destroy()
    const third = await world.until(({ remaining }) => remaining === 0)
    expect(third.arrived).toBe(2)
    expect(third.quietSinceMs).toBe(second.quietSinceMs)
  })

  test.skipIf(!hasAddon || !endsAreHeard())(
    'connections that come and go between two readings are counted, every one',
    async () => {
      const port = await serve(address)
      const world = await draining(address, port)
      await world.begin()
      await world.until(({ endsHeard }) => endsHeard === true)
      for (let turn = 0; turn < 50; turn++) {
        // Half of them closed by the client first, which leaves no TIME-WAIT at the server.
        await new Promise<void>((done) => {
          const socket = connect({ host: address, port }, () => {
            if (turn % 2 === 0) socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
            else socket.resetAndDestroy()
          })
          socket.on('close', () => done()).resume()
        })
      }
      const seen = await world.until(({ arrived, remaining }) => arrived >= 50 && remaining === 0)
      expect(seen.arrived).toBe(50)
    },
  )

  test('our own checks are no clients, and a client beside them is', async () => {
    const port = await serve(address)
    const memory = checkMarksMemory()
    const prober = openProber({ checkMarks: memory })
    const world = await draining(address, port, memory)
    await world.begin()
    await world.until(({ remaining }) => remaining === 0)
    const member = {
      key: 'x',
      service: 'x',
      address,
      family,
      port,
      region: '',
      weight: 1,
      source: 'agent',
      check: plainCheck,
    } as const
    for (let turn = 0; turn < 20; turn++)
      expect((await prober.probe(member)).ok && turn >= 0).toBe(true)
    await ask(address, port, keeping())
    const seen = await world.until(({ remaining }) => remaining === 1)
    const later = await world.until(({ atMs }) => atMs > seen.atMs)
    expect(later.arrived).toBe(1)
  })
})

/** Whether this process may hear of sockets that end. */
function endsAreHeard(): boolean {
  const native = loadNative()
  if (!native.ok) return false
  const descriptor = native.value.openTcpEnds()
  if (descriptor < 0) return false
  native.value.closeDescriptor(descriptor)
  return true
}

test.skipIf(!endsAreHeard())('the kernel proves up to when it told of every end', async () => {
  const port = await serve('127.0.0.1')
  const table = openTcpTable()
  cleanups.push(() => table.close())
  expect(table.read([port])!.endsLateMs).toBeGreaterThanOrEqual(0)
  await new Promise((done) => setTimeout(done, 300))
  await ask('127.0.0.1', port, new Agent())
  const closedMs = performance.now()
  let ended = 0
  for (;;) {
    const reading = table.read([port])!
    for (let row = 0; row < reading.ended.count; row++)
      if (reading.ended.localPort(row) === port) ended++
    // Told of all that was before: the connection must be among it.
    if (performance.now() - reading.endsLateMs! > closedMs + 200) break
    await new Promise((done) => setTimeout(done, 20))
  }
  expect(ended).toBe(1)
})

test('whereabouts: a server of this machine is here, and nobody is nowhere', async () => {
  const ports = openPorts({})
  const port = await serve('127.0.0.1')
  const opened: number[] = []
  expect(await ports.whereabouts('127.0.0.1', port, (own) => opened.push(own))).toBe('here')
  expect(opened.length).toBe(1)
  expect(await ports.whereabouts('127.0.0.1', 1, () => {})).toBe('unknown')
})

test.skipIf(!hasAddon)('netlink and /proc tell of the same sockets', async () => {
  const port = await serve('127.0.0.1')
  await ask('127.0.0.1', port, keeping())
  const native = openTcpTable()
  const shown = (rows: TcpRows) =>
    Array.from({ length: rows.count }, (_, row) => {
      const { localAddress, remoteAddress, remotePort, state, inode, uid } = rows.decode(row)
      return [localAddress, remoteAddress, remotePort, state, inode, uid].join(' ')
    }).sort()
  const first = shown(native.read([port])!.rows)
  native.close()
  withoutAddon()
  const second = shown(openTcpTable().read([port])!.rows)
  expect(second).toEqual(first)
  expect(first.length).toBe(2)
})

test.skipIf(!hasAddon)('a connection’s round-trip time and bytes come with its row', async () => {
  const port = await serve('127.0.0.1')
  await ask('127.0.0.1', port, keeping())
  const native = loadNative()
  if (!native.ok) throw new Error(native.error)
  const into = new Uint8Array(512 * TCP_ROW_BYTES)
  for (const ports of [
    [port],
    Array.from({ length: 64 }, (_, at) => at + port),
    [1, port, 65_535],
  ]) {
    const count = native.value.dumpTcp(4, Uint32Array.from(ports), into, true)
    const rows = new TcpRows(into, count)
    const open = Array.from({ length: rows.count }, (_, row) => rows.decode(row)).filter(
      ({ state, localPort }) => state === 1 && localPort === port,
    )
    expect(open.length).toBe(1)
    expect(open[0]!.info!.rttUs).toBeGreaterThan(0)
    expect(open[0]!.info!.bytesReceived).toBeGreaterThan(20)
    expect(open[0]!.info!.dataSegmentsIn).toBeGreaterThan(0)
    expect(open[0]!.cookie).toBeGreaterThan(0)
  }
  // Memory that is too small is filled and no further; the count says how much there is.
  expect(
    native.value.dumpTcp(4, Uint32Array.of(port), new Uint8Array(TCP_ROW_BYTES + 5), false),
  ).toBe(2)
  expect(native.value.dumpTcp(4, new Uint32Array(0), into, false)).toBe(0)
  expect(() => native.value.dumpTcp(4, [] as unknown as Uint32Array, into, false)).toThrow(
    TypeError,
  )
})

test.skipIf(!hasAddon)('one dump of both families tells what one of each does', async () => {
  const ports = [await serve('127.0.0.1'), ...(hasIpv6 ? [await serve('::1')] : [])]
  for (const [at, port] of ports.entries())
    await ask(at === 0 ? '127.0.0.1' : '::1', port, keeping())
  const native = loadNative()
  if (!native.ok) throw new Error(native.error)
  const { dumpTcp } = native.value
  const shown = (families: readonly (0 | 4 | 6)[], wanted: readonly number[]) =>
    families
      .flatMap((family) => {
        const into = new Uint8Array(512 * TCP_ROW_BYTES)
        const rows = new TcpRows(into, dumpTcp(family, Uint32Array.from(wanted), into, true))
        return Array.from({ length: rows.count }, (_, row) => rows.decode(row))
      })
      .map(({ family, localPort, remotePort, state, cookie, info }) =>
        [family, localPort, remotePort, state, cookie, info !== undefined].join(' '),
      )
      .sort()
  // One port goes without a program of the kernel's filter, several with one, many with none.
  for (const wanted of [
    ports.slice(-1),
    ports,
    Array.from({ length: 100 }, (_, at) => ports[0]! + at),
  ]) {
    const each = shown([4, 6], wanted)
    expect(shown([0], wanted)).toEqual(each)
    expect(each.length).toBeGreaterThanOrEqual(2)
  }
})
