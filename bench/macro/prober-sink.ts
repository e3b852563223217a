/**
 * The servers the prober's bench checks: one socket for http and tcp and one for https, reached
 * under every loopback address. A process of its own, so that its CPU time is not the prober's.
 *
 * Gets `{ key, cert }` (PEM) from its parent and answers `{ port, securePort }`.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createSecure } from 'node:tls'

const reply = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

const answer = (socket: Socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.end(reply))
}

const listen = (server: Server): Promise<number> =>
  new Promise((done) => {
    server.listen({ host: '0.0.0.0', port: 0, backlog: 8_192 }, () =>
      done((server.address() as AddressInfo).port),
    )
  })

process.once('message', async ({ key, cert }: { key: string; cert: string }) => {
  const secure = createSecure({ key, cert }, answer).on('tlsClientError', () => {})
  const [port, securePort] = [await listen(createServer(answer)), await listen(secure)]
  process.send?.({ port, securePort })
})
process.once('disconnect', () => process.exit(0))
