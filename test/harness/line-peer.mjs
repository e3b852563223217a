/**
 * One end of the traffic of the tests with slow lines, run in a namespace.
 *
 *     line-peer.mjs serve PORT                          an HTTP server on every address
 *     line-peer.mjs short HOST PORT EVERY_MS            a new connection for each request
 *     line-peer.mjs kept HOST PORT EVERY_MS             requests on one connection
 *
 * It ends with its parent: when standard input ends.
 */
import { Agent, createServer, get } from 'node:http'

const [role, ...words] = process.argv.slice(2)
process.stdin.on('end', () => process.exit(0)).resume()

if (role === 'serve') {
  const server = createServer((_request, response) => response.end('ok'))
  server.keepAliveTimeout = 300_000
  server.listen(Number(words[0]), '0.0.0.0', () => process.stdout.write('ready\n'))
} else {
  const [host, port, everyMs] = words
  const agent = role === 'kept' ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined
  const ask = () =>
    get({ host, port: Number(port), agent: agent ?? false }, (response) =>
      response.resume(),
    ).on('error', () => undefined)
  setInterval(ask, Number(everyMs))
}
