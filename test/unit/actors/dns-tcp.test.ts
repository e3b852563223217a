// Goal: a client is answered all that it asked at once, and one that has no more to ask is let go.
// Method: real sockets on loopback; the answer is a block of octets that begins like the query.
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../harness/program.ts'
import { openTcp, type TcpFront } from '../../../src/actors/dns/ports-tcp.ts'

const settings = { idleTimeoutMs: 5_000, maxConnections: 8, maxConnectionsPerClient: 8 }
let front: TcpFront | undefined
let client: Socket | undefined

afterEach(async () => {
  client?.destroy()
  await front?.close()
})

/** Sends so many queries of four octets; counts the octets that come back. */
async function asking(queries: number, replyBytes: number) {
  const answer = (query: Uint8Array, start: number, _: number, out: Uint8Array, at: number) => {
    out.set(query.subarray(start, start + 4), at)
    return replyBytes
  }
  const place = { host: '127.0.0.1', port: 0 }
  front = await openTcp(place, { ...settings, maxPipelined: 128 }, answer, () => {})
  const socket = connect(front.port, '127.0.0.1')
  client = socket
  const counted = { bytes: 0 }
  socket.on('data', (chunk) => {
    counted.bytes += chunk.length
  })
  const asked = Array.from({ length: queries }, (_, at) => [0, 4, at >> 8, at & 255, 1, 2]).flat()
  socket.write(Uint8Array.from(asked))
  return { socket, counted }
}

/** The same for one that ends its side, after `rest`. */
async function halfClosed(queries: number, replyBytes: number, rest: readonly number[] = []) {
  const { socket, counted } = await asking(queries, replyBytes)
  const ended = new Promise<boolean>((resolve) => socket.on('close', resolve))
  socket.end(Uint8Array.from(rest))
  return { isFault: await ended, ...counted }
}

test.each([
  [200, 4_000],
  [20, 40_000],
  [3_000, 12],
])('%i queries at once with replies of %i octets wait for no more', async (queries, replyBytes) => {
  const { counted } = await asking(queries, replyBytes)
  await until('all replies', () => counted.bytes === queries * (2 + replyBytes), 3_000)
})

test.each([
  [1, 100],
  [200, 4_000],
  [3_000, 4_000],
])(
  '%i queries with replies of %i octets are all answered',
  async (queries, replyBytes) => {
    const expected = { isFault: false, bytes: queries * (2 + replyBytes) }
    expect(await halfClosed(queries, replyBytes)).toEqual(expected)
  },
  15_000,
)

test('a query that never ends is not waited for', async () => {
  expect(await halfClosed(2, 10, [0, 9, 1])).toEqual({ isFault: false, bytes: 2 * 12 })
})
