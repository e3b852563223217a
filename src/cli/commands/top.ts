/**
 * `top`: a live view of rates, backends, drains and events. Without a terminal it prints
 * snapshots, one after the other.
 */
import type { Command } from 'commander'
import type { Drain } from '../drain-wait.ts'
import { type FeedEvent, follow } from '../feed.ts'
import { screenOn } from '../screen.ts'
import { timeoutMsOf } from '../settings.ts'
import { CommandFailed, type Io, type Shell, shellOf, wrongUsage } from '../shell.ts'
import type { Terminal } from '../terminal.ts'
import { type BackendRow, frameOf, type Rates, type View } from '../top-frame.ts'
import { pause } from '../wait.ts'
import { readStatus } from './status.ts'

interface Options {
  readonly interval: string
  readonly count?: string
  readonly service?: string
}

/** Kept of the feed; more fit on no screen. */
const EVENTS_MAX = 50
/** Rates older than this are of the past. */
const RATES_MS = 5_000
/** Without a terminal as much is printed as there is. */
const ROWS_MAX = 100_000

export function addTop(program: Command, io: Io): void {
  program
    .command('top')
    .description('watch rates, backends and drains; q ends it')
    .option('--interval <time>', 'how often to look', '2s')
    .option('--count <number>', 'end after so many looks')
    .option('--service <name>', 'backends of this service only')
    .action(async (options: Options, command: Command) => {
      const shell = shellOf(command, io)
      const everyMs = timeoutMsOf('--interval', options.interval)
      const { count: given } = options
      if (given !== undefined && !/^[1-9][0-9]{0,8}$/.test(given))
        throw wrongUsage(`--count: "${given}" is not a number of looks`)
      const count = given === undefined ? Number.POSITIVE_INFINITY : Number(given)
      await watch(shell, { everyMs, count, service: options.service })
    })
}

interface Plan {
  readonly everyMs: number
  readonly count: number
  readonly service: string | undefined
}

async function watch(shell: Shell, { everyMs, count, service }: Plan): Promise<void> {
  // The first look fails loud; later ones show what is wrong and go on.
  let view = await look(shell, service)
  const ending = new AbortController()
  const end = () => ending.abort()
  const outer = shell.io.stopped
  outer?.addEventListener('abort', end, { once: true })
  const heard = listen(shell, ending.signal)
  const { terminal } = shell.io
  const show = terminal === undefined || shell.json ? printer(shell) : painter(shell, terminal, end)
  try {
    for (let looks = 1; ; looks += 1) {
      show.view({ ...view, ...heard() })
      if (looks >= count || !(await pause(everyMs, ending.signal))) return
      view = await lookAgain(shell, service, view)
    }
  } finally {
    end()
    outer?.removeEventListener('abort', end)
    show.end()
  }
}

async function look(shell: Shell, service: string | undefined): Promise<View> {
  const query = new URLSearchParams({ layers: 'false', ...(service && { service }) })
  const [status, { backends }, { drains }] = await Promise.all([
    readStatus(shell),
    shell.get<{ backends: BackendRow[] }>('GET', `/api/v1/overwatch/backends?${query}`),
    shell.get<{ drains: Drain[] }>('GET', '/api/v1/drains'),
  ])
  const at = new Date().toISOString()
  return { api: shell.connection.api, at, status, backends, drains, events: [], fault: '' }
}

async function lookAgain(shell: Shell, service: string | undefined, last: View): Promise<View> {
  try {
    return await look(shell, service)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    return { ...last, fault: `this is of ${last.at}: ${error.message}` }
  }
}

/** Follows the feed where there is one; a node without it shows no rates and no events. */
function listen(shell: Shell, stopped: AbortSignal): () => Pick<View, 'events' | 'rates'> {
  const events: FeedEvent[] = []
  let rates: Rates | undefined
  let ratesAtMs = Number.NEGATIVE_INFINITY
  const event = (one: FeedEvent) => {
    if (one.topic === 'rate') {
      const { queries, rcodes } = one.data as Partial<Rates>
      rates = { queries: Number(queries ?? 0), rcodes: rcodes ?? {} }
      ratesAtMs = performance.now()
      return
    }
    events.push(one)
    if (events.length > EVENTS_MAX) events.shift()
  }
  const wanted = { topics: TOPICS, services: [], regions: [] }
  follow(shell, wanted, { event, gap: () => {}, note: () => {} }, stopped).catch(() => {})
  return () => ({
    events: [...events],
    rates: performance.now() - ratesAtMs < RATES_MS ? rates : undefined,
  })
}

const TOPICS = ['health', 'drain', 'override', 'registration', 'config', 'alarm', 'rate']

interface Show {
  view(view: View): void
  end(): void
}

/** Snapshots: text with an empty line between, or one object a line. */
function printer({ io, json, paint }: Shell): Show {
  let isFirst = true
  return {
    view: (view) => {
      if (json) return io.out(JSON.stringify(view))
      io.out(`${isFirst ? '' : '\n'}${frameOf(view, ROWS_MAX, paint).join('\n')}`)
      isFirst = false
    },
    end: () => {},
  }
}

const KEYS_THAT_END = new Set(['q', 'Q', '\u0003', '\u0004', '\u001b'])

function painter({ paint }: Shell, terminal: Terminal, end: () => void): Show {
  const screen = screenOn(terminal)
  const release = terminal.keys((key) => {
    if (KEYS_THAT_END.has(key)) end()
  })
  return {
    view: (view) => screen.draw(frameOf(view, terminal.rows, paint)),
    end: () => {
      release()
      screen.leave()
    },
  }
}
