/**
 * Waiting until the servers of drains may be stopped, with progress on the way.
 *
 * Progress goes to standard error: one line that is rewritten on a terminal, else a line for each
 * change. What is printed at the end is the answer.
 */
import { CommandFailed } from './failure.ts'
import type { Shell } from './shell.ts'
import { plain } from './table.ts'
import { rewritten } from './terminal.ts'
import { pause } from './wait.ts'

export interface Drain {
  readonly id: string
  readonly backend: string
  readonly reason: string
  readonly by: string
  readonly declared_by?: string
  readonly since: string
  readonly expires_at?: string
  readonly safe?: boolean | 'unknown'
  readonly why?: string
  readonly safe_by_time?: string
  readonly connections?: {
    readonly remaining: number
    readonly networks: readonly { readonly network: string; readonly connections: number }[]
  }
}

export interface WaitOptions {
  /** How long to wait at most; for ever when left out. */
  readonly limitMs?: number | undefined
  readonly everyMs: number
  /** Where connections cannot be counted, the time that the overwatch names is enough. */
  readonly byTime: boolean
}

/** How long the API may be away, for a restart of the node, before waiting is given up. */
const AWAY_MS = 60_000

export const DRAINS_PATH = '/api/v1/drains'

export const drainPath = (id: string) => `${DRAINS_PATH}/${encodeURIComponent(id)}`

/** The drains once all are safe; throws CommandFailed when that does not come to be. */
export async function waitUntilSafe(
  shell: Shell,
  ids: readonly string[],
  { limitMs, everyMs, byTime }: WaitOptions,
): Promise<Drain[]> {
  const started = performance.now()
  const { stopped } = shell.io
  const progress = progressOf(shell)
  let heardMs = started
  for (;;) {
    const now = performance.now()
    const read = await readAll(shell, ids, now - heardMs)
    if (read !== undefined) {
      heardMs = now
      progress.show(lineOf(read, (now - started) / 1_000), summaryOf(read))
      if (read.every((one) => isSafe(one, byTime))) return progress.end(read)
      if (read.some((one) => one.safe === undefined)) throw notTold(progress)
    }
    const left = limitMs === undefined ? everyMs : limitMs - (performance.now() - started)
    if (left <= 0) {
      progress.end(undefined)
      throw new CommandFailed(`not safe to stop within ${(limitMs ?? 0) / 1_000} s`, {
        exit: 'unsafe',
        hint: 'the drain goes on: "opengslb-cli drain show ID" tells what it waits for',
      })
    }
    if (await pause(Math.min(everyMs, left), stopped)) continue
    progress.end(undefined)
    throw new CommandFailed('stopped waiting; the drain goes on', { exit: 'unsafe' })
  }
}

const isSafe = (drain: Drain, byTime: boolean): boolean =>
  drain.safe === true ||
  (byTime && drain.safe_by_time !== undefined && Date.parse(drain.safe_by_time) <= Date.now())

/** An agent knows who is connected to its servers, and not what overwatches answer. */
function notTold(progress: { end<T>(value: T): T }): CommandFailed {
  progress.end(undefined)
  return new CommandFailed('this node cannot tell when it is safe: it is an agent', {
    exit: 'unsafe',
    hint: 'the drain goes on; wait at an overwatch: --api URL drain show ID --wait',
  })
}

/**
 * The drains of these ids by one question, however many they are; undefined while the API is away
 * and may come back.
 */
async function readAll(
  shell: Shell,
  ids: readonly string[],
  awayMs: number,
): Promise<Drain[] | undefined> {
  try {
    const { drains } = await shell.get<{ drains: Drain[] }>('GET', DRAINS_PATH)
    const byId = new Map(drains.map((one) => [one.id, one]))
    return ids.map((id) => byId.get(id) ?? ended())
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.exit === 'unsafe') throw error
    const isPassing = error.exit === 'unreachable' || PASSING.has(error.status ?? 0)
    if (!isPassing || awayMs > AWAY_MS) throw error
    return undefined
  }
}

/** The node starts or is busy; others behind the same address ask too often. */
const PASSING: ReadonlySet<number> = new Set([429, 503])

function ended(): never {
  throw new CommandFailed('a drain has ended before its server was safe to stop', {
    exit: 'unsafe',
    hint: 'it was stopped by somebody, or --expires-in ended it: the server serves again',
  })
}

function summaryOf(drains: readonly Drain[]): string {
  const waiting = drains.filter((one) => one.safe !== true)
  const safe = drains.length - waiting.length
  const first = waiting[0]
  const part = drains.length === 1 ? '' : `${safe} of ${drains.length} safe to stop; `
  if (first === undefined) return 'safe to stop'
  const remaining = first.connections?.remaining
  const count = remaining === undefined ? '' : `, ${remaining} connections remain`
  const why = first.why ?? 'waiting'
  const more = /connection/.test(why) ? '' : count
  const time = first.safe_by_time === undefined ? '' : `, by time safe at ${first.safe_by_time}`
  return plain(`${part}${first.backend}: ${why}${more}${time}`)
}

const lineOf = (drains: readonly Drain[], seconds: number): string =>
  `${summaryOf(drains)} (${Math.floor(seconds)} s)`

/** A line that is rewritten on a terminal; else one for each change. */
function progressOf({ io, json }: Shell) {
  const { terminal } = io
  let last = ''
  return {
    show: (line: string, summary: string) => {
      if (json) return
      if (terminal !== undefined) rewritten(terminal, line)
      else if (summary !== last) io.err(line)
      last = summary
    },
    end: <T>(value: T): T => {
      if (terminal !== undefined && !json && last !== '') terminal.write('\r\u001b[K')
      return value
    },
  }
}
