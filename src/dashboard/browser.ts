/**
 * The door to the browser: time, timers, requests, the socket, storage, the address bar.
 *
 * Everything else in this folder is a function of what comes through here, so that it can be
 * followed, and tested, without a page. Nothing here throws: what the browser refuses (storage in
 * a private window, a network that is down) comes back as a value.
 */

export const nowMs = (): number => Date.now()

/** Runs each time the period is over; the function given ends that. */
export function every(periodMs: number, run: () => void): () => void {
  const timer = setInterval(run, periodMs)
  return () => clearInterval(timer)
}

export function after(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}

/** A number in [0, 1), to spread what many pages would do at the same moment. */
export const chance = (): number => Math.random()

export const isVisible = (): boolean => document.visibilityState !== 'hidden'

export function onVisibility(run: () => void): void {
  document.addEventListener('visibilitychange', run)
}

export interface Reply {
  /** 0 when nobody answered. */
  readonly status: number
  readonly text: string
}

const REQUEST_MS = 8_000

export async function request(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<Reply> {
  try {
    const response = await fetch(path, {
      method,
      headers: { ...headers },
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_MS),
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.status, text: await response.text() }
  } catch {
    return { status: 0, text: '' }
  }
}

export interface Socket {
  close(): void
}

export interface SocketEvents {
  readonly onText: (text: string) => void
  readonly onOpen: () => void
  /** Once, also when it never opened. */
  readonly onClose: (code: number, reason: string) => void
}

/** A WebSocket to a path of this origin. */
export function openSocket(path: string, protocols: string[], events: SocketEvents): Socket {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  const socket = new WebSocket(`${scheme}://${location.host}${path}`, protocols)
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') events.onText(data)
  })
  socket.addEventListener('open', events.onOpen)
  socket.addEventListener('close', ({ code, reason }) => events.onClose(code, reason))
  return { close: () => socket.close(1000) }
}

type Drawer = 'session' | 'local'

const drawer = (which: Drawer): Storage => (which === 'session' ? sessionStorage : localStorage)

export function recall(which: Drawer, key: string): string | undefined {
  try {
    return drawer(which).getItem(key) ?? undefined
  } catch {
    return undefined
  }
}

/** Undefined forgets it. */
export function remember(which: Drawer, key: string, value: string | undefined): void {
  try {
    if (value === undefined) drawer(which).removeItem(key)
    else drawer(which).setItem(key, value)
  } catch {
    // A browser that keeps nothing costs only the memory of it.
  }
}

export const currentHash = (): string => location.hash

export function goTo(hash: string): void {
  location.hash = hash
}

export function onHash(run: () => void): void {
  window.addEventListener('hashchange', run)
}

export const prefersDark = (): boolean => matchMedia('(prefers-color-scheme: dark)').matches

export function onPreferredColor(run: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', run)
}

/** The focus to an element at the top of the page, without a jump under what stays in place. */
export function focusTop(element: HTMLElement | null): void {
  element?.focus({ preventScroll: true })
  window.scrollTo(0, 0)
}
