/**
 * Changes of state under load: servers taken out and brought back through the API, at a steady
 * rate.
 *
 * A tenth of the pool is moved, in turn, so that there is always something to answer and the
 * guard-rail has nothing to hold back.
 */
import { Agent, request } from 'node:http'
import { type Setup, serverAddress, ZONE } from './setup.ts'

// A change is acknowledged once it is on disk, in groups: many must be on the way at once.
const agent = new Agent({ keepAlive: true, maxSockets: 128 })

function put(port: number, path: string, body: object): Promise<boolean> {
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': String(text.length) }
  return new Promise((resolve) => {
    const call = request(
      { host: '127.0.0.1', port, path, method: 'PUT', agent, headers },
      (reply) => {
        reply.resume()
        reply.on('end', () => resolve(reply.statusCode === 200))
      },
    )
    call.on('error', () => resolve(false))
    call.end(text)
  })
}

/** Resolves, after so many milliseconds, to the number of changes that were accepted. */
export async function startDeltas(
  apiPort: number,
  checkedPort: number,
  setup: Setup,
  forMs: number,
): Promise<number> {
  const moved = Math.max(1, Math.floor(setup.servers / 10))
  const started = performance.now()
  let asked = 0
  let accepted = 0
  const change = async (turn: number): Promise<void> => {
    const address = `${serverAddress(turn % moved)}:${checkedPort}`
    const healthy = Math.floor(turn / moved) % 2 === 1
    const body = { healthy, reason: 'bench', source: 'bench' }
    if (await put(apiPort, `/api/v1/overrides/app.${ZONE}/${address}`, body)) accepted++
  }
  const pending: Promise<void>[] = []
  for (;;) {
    const elapsed = performance.now() - started
    if (elapsed >= forMs) break
    while (asked < (elapsed / 1000) * setup.deltasPerSecond) pending.push(change(asked++))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await Promise.all(pending)
  return accepted
}
