/**
 * Metrics read as Prometheus reads them: once a second, over a connection that stays open.
 */
import { Agent, get } from 'node:http'

const INTERVAL_MS = 1_000
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/** The whole page is taken and thrown away: reading it is the work of another machine. */
function read(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = get({ host: '127.0.0.1', port, path: '/metrics', agent }, (reply) => {
      reply.resume()
      reply.on('end', () => resolve(reply.statusCode === 200))
    })
    call.on('error', () => resolve(false))
  })
}

/**
 * Resolves, after so many milliseconds, to the number of pages read. What is shorter than a second
 * has one in its middle, so that no round is without.
 */
export async function scrape(port: number, forMs: number): Promise<number> {
  const started = performance.now()
  let pages = 0
  for (let atMs = Math.min(INTERVAL_MS, forMs) / 2; atMs < forMs; atMs += INTERVAL_MS) {
    const leftMs = started + atMs - performance.now()
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, leftMs)))
    if (await read(port)) pages++
  }
  return pages
}
