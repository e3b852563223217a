// Goal: what the disk acknowledged is there after a crash at any moment: the process killed, or the
// thread ended in the middle of a commit.
// Method: a writer on the built ports that tells each number once it is flushed; it is ended at
// random times, twenty times over one directory, and the directory is read after each.
import { contentOf } from '../../src/actors/registry/ports-content.ts'
import { agentsDefaults } from '../../src/actors/registry/contract.ts'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPorts } from '../../src/actors/registry/ports.ts'
import { seededRandom } from '../../src/core/base/random.ts'
import { recordingLog } from '../harness/ctx.ts'
import { topologyOf } from '../unit/core/health/sample.ts'

const builtPorts = new URL('../../dist/actors/registry/ports.js', import.meta.url).href
const script = fileURLToPath(new URL('./registry-writer.mjs', import.meta.url))
const ROUNDS = 20

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'crash-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

interface Writer {
  onNumber(tell: (number: number) => void): void
  end(): Promise<unknown>
}

function asProcess(args: readonly string[]): Writer {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  return {
    onNumber: (tell) => {
      let text = ''
      child.stdout.on('data', (chunk) => {
        const lines = `${text}${chunk}`.split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) tell(Number(line))
      })
    },
    end: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

function asThread(args: readonly string[]): Writer {
  const worker = new Worker(script, { argv: [...args] })
  return {
    onNumber: (tell) => void worker.on('message', tell),
    end: () => worker.terminate(),
  }
}

const openHere = (dataDir: string) =>
  openPorts(
    {
      ...contentOf(topologyOf(), 0),
      hashSeed: 7,
      dataDir,
      guard: { enabled: true, maxWithdrawnShare: 0.5 },
      eventLog: { retentionMs: 86_400_000, maxBytes: 1e9 },
      agents: agentsDefaults,
    },
    { log: recordingLog([]) },
  )

for (const [name, begin] of [
  ['a killed process', asProcess],
  ['an ended thread', asThread],
] as const) {
  test(`${name} loses nothing that was acknowledged, and the next one goes on`, async () => {
    const dataDir = join(root, name.replaceAll(' ', '-'))
    const random = seededRandom(name.length)
    let acknowledged = 0
    let progressed = 0
    for (let round = 0; round < ROUNDS; round++) {
      const before = acknowledged
      const writer = begin([builtPorts, dataDir, String(acknowledged + 1_000_000 * round)])
      await new Promise<void>((resolve) => {
        // From the first flush on, a random number of further ones.
        let left = 1 + random.below(12)
        writer.onNumber((number) => {
          acknowledged = Math.max(acknowledged, number)
          if (--left === 0) setTimeout(resolve, random.below(8))
        })
      })
      await writer.end()
      if (acknowledged > before) progressed++
      const ports = await openHere(dataDir)
      const { rows, dropped } = await ports.store.load(Number.MAX_SAFE_INTEGER)
      const { events, damagedSegments } = await ports.log.read()
      await ports.close()
      const newest = Math.max(...[...rows.values()].map((row) => row.sinceMs))
      expect([dropped, damagedSegments]).toEqual([0, 0])
      expect(newest).toBeGreaterThanOrEqual(acknowledged)
      expect(Math.max(...events.map((event) => event.atMs))).toBeGreaterThanOrEqual(acknowledged)
    }
    expect(progressed).toBe(ROUNDS)
  })
}
