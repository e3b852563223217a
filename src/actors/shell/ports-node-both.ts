/**
 * TLS and plain HTTP on one port: the first byte of a connection tells which it is.
 *
 * A TLS record of a handshake begins with 0x16 (RFC 8446 section 5.1), and no method of HTTP does
 * (RFC 9110 section 5.6.2). Both come to one server, so its limits and times hold for both. A
 * client that sends nothing is ended as one that is slow with its handshake.
 */
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import { AccessList } from '../../core/net/access.ts'

const HANDSHAKE = 0x16

/**
 * @param plain who may speak plain HTTP; others have their connection ended
 * @param firstByteMs how long a connection may say nothing
 */
export function serveBoth(server: Server, plain: 'loopback' | 'all', firstByteMs: number): void {
  const loopback = new AccessList([])
  const mayBePlain = ({ remoteAddress = '' }: Socket) =>
    plain === 'all' || loopback.allows(remoteAddress.replace(/%.*$/, ''))
  const startTls = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const onError = () => socket.destroy()
    const timer = setTimeout(onError, firstByteMs)
    socket.on('error', onError)
    socket.once('close', () => clearTimeout(timer))
    socket.once('readable', () => {
      clearTimeout(timer)
      const bytes: Buffer | null = socket.read()
      // Ended before it said anything.
      if (bytes === null) return void socket.destroy()
      socket.unshift(bytes)
      socket.off('error', onError)
      if (bytes[0] === HANDSHAKE) for (const start of startTls) start.call(server, socket)
      // What follows a handshake is HTTP over whatever socket is given.
      else if (mayBePlain(socket)) server.emit('secureConnection', socket)
      else socket.destroy()
    })
  })
}
