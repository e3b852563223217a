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

/** Told of each line that it writes, or its watcher. */
export interface Ears {
  readonly heard: (line: string) => void
  readonly watcherHeard: (line: string) => void
}

const DEAF: Ears = { heard: () => {}, watcherHeard: () => {} }

interface Entry {
  readonly process: ChildProcess
  readonly spec: ProcessSpec
  readonly lines: string[]
  readonly gone: Promise<void>
  watcher: ChildProcess | undefined
}

const isSame = (a: ProcessSpec, b: ProcessSpec) => JSON.stringify(a) === JSON.stringify(b)
const RESTART_MS = limits.clusterGuardMs.default

const isOver = ({ process: child }: Entry) => child.exitCode !== null || child.signalCode !== null

function end({ process: child, watcher }: Entry): void {
  child.kill('SIGKILL')
  watcher?.kill('SIGKILL')
}

/** `setpriv` of util-linux, where the machine has it. */
let hasSetpriv: boolean | undefined
export function diesWithUs(): boolean {
  hasSetpriv ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0
  return hasSetpriv
}

/** A command that the kernel kills with the thread that starts it, where that can be had. */
const tied = (own: readonly string[]): readonly string[] =>
  diesWithUs() ? ['setpriv', '--pdeathsig', 'KILL', ...own] : own

/** Runs the watcher of a process for as long as that one runs. */
function watchOver(entry: Entry, { watcherHeard }: Ears): void {
  const { watcher: args } = entry.spec
  if (args.length === 0 || isOver(entry)) return
  const [command, ...rest] = tied([process.execPath, ...args])
  // It ends with its input, which is this process's end of a pipe.
  const watcher = spawn(command!, rest, { stdio: ['pipe', 'ignore', 'pipe'] })
  entry.watcher = watcher
  keepLines(watcher.stderr, [], watcherHeard)
  watcher.on('error', () => {})
  watcher.stdin.on('error', () => {})
  watcher.once('close', () => {
    if (isOver(entry)) return
    setTimeout(() => watchOver(entry, { ...DEAF, watcherHeard }), RESTART_MS).unref()
  })
}

export class Children {
  readonly #entries = new Map<string, Entry>()

  constructor() {
    // For machines without setpriv, as far as that goes: a kill of this process leaves them.
    process.on('exit', () => {
      for (const entry of this.#entries.values()) if (!isOver(entry)) end(entry)
    })
  }

  /** Starts what is not running; `running` where it runs already, as it is wanted. */
  async start(name: string, spec: ProcessSpec, ears: Ears = DEAF): Promise<StartOutcome> {
    const known = this.#entries.get(name)
    if (known !== undefined && !isOver(known)) {
      if (isSame(known.spec, spec)) return { code: 'running', pid: known.process.pid ?? 0 }
      await this.stop(name, limits.clusterEngineStopMs.default)
    }
    const [command, ...args] = tied([spec.command, ...spec.args])
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
    for (const stream of [child.stdout, child.stderr]) keepLines(stream, lines, ears.heard)
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
    const entry: Entry = { process: child, spec, lines, gone, watcher: undefined }
    this.#entries.set(name, entry)
    child.once('exit', () => entry.watcher?.kill('SIGKILL'))
    watchOver(entry, ears)
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
function keepLines(
  stream: NodeJS.ReadableStream | null,
  lines: string[],
  hear: (line: string) => void,
): void {
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
