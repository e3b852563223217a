// Goal: the addon is safe in several threads, says what went wrong, and counts what was lost.
// Method: the built addon, alone and on worker threads.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { getSystemErrorName } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test } from 'vitest'
import { sendsApart, threadsFor, lendSockets } from '../../../src/actors/dns/ports-sockets.ts'
import {
  countsOf,
  loadNative,
  type Native,
  slabMemory,
  slabOf,
  UNANSWERED,
} from '../../../src/native/index.ts'
import { Client, hasAddon, message, startFrontThread } from '../../harness/dns-fronts.ts'

const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const LOOPBACK_6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
const ANY = new Uint8Array(4)
const ANY_6 = new Uint8Array(16)

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function addon(): Native {
  const native = loadNative()
  if (!native.ok) throw new Error(native.error)
  return native.value
}

/** Keeps a descriptor until the test ends; throws its error instead of giving it. */
function held(native: Native, descriptor: number): number {
  if (descriptor < 0) throw new Error(getSystemErrorName(descriptor))
  cleanups.push(() => native.closeDescriptor(descriptor))
  return descriptor
}

describe('without the addon', () => {
  test('OPENGSLB_NATIVE=0 switches it off, with a reason', () => {
    const before = process.env['OPENGSLB_NATIVE']
    process.env['OPENGSLB_NATIVE'] = '0'
    cleanups.push(() => {
      if (before === undefined) delete process.env['OPENGSLB_NATIVE']
      else process.env['OPENGSLB_NATIVE'] = before
    })
    expect(loadNative()).toEqual({ ok: false, error: 'switched off by OPENGSLB_NATIVE=0' })
    const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 2, batchSize: 64 })
    expect(lent.threads).toEqual([[]])
    expect(lent.notes).toEqual([
      'answering with node:dgram, with one thread instead of several: ' +
        'switched off by OPENGSLB_NATIVE=0',
    ])
  })
})

describe('settings', () => {
  test.each([
    [0, 1, 1],
    [0, 2, 1],
    [0, 8, 7],
    [0, 64, 16],
    [3, 2, 3],
    [40, 64, 40],
  ])('dns.threads: %i on %i cores makes %i threads', (wish, cores, threads) => {
    expect(threadsFor(wish, cores)).toBe(threads)
  })

  test.each([
    ['4.18.0-553.el8', false],
    ['5.2.21', false],
    ['5.3.0', true],
    ['5.15.0-91-generic', true],
    ['6.1.0-18-amd64', true],
  ])('on Linux %s a second socket sends: %s', (release, apart) => {
    expect(sendsApart(release)).toBe(apart)
  })

  test.runIf(hasAddon)('more threads than cores are told of', () => {
    const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 64, batchSize: 8 })
    cleanups.push(lent.close)
    expect(lent.threads).toHaveLength(64)
    expect(lent.notes.join()).toMatch(/64 DNS threads on \d+ cores/)
  })
})

