/** Child processes of the demo: started, signalled by their id, and never left behind. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const alive = new Set<ChildProcess>()
const folders = new Set<string>()
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
  for (const folder of folders) removeFolder(folder)
})
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => process.exit(130))

/** A folder that goes with this process, however that ends short of SIGKILL. */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  folders.add(folder)
  return folder
}

/** Those that were just killed may still be writing to it. */
export function removeFolder(folder: string): void {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}

/** The folder stays when this process ends. */
export const keepFolder = (folder: string): void => void folders.delete(folder)

export class Child {
  readonly process: ChildProcess
  readonly exited: Promise<void>

  constructor(child: ChildProcess) {
    this.process = child
    alive.add(child)
    this.exited = new Promise((resolve) =>
      child.on('exit', () => {
        alive.delete(child)
        resolve()
      }),
    )
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal)
  }

  async end(): Promise<void> {
    this.kill()
    await this.exited
  }
}

/** A program whose output goes to a file. */
export function startProgram(command: string, args: readonly string[], logPath: string): Child {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = createWriteStream(logPath, { flags: 'a' })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  child.on('error', (error) => log.write(`${error.message}\n`))
  return new Child(child)
}

/** A module of the demo with a channel to us. */
export const startModule = (path: string, args: readonly string[]): Child =>
  new Child(fork(path, [...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))

/** A port nothing listens at on the address. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Waits until it holds, looking every `everyMs`; rejects with what was waited for. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 20_000,
  everyMs = 20,
): Promise<void> {
  const started = performance.now()
  while (!(await holds())) {
    if (performance.now() - started > limitMs) throw new Error(`never came to hold: ${what}`)
    await sleep(everyMs)
  }
}
