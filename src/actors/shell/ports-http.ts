/**
 * What both HTTP implementations share: limits, header folding, the answers they give by
 * themselves, and the names of listen faults.
 */
import { limits } from '../../core/base/limits.ts'
import type { HttpAnswer, HttpLimits, ListenFault, ListenOptions } from './contract.ts'

export function limitsOf(options: ListenOptions): HttpLimits {
  return {
    bodyBytes: limits.httpBodyBytes.default,
    headerBytes: limits.httpHeaderBytes.default,
    requestMs: limits.httpRequestMs.default,
    idleMs: limits.httpIdleMs.default,
    inFlight: limits.httpRequestsInFlight.default,
    connections: limits.httpConnections.default,
    feedConnections: limits.feedConnections.default,
    messageBytes: limits.feedMessageBytes.default,
    pingMs: limits.feedPingMs.default,
    ...options.limits,
  }
}

/** Folds repeated fields (RFC 9110 section 5.3); a field name with odd characters is dropped. */
export function foldHeaders(pairs: Iterable<readonly [string, string]>): Record<string, string> {
  const folded = new Map<string, string>()
  for (const [name, value] of pairs) {
    const key = name.toLowerCase()
    const before = folded.get(key)
    folded.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  // From entries, so that a field named __proto__ is a plain property.
  return Object.fromEntries(folded)
}

/**
 * Whether folded fields leave open where the message ends or whom it is for. Someone else on the
 * way may have read them differently, so such a message is refused and its connection closed.
 */
export function isAmbiguous(headers: Readonly<Record<string, string>>): boolean {
  const coding = headers['transfer-encoding']
  // RFC 9112 section 6.1: a coding that is not understood, or not last, cannot be framed.
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return true
  // RFC 9112 section 6.3: lengths that differ, or a length beside a coding.
  const length = headers['content-length']
  if (length !== undefined && (coding !== undefined || !/^[0-9]+$/.test(length))) return true
  // RFC 9112 section 3.2: exactly one Host.
  return headers['host']?.includes(',') === true
}

/** Target of a request line, without the origin of the absolute form (RFC 9112 section 3.2.2). */
export function splitTarget(target: string): { path: string; query: string } {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const mark = local.indexOf('?')
  if (mark < 0) return { path: local === '' ? '/' : local, query: '' }
  return { path: local.slice(0, mark) || '/', query: local.slice(mark + 1) }
}

/** Field values of an answer, made safe to write: a library that meets a line break may throw. */
export function* fieldsOf(answer: HttpAnswer): Iterable<readonly [string, string]> {
  for (const [name, value] of Object.entries(answer.headers)) {
    if (/^[a-z0-9-]+$/i.test(name)) yield [name, value.replace(/[^\t\x20-\x7e]/g, '?')]
  }
}

/** A body larger than the limit is read on, unkept, up to this many times the limit. */
const DISCARD_FACTOR = 8

/**
 * Collects a body in bounds.
 *
 * What exceeds the limit is thrown away as it comes. It is still read for a while: a server that
 * closes on unread bytes resets the connection, and the client never sees the 413.
 */
export class BodyCollector {
  readonly #most: number
  #chunks: Buffer[] = []
  #size = 0

  constructor(most: number) {
    this.#most = most
  }

  get tooLarge(): boolean {
    return this.#size > this.#most
  }

  /** True when not even throwing the rest away is worth it. */
  get hopeless(): boolean {
    return this.#size > this.#most * DISCARD_FACTOR
  }

  /** Copies the chunk. */
  add(chunk: Uint8Array): void {
    this.#size += chunk.length
    if (this.tooLarge) this.#chunks = []
    else if (chunk.length > 0) this.#chunks.push(Buffer.from(chunk))
  }

  take(): Uint8Array {
    return Buffer.concat(this.#chunks)
  }
}

const errorAnswer = (code: number, error: string, headers = {}): HttpAnswer => ({
  status: code,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ error, code }),
})

/** Answers a front gives without asking anybody. */
export const ownAnswers = {
  ambiguous: () => errorAnswer(400, 'the header fields contradict one another'),
  tooLarge: (bytes: number) => errorAnswer(413, `request body is larger than ${bytes} bytes`),
  tooSlow: () => errorAnswer(408, 'the request did not arrive in time'),
  busy: () => errorAnswer(503, 'too many requests at once', { 'retry-after': '1' }),
  broken: () => errorAnswer(500, 'internal error'),
  feedFull: () => errorAnswer(503, 'too many readers of the feed', { 'retry-after': '5' }),
  noUpgrade: () => errorAnswer(400, 'a request to upgrade that has a body is not served'),
}

/** Asks the handler; a rejection becomes a 500 and is reported. */
export async function answerOf(
  options: ListenOptions,
  request: Parameters<ListenOptions['onRequest']>[0],
): Promise<HttpAnswer> {
  try {
    return await options.onRequest(request)
  } catch (error) {
    options.onFault(error)
    return ownAnswers.broken()
  }
}

export function listenFault(address: string, error: unknown): ListenFault {
  const code = (error as { code?: string }).code
  switch (code) {
    case 'EADDRINUSE':
      return { code: 'address-in-use', message: `${address}: the address is already in use` }
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        code: 'address-not-available',
        message: `${address}: this machine has no such address`,
      }
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'denied',
        message: `${address}: not allowed to bind (ports under 1024 need a capability)`,
      }
    default:
      return {
        code: 'failed',
        message: `${address}: ${error instanceof Error ? error.message : error}`,
      }
  }
}
