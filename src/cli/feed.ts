/**
 * The live feed as the CLI reads it: over a WebSocket, and by asking again and again where one
 * cannot be opened, as behind a proxy that knows none.
 *
 * A connection that ends is opened anew from the next number, so no event that the node still
 * holds is missed or shown twice.
 */
import { WebSocket } from 'ws'
import { baseOf, headersOf, reasonOf, requestOptions } from './client.ts'
import { CommandFailed } from './failure.ts'
import { hintOfFailure, hintOfStatus } from './hints.ts'
import type { Shell } from './shell.ts'
import { pause } from './wait.ts'

export interface FeedEvent {
  readonly type?: string
  /** Absent for a live one, which is not kept. */
  readonly number?: number
  readonly at: string
  readonly topic: string
  readonly kind: string
  readonly service?: string
  readonly region?: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface Gap {
  readonly type: 'gap'
  readonly from: number
  readonly to: number
  readonly reason?: string
}

export interface Wanted {
  readonly topics: readonly string[]
  readonly services: readonly string[]
  readonly regions: readonly string[]
  /** The first number; absent means from now on. */
  readonly from?: number | undefined
}

export interface Listener {
  event(event: FeedEvent): void
  gap(gap: Gap): void
  /** What happens to the connection, one sentence. */
  note(text: string): void
}

export const FEED_PATH = '/api/v1/events'
const MESSAGE_BYTES_MAX = 1_048_576
const RETRY_MS = [250, 500, 1_000, 2_000, 5_000, 10_000]
const POLL_MS = 1_000
/** What a node that starts, or a proxy before it, says for a while. */
const PASSING = [429, 502, 503, 504]
/** The node pings every 30 s; a connection silent for three of them is dead. */
const SILENCE_MS = 90_000

/** The query string of a subscription or a page. */
export function queryOf(wanted: Wanted, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(more)
  for (const name of ['topics', 'services', 'regions'] as const)
    if (wanted[name].length > 0) query.set(name, wanted[name].join(','))
  if (wanted.from !== undefined) query.set('from', String(wanted.from))
  return query.size === 0 ? '' : `?${query}`
}

type Ended =
  /** The connection was open and ended, or the node was not reached. */
  | {
      readonly why: 'lost'
      readonly text: string
      readonly opened: boolean
      readonly code?: string
    }
  /** The node answered, but not with a WebSocket. */
  | { readonly why: 'not-spoken'; readonly status: number }
  | { readonly why: 'refused'; readonly text: string }
  | { readonly why: 'stopped' }

/** Tells `listener` of events until `stopped`; throws CommandFailed when that is not to be had. */
export async function follow(
  shell: Shell,
  wanted: Wanted,
  listener: Listener,
  stopped: AbortSignal | undefined,
): Promise<void> {
  let from = wanted.from
  let tries = 0
  let wasOpen = false
  const counted: Listener = {
    ...listener,
    event: (event) => {
      if (event.number !== undefined) {
        if (from !== undefined && event.number < from) return
        from = event.number + 1
      }
      listener.event(event)
    },
    gap: (gap) => {
      // Numbers began anew there: what comes next is what was asked of it, not what was heard.
      from = gap.reason === 'ahead' ? gap.from : gap.to + 1
      listener.gap(gap)
    },
  }
  const start = (number: number) => {
    from ??= number + 1
  }
  for (;;) {
    const ended = await connect(shell, { ...wanted, from }, counted, start, stopped)
    if (ended.why === 'stopped') return
    if (ended.why === 'refused') throw new CommandFailed(ended.text)
    const isPassing = ended.why === 'not-spoken' && wasOpen && PASSING.includes(ended.status)
    if (ended.why === 'not-spoken' && !isPassing) {
      if (![400, 404, 405, 426, 501].includes(ended.status) && ended.status >= 400)
        throw refusedBy(ended.status)
      return await poll(shell, { ...wanted, from }, counted, stopped)
    }
    if (ended.why === 'lost') {
      wasOpen ||= ended.opened
      if (!wasOpen) throw unreachable(shell, ended.text, ended.code)
    }
    const isLost = ended.why === 'lost'
    tries = isLost && ended.opened ? 0 : tries + 1
    listener.note(`${isLost ? ended.text : `API error (${ended.status})`}; connecting again`)
    if (!(await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]!, stopped))) return
  }
}

