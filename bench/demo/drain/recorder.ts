/** What the clients saw, by tenths of a second, with the moments that explain it. */
import { fileURLToPath } from 'node:url'
import type { ClientsPlan, ClientsSaid, Failure } from './clients.ts'
import { type Child, startModule, until } from './process.ts'

const SAID_KEPT = 60

export interface Moment {
  readonly atMs: number
  readonly what: 'drain' | 'dns' | 'safe' | 'stop' | 'start' | 'peak' | 'calm'
  readonly address: string
}

/** Requests that ended well in the fifth of a second before `atMs`, by address. */
export interface Sample {
  readonly atMs: number
  readonly served: Readonly<Record<string, number>>
}

export class Recorder {
  readonly samples: Sample[] = []
  readonly failures: Failure[] = []
  readonly moments: Moment[] = []
  readonly pools: Record<string, number> = {}
  /** What the overwatch said of a drain last, the latest at the end. */
  readonly said: { readonly atMs: number; readonly text: string }[] = []
  readonly startedMs = Date.now()
  requests = 0
  /** Requests that the clients could not send in time, and their longest silence. */
  skipped = 0
  silentMs = 0
  #inFlight = 0
  #reports = 0
  readonly #child: Child

  constructor(plan: ClientsPlan) {
    const path = fileURLToPath(new URL('./clients.js', import.meta.url))
    this.#child = startModule(path, [JSON.stringify(plan)])
    this.#child.process.on('message', (said) => this.#take(said as ClientsSaid))
  }

  mark(what: Moment['what'], address: string, atMs = Date.now()): void {
    this.moments.push({ atMs, what, address })
  }

  note(said: unknown): void {
    this.said.push({ atMs: Date.now(), text: JSON.stringify(said) })
    if (this.said.length > SAID_KEPT) this.said.shift()
  }

  /** Ends the requests, waits for those under way, and for what is known of them. */
  async stop(): Promise<void> {
    this.#child.process.send('stop')
    const reports = this.#reports
    const isOver = () => this.#reports >= reports + 2 && this.#inFlight === 0
    await until('the last requests end', isOver, 10_000)
    await this.#child.end()
  }

  kill(): void {
    this.#child.kill()
  }

  #take({ served, pools, failures, inFlight, skipped, silentMs }: ClientsSaid): void {
    this.#reports++
    this.skipped += skipped
    this.silentMs = Math.max(this.silentMs, silentMs)
    this.#inFlight = inFlight
    this.samples.push({ atMs: Date.now(), served })
    this.failures.push(...failures)
    this.requests += failures.length
    for (const count of Object.values(served)) this.requests += count
    for (const [pool, count] of Object.entries(pools))
      this.pools[pool] = (this.pools[pool] ?? 0) + count
  }
}
