// Goal: over real sockets too, no packet breaks the server: no crash, no reply to a response, never
// two replies, memory flat.
// Method: each mutated packet is followed by a fence, a plain question on the same socket; whatever
// comes back before the fence's answer is the reply to the packet. OPENGSLB_FULL=1 sends a million.
import { createSocket, type Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { corpusOf, mutatorOf } from '../harness/dns-mutator.ts'
import { buildQuery } from '../harness/dns-query.ts'
import { brokenRule } from '../harness/dns-rules.ts'
import { type Overwatch, startOverwatch } from '../harness/overwatch.ts'

const full = process.env['OPENGSLB_FULL'] === '1'
const packets = full ? 1_000_000 : 20_000
const seed = Number(process.env['OPENGSLB_SEED'] ?? 20_261)
const SOCKETS = 32
const zone = 'fuzzed.test'
const names = ['', 'app.', 'www.', 'a.deep.', 'x.wild.', 'missing.'].map((label) => label + zone)
const fence = buildQuery({ name: `fence.${zone}`, type: 'TXT', id: 0xfe5c })
const FENCE_LABEL = Buffer.from('\u0005fence')

let overwatch: Overwatch

beforeAll(async () => {
  overwatch = await startOverwatch(zone, [
    `{ name: www, type: CNAME, value: app.${zone}. }`,
    `{ name: a.deep, type: A, value: 192.0.2.7 }`,
    `{ name: "*.wild", type: A, value: 192.0.2.8 }`,
  ])
})
afterAll(() => overwatch?.stop())

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const isFence = (reply: Uint8Array) => FENCE_LABEL.equals(reply.subarray(12, 18))

function check(query: Uint8Array, replies: readonly Uint8Array[], transport: 'udp' | 'tcp'): void {
  expect(replies.length, `replies to ${transport} ${hex(query)}`).toBeLessThanOrEqual(1)
  const rule = brokenRule(query, replies[0], { transport, udpPayloadSize: 1232 })
  expect(rule, `${transport} ${hex(query)}`).toBeUndefined()
}

/** Sends the packet and the fence; resolves to what came before the fence's answer. */
function exchange(socket: Socket, query: Uint8Array): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const replies: Uint8Array[] = []
    const timer = setTimeout(() => reject(new Error(`no fence after ${hex(query)}`)), 5_000)
    socket.removeAllListeners('message')
    socket.on('message', (reply: Uint8Array) => {
      if (!isFence(reply)) {
        replies.push(reply)
        return
      }
      clearTimeout(timer)
      resolve(replies)
    })
    socket.send(query)
    socket.send(fence)
  })
}

const openSocket = () =>
  new Promise<Socket>((resolve) => {
    const socket = createSocket('udp4')
    socket.connect(overwatch.port, '127.0.0.1', () => resolve(socket))
  })

const residentMb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${overwatch.program.pid}/status`, 'utf8'))![1]) /
  1024

async function sendOverUdp(from: number, count: number): Promise<void> {
  const mutator = mutatorOf(corpusOf(names), from)
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, openSocket))
  const run = async (socket: Socket) => {
    for (let sent = 0; sent < count / SOCKETS; sent++) {
      const query = mutator.next()
      // A mutant that asks the fence's own question cannot be told from the fence.
      if (!isFence(query)) check(query, await exchange(socket, query), 'udp')
    }
  }
  await Promise.all(sockets.map(run))
  for (const socket of sockets) socket.close()
}

const framed = (message: Uint8Array) =>
  Buffer.concat([Uint8Array.of(message.length >> 8, message.length & 255), message])

/** The replies of a fresh connection to `queries`, each with a fence behind it. */
function overOneConnection(queries: readonly Uint8Array[]): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(overwatch.port, '127.0.0.1')
    const replies: Uint8Array[] = []
    let fences = 0
    let held = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk])
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const reply = held.subarray(2, 2 + held.readUInt16BE(0))
        held = held.subarray(2 + reply.length)
        if (isFence(reply)) fences++
        else replies.push(reply)
      }
      if (fences < queries.length) return
      socket.destroy()
      resolve(replies)
    })
    socket.on('error', reject)
    socket.setTimeout(5_000, () => reject(new Error(`silence after ${queries.map(hex).join(' ')}`)))
    for (const query of queries) socket.write(Buffer.concat([framed(query), framed(fence)]))
  })
}

test(`${packets} mutated packets over UDP (seed ${seed})`, async () => {
  await sendOverUdp(seed, packets / 10)
  const before = residentMb()
  await sendOverUdp(seed + 1, packets)
  const after = residentMb()
  process.stdout.write(`resident ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after\n`)
  // Samples of answers fill a store of fixed size meanwhile.
  expect(after - before).toBeLessThan(60)
}, 1_800_000)

test(`${packets / 10} mutated packets over TCP (seed ${seed})`, async () => {
  const mutator = mutatorOf(corpusOf(names), seed + 2)
  for (let sent = 0; sent < packets / 10; sent++) {
    const query = mutator.next()
    if (!isFence(query)) check(query, await overOneConnection([query]), 'tcp')
  }
}, 1_800_000)

test('it still answers', async () => {
  const socket = await openSocket()
  const query = buildQuery({ name: `app.${zone}`, type: 'A', id: 7 })
  const [reply] = await exchange(socket, query)
  socket.close()
  expect(reply![3]! & 15).toBe(0)
})
