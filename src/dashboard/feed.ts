/**
 * The live feed: a WebSocket while it can be had, else the same events by polling.
 *
 * After a break it asks again from the number it saw last, so nothing the server still holds is
 * lost; what the server no longer holds shows as a gap. A feed that this server does not offer is
 * not asked for, and with a token that it refuses nothing is, until there is another: each try
 * would count as a guess against everybody behind this address.
 */
import { ask, token } from './ask.ts'
import { after, chance, isVisible, openSocket, type Socket } from './browser.ts'
import { Cell } from './cell.ts'
import { type Happening, happeningOf, joined, type Missing, topics } from './feed-log.ts'
import { isOffered, nudge, offered, PERIOD_MS, trouble } from './live.ts'
import { addRate } from './series.ts'
import { listIn, numberIn, textIn } from './shapes.ts'

const PATH = '/api/v1/events'
/** Asked for once, when the page opens. */
const HISTORY = 100
const PAGE = 200
const RETRY_FIRST_MS = 1_000
const RETRY_MOST_MS = 30_000
/** A burst is drawn once. */
const DRAW_MS = 150
/** So many failed sockets in a row mean that something between here and there takes none. */
const FAILURES_BEFORE_POLLING = 2

export type FeedMode = 'none' | 'connecting' | 'live' | 'polling'

export const mode = new Cell<FeedMode>('none')
export const happenings = new Cell<readonly Happening[]>([])
export const missing = new Cell<readonly Missing[]>([])

let lastNumber: number | undefined
let socket: Socket | undefined
let failures = 0
let fresh: Happening[] = []
let drawing = false
let cancelRetry = () => {}
let cancelPoll = () => {}
/** Counts what ended polls under way: of those only the answer is taken. */
let round = 0

/** Begins once the server's endpoints are known; the page calls it once. */
export function follow(): void {
  const start = () => {
    if (isOffered(PATH) && mode.value === 'none') connect()
  }
  offered.watch(start)
  trouble.watch(() => {
    if (trouble.value === 'locked') hangUp()
  })
  token.watch(() => {
    if (mode.value === 'none') return
    failures = 0
    hangUp()
    connect()
  })
  start()
}

function hangUp(): void {
  cancelRetry()
  stopPolls()
  const old = socket
  socket = undefined
  old?.close()
}

function stopPolls(): void {
  round++
  cancelPoll()
}

function connect(): void {
  if (mode.value !== 'polling') mode.set('connecting')
  const query = new URLSearchParams({ topics: [...topics, 'rate'].join(',') })
  if (lastNumber !== undefined) query.set('from', String(lastNumber + 1))
  // A browser cannot set a header here, so the token travels as a subprotocol.
  const secret = token.value === undefined ? [] : [`bearer64.${base64Url(token.value)}`]
  const mine = openSocket(`${PATH}?${query}`, ['opengslb.json', ...secret], {
    onOpen: () => {
      if (socket !== mine) return
      failures = 0
      stopPolls()
      mode.set('live')
    },
    onText: (text) => {
      if (socket === mine) hear(text)
    },
    onClose: () => {
      if (socket === mine) retry()
    },
  })
  socket = mine
}

function retry(): void {
  socket = undefined
  failures++
  if (failures < FAILURES_BEFORE_POLLING) mode.set('connecting')
  else {
    mode.set('polling')
    stopPolls()
    // Also unseen: a browser does not tell whether the token was what the socket failed for.
    void poll(true)
  }
  const waitMs = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (failures - 1))
  cancelRetry = after(waitMs * (0.5 + chance() / 2), connect)
}

/** RFC 4648 section 5: the name of a subprotocol may hold only some characters. */
function base64Url(text: string): string {
  const octets = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(octets).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function hear(text: string): void {
  try {
    obey(JSON.parse(text))
  } catch {
    // Not JSON: nothing of ours.
  }
}

function obey(value: unknown): void {
  const type = textIn(value, 'type')
  if (type === 'hello') greet(numberIn(value, 'number') ?? 0)
  else if (type === 'gap') noteGap(value)
  else if (type === undefined || type === 'event') take(value)
}

/** Of a server whose numbers begin anew (another data directory) the old ones mean nothing. */
function greet(number: number): void {
  if (lastNumber === undefined) void readBack(number)
  lastNumber = Math.min(lastNumber ?? number, number)
}

async function readBack(number: number): Promise<void> {
  if (number === 0) return
  const from = Math.max(1, number - HISTORY + 1)
  const answer = await ask('GET', `${PATH}?from=${from}&limit=${HISTORY}`)
  if (!answer.ok) return
  show(listIn<unknown>(answer.value, 'events').flatMap((one) => happeningOf(one) ?? []))
}

function noteGap(value: unknown): void {
  const [from = 0, to = 0] = [numberIn(value, 'from'), numberIn(value, 'to')]
  const reason = textIn(value, 'reason') ?? ''
  missing.set([...missing.value, { from, to, reason }].slice(-20))
  lastNumber = reason === 'ahead' ? Math.max(0, from - 1) : Math.max(lastNumber ?? 0, to)
}

function take(value: unknown): void {
  const event = happeningOf(value)
  if (event === undefined) return
  if (event.topic === 'rate') {
    addRate(event)
    return
  }
  lastNumber = Math.max(lastNumber ?? 0, event.number)
  // Word of what is answered comes in flocks, beside the event that it follows from.
  if (event.topic !== 'delta') nudge()
  show([event])
}

function show(events: readonly Happening[]): void {
  fresh.push(...events)
  if (drawing) return
  drawing = true
  after(DRAW_MS, () => {
    drawing = false
    happenings.set(joined(happenings.value, fresh))
    fresh = []
  })
}

async function poll(isUnseenToo = false): Promise<void> {
  const mine = round
  if (isUnseenToo || isVisible()) {
    const from = lastNumber === undefined ? '' : `from=${lastNumber + 1}&`
    const answer = await ask('GET', `${PATH}?${from}limit=${PAGE}`)
    if (mine === round && answer.status === 401) trouble.set('locked')
    if (answer.ok) {
      for (const value of listIn<unknown>(answer.value, 'events')) obey(value)
      const next = numberIn(answer.value, 'next')
      if (next !== undefined) lastNumber = Math.max(lastNumber ?? 0, next - 1)
    }
  }
  if (mine === round) cancelPoll = after(PERIOD_MS, () => void poll())
}
