/**
 * Processes beside this one: started, read, stopped and reaped on the main thread.
 *
 * Law: none of them outlives this process. The kernel kills a child when the thread that started it
 * ends (PR_SET_PDEATHSIG, by way of `setpriv`), which is why only the main thread may: the signal
 * is bound to the thread and not to the process. A child does outlive the actor it works for, and a
 * restarted actor finds it by its name.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { limits } from '../../core/base/limits.ts'
import type { ProcessSpec, ProcessState, StartOutcome } from './contract.ts'

/** Told of each line it writes. */
export type Hear = (line: string) => void

interface Entry {
  readonly process: ChildProcess
  readonly spec: ProcessSpec
  readonly lines: string[]
  readonly gone: Promise<void>
}

const isSame = (a: ProcessSpec, b: ProcessSpec) => JSON.stringify(a) === JSON.stringify(b)
const isOver = ({ process: child }: Entry) => child.exitCode !== null || child.signalCode !== null

/** `setpriv` of util-linux, where the machine has it. */
let hasSetpriv: boolean | undefined
export function diesWithUs(): boolean {
  hasSetpriv ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
  return hasSetpriv
}

export class Children {
  readonly #entries = new Map<string, Entry>()

  constructor() {
    // For machines without setpriv, as far as that goes: a kill of this process leaves them.
    process.on('exit', () => {
      for (const entry of this.#entries.values()) if (!isOver(entry)) entry.process.kill('SIGKILL')
    })
  }

  /** Starts what is not running; `running` where it runs already, as it is wanted. */
  async start(name: string, spec: ProcessSpec, hear: Hear = () => {}): Promise<StartOutcome> {
    const known = this.#entries.get(name)
    if (known !== undefined && !isOver(known)) {
      if (isSame(known.spec, spec)) return { code: 'running', pid: known.process.pid ?? 0 }
      await this.stop(name, limits.clusterEngineStopMs.default)
    }
    const own = [spec.command, ...spec.args]
    const [command, ...args] = diesWithUs() ? ['setpriv', '--pdeathsig', 'KILL', ...own] : own
    const child = spawn(command!, args, {
      cwd: spec.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      child.once('spawn', () => resolve(undefined))
      child.once('error', resolve)
    })
    if (failure !== undefined) return failed(failure)
    const lines: string[] = []
    child.on('error', () => {})
    for (const stream of [child.stdout, child.stderr]) keepLines(stream, lines, hear)
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
    this.#entries.set(name, { process: child, spec, lines, gone })
    return { code: 'started', pid: child.pid ?? 0 }
  }

  read(name: string): ProcessState {
    const entry = this.#entries.get(name)
    if (entry === undefined) return { state: 'absent' }
    const { process: child } = entry
    const lines = [...entry.lines]
    if (!isOver(entry)) return { state: 'running', pid: child.pid ?? 0, lines }
    return { state: 'ended', code: child.exitCode, signal: child.signalCode, lines }
  }

  /** Resolves once it is gone: asked first, killed after `graceMs`. */
  async stop(name: string, graceMs: number): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    if (!isOver(entry)) {
      entry.process.kill('SIGTERM')
      const timer = setTimeout(() => entry.process.kill('SIGKILL'), graceMs)
      await entry.gone
      clearTimeout(timer)
    }
  }
}

function failed({ code, message }: NodeJS.ErrnoException): StartOutcome {
  if (code === 'ENOENT') return { code: 'not-found', message }
  if (code === 'EACCES' || code === 'EPERM') return { code: 'not-permitted', message }
  return { code: 'failed', message }
}

/** Keeps the last lines of a stream, and of a long line its beginning. */
function keepLines(stream: NodeJS.ReadableStream | null, lines: string[], hear: Hear): void {
  if (stream === null) return
  const most = limits.clusterTextChars.default
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = (parts.pop() ?? '').slice(0, most)
    for (const part of parts) {
      if (part === '') continue
      lines.push(part.slice(0, most))
      hear(part.slice(0, most))
    }
    lines.splice(0, Math.max(0, lines.length - limits.clusterOutputLines.default))
  })
}
