// Goal: the script goes to the next node only once the last one was replaced, also where the
// command returns before that; and it stops where no other process comes. Method: nodes that are
// an API.
import { spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../harness/program.ts'
import { has } from '../../harness/tools.ts'

const script = fileURLToPath(new URL('../../../deploy/scripts/rolling-update.sh', import.meta.url))
/** As the package does: the process is told, and what tells it ends. */
const COMMAND = 'curl -fs -d "$NODE_HOST" "$NODE_URL/told"'
const [AWAY_MS, UNREADY_MS] = [300, 1_500]

class Site {
  readonly servers: Server[] = []
  readonly urls: string[] = []
  /** What happened, in order. */
  readonly events: string[] = []
  /** Nodes whose successor is refused. */
  readonly refusing = new Set<number>()
  readonly #starts = new Map<number, number>()
  readonly #readyMs = new Map<number, number>()

  async add(host: string): Promise<void> {
    const node = this.servers.length + 1
    this.#starts.set(node, node)
    const server = createServer((request, response) => {
      const path = request.url ?? ''
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        if (path === '/told') this.#replace(node, body)
        const told = this.#answer(node, path)
        response.writeHead(told.ready === false ? 503 : 200).end(JSON.stringify(told))
      })
    })
    this.servers.push(server)
    await new Promise<void>((settle) => server.listen(0, host, settle))
    const { port } = server.address() as AddressInfo
    this.urls.push(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
  }

  #replace(node: number, host: string): void {
    this.events.push(`${node} told at ${host}`)
    if (this.refusing.has(node)) return
    setTimeout(() => {
      this.#starts.set(node, this.#starts.get(node)! + 1_000)
      this.#readyMs.set(node, Date.now() + UNREADY_MS)
      setTimeout(() => this.events.push(`${node} ready`), UNREADY_MS)
    }, AWAY_MS)
  }

  #answer(node: number, path: string): { readonly [key: string]: unknown } {
    const start = new Date(this.#starts.get(node)!).toISOString()
    const answers: Record<string, { readonly [key: string]: unknown }> = {
      '/api/v1/config/system': { config: { start_time: start } },
      '/api/v1/cluster/members': {
        members: this.servers.map(() => ({ is_voter: true, is_alive: true })),
      },
      '/api/v1/cluster/status': {
        ...{ is_leader: node === 1, state: node === 1 ? 'leader' : 'follower', leader_id: 'n1' },
      },
      '/api/v1/ready': { ready: Date.now() >= (this.#readyMs.get(node) ?? 0) },
    }
    return answers[path] ?? {}
  }

  async update(waitSeconds: number) {
    const env = { ...process.env, WAIT: String(waitSeconds) }
    const child = spawn('/bin/sh', [script, COMMAND, ...this.urls], { env })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
    const fromMs = performance.now()
    const code = await new Promise((settle) => child.on('close', settle))
    return { code, said, tookMs: performance.now() - fromMs }
  }
}

let site = new Site()
afterEach(() => {
  for (const server of site.servers) server.close()
  site = new Site()
})

test.runIf(has('curl'))(
  'a node whose command returns at once is waited for until another process is ready',
  async () => {
    for (const host of ['127.0.0.1', '::1', '127.0.0.2']) await site.add(host)
    const { code, said } = await site.update(20)
    expect(said).toContain('all 3 nodes are updated\n')
    expect(code).toBe(0)
    expect(site.events).toEqual([
      ...['2 told at ::1', '2 ready', '3 told at 127.0.0.2', '3 ready'],
      ...['1 told at 127.0.0.1', '1 ready'],
    ])
  },
  30_000,
)

test.runIf(has('curl'))(
  'where the old process runs on no other node is touched, after as many seconds as were given',
  async () => {
    for (const host of ['127.0.0.1', '127.0.0.2']) await site.add(host)
    site.refusing.add(2)
    const { code, said, tookMs } = await site.update(3)
    expect(said).toContain('the old process still runs on 127.0.0.2 after 3 s')
    expect(code).toBe(1)
    expect(site.events).toEqual(['2 told at 127.0.0.2'])
    expect(tookMs).toBeGreaterThan(2_000)
    expect(tookMs).toBeLessThan(6_000)
  },
  30_000,
)

test.runIf(has('curl'))(
  'a node that answers slowly has no more seconds than one that answers at once',
  async () => {
    for (const host of ['127.0.0.1', '127.0.0.2']) await site.add(host)
    site.refusing.add(2)
    const updated = site.update(3)
    await until('the command ran', () => site.events.length > 0)
    // Connections are taken and not answered, each for the three seconds of a question.
    site.servers[1]!.removeAllListeners('request')
    const { code, said, tookMs } = await updated
    expect(code).toBe(1)
    expect(said).toContain('127.0.0.2 is not back after 3 s')
    expect(tookMs).toBeLessThan(9_000)
  },
  30_000,
)