describe.runIf(hasAddon)('the sockets', () => {
  test('an address in use, or of nobody, or nonsense, is an error', () => {
    const native = addon()
    const receiver = held(native, native.openReceiver(LOOPBACK, 0, 0, true))
    const port = native.boundPort(receiver)
    const nameOf = (code: number) => (code < 0 ? getSystemErrorName(code) : 'a descriptor')
    expect(nameOf(native.openReceiver(LOOPBACK, port, 0, true))).toBe('EADDRINUSE')
    const foreign = Uint8Array.of(192, 0, 2, 1)
    expect(nameOf(native.openReceiver(foreign, 0, 0, false))).toBe('EADDRNOTAVAIL')
    expect(() => native.openReceiver(new Uint8Array(5), 0, 0, false)).toThrow(TypeError)
    expect(() => native.openReceiver(LOOPBACK, 65_536, 0, false)).toThrow(TypeError)
    expect(nameOf(native.boundPort(-1))).toBe('EBADF')
    expect(nameOf(native.closeDescriptor(-1))).toBe('EBADF')
  })

  test.each([
    ['127.0.0.1', LOOPBACK],
    ['::1', LOOPBACK_6],
    ['0.0.0.0', ANY],
    ['::', ANY_6],
  ])('on %s a sender shares the port and is never handed a query', async (host, address) => {
    const native = addon()
    const sender = held(native, native.openSender(address, 0, 65_536, true))
    const port = native.boundPort(sender)
    const receiver = held(native, native.openReceiver(address, port, 65_536, false))
    const target = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
    const slab = slabOf(64, 512)
    let received = 0
    const onBatch = (count: number) => {
      received += count
      slab.outputLengths.fill(0, 0, count)
    }
    const handle = native.startFront(receiver, sender, slab, onBatch, { wildcard: false })
    cleanups.push(() => native.stopFront(handle))
    const clients = Array.from({ length: 64 }, () => new Client(target, port))
    for (const client of clients) client.send(message(1))
    const endMs = performance.now() + 2_000
    while (received < 64 && performance.now() < endMs) await sleep(2)
    for (const client of clients) client.close()
    expect(received).toBe(64)
  })

  test('several receivers share the queries, also those of one client', async () => {
    const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 4, batchSize: 64 })
    cleanups.push(lent.close)
    const native = addon()
    const { port } = lent.threads[0]![0]!
    // From one port, as a resolver does: a hash of the addresses would give all to one of them.
    const client = new Client('127.0.0.1', port)
    cleanups.push(() => client.close())
    for (let id = 0; id < 400; id++) client.send(message(id))
    await sleep(50)
    const shares = lent.threads.map((sockets) => {
      const { receiver, sender, memory } = sockets[0]!
      const slab = slabOf(64, 4_096, memory)
      const drop = (count: number) => void slab.outputLengths.fill(0, 0, count)
      const handle = native.startFront(receiver, sender, slab, drop, { wildcard: false })
      native.turnFront(handle)
      native.stopFront(handle)
      return countsOf(slab).received
    })
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(400)
    // An even share is 100; eight standard deviations are 69.
    for (const share of shares) expect(share).toBeGreaterThan(31)
  })

  test('what the kernel drops is counted from the moment a socket is open', async () => {
    const native = addon()
    const receiver = held(native, native.openReceiver(LOOPBACK, 0, 4_096, true))
    expect(native.receiveBuffer(receiver)).toBeGreaterThanOrEqual(4_096)
    const slab = slabOf(16, 512)
    const drop = (count: number) => void slab.outputLengths.fill(0, 0, count)
    const client = new Client('127.0.0.1', native.boundPort(receiver))
    cleanups.push(() => client.close())
    expect(native.dropped(receiver)).toBe(0)
    for (const total of [500, 1_000]) {
      for (let sent = 0; sent < 500; sent++) client.send(message(1))
      await sleep(20)
      // Nobody has read since: it is known at once.
      const dropped = native.dropped(receiver)
      const handle = native.startFront(receiver, receiver, slab, drop, { wildcard: false })
      native.turnFront(handle)
      native.stopFront(handle)
      expect(dropped).toBeGreaterThan(0)
      expect(countsOf(slab).received + dropped).toBe(total)
    }
    expect(native.dropped(-1)).toBeLessThan(0)
  })
})

describe.runIf(hasAddon)('a front', () => {
  test('refuses buffers that do not fit, and descriptors that are none', () => {
    const native = addon()
    const receiver = held(native, native.openReceiver(LOOPBACK, 0, 0, true))
    const start = (slab: Parameters<Native['startFront']>[2], descriptor = receiver) => {
      native.startFront(descriptor, descriptor, slab, () => {}, { wildcard: false })
    }
    const slab = slabOf(8, 512)
    expect(() => start({ ...slab, stride: 511 })).toThrow(TypeError)
    expect(() => start({ ...slab, stride: 513 })).toThrow(TypeError)
    expect(() => start({ ...slab, peers: slab.peers.subarray(1) })).toThrow(TypeError)
    expect(() => start({ ...slab, state: slab.state.subarray(1) })).toThrow(TypeError)
    expect(() => start({ ...slab, counters: slab.counters.subarray(1) })).toThrow(TypeError)
    expect(() => start({ ...slab, control: {} as Uint8Array })).toThrow(TypeError)
    expect(() => start(slab, -1)).toThrow(TypeError)
    expect(() => native.stopFront({} as Parameters<Native['stopFront']>[0])).toThrow(TypeError)
  })

  test('sends what its callback wrote although the callback stops it, and then is silent', async () => {
    const native = addon()
    const receiver = held(native, native.openReceiver(LOOPBACK, 0, 0, true))
    const slab = slabOf(8, 512)
    const handle = native.startFront(
      receiver,
      receiver,
      slab,
      (count) => {
        for (let at = 0; at < count; at++) {
          slab.output.set(slab.input.subarray(at * 512, at * 512 + 12), at * 512)
          slab.outputLengths[at] = 12
        }
        native.stopFront(handle)
      },
      { wildcard: false },
    )
    const client = new Client('127.0.0.1', native.boundPort(receiver))
    cleanups.push(() => client.close())
    expect(await client.ask(message(1))).toBeDefined()
    client.send(message(2))
    await sleep(30)
    expect(client.heard).toHaveLength(1)
  })

  test('finishes the batch that another left, and only what is unanswered of it', () => {
    const native = addon()
    const receiver = held(native, native.openReceiver(LOOPBACK, 0, 0, true))
    const memory = slabMemory(4, 512)
    const slab = slabOf(4, 512, memory)
    // As a front leaves it: three datagrams, the second answered before the end.
    slab.state[0] = 3
    slab.outputLengths.set([UNANSWERED, 0, UNANSWERED, UNANSWERED])
    const seen: number[][] = []
    const onBatch = (count: number) => {
      seen.push([count, ...slab.outputLengths.subarray(0, count)])
      slab.outputLengths.fill(0, 0, count)
    }
    const handle = native.startFront(receiver, receiver, slab, onBatch, { wildcard: false })
    native.turnFront(handle)
    native.turnFront(handle)
    native.stopFront(handle)
    expect(seen).toEqual([[3, UNANSWERED, 0, UNANSWERED]])
  })
})

