/**
 * Real HTTP servers on loopback addresses that a test can stop, start and make sick.
 */
import { createServer, type Server } from 'node:http'

export class Backend {
  readonly address: string
  port: number
  /** Status of each path; others answer 200. */
  readonly status = new Map<string, number>()
  /** Paths asked for, with their Host header. */
  readonly seen: { path: string; host: string }[] = []
  #server: Server | undefined

  constructor(address: string, port = 0) {
    this.address = address
    this.port = port
  }

  start(): Promise<void> {
    const server = createServer((request, response) => {
      const path = request.url ?? '/'
      if (this.seen.length < 1000) this.seen.push({ path, host: request.headers.host ?? '' })
      response.statusCode = this.status.get(path) ?? 200
      response.end('ok')
    })
    this.#server = server
    return new Promise((resolve, reject) => {
      server.on('error', reject)
      server.listen(this.port, this.address, () => {
        const address = server.address()
        if (typeof address === 'object' && address !== null) this.port = address.port
        resolve()
      })
    })
  }

  stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return Promise.resolve()
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
}

/** Backends at the given addresses, all on one port. */
export async function startBackends(addresses: readonly string[]): Promise<Backend[]> {
  const first = new Backend(addresses[0] ?? '127.0.0.1')
  await first.start()
  const rest = addresses.slice(1).map((address) => new Backend(address, first.port))
  await Promise.all(rest.map((backend) => backend.start()))
  return [first, ...rest]
}
