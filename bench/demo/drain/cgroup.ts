/**
 * A made cgroup (version 2) of one core, whose load the demo sets.
 *
 * A busy process would slow the clients of a small machine, and the demo could not tell what it
 * measures; the agent reads these files as it reads the kernel's (`agent.predictive.cgroup`).
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const WRITE_MS = 200
const CALM_SHARE = 0.05

export class FakeCgroup {
  /** Share of the core in use. */
  share = CALM_SHARE
  readonly #folder: string
  readonly #timer: NodeJS.Timeout
  #usedUs = 0
  #lastMs = performance.now()

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'cpu.max'), '100000 100000\n')
    writeFileSync(join(folder, 'memory.max'), `${2 ** 30}\n`)
    writeFileSync(join(folder, 'memory.current'), `${2 ** 27}\n`)
    writeFileSync(join(folder, 'memory.stat'), 'inactive_file 0\n')
    this.#write()
    this.#timer = setInterval(() => this.#write(), WRITE_MS)
  }

  calm(): void {
    this.share = CALM_SHARE
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #write(): void {
    const nowMs = performance.now()
    this.#usedUs += (nowMs - this.#lastMs) * 1_000 * this.share
    this.#lastMs = nowMs
    const path = join(this.#folder, 'cpu.stat')
    writeFileSync(`${path}.new`, `usage_usec ${Math.round(this.#usedUs)}\n`)
    // In one step, so that no half of it is ever read.
    renameSync(`${path}.new`, path)
  }
}
