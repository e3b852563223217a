// Goal: while queries run, each actor is killed in turn, the threads that answer among them; no
// query fails or is lost, no count of one is, and the actor is back within two seconds.
// Method: the product's own composition, in this process, with its actors on real threads. Queries
// are never repeated: one that a dying thread took with it would be missing.
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from 'dns-packet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { hasAddon } from '../harness/dns-fronts.ts'
import { freePort, projectRoot, until } from '../harness/program.ts'

interface RunningSystem {
  stop(): Promise<string>
  metricsText(): Promise<string>
  kill(name: string): void
  states(): { name: string; state: string; incarnation: number }[]
}

let backends: Backend[]

/** Asks without pause, one question at a time on its own socket, and counts what happens. */
class Asker {
  answered = 0
  slowestMs = 0
  failures: { atMs: number; what: string }[] = []
  #running = true
  readonly done: Promise<void>
  readonly #port: number

  constructor(port: number) {
    this.#port = port
    this.done = this.#run()
  }

  async #run(): Promise<void> {
    const socket = createSocket('udp4')
    let waiting: ((what: string) => void) | undefined
    socket.on('message', (message) =>
      waiting?.((message[3]! & 15) === 0 && message[7] === 1 ? 'ok' : 'wrong'),
    )
    for (let id = 1; this.#running; id = (id + 1) & 0xffff) {
      const query = encode({ type: 'query', id, questions: [{ type: 'A', name: 'app.kill.test' }] })
      const answer = new Promise<string>((resolve) => {
        waiting = resolve
      })
      const atMs = performance.now()
      socket.send(query, this.#port, '127.0.0.1')
      // What is lost never comes back; a shorter wait would count pauses of this very thread.
      const what = await Promise.race([answer, sleep(10_000, 'lost', { ref: false })])
      this.slowestMs = Math.max(this.slowestMs, performance.now() - atMs)
      if (what === 'ok') this.answered++
      else this.failures.push({ atMs, what })
      // The supervisor runs on this thread too.
      if (id % 16 === 0) await sleep(1)
    }
    socket.close()
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.done
  }
}

interface Running {
  readonly system: RunningSystem
  /** Answers given before the test began. */
  readonly probed: number
  readonly port: number
  stop(): Promise<void>
}

async function start(threads: number): Promise<Running> {
  const port = await freePort()
  const apiPort = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'opengslb-kills-'))
  const path = join(folder, 'config.yaml')
  const servers = ['127.10.2.21', '127.10.2.22'].map(
    (address) =>
      `      - { address: ${address}, port: ${backends[0]!.port}, service: app.kill.test }`,
  )
  writeFileSync(
    path,
    `
dns: { listen_address: "127.0.0.1:${port}", zones: [kill.test], threads: ${threads} }
regions:
  - name: local
    servers:
${servers.join('\n')}
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.kill.test, regions: [local] }]
overwatch: { data_dir: "${folder}/data" }
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
logging: { level: error, format: text, file: "${folder}/log" }
`,
    { mode: 0o600 },
  )
  const { launch } = (await import(join(projectRoot, 'dist', 'bootstrap.js'))) as {
    launch(path: string): Promise<RunningSystem>
  }
  const system = await launch(path)
  const probe = new Asker(port)
  await until('answers', () => probe.answered > 10)
  await probe.stop()
  const stop = async () => {
    await system.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { system, port, probed: probe.answered, stop }
}

/** Replies, and servers put into them, as the scrape tells them. */
async function countedOf({ system }: Running): Promise<readonly number[]> {
  const text = await system.metricsText()
  const sum = (series: RegExp) =>
    text
      .split('\n')
      .filter((line) => series.test(line))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0)
  return [
    sum(/^opengslb_dns_queries_total\{.*domain="app\.kill\.test".*status="NOERROR"/),
    sum(/^opengslb_routing_decisions_total\{.*domain="app\.kill\.test"/),
  ]
}

const stateOf = ({ system }: Running, name: string) =>
  system.states().find((state) => state.name === name)!

/** Kills it and waits until it is back; how long that took. */
async function killAndWait(running: Running, name: string, limitMs = 2_000): Promise<number> {
  const before = stateOf(running, name).incarnation
  running.system.kill(name)
  const isBack = () => {
    const { incarnation, state } = stateOf(running, name)
    return incarnation > before && state === 'running'
  }
  return await until(`${name} is back`, isBack, limitMs)
}

beforeAll(async () => {
  backends = await startBackends(['127.10.2.21', '127.10.2.22'])
})

afterAll(async () => {
  await Promise.all((backends ?? []).map((backend) => backend.stop()))
})

describe('an actor that does not answer queries is killed', () => {
  let running: Running
  beforeAll(async () => {
    running = await start(1)
  })
  afterAll(() => running?.stop())

  for (const name of ['registry', 'prober', 'api', 'shell'])
    test(`${name}: no query fails and it is back within two seconds`, async () => {
      const asker = new Asker(running.port)
      await sleep(200)
      const tookMs = await killAndWait(running, name)
      // Long enough for a restarted registry to have published and the prober to have checked.
      await sleep(1_500)
      await asker.stop()
      expect(asker.failures).toEqual([])
      expect(asker.answered).toBeGreaterThan(1_000)
      expect(tookMs).toBeLessThan(2_000)
    })
})

describe('a thread that answers queries is killed', () => {
  for (const threads of [1, 2])
    test.runIf(hasAddon)(`of ${threads}: not one query is lost or fails`, async () => {
      const running = await start(threads)
      try {
        const names = threads === 1 ? ['dns'] : ['dns', 'dns#2']
        // Each socket has a port of its own, so that the kernel spreads them over the threads.
        const askers = Array.from({ length: 16 }, () => new Asker(running.port))
        // Fewer than the falls in half a minute that are taken for a broken program.
        for (let round = 1; round <= 4; round++)
          for (const name of names) {
            await sleep(200)
            await killAndWait(running, name, 10_000)
          }
        await sleep(200)
        await Promise.all(askers.map((asker) => asker.stop()))
        const answered = askers.reduce((sum, asker) => sum + asker.answered, 0)
        const slowestMs = Math.max(...askers.map((asker) => asker.slowestMs))
        console.log(
          `${threads} threads, ${4 * names.length} kills: ${answered} answers, the slowest after ` +
            `${Math.round(slowestMs)} ms`,
        )
        expect(askers.flatMap(({ failures }) => failures)).toEqual([])
        expect(answered).toBeGreaterThan(1_000)
        // Of a query that was counted and not yet marked answered when its thread ended there is a
        // second count; of none is the count lost.
        const total = answered + running.probed
        const counted = await countedOf(running)
        expect(Math.min(...counted)).toBeGreaterThanOrEqual(total)
        expect(Math.max(...counted)).toBeLessThanOrEqual(total + 4 * names.length)
        for (const name of names) expect(stateOf(running, name).incarnation).toBe(5)
      } finally {
        await running.stop()
      }
    })
})
