/**
 * A web backend of the demo: a process of its own, which is really killed.
 *
 * It answers `ok` with its address, serves `/health`, and tells its parent of health checks that
 * came from anybody but the overwatch, which are those of its agent. Connections are kept until
 * the client ends them.
 */
import { createServer } from 'node:http'

const [address = '', port = '0', overwatch = ''] = process.argv.slice(2)

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  const path = request.url ?? ''
  const isCheck = path.startsWith('/health')
  if (isCheck && request.socket.remoteAddress !== overwatch)
    process.send?.({ checkedMs: Date.now(), path })
  const body = isCheck ? 'healthy' : `ok ${address}`
  response.writeHead(200, { 'content-length': body.length, 'content-type': 'text/plain' })
  response.end(body)
})
server.listen(Number(port), address, 1024, () => process.send?.({ listening: true }))
process.on('disconnect', () => process.exit(0))
