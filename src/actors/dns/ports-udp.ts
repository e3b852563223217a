/**
 * UDP by node:dgram: one datagram in, at most one out, to the address it came from.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { limits } from '../../core/base/limits.ts'
import { clientBytes } from './ports-client.ts'
import type { Answer } from './contract.ts'

export interface UdpFront {
  readonly host: string
  readonly port: number
  /** Replies not sent. */
  dropped(): number
  /** Queries the kernel dropped, where it says so. */
  kernelDrops(): number
  serve(): void
  close(): Promise<void>
}

/** Binds a socket; rejects with the system's error. */
export async function openUdp(
  host: string,
  port: number,
  answer: Answer,
  onFault: (message: string) => void,
  onDropped: () => void = () => {},
): Promise<UdpFront> {
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    // "::" takes IPv4 too; a specific address is of one family.
    ipv6Only: host.includes(':') && host !== '::',
    recvBufferSize: limits.udpReceiveBufferBytes.default,
  })
  let dropped = 0
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  // One buffer takes every reply; what is sent is a copy, since sending may outlast this turn.
  const out = new Uint8Array(limits.tcpMessageBytes.max)
  socket.on('message', (query: Uint8Array, from: RemoteInfo) => {
    // Port 0 cannot be answered; sending to it would raise an error. No query is that long.
    if (from.port === 0 || query.length > limits.udpPayloadBytes.max) return
    const bytes = clientBytes(from.address)
    const written = answer(query, 0, query.length, out, 0, { bytes, transport: 'udp' })
    if (written === 0) return
    if (socket.getSendQueueSize() > limits.udpUnsentBytes.default) {
      dropped++
      onDropped()
    } else send(socket, out, written, from)
  })
  socket.on('error', (error) => onFault(error.message))
  const bound = socket.address()
  return {
    host: bound.address,
    port: bound.port,
    dropped: () => dropped,
    kernelDrops: () => 0,
    // The socket reads from the moment it is bound.
    serve: () => {},
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function send(socket: Socket, out: Uint8Array, length: number, to: RemoteInfo): void {
  // An answer that cannot be sent is a lost datagram; the client asks again.
  socket.send(Buffer.from(out.subarray(0, length)), to.port, to.address, ignoreOutcome)
}

function ignoreOutcome(): void {}
