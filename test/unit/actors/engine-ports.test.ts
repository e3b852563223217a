// Goal: etcd is tied to the life of this process where the machine can, and the log says where not.
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EnginePorts } from '../../../src/actors/engine/contract.ts'
import { type LogLine, recordingLog } from '../../harness/ctx.ts'
import { has } from '../../harness/tools.ts'

const sleeper = { command: '/bin/sleep', args: ['30'], folder: tmpdir(), watcher: [] }
let ports: EnginePorts | undefined

beforeEach(() => vi.resetModules())
afterEach(async () => {
  vi.unstubAllEnvs()
  await ports?.stop(0)
})

/** What is said at the start of a child, on a machine with these programs. */
async function saidWith(path: string): Promise<readonly string[]> {
  vi.stubEnv('PATH', path)
  const { openPorts } = await import('../../../src/actors/engine/ports.ts')
  const lines: LogLine[] = []
  ports = openPorts({}, { log: recordingLog(lines) })
  const outcome = await ports.start(sleeper)
  expect(outcome.code).toBe('started')
  return lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
}

test.runIf(has('setpriv'))(
  'with setpriv a child is the program itself, and nothing is said',
  async () => {
    expect(await saidWith(process.env['PATH']!)).toEqual([])
    const state = ports!.read()
    if (state.state !== 'running') throw new Error(state.state)
    await vi.waitFor(() => expect(readFileSync(`/proc/${state.pid}/comm`, 'utf8')).toBe('sleep\n'))
  },
)

test('without it the log says that a killed process leaves its etcd', async () => {
  const [said] = await saidWith('/nonexistent')
  expect(said).toContain('etcd outlives this process where that is killed')
})
