// Goal: what `npm start` runs does what its text promises: three backends that answer, an agent
// beside each, one of them drained by a file and back without it.
// Method: the built quickstart in a folder and a loopback network of its own, and the real dig.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { projectRoot, until } from '../harness/program.ts'
import { dig, has } from '../harness/tools.ts'

const net = `127.${20 + (process.pid % 200)}.${1 + (process.pid % 250)}`
const [first, second, third] = [`${net}.11`, `${net}.12`, `${net}.13`]
const folder = mkdtempSync(join(tmpdir(), 'opengslb-quickstart-'))
const drainFile = join(folder, '.opengslb/agent-13/drain')

let quickstart: ChildProcess
let ended: Promise<number | null>
let output = ''

async function served(): Promise<string[]> {
  const seen = new Set<string>()
  for (let turn = 0; turn < 6; turn += 1) {
    const { answer } = await dig(5354, `@${net}.1`, 'app.demo.local')
    for (const record of answer) seen.add(record.replace('A ', ''))
  }
  return [...seen].sort()
}

const fetched = async <T>(path: string): Promise<T> =>
  (await (await fetch(`http://${net}.1:8080${path}`)).json()) as T

const serves = (what: string, addresses: readonly string[]) =>
  until(what, async () => String(await served()) === String(addresses), 20_000)

describe.runIf(has('dig'))('the quickstart', () => {
  beforeAll(() => {
    quickstart = spawn(process.execPath, [join(projectRoot, 'dist/cli/quickstart.js')], {
      cwd: folder,
      env: { ...process.env, OPENGSLB_DEMO_NET: net },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [quickstart.stdout, quickstart.stderr])
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    ended = new Promise((resolve) => quickstart.on('close', (code) => resolve(code)))
  })

  afterAll(async () => {
    quickstart.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })

  test('answers with its three backends', async () => {
    await serves('three backends', [first, second, third])
  })

  test('an agent stands beside each backend', async () => {
    type Agents = { agents: { connected: boolean }[] }
    // Nobody while the API does not listen yet: DNS answers before it does.
    const connected = () =>
      fetched<Agents>('/api/v1/overwatch/agents').then(
        ({ agents }) => agents.filter((agent) => agent.connected).length,
        () => 0,
      )
    await until('three agents', async () => (await connected()) === 3, 20_000)
  })

  test('a drain file takes a backend out, which still serves, and returns it', async () => {
    expect(output).toContain('touch .opengslb/agent-13/drain')
    writeFileSync(drainFile, 'a new disk')
    await serves('the drained one has left', [first, second])
    expect((await fetch(`http://${third}:18080/health`)).status).toBe(200)
    const { drains } = await fetched<{ drains: object[] }>('/api/v1/drains')
    expect(drains).toMatchObject([{ address: third, reason: 'a new disk', by: 'file' }])
    rmSync(drainFile)
    await serves('it is back', [first, second, third])
  })

  test('ends with everything it started', async () => {
    quickstart.kill('SIGTERM')
    expect(await ended).toBe(0)
    await expect(fetch(`http://${third}:18080/health`)).rejects.toThrow()
  })
})
