// Goal: a thread that is ended under load takes no query with it: what waits in the queue of its
// socket, and what it had read and not answered, is answered by the thread that follows.
// Method: the built native front on a thread that takes its time for each query, ended again and
// again; every query has a number, and each number must come back exactly once.
import { createSocket, type Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { lendSockets } from '../../src/actors/dns/ports-sockets.ts'
import { slabOf } from '../../src/native/index.ts'
import { hasAddon, startFrontThread } from '../harness/dns-fronts.ts'

const KILLS = 12
/** So many queries are on their way at any time: several batches, far from filling the queue. */
const WINDOW = 400
const POISON = 0xdead

/** Keeps a window of numbered queries on the way, over several sockets. */
class Load {
  sent = 0
  twice = 0
  readonly waiting = new Set<number>()
  running = true
  readonly #sockets: Socket[]
  readonly #port: number

  constructor(port: number) {
    this.#port = port
    this.#sockets = Array.from({ length: 8 }, () => {
      const socket = createSocket('udp4')
      socket.on('message', (reply) => {
        if (!this.waiting.delete(reply.readUInt32BE(12))) this.twice++
        this.fill()
      })
      return socket
    })
  }

  fill(): void {
    while (this.running && this.waiting.size < WINDOW) {
      const query = Buffer.alloc(16)
      query.writeUInt32BE(this.sent, 12)
      this.waiting.add(this.sent)
      this.#sockets[this.sent % this.#sockets.length]!.send(query, this.#port, '127.0.0.1')
      this.sent++
    }
  }

  async drain(): Promise<void> {
    this.running = false
    const endMs = performance.now() + 10_000
    while (this.waiting.size > 0 && performance.now() < endMs) await sleep(5)
    for (const socket of this.#sockets) socket.close()
  }
}

const wish = { listenAddress: '127.0.0.1:0', threads: 1, batchSize: 64 }

test.runIf(hasAddon)(
  'a thread ended under load loses no query and answers none twice',
  async () => {
    const lent = lendSockets(wish)
    const [sockets] = lent.threads
    const { port, memory, batch } = sockets![0]!
    const { state, counters } = slabOf(batch, 4_096, memory)
    let thread = await startFrontThread(sockets!, 0.05)
    const load = new Load(port)
    load.fill()
    let cutShort = 0
    for (let kill = 1; kill <= KILLS; kill++) {
      await sleep(30 + kill)
      await thread.worker.terminate()
      await thread.gone
      // The first word of the state is the size of the batch that was cut short.
      if (state[0]! > 0) cutShort++
      // Long enough for queries to pile up in the socket that nobody reads.
      await sleep(10)
      thread = await startFrontThread(sockets!, 0.05)
    }
    await load.drain()
    await thread.worker.terminate()
    lent.close()
    console.log(`${KILLS} kills, ${cutShort} in the middle of a batch: ${load.sent} queries`)
    expect([...load.waiting]).toEqual([])
    expect(load.twice).toBe(0)
    expect(cutShort).toBeGreaterThan(0)
    expect(load.sent).toBeGreaterThan(2 * WINDOW)
    expect([counters[1], counters[2]]).toEqual([load.sent, load.sent])
  },
)

test.runIf(hasAddon)(
  'a query that breaks its thread is dropped, and the others are answered',
  async () => {
    const lent = lendSockets(wish)
    const [sockets] = lent.threads
    const { port } = sockets![0]!
    const socket = createSocket('udp4')
    const heard: number[] = []
    socket.on('message', (reply) => heard.push(reply.readUInt16BE(0)))
    for (let id = 1; id <= 40; id++) {
      const query = Buffer.alloc(12)
      query.writeUInt16BE(id === 20 ? POISON : id, 0)
      socket.send(query, port, '127.0.0.1')
    }
    await sleep(20)
    // All forty are one batch, and the twentieth ends the thread.
    const first = await startFrontThread(sockets!)
    expect((await first.gone)?.message).toBe('poison')
    await sleep(20)
    expect(heard).toEqual(Array.from({ length: 19 }, (_, index) => index + 1))
    const second = await startFrontThread(sockets!)
    const endMs = performance.now() + 2_000
    while (heard.length < 39 && performance.now() < endMs) await sleep(5)
    await second.worker.terminate()
    socket.close()
    lent.close()
    expect(heard).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 1).filter((id) => id !== 20),
    )
  },
)
