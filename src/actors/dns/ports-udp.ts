/**
 * UDP by node:dgram: one datagram in, at most one out, to the address it came from.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { limits } from '../../core/base/limits.ts'
import { Held } from '../../core/cluster/held.ts'
import { clientBytes } from './ports-client.ts'
import type { Answer, Waiting } from './contract.ts'

export interface UdpFront {
  readonly host: string
  readonly port: number
  /** Replies not sent. */
  dropped(): number
  serve(): void
  release(heard: number, nowMs: number): void
  close(): Promise<void>
}

/** Binds a socket; rejects with the system's error. */
export async function openUdp(
  host: string,
  port: number,
  answer: Answer,
  onFault: (message: string) => void,
  onDropped: () => void = () => {},
  waiting?: Waiting,
): Promise<UdpFront> {
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    // "::" takes IPv4 too; a specific address is of one family.
    ipv6Only: host.includes(':') && host !== '::',
    recvBufferSize: limits.udpReceiveBufferBytes.default,
  })
  let dropped = 0
  const held = new Held(limits.clusterHeldReplies.default)
  const kept: { readonly reply: Buffer; readonly to: RemoteInfo }[] = []
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
    const said = answer(query, 0, query.length, out, 0, { bytes, transport: 'udp' })
    if (said === 0) return
    const written = Math.abs(said)
    if (said < 0 && waiting !== undefined && held.keep(waiting.heard(), waiting.nowMs())) {
      kept.push({ reply: Buffer.from(out.subarray(0, written)), to: from })
      return
    }
    if (socket.getSendQueueSize() > limits.udpUnsentBytes.default) {
      dropped++
      onDropped()
    } else send(socket, Buffer.from(out.subarray(0, written)), from)
  })
  socket.on('error', (error) => onFault(error.message))
  const bound = socket.address()
  return {
    host: bound.address,
    port: bound.port,
    dropped: () => dropped,
    // The socket reads from the moment it is bound.
    serve: () => {},
    release: (heard, nowMs) => {
      for (;;) {
        const due = held.next(heard, nowMs)
        if (due === 'wait') return
        const { reply, to } = kept.shift()!
        if (due === 'send') send(socket, reply, to)
      }
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function send(socket: Socket, reply: Buffer, to: RemoteInfo): void {
  // An answer that cannot be sent is a lost datagram; the client asks again.
  socket.send(reply, to.port, to.address, ignoreOutcome)
}

function ignoreOutcome(): void {}
