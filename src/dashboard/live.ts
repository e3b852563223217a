/**
 * What the API tells, kept fresh: each resource that somebody looks at is read again every few
 * seconds while the page is visible, and at once when an event says that something changed.
 *
 * What this server does not offer is never asked for: its table of contents (`/api/v1`) is read
 * first. A read that fails keeps what was read before, with a note.
 */
import { useEffect } from 'preact/hooks'
import { type Answer, ask, token } from './ask.ts'
import { after, every, isVisible, nowMs, onVisibility } from './browser.ts'
import { Cell } from './cell.ts'
import { listIn } from './shapes.ts'
import { useCell } from './use-cell.ts'

export const PERIOD_MS = 5_000
/** Events come in flocks, and one read answers to all of them. */
const NUDGE_MS = 250
/** Between the end of a reading and the next that events ask for: so much is everybody else's. */
const REST_MS = 1_000
const INDEX = '/api/v1'

export interface Loaded {
  readonly value: unknown
  /** Why the last read failed. */
  readonly fault?: string
  /** Of the last read that did not fail, Unix milliseconds; 0 before it. */
  readonly atMs: number
  /** Answered or failed once. */
  readonly known: boolean
}

const UNREAD: Loaded = { value: undefined, atMs: 0, known: false }
const none = new Cell<Loaded>(UNREAD)

/** Patterns of the endpoints there are; undefined until they are known. */
export const offered = new Cell<readonly string[] | undefined>(undefined)
/** Why nothing can be read: nobody answers, or a token is asked for. */
export const trouble = new Cell<'silent' | 'locked' | 'refused' | undefined>(undefined)
/** When anything was read last, Unix milliseconds. */
export const freshMs = new Cell(0)

const resources = new Map<string, Cell<Loaded>>()
/** When the reading of each was begun that it shows. */
const shown = new WeakMap<Cell<Loaded>, number>()
let begun = 0
let waiting = false
let reading: Promise<void> | undefined
/** The one after it, once somebody wants it. */
let next: Promise<void> | undefined
let endedMs = 0

const patternFits = (pattern: string, path: string): boolean => {
  const [wanted, given] = [pattern.split('/'), path.split('?')[0]!.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => part.startsWith('{') || part === given[at])
  )
}

/** Whether this server has the endpoint; false until that is known. */
export const isOffered = (path: string, patterns = offered.value): boolean =>
  patterns?.some((pattern) => patternFits(pattern, path)) === true

export const useOffered = (path: string): boolean => isOffered(path, useCell(offered))

/** What `path` answers, kept fresh while the component is there; undefined reads nothing. */
export function useLive(path: string | undefined): Loaded {
  useCell(offered)
  const cell = path === undefined ? none : cellOf(path)
  useEffect(() => {
    if (path !== undefined && nowMs() - cell.value.atMs > PERIOD_MS / 2) void read(path, cell)
  }, [path, cell])
  return useCell(cell)
}

function cellOf(path: string): Cell<Loaded> {
  const known = resources.get(path)
  if (known !== undefined) return known
  const made = new Cell<Loaded>(UNREAD)
  resources.set(path, made)
  return made
}

async function read(path: string, cell: Cell<Loaded>): Promise<void> {
  if (!isOffered(path) || trouble.value === 'locked') return
  begun++
  const [mine, secret] = [begun, token.value]
  const answer = await ask('GET', path)
  // An older answer than the one that is shown, or the refusal of a token that was replaced.
  if (mine < (shown.get(cell) ?? 0) || secret !== token.value) return
  shown.set(cell, mine)
  if (answer.ok) {
    const atMs = nowMs()
    freshMs.set(atMs)
    if (trouble.value !== undefined) trouble.set(undefined)
    cell.set({ value: answer.value, atMs, known: true })
    return
  }
  noteTrouble(answer)
  cell.set({ ...cell.value, fault: answer.message, known: true })
}

function noteTrouble({ status }: Answer): void {
  if (status === 0) trouble.set('silent')
  else if (status === 401) trouble.set('locked')
  else if (status === 403) trouble.set('refused')
}

/**
 * Reads everything that somebody looks at: now, or once the reading that runs is over and has
 * rested. Readings never overlap, however slow the answers: the server's limit of requests in
 * flight is for all of its readers.
 */
export function refresh(): Promise<void> {
  if (next !== undefined) return next
  if (reading === undefined) return begin()
  next = reading.then(() => new Promise<void>((go) => void after(REST_MS, go))).then(begin)
  return next
}

function begin(): Promise<void> {
  next = undefined
  reading = readWatched().finally(() => {
    reading = undefined
    endedMs = nowMs()
  })
  return reading
}

async function readWatched(): Promise<void> {
  if (!isVisible()) return
  if (offered.value === undefined || trouble.value === 'silent') await readIndex()
  if (offered.value === undefined) return
  const watched = [...resources].filter(([, cell]) => cell.isWatched)
  for (const [path, cell] of watched) await read(path, cell)
  for (const [path, cell] of resources) if (!cell.isWatched) resources.delete(path)
}

async function readIndex(): Promise<void> {
  const answer = await ask('GET', INDEX)
  if (!answer.ok) return noteTrouble(answer)
  trouble.set(undefined)
  const patterns = listIn<{ path?: string }>(answer.value, 'endpoints')
  offered.set(patterns.flatMap(({ path }) => (path === undefined ? [] : [path])))
}

/** Something changed: read soon. */
export function nudge(): void {
  if (waiting) return
  waiting = true
  const restMs = Math.min(REST_MS, endedMs + REST_MS - nowMs())
  after(Math.max(NUDGE_MS, restMs), () => {
    waiting = false
    void refresh()
  })
}

/** Begins; the page calls it once. */
export function keepFresh(): void {
  every(PERIOD_MS, () => void refresh())
  onVisibility(() => void refresh())
  token.watch(() => {
    if (trouble.value === 'locked' || trouble.value === 'refused') trouble.set(undefined)
    void refresh()
  })
  void refresh()
}
