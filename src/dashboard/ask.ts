/**
 * Requests to the API, with the token where one was given.
 *
 * The token lives in the session storage of the tab: it goes with the tab, is not shared with
 * others, and no cookie carries it to anywhere by itself.
 */
import { recall, remember, request } from './browser.ts'
import { Cell } from './cell.ts'
import { textIn } from './shapes.ts'

const TOKEN_KEY = 'opengslb.token'

export const token = new Cell<string | undefined>(recall('session', TOKEN_KEY))

export function setToken(value: string | undefined): void {
  remember('session', TOKEN_KEY, value)
  token.set(value)
}

export type Answer =
  | { readonly ok: true; readonly status: number; readonly value: unknown }
  | { readonly ok: false; readonly status: number; readonly message: string }

/** Sends `body` as JSON. Status 0 stands for "nobody answered". */
export async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token.value !== undefined) headers['authorization'] = `Bearer ${token.value}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  // Who a change is by, where no token has a name.
  if (method !== 'GET') headers['x-user'] = 'dashboard'
  const sent = body === undefined ? undefined : JSON.stringify(body)
  const { status, text } = await request(method, path, headers, sent)
  const value = parsed(text)
  if (status >= 200 && status < 300) return { ok: true, status, value }
  return { ok: false, status, message: messageOf(status, value) }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

const SAYINGS: Readonly<Record<number, string>> = {
  0: 'the server does not answer',
  401: 'a token is required',
  403: 'this address may not use the API',
  429: 'too many requests; wait a moment',
}

function messageOf(status: number, value: unknown): string {
  const said = textIn(value, 'error') ?? textIn(value, 'detail')
  return said ?? SAYINGS[status] ?? `the server answered ${status}`
}