describe.runIf(hasAddon)('on worker threads', () => {
  test('two load it, one is ended in the middle of its work, the other serves on', async () => {
    const wish = { listenAddress: '127.0.0.1:0', threads: 1, batchSize: 64 }
    const [one, two] = [lendSockets(wish), lendSockets(wish)]
    cleanups.push(one.close, two.close)
    const first = await startFrontThread(one.threads[0]!)
    const second = await startFrontThread(two.threads[0]!)
    cleanups.push(() => second.worker.terminate())
    const client = new Client('127.0.0.1', two.threads[0]![0]!.port)
    const noise = new Client('127.0.0.1', one.threads[0]![0]!.port)
    cleanups.push(
      () => client.close(),
      () => noise.close(),
    )
    expect(await client.ask(message(1))).toBeDefined()
    for (let sent = 0; sent < 500; sent++) noise.send(message(sent))
    await first.worker.terminate()
    for (let id = 2; id < 20; id++) expect(await client.ask(message(id))).toBeDefined()
  })

  test('a hundred threads come and go, under load, and nothing is left behind', async () => {
    const lent = lendSockets({ listenAddress: '127.0.0.1:0', threads: 1, batchSize: 64 })
    cleanups.push(lent.close)
    const { port } = lent.threads[0]![0]!
    const socket = createSocket('udp4')
    cleanups.push(() => socket.close())
    const flood = setInterval(() => {
      for (let sent = 0; sent < 50; sent++) socket.send(message(sent), port, '127.0.0.1')
    }, 1)
    cleanups.push(() => clearInterval(flood))
    for (let life = 1; life <= 20; life++) {
      const threads = await Promise.all(
        Array.from({ length: 5 }, () => startFrontThread(lent.threads[0]!)),
      )
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
      expect(await Promise.all(threads.map(({ gone }) => gone))).toEqual(
        Array.from({ length: 5 }, () => undefined),
      )
    }
  }, 60_000)

  test('a thread is pinned to the CPU it asks for, and it alone', async () => {
    const script = `
      const { readFileSync } = require('node:fs')
      const { createRequire } = require('node:module')
      const { parentPort, workerData } = require('node:worker_threads')
      const addon = createRequire(workerData)(workerData)
      const status = () => readFileSync('/proc/thread-self/status', 'utf8')
      const allowed = () => /Cpus_allowed_list:\\s*(\\S+)/.exec(status())[1]
      const codes = [1023, -1, 0].map((cpu) => addon.pinThread(cpu))
      parentPort.postMessage([...codes, allowed()])`
    const path = new URL('../../../dist/native/opengslb.node', import.meta.url).pathname
    const worker = new Worker(script, { eval: true, workerData: path })
    const [told] = (await once(worker, 'message')) as [[number, number, number, string]]
    expect(told.slice(0, 2).map((code) => getSystemErrorName(code as number))).toEqual([
      'EINVAL',
      'EINVAL',
    ])
    expect(told.slice(2)).toEqual([0, '0'])
  })
})
