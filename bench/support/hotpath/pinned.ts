/**
 * A server under test: in a process group of its own, on the processors it was given.
 *
 * Its CPU time is that of every thread of every process of the group, in nanoseconds, as the
 * scheduler counts it. Whatever happens to the bench, the group is killed at its end.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const alive = new Set<Pinned>()
const killAll = (): void => {
  for (const one of alive) one.kill()
}
process.on('exit', killAll)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    killAll()
    process.exit(130)
  })

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process ended meanwhile.
    return ''
  }
}

/** Process group of a process; undefined for one that is gone. */
function groupOf(pid: string): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.length > 2 ? Number(fields[2]) : undefined
}

export interface StartOptions {
  readonly cpus: readonly number[]
  /** Where it runs and where its output is kept, in `output.log`. */
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
}

export class Pinned {
  readonly #child: ChildProcess
  readonly #folder: string

  constructor(command: readonly string[], { cpus, folder, env }: StartOptions) {
    this.#folder = folder
    const log = openSync(join(folder, 'output.log'), 'a')
    this.#child = spawn('taskset', ['-c', cpus.join(','), ...command], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    })
    closeSync(log)
    alive.add(this)
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** The last of what it wrote, for a fault report. */
  output(): string {
    return read(join(this.#folder, 'output.log')).trim().slice(-600)
  }

  #pids(): string[] {
    const group = this.#child.pid
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && groupOf(name) === group)
  }

  /** The schedstat file of each of its threads. */
  threads(): string[] {
    return this.#pids().flatMap((pid) => {
      try {
        return readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}/schedstat`)
      } catch {
        return []
      }
    })
  }

  /** CPU time so far, seconds. */
  cpuSeconds(): number {
    const sum = this.threads().reduce((total, file) => total + Number(read(file).split(' ')[0]), 0)
    return sum / 1e9
  }

  residentBytes(): number {
    return this.#pids().reduce((sum, pid) => {
      const kib = /VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0
      return sum + Number(kib) * 1024
    }, 0)
  }

  /** A signal to the program itself, not to its group. */
  signal(name: NodeJS.Signals): void {
    if (!this.ended) this.#child.kill(name)
  }

  kill(): void {
    alive.delete(this)
    try {
      process.kill(-this.#child.pid!, 'SIGKILL')
    } catch {
      // The group is gone already.
    }
  }

  async stop(): Promise<void> {
    const over = this.ended
      ? Promise.resolve()
      : new Promise((resolve) => this.#child.once('exit', resolve))
    this.kill()
    await over
  }
}
