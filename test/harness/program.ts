/**
 * The built program as a child process, with a configuration of its own in a temporary folder.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

// Compiled for a bench this file lies one folder deeper.
const own = fileURLToPath(new URL('../../', import.meta.url))
export const projectRoot = own.replace(/dist-bench\/$/, '')
const program = join(projectRoot, 'dist', 'opengslb.js')
/** Of the log, in either of its formats. */
const FELL = 'actor fell'

// Below those that the kernel gives to connections, which would take one before it is used.
const [PORTS_FROM, PORTS_END] = [20_000, 32_000]
const given = new Set<number>()

/** A port that is free for UDP and TCP on every address used by the tests. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS_FROM + Math.floor(Math.random() * (PORTS_END - PORTS_FROM))
    if (given.has(port)) continue
    given.add(port)
    const tcpFree = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.on('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    const udpFree = await new Promise<boolean>((resolve) => {
      const socket = createSocket('udp4')
      socket.on('error', () => resolve(false))
      socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
    })
    if (tcpFree && udpFree) return port
  }
}

/** Waits until `holds` is true; throws with `what` after the limit. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<number> {
  const start = performance.now()
  for (;;) {
    if (await holds()) return performance.now() - start
    if (performance.now() - start > limitMs) throw new Error(`never came to hold: ${what}`)
    await sleep(20)
  }
}

export interface Finished {
  readonly code: number | null
  readonly output: string
  readonly tookMs: number
}

export class Program {
  readonly folder: string
  readonly configPath: string
  #child: ChildProcess | undefined
  #output = ''
  /** Lines of the runs before this one that tell of an actor which fell. */
  #falls: readonly string[] = []
  #ended: Promise<number | null> = Promise.resolve(null)

  readonly #prefix: readonly string[]

  /** @param prefix a command that runs the program, such as `ip netns exec NAME` */
  constructor(yaml: string, prefix: readonly string[] = []) {
    this.#prefix = prefix
    this.folder = mkdtempSync(join(tmpdir(), 'opengslb-e2e-'))
    this.configPath = join(this.folder, 'config.yaml')
    this.configure(yaml)
  }

  configure(yaml: string): void {
    writeFileSync(this.configPath, yaml, { mode: 0o600 })
  }

  get output(): string {
    return this.#output
  }

  /** What it said of actors that fell, in this run and those before. */
  get falls(): string[] {
    return [...this.#falls, ...this.#output.split('\n').filter((line) => line.includes(FELL))]
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): void {
    const words = [process.execPath, program, '--config', this.configPath, ...args]
    const [command, ...rest] = [...this.#prefix, ...words]
    const child = spawn(command!, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#falls = this.falls
    this.#output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString()
      })
    this.#ended = new Promise((resolve) => child.on('close', (code) => resolve(code)))
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  exited(): Promise<number | null> {
    return this.#ended
  }

  async logged(text: string | RegExp, limitMs = 10_000): Promise<void> {
    const seen = () =>
      typeof text === 'string' ? this.#output.includes(text) : text.test(this.#output)
    await until(`log line ${text}\n${this.#output.slice(-3000)}`, seen, limitMs)
  }

  async stop(): Promise<number | null> {
    if (this.#child?.exitCode === null) this.#child.kill('SIGTERM')
    return this.#ended
  }

  /**
   * Ends the process whatever its state and removes its folder. An actor that fell was started
   * again and may have left no other trace, so that is a fault of the test here.
   */
  async remove(): Promise<void> {
    if (this.#child !== undefined && this.#child.exitCode === null) this.#child.kill('SIGKILL')
    await this.#ended
    rmSync(this.folder, { recursive: true, force: true })
    const { falls } = this
    if (falls.length > 0) throw new Error(`actors fell:\n${falls.join('\n')}`)
  }
}

/** Runs the program to its end. */
export async function runToEnd(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const start = performance.now()
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output: text, tookMs: performance.now() - start }
}
