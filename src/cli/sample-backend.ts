/**
 * A sample backend of the quickstart: a small web server that says who it is.
 *
 * Run with an address and a port; ends when its parent does.
 */
import { createServer } from 'node:http'

const [address = '127.0.0.1', port = '0'] = process.argv.slice(2)
process.title = `sample-backend ${address}`

createServer((request, response) => {
  response.setHeader('content-type', 'text/plain')
  response.end(request.url === '/health' ? 'ok\n' : `Hello from ${address}:${port}\n`)
})
  .on('error', (error) => {
    process.stderr.write(`sample backend ${address}:${port}: ${error.message}\n`)
    process.exit(1)
  })
  .listen(Number(port), address, () => process.send?.('listening'))

// The channel closes when the quickstart ends, however it ends.
process.on('disconnect', () => process.exit(0))
