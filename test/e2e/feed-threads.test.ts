// Goal: the threads behind the feed may end at any moment: readers stay connected, and hear every
// number once, in order, with no gap.
// Method: the product's own composition, in this process, with its actors on real threads.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Client, connectStream, connectWs } from '../contract/feed-client.ts'
import { freePort, projectRoot, until } from '../harness/program.ts'

interface RunningSystem {
  stop(): Promise<string>
  kill(name: string): void
  states(): { name: string; state: string; incarnation: number }[]
}

const TOKEN = 'correct-horse-battery'
let folder = ''
let port = 0
let system: RunningSystem

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'opengslb-feed-'))
  port = await freePort()
  const path = join(folder, 'config.yaml')
  const yaml = `
dns: { listen_address: "127.0.0.1:${await freePort()}", zones: [feed.test] }
regions:
  - name: local
    servers: [{ address: 127.10.8.21, port: 9, service: app.feed.test }]
    health_check: { type: tcp, interval: 10s, timeout: 500ms }
domains: [{ name: app.feed.test, regions: [local] }]
overwatch: { data_dir: "${folder}/data" }
metrics: { enabled: false }
api: { enabled: true, address: "127.0.0.1:${port}", auth: { tokens: ["${TOKEN}"] } }
logging: { level: error, format: text, file: "${folder}/log" }
`
  writeFileSync(path, yaml, { mode: 0o600 })
  const { launch } = (await import(join(projectRoot, 'dist', 'bootstrap.js'))) as {
    launch(path: string): Promise<RunningSystem>
  }
  system = await launch(path)
})
afterAll(async () => {
  await system.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** True once it took effect; an actor that is being restarted answers 503. */
async function override(healthy: boolean): Promise<boolean> {
  const answer = await fetch(
    `http://127.0.0.1:${port}/api/v1/overrides/app.feed.test/127.10.8.21`,
    {
      method: 'PUT',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ healthy, reason: 'a test', source: 'test', force: true }),
    },
  )
  return answer.status < 300
}

async function killAndWait(name: string): Promise<void> {
  const stateOf = () => system.states().find((state) => state.name === name)!
  const { incarnation } = stateOf()
  system.kill(name)
  const isBack = () => stateOf().incarnation > incarnation && stateOf().state === 'running'
  await until(`${name} is back`, isBack)
}

const numbersOf = (heard: Client['heard']) =>
  heard.filter(({ type }) => type === 'event').map(({ number }) => Number(number))

test('the API and the registry are killed in turn, and no reader misses an event', async () => {
  const clients = [await connectWs(port, '?from=1'), await connectStream(port, '?from=1')]
  let healthy = true
  for (const victim of ['api', 'registry', 'api', 'registry', 'api']) {
    for (let turn = 0; turn < 5; turn++) {
      healthy = !healthy
      await override(healthy)
    }
    const killed = killAndWait(victim)
    for (let turn = 0; turn < 5; turn++) {
      healthy = !healthy
      await override(healthy)
    }
    await killed
  }
  await until('an order passes again', () => override(!healthy))
  const page = await fetch(`http://127.0.0.1:${port}/api/v1/events?limit=1`)
  const { next } = (await page.json()) as { next: number }
  for (const { heard, end } of clients) {
    await until('the last event', () => numbersOf(heard).at(-1)! >= next - 1)
    const numbers = numbersOf(heard)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    expect(heard.filter(({ type }) => type === 'gap')).toEqual([])
    end()
  }
  expect(next).toBeGreaterThan(40)
}, 60_000)