const refusedBy = (status: number) =>
  new CommandFailed(`API error (${status}): the feed was refused`, {
    status,
    hint: hintOfStatus(status, FEED_PATH),
  })

const unreachable = (shell: Shell, text: string, code: string | undefined) =>
  new CommandFailed(`failed to connect to API at ${shell.connection.api}: ${text}`, {
    exit: 'unreachable',
    hint: hintOfFailure(code),
  })

function connect(
  shell: Shell,
  wanted: Wanted,
  listener: Listener,
  start: (number: number) => void,
  stopped: AbortSignal | undefined,
): Promise<Ended> {
  const { connection } = shell
  const base = baseOf(connection.api)
  if (!base.ok) return Promise.resolve({ why: 'refused', text: base.error.message })
  if (stopped?.aborted === true) return Promise.resolve({ why: 'stopped' })
  const url = `${base.value.replace(/^http/, 'ws')}${FEED_PATH}${queryOf(wanted)}`
  const { promise, resolve } = promised<Ended>()
  const socket = new WebSocket(url, ['opengslb.json'], {
    headers: headersOf(connection),
    handshakeTimeout: connection.timeoutMs,
    maxPayload: MESSAGE_BYTES_MAX,
    ...requestOptions(connection),
  })
  let opened = false
  let silence: NodeJS.Timeout | undefined
  const heard = () => {
    clearTimeout(silence)
    silence = setTimeout(() => socket.terminate(), SILENCE_MS)
  }
  const end = (ended: Ended) => {
    clearTimeout(silence)
    stopped?.removeEventListener('abort', stop)
    resolve(ended)
    socket.terminate()
  }
  const stop = () => end({ why: 'stopped' })
  stopped?.addEventListener('abort', stop, { once: true })
  socket.on('open', () => {
    opened = true
    heard()
  })
  socket.on('ping', heard)
  socket.on('unexpected-response', (_request, response) => {
    response.resume()
    end({ why: 'not-spoken', status: response.statusCode ?? 0 })
  })
  socket.on('error', (error: NodeJS.ErrnoException) =>
    end({ why: 'lost', text: reasonOf(error), opened, ...(error.code && { code: error.code }) }),
  )
  socket.on('close', (code, reason) => {
    const text = reason.toString() || `the connection ended (${code})`
    end({ why: 'lost', text, opened })
  })
  socket.on('message', (bytes, isBinary) => {
    heard()
    const fault = isBinary ? 'binary where text was agreed' : take(String(bytes), listener, start)
    if (fault !== undefined) end({ why: 'refused', text: fault })
  })
  return promise
}

function promised<T>() {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** One message of the feed; the fault when it ends the connection. */
function take(
  text: string,
  listener: Listener,
  start: (number: number) => void,
): string | undefined {
  let message: { type?: unknown; number?: unknown; message?: unknown }
  try {
    message = JSON.parse(text)
  } catch {
    return 'the feed sent what is no JSON'
  }
  if (message.type === 'hello' && typeof message.number === 'number') start(message.number)
  if (message.type === 'error') return `the feed was refused: ${String(message.message)}`
  if (message.type === 'gap') listener.gap(message as unknown as Gap)
  if (message.type === 'event' || (message.type === undefined && 'topic' in message))
    listener.event(message as unknown as FeedEvent)
  return undefined
}

export interface Page {
  readonly events: readonly (FeedEvent | Gap)[]
  /** Where to ask for what follows. */
  readonly next: number
  /** There is nothing more yet. */
  readonly end: boolean
}

/** Asks for pages; without a number to start from, what is there already is passed over. */
async function poll(
  shell: Shell,
  wanted: Wanted,
  listener: Listener,
  stopped: AbortSignal | undefined,
): Promise<void> {
  const page = (from: number | undefined) =>
    shell.get<Page>('GET', FEED_PATH + queryOf({ ...wanted, from }))
  // A refusal of the feed itself is told in the answer to this, and then there is nothing to note.
  let read = await page(wanted.from)
  listener.note('no WebSocket there: asking every second instead')
  if (wanted.from === undefined) read = { ...read, events: [], end: true }
  for (;;) {
    for (const event of read.events) {
      if ('topic' in event) listener.event(event)
      else listener.gap(event)
    }
    if (read.end && !(await pause(POLL_MS, stopped))) return
    if (stopped?.aborted === true) return
    read = await page(read.next)
  }
}
