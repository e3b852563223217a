/**
 * The dashboard's readers in a browser that is a table of answers: what they asked, and when. The
 * suite that uses it mocks `browser.ts` by `browserOf`.
 */
import { vi } from 'vitest'

interface Cell<T> {
  readonly value: T
  set(value: T): void
  watch(run: () => void): () => void
}

export interface Live {
  readonly trouble: Cell<string | undefined>
  keepFresh(): void
  nudge(): void
  refresh(): Promise<void>
  useLive(path: string): unknown
}

export interface Feed {
  readonly mode: Cell<string>
  follow(): void
}

interface SocketEvents {
  onText(text: string): void
  onOpen(): void
  onClose(code: number, reason: string): void
}

export interface Browser {
  readonly asked: { readonly path: string; readonly token: string | undefined }[]
  readonly sockets: { readonly protocols: readonly string[]; readonly events: SocketEvents }[]
  /** Requests that are not answered yet. */
  inFlight: number
  mostInFlight: number
  isVisible: boolean
  answerMs: number
  answer(path: string, token: string | undefined): { status: number; value: unknown }
}

export const newBrowser = (): Browser => ({
  ...{ asked: [], sockets: [], inFlight: 0, mostInFlight: 0, isVisible: true, answerMs: 0 },
  answer: () => ({ status: 200, value: {} }),
})

/** In the place of `browser.ts`: what `browser()` is now. Sockets do not open by themselves. */
export function browserOf(browser: () => Browser) {
  return {
    nowMs: () => Date.now(),
    every: (ms: number, run: () => void) => {
      const timer = setInterval(run, ms)
      return () => clearInterval(timer)
    },
    after: (ms: number, run: () => void) => {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
    chance: () => 0.5,
    isVisible: () => browser().isVisible,
    onVisibility: () => {},
    recall: () => undefined,
    remember: () => {},
    request: async (_method: string, path: string, headers: Record<string, string>) => {
      const token = headers['authorization']?.replace('Bearer ', '')
      const page = browser()
      page.asked.push({ path, token })
      page.inFlight++
      page.mostInFlight = Math.max(page.mostInFlight, page.inFlight)
      const { status, value } = page.answer(path, token)
      await new Promise((go) => setTimeout(go, page.answerMs))
      page.inFlight--
      return { status, text: JSON.stringify(value) }
    },
    openSocket: (_path: string, protocols: string[], events: SocketEvents) => {
      browser().sockets.push({ protocols, events })
      return { close: () => events.onClose(1000, '') }
    },
  }
}

/** The modules of the dashboard, new: they hold the state of a page. */
export async function openDashboard() {
  vi.resetModules()
  const load = async <T>(name: string) => (await import(`../../../src/dashboard/${name}.ts`)) as T
  return {
    live: await load<Live>('live'),
    feed: await load<Feed>('feed'),
    ask: await load<{ setToken(value: string | undefined): void }>('ask'),
  }
}
