/**
 * The subject of benches of the API and the feed, as a child process with a data directory of its
 * own, on either HTTP back end.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FeedLook, FeedOrder } from './feed-subject.ts'

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })

export class Subject {
  readonly port: number
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child
    this.#folder = folder
    this.port = port
  }

  static async start(backEnd: 'uws' | 'node'): Promise<Subject> {
    const folder = mkdtempSync(join(tmpdir(), 'opengslb-feed-'))
    const port = await freePort()
    const own = { FEED_FOLDER: join(folder, 'data'), FEED_PORT: String(port) }
    const http = backEnd === 'node' ? { OPENGSLB_HTTP: 'node' } : {}
    const child = fork(fileURLToPath(new URL('./feed-subject.js', import.meta.url)), {
      env: { ...process.env, ...own, ...http },
      execArgv: ['--expose-gc'],
    })
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve())
      child.once('exit', (code) => reject(new Error(`the subject ended with ${code}`)))
    })
    return new Subject(child, folder, port)
  }

  order(order: FeedOrder): void {
    this.#child.send(order)
  }

  async look(): Promise<FeedLook> {
    const reply = new Promise<FeedLook>((resolve) => {
      this.#child.once('message', (message: { look: FeedLook }) => resolve(message.look))
    })
    this.order({ look: true })
    return await reply
  }

  async lastNumber(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/api/v1/events?limit=1`)
    return ((await answer.json()) as { next: number }).next - 1
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => void this.#child.once('exit', resolve))
    this.order({ stop: true })
    await Promise.race([ended, sleep(5_000)])
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
