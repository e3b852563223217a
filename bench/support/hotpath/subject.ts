/**
 * A server program under test: whether it is here, what it can serve, and how it is started.
 */
import { execFileSync } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sized } from '../report.ts'
import { askOnce } from '../server.ts'
import type { Pinned } from './pinned.ts'
import type { Setup } from './setup.ts'

export interface Start {
  readonly setup: Setup
  readonly transport: 'udp' | 'tcp'
  readonly port: number
  /** Empty, its own. */
  readonly folder: string
  readonly cpus: readonly number[]
  /** Bytes by which answers are longer than questions; only the echo has to be told. */
  readonly appendedBytes: number
}

export interface Running {
  readonly server: Pinned
  /** Does what the setup asks for while under load; resolves to how often it did. */
  readonly disturb?: (forMs: number) => Promise<number>
  stop(): Promise<void>
}

export interface Subject {
  readonly name: string
  /** Its version, or undefined where it is not installed. */
  version(): string | undefined
  /** Why it cannot serve that, or undefined. */
  refuses(setup: Setup): string | undefined
  start(start: Start): Promise<Running>
}

const folders: string[] = []
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone when the bench ends, however it ends. */
export function newFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `opengslb-bench-${name}-`))
  folders.push(folder)
  return folder
}

/** The first number-like word of what a program says of its version. */
export function versionOf(program: string, flag: string): string | undefined {
  try {
    // Some print their version where others print errors.
    const words = ['-c', `${program} ${flag} 2>&1`]
    const text = execFileSync('sh', words, { encoding: 'utf8' })
    return /\d+\.\d+[\w.-]*/.exec(text)?.[0]
  } catch (error) {
    const text = String((error as { stdout?: unknown }).stdout ?? '')
    return /\d+\.\d+[\w.-]*/.exec(text)?.[0]
  }
}

/** A port that nobody has, over UDP and TCP. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()))
  const { port } = socket.address()
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return free ? port : freePort()
}

/** Waits until it answers NOERROR for a name; names its last words when it ends instead. */
export async function untilAnswering(server: Pinned, port: number, name: string): Promise<void> {
  const started = performance.now()
  while (performance.now() - started < 60_000) {
    if (server.ended) throw new Error(`ended at start: ${server.output()}`)
    if ((await askOnce(port, name)) === 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`does not answer ${name}: ${server.output()}`)
}

/** Waits until a TCP port of it takes connections. */
export async function untilListening(server: Pinned, port: number): Promise<void> {
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  const started = performance.now()
  while (performance.now() - started < 60_000) {
    if (server.ended) throw new Error(`ended at start: ${server.output()}`)
    if (await listens()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`does not listen on ${port}: ${server.output()}`)
}

/**
 * Waits until it takes under a tenth of a processor, at smoke a moment. At most 40 s: first checks
 * of 100,000 servers take 13 s of a core.
 */
export async function untilQuiet(server: Pinned): Promise<void> {
  for (let attempt = 0; attempt < sized(160, 1); attempt++) {
    const before = server.cpuSeconds()
    await new Promise((resolve) => setTimeout(resolve, 250))
    if (server.cpuSeconds() - before < 0.025) return
  }
}
