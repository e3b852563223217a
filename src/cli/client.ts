/**
 * The CLI's side of the HTTP API: one request, one outcome, never an exception.
 *
 * node:http and not `fetch`, for fetch marks its requests as a browser's.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { fail, ok, type Result } from '../core/base/result.ts'

export interface ClientOptions {
  /** `http://localhost:8080`; a path in it is kept as a prefix. */
  readonly api: string
  readonly timeoutMs: number
  readonly token?: string | undefined
  /** Who asks, for the audit trail. */
  readonly user?: string | undefined
}

export interface ApiReply {
  readonly status: number
  /** The parsed JSON, or undefined when the body holds none. */
  readonly value: unknown
}

export interface ApiClient {
  /** Fails with a sentence ready to be shown; a status of 400 and more is a failure too. */
  call(method: string, path: string, body?: unknown): Promise<Result<ApiReply, string>>
  /** The same, where an error status is an answer to look at. */
  look(method: string, path: string): Promise<Result<ApiReply, string>>
}

/** The largest answer that is read: the list of 100,000 servers. */
const REPLY_BYTES_MAX = 134_217_728

export function apiClient(options: ClientOptions): ApiClient {
  const look = (method: string, path: string, body?: unknown) =>
    exchange(options, method, path, body)
  return {
    look,
    call: async (method, path, body) => {
      const reply = await look(method, path, body)
      if (!reply.ok || reply.value.status < 400) return reply
      const { status, value } = reply.value
      return fail(`API error (${status}): ${errorText(value)}`)
    },
  }
}

function errorText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'error' in value) return String(value.error)
  return typeof value === 'string' && value !== '' ? value : 'no reason given'
}

function exchange(
  options: ClientOptions,
  method: string,
  path: string,
  body: unknown,
): Promise<Result<ApiReply, string>> {
  const base = options.api.replace(/\/+$/, '')
  if (!URL.canParse(base + path) || !/^https?:/.test(base))
    return Promise.resolve(fail(`"${options.api}" is not an http or https URL`))
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const send = base.startsWith('https:') ? httpsRequest : httpRequest
  return new Promise((settle) => {
    const failed = (reason: string) =>
      settle(fail(`failed to connect to API at ${base}: ${reason}`))
    const request = send(
      base + path,
      { method, headers: headersOf(options, payload), timeout: options.timeoutMs },
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
          const text = Buffer.concat(chunks).toString()
          settle(ok({ status: response.statusCode ?? 0, value: parse(text) }))
        })
      },
    )
    // The whole exchange is bounded, not each silence in it.
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer in ${options.timeoutMs / 1_000} s`)),
      options.timeoutMs,
    )
    request.on('close', () => clearTimeout(timer))
    request.on('error', (error: NodeJS.ErrnoException) => failed(reasonOf(error)))
    request.end(payload)
  })
}

/** A host with several addresses fails with an error that holds one for each, and says nothing. */
const reasonOf = (error: NodeJS.ErrnoException): string =>
  error.message || error.code || 'unknown error'

function headersOf(options: ClientOptions, payload: Buffer | undefined): Record<string, string> {
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
