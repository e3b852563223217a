// Goal: while queries run, each actor but dns is killed in turn; no query fails and the actor is
// back within two seconds; a killed dns thread misses answers for at most a second.
// Method: the product's own composition, in this process, with its actors on real threads.
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from 'dns-packet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Backend, startBackends } from '../harness/backends.ts'
import { freePort, projectRoot, until } from '../harness/program.ts'

interface RunningSystem {
  stop(): Promise<string>
  kill(name: string): void
  states(): { name: string; state: string; incarnation: number }[]
}

let backends: Backend[]
let system: RunningSystem
let folder: string
let port: number

/** Asks without pause, one question at a time on its own socket, and counts what happens. */
class Asker {
  answered = 0
  failures: { atMs: number; what: string }[] = []
  #running = true
  readonly done: Promise<void>

  constructor() {
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
      socket.send(query, port, '127.0.0.1')
      // No client gives up sooner; a shorter wait would count pauses of this very thread.
      const what = await Promise.race([answer, sleep(1_000, 'timed out')])
      if (what === 'ok') this.answered++
      else this.failures.push({ atMs, what })
      if (id % 64 === 0) await sleep(1)
    }
    socket.close()
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.done
  }
}

const stateOf = (name: string) => system.states().find((state) => state.name === name)

beforeAll(async () => {
  backends = await startBackends(['127.10.2.21', '127.10.2.22'])
  port = await freePort()
  const apiPort = await freePort()
  folder = mkdtempSync(join(tmpdir(), 'opengslb-kills-'))
  const path = join(folder, 'config.yaml')
  writeFileSync(
    path,
    `
dns: { listen_address: "127.0.0.1:${port}", zones: [kill.test] }
regions:
  - name: local
    servers:
      - { address: 127.10.2.21, port: ${backends[0]!.port}, service: app.kill.test }
      - { address: 127.10.2.22, port: ${backends[0]!.port}, service: app.kill.test }
    health_check: { type: tcp, interval: 1s, timeout: 500ms, failure_threshold: 2, success_threshold: 1 }
domains: [{ name: app.kill.test, regions: [local] }]
overwatch: { data_dir: "${folder}/data" }
api: { enabled: true, address: "127.0.0.1:${apiPort}" }
logging: { level: error, format: text }
`,
    { mode: 0o600 },
  )
  const { launch } = (await import(join(projectRoot, 'dist', 'bootstrap.js'))) as {
    launch(path: string): Promise<RunningSystem>
  }
  system = await launch(path)
  const probe = new Asker()
  await until('answers', () => probe.answered > 10)
  await probe.stop()
})

afterAll(async () => {
  await system?.stop()
  await Promise.all((backends ?? []).map((backend) => backend.stop()))
  rmSync(folder, { recursive: true, force: true })
})

for (const name of ['registry', 'prober', 'api', 'shell'])
  test(`${name} is killed: no query fails and it is back within two seconds`, async () => {
    const asker = new Asker()
    await sleep(200)
    const before = stateOf(name)!.incarnation
    system.kill(name)
    const tookMs = await until(
      `${name} is back`,
      () => stateOf(name)!.incarnation > before && stateOf(name)!.state === 'running',
      2_000,
    )
    // Long enough for a restarted registry to have published and the prober to have checked.
    await sleep(1_500)
    await asker.stop()
    expect(asker.failures).toEqual([])
    expect(asker.answered).toBeGreaterThan(1_000)
    expect(tookMs).toBeLessThan(2_000)
  })

test('dns is killed: answers are missing for at most one second', async () => {
  const asker = new Asker()
  await sleep(200)
  const killedMs = performance.now()
  system.kill('dns')
  await sleep(2_500)
  await asker.stop()
  const last = asker.failures.at(-1)
  expect(last === undefined ? 0 : last.atMs - killedMs).toBeLessThan(1_000)
  expect(stateOf('dns')!.state).toBe('running')
})
