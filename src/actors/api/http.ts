/**
 * Requests and answers as the API's handlers see them, and how answers are made.
 */
import type { MessageOf, ReplyOf } from '../../messages/entry.ts'
import type { ProductCatalogue } from '../../messages/catalogue.ts'

export type HttpRequest = MessageOf<ProductCatalogue, 'shell.handle-request'>
export type HttpAnswer = ReplyOf<ProductCatalogue, 'shell.handle-request'>

const encoder = new TextEncoder()

/** JSON; fields that are undefined are left out. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}) {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: encoder.encode(JSON.stringify(value)),
  } satisfies HttpAnswer
}

/** The shape of every error: `{"error", "code"}`. */
export const refuse = (
  code: number,
  error: string,
  headers: Record<string, string> = {},
): HttpAnswer => json(code, { error, code }, headers)

export const text = (status: number, body: string): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: encoder.encode(body),
})

export const noContent: HttpAnswer = { status: 204, headers: {}, body: new Uint8Array(0) }

/** RFC 3339 in UTC, of Unix milliseconds. */
export const timestamp = (atMs: number): string => new Date(atMs).toISOString()

/** The same where a time may be missing and the field then goes. */
export const timestampOf = (atMs: number | undefined): string | undefined =>
  atMs === undefined ? undefined : timestamp(atMs)

/** A duration in ms, rounded to the microsecond that people read. */
export const microsecond = (durationMs: number | undefined): number | undefined =>
  durationMs === undefined ? undefined : Math.round(durationMs * 1000) / 1000

/** Stands for "never" in fields that are always present. */
export const NEVER = '0001-01-01T00:00:00Z'

/** The same of a time that is 0 where there is none. */
export const seenOf = (atMs: number): string => (atMs === 0 ? NEVER : timestamp(atMs))
