/**
 * The socket of a member: a UDP socket and a TCP listener on one number.
 *
 * TCP is bound first, since it is the scarcer: where any number will do and UDP has it taken, both
 * are given back and another number is asked for. Datagrams that lie in the socket together are
 * handed on together; what comes faster than it is read is dropped and counted.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { limits } from '../../core/base/limits.ts'
import { type Result, fail, ok } from '../../core/base/result.ts'
import type { Endpoint } from '../../core/gossip/messages.ts'
import { addressOf, formatAddress, parseEndpoint } from '../../core/net/address.ts'
import type { BindFault, Datagram, GossipSocket, SocketEars } from './contract.ts'
import { octetsOfAddress, resolveEndpoint } from './ports-address.ts'
import { Dialler, StreamServer } from './ports-streams.ts'

const DATAGRAM_MAX = 65_507

class Reader {
  dropped = 0
  readonly #hear: (batch: readonly Datagram[]) => void
  #batch: Datagram[] = []

  constructor(hear: (batch: readonly Datagram[]) => void) {
    this.#hear = hear
  }

  take(octets: Uint8Array, { address, port }: RemoteInfo): void {
    const addr = octetsOfAddress(address)
    if (addr === undefined || this.#batch.length >= limits.gossipBatch.default) {
      this.dropped++
      return
    }
    // The loop reads all that lies in the socket before it comes to what is set here.
    if (this.#batch.length === 0) setImmediate(() => this.#turn())
    this.#batch.push({ octets, from: { addr, port } })
  }

  #turn(): void {
    const batch = this.#batch
    this.#batch = []
    this.#hear(batch)
  }
}

const codes: Readonly<Record<string, BindFault['code']>> = {
  EADDRINUSE: 'in-use',
  EADDRNOTAVAIL: 'not-ours',
  EACCES: 'not-permitted',
  EPERM: 'not-permitted',
}

const faultOf = (error: unknown, bind: string): BindFault => {
  const { code = '', message = '' } = error as NodeJS.ErrnoException
  return { code: codes[code] ?? 'failed', message: `${bind} cannot be bound: ${code || message}` }
}

/** Settles when the socket is bound, or rejects with why not. */
const bound = (
  socket: { once(event: string, run: (arg: unknown) => void): unknown },
  go: () => void,
) =>
  new Promise<void>((resolve, reject) => {
    socket.once('listening', () => resolve())
    socket.once('error', reject)
    go()
  })

export async function openSocket(
  bind: string,
  ears: SocketEars,
): Promise<Result<GossipSocket, BindFault>> {
  const parsed = parseEndpoint(bind)
  const bad = fail<BindFault>({ code: 'malformed', message: `${bind} is not host:port` })
  if (!parsed.ok) return bad
  const host = parsed.value.host === '' ? '0.0.0.0' : parsed.value.host
  const [place] = await resolveEndpoint(`${host.includes(':') ? `[${host}]` : host}:1`)
  if (place === undefined) return bad
  let last: BindFault | undefined
  for (let attempt = 0; attempt < limits.gossipBindAttempts.default; attempt++) {
    const opened = await openOnce(place.addr, parsed.value.port, ears, bind)
    if (opened.ok) return opened
    last = opened.error
    // Another number will do only where any was asked for.
    if (parsed.value.port !== 0 || last.code !== 'in-use') break
  }
  return fail(last ?? { code: 'failed', message: bind })
}

async function openOnce(
  addr: Uint8Array,
  wanted: number,
  ears: SocketEars,
  bind: string,
): Promise<Result<GossipSocket, BindFault>> {
  const host = formatAddress(addr)
  const streams = new StreamServer(ears)
  const udp = createSocket({
    type: addr.length === 4 ? 'udp4' : 'udp6',
    recvBufferSize: limits.gossipReceiveBufferBytes.default,
    // Only addresses are sent to: looking them up as names would cost a turn of the loop each.
    lookup: (address, _options, found) => found(null, address, addr.length === 4 ? 4 : 6),
  })
  try {
    const { server } = streams
    await bound(server, () => server.listen({ host, port: wanted, backlog: 511 }))
    const { port } = server.address() as AddressInfo
    await bound(udp, () => udp.bind({ address: host, port, exclusive: true }))
    return ok(socketOf(udp, streams, { addr, port }, ears))
  } catch (error) {
    await streams.close()
    udp.on('error', () => {})
    udp.close()
    return fail(faultOf(error, bind))
  }
}

function socketOf(
  udp: Socket,
  streams: StreamServer,
  endpoint: Endpoint,
  ears: SocketEars,
): GossipSocket {
  const dialler = new Dialler()
  const reader = new Reader((batch) => ears.datagrams(batch))
  let closed = false
  udp.removeAllListeners('error')
  // An earlier datagram found nobody (ICMP): the socket is as good as before.
  udp.on('error', () => {})
  udp.on('message', (octets, from) => reader.take(octets, from))
  const isV6 = endpoint.addr.length === 16
  return {
    endpoint,
    send: (octets, to) => {
      if (closed || octets.length > DATAGRAM_MAX || to.port === 0) return false
      // An IPv4 address on an IPv6 socket is written as a mapped one (RFC 4291, 2.5.5.2); members
      // of the Go program say theirs so, whatever the socket.
      const { family, text } = addressOf(to.addr)
      if (family === 6 && !isV6) return false
      udp.send(octets, to.port, family === 4 && isV6 ? `::ffff:${text}` : text, () => {})
      return true
    },
    dial: (to, octets, timeoutMs, answer) =>
      closed ? Promise.resolve('closed') : dialler.dial(to, octets, timeoutMs, answer),
    counts: () => ({
      streams: streams.size + dialler.size,
      refused: streams.refused,
      dropped: reader.dropped,
    }),
    close: async () => {
      if (closed) return
      closed = true
      dialler.close()
      await Promise.all([
        streams.close(),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ])
    },
  }
}
