/**
 * A program that is told to have itself replaced, and which of its processes holds the data.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Program } from './program.ts'

/** Finer than a replacement takes by two orders. */
const LOOK_MS = 5

/** One that has ended and waits for its parent to ask is none: the first process may be slow. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

export class Succession {
  readonly #program: Program
  readonly dataDir: string

  constructor(program: Program) {
    this.#program = program
    this.dataDir = join(program.folder, 'data')
  }

  /** The process that holds the data directory; 0 for none. */
  owner(): number {
    try {
      return Number(readFileSync(join(this.dataDir, 'owner.pid'), 'utf8'))
    } catch {
      return 0
    }
  }

  /** Replaces the process that runs, until the one before has ended; in milliseconds. */
  async replace(): Promise<number> {
    const before = this.owner()
    const startMs = performance.now()
    const running = () => this.#program.output.split('OpenGSLB running').length
    const known = running()
    process.kill(before, 'SIGUSR2')
    const isOver = () => running() > known && !isAlive(before) && this.owner() !== before
    while (!isOver()) {
      if (performance.now() - startMs > 45_000)
        throw new Error(`no successor of ${before}\n${this.#program.output.slice(-2000)}`)
      await sleep(LOOK_MS)
    }
    return performance.now() - startMs
  }

  /** Ends whoever runs. */
  end(): void {
    const last = this.owner()
    if (last > 0 && isAlive(last)) process.kill(last, 'SIGTERM')
  }
}
