/**
 * The CLI's side of the HTTP API: one request, one outcome, never an exception.
 *
 * What a proxy or another web server says in the place of the API is no success: a redirect is not
 * followed, for the token would go with it, and a page is no answer.
 *
 * node:http and not `fetch`, for fetch marks its requests as a browser's.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { fail, ok, type Result } from '../core/base/result.ts'
import { hintOfFailure, hintOfStatus } from './hints.ts'

export interface ClientOptions {
  /** `http://localhost:8080`; a path in it is kept as a prefix. */
  readonly api: string
  readonly timeoutMs: number
  readonly token?: string | undefined
  /** Who asks, for the audit trail. */
  readonly user?: string | undefined
  /** PEM: what signed the certificate of the API; the system's own list when left out. */
  readonly ca?: Buffer | undefined
  /** PEM: our own certificate and its key, for mutual TLS. */
  readonly cert?: Buffer | undefined
  readonly key?: Buffer | undefined
  /** The certificate of the API is not checked. */
  readonly insecure?: boolean | undefined
}

export interface ApiReply {
  readonly status: number
  /** The parsed JSON, or undefined when the body holds none. */
  readonly value: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface ApiFailure {
  /** A sentence ready to be shown. */
  readonly message: string
  /** What to look at next. */
  readonly hint: string | undefined
  /** Absent when the API was not reached, or something else answered. */
  readonly status?: number
}

export interface ApiClient {
  /**
   * Fails with a sentence ready to be shown; so does every status but those from 200 to 299, and
   * of those what is neither a 204 nor a JSON object or list.
   */
  call(method: string, path: string, body?: unknown): Promise<Result<ApiReply, string>>
  /** The same, where an error status with a JSON object is an answer to look at. */
  look(method: string, path: string, body?: unknown): Promise<Result<ApiReply, string>>
  /** As `call`, with all that is known of a failure. */
  ask(method: string, path: string, body?: unknown): Promise<Result<ApiReply, ApiFailure>>
}

/** The largest answer that is read: the list of 100,000 servers. */
const REPLY_BYTES_MAX = 134_217_728

export function apiClient(options: ClientOptions): ApiClient {
  const ask: ApiClient['ask'] = async (method, path, body) => {
    const reply = await exchange(options, method, path, body)
    if (!reply.ok) return reply
    const { status, value } = reply.value
    if (status < 400) return ofApi(options.api, reply.value)
    const message = `API error (${status}): ${errorText(value)}`
    return fail({ message, hint: hintOfStatus(status, path), status })
  }
  const look: ApiClient['look'] = async (method, path, body) => {
    const reply = await exchange(options, method, path, body)
    return worded(reply.ok ? ofApi(options.api, reply.value) : reply)
  }
  return {
    ask,
    look,
    call: async (method, path, body) => worded(await ask(method, path, body)),
  }
}

const worded = (reply: Result<ApiReply, ApiFailure>): Result<ApiReply, string> =>
  reply.ok ? reply : fail(reply.error.message)

/** The reply, where it can only be the API's. */
function ofApi(api: string, reply: ApiReply): Result<ApiReply, ApiFailure> {
  const { status, value, headers } = reply
  if (status >= 300 && status < 400) {
    const location = headers['location']
    const to = location === undefined ? '' : ` to ${JSON.stringify(location)}`
    return fail({
      message: `${api} answered ${status}, a redirect${to}: nothing was done`,
      hint: 'name the address that the API itself has with --api or OPENGSLB_API',
    })
  }
  if (status === 204 || (typeof value === 'object' && value !== null)) return ok(reply)
  return fail({
    message: `what answers at ${api} is not the API: status ${status} without JSON`,
    hint: 'another web server or a proxy may stand there: see api.address of the node',
  })
}

/** The original's `error`, or the detail or title of a problem document (RFC 9457 section 3.1). */
function errorText(value: unknown): string {
  const texts = value as Partial<Record<'error' | 'detail' | 'title' | 'problems', unknown>> | null
  const text = typeof value === 'object' ? (texts?.error ?? texts?.detail ?? texts?.title) : value
  const said = typeof text === 'string' && text !== '' ? text : 'no reason given'
  const problems = texts?.problems
  // A configuration is refused with every fault that it has.
  return Array.isArray(problems) ? [said, ...problems.map(String)].join('\n  ') : said
}

/** TLS and headers of a request, as Node wants them; the same for a WebSocket. */
export function requestOptions(options: ClientOptions) {
  const { ca, cert, key, insecure } = options
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  }
}

/** The base without a slash at its end; a failure when it is no address of a web server. */
export function baseOf(api: string): Result<string, ApiFailure> {
  const base = api.replace(/\/+$/, '')
  if (URL.canParse(base) && /^https?:/.test(base)) return ok(base)
  const hint = 'an address is written as http://127.0.0.1:8080 or https://gslb.example.com:8080'
  return fail({ message: `"${api}" is not an http or https URL`, hint })
}

function exchange(
  options: ClientOptions,
  method: string,
  path: string,
  body: unknown,
): Promise<Result<ApiReply, ApiFailure>> {
  const found = baseOf(options.api)
  if (!found.ok) return Promise.resolve(found)
  const base = found.value
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const send = base.startsWith('https:') ? httpsRequest : httpRequest
  const headers = headersOf(options, payload)
  const { timeoutMs } = options
  return new Promise((settle) => {
    const failed = (reason: string, code?: string) =>
      settle(
        fail({
          message: `failed to connect to API at ${base}: ${reason}`,
          hint: hintOfFailure(code),
        }),
      )
    const request = send(
      base + path,
      { method, headers, timeout: timeoutMs, ...requestOptions(options) },
      (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > REPLY_BYTES_MAX) request.destroy(new Error('the answer is too large'))
          else chunks.push(chunk)
        })
        response.on('error', (error) => failed(error.message))
        response.on('end', () => {
          const value = parse(Buffer.concat(chunks).toString())
          settle(ok({ status: response.statusCode ?? 0, value, headers: response.headers }))
        })
      },
    )
    // The whole exchange is bounded, not each silence in it.
    const late = Object.assign(new Error(`no answer in ${timeoutMs / 1_000} s`), {
      code: 'TIMED_OUT',
    })
    const timer = setTimeout(() => request.destroy(late), timeoutMs)
    request.on('close', () => clearTimeout(timer))
    request.on('error', (error: NodeJS.ErrnoException) => failed(reasonOf(error), error.code))
    request.end(payload)
  })
}

/** A host with several addresses fails with an error that holds one for each, and says nothing. */
export const reasonOf = (error: NodeJS.ErrnoException): string =>
  error.message || error.code || 'unknown error'

/** The headers of a request of ours. */
export function headersOf(options: ClientOptions, payload?: Buffer): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (options.token) headers['authorization'] = `Bearer ${options.token}`
  if (options.user) headers['x-user'] = options.user.replace(/[^\x20-\x7e]/g, '?')
  if (payload !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(payload.length)
  }
  return headers
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.trim()
  }
}
