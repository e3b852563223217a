/**
 * Answers that a client may have already: ETag and If-None-Match (RFC 9110 sections 8.8.3, 13.1.2).
 *
 * A handler may give an ETag of its own, as that of a revision; a route that says `etag` gets one
 * of the content. The time an answer was made is no part of the content, so such a tag is weak.
 */
import { fingerprint } from '../../core/base/fingerprint.ts'
import { namesTag } from '../../core/net/entity-tags.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import type { RouteSchema } from './schema.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const MADE_AT = /"generated_at":"[^"]*"/

const contentTag = (body: Uint8Array): string =>
  `W/"${fingerprint(encoder.encode(decoder.decode(body).replace(MADE_AT, '')))}"`

/** A 304 where the client has it, else the answer with its tag. */
export function conditional(
  answer: HttpAnswer,
  request: HttpRequest,
  schema: RouteSchema | undefined,
): HttpAnswer {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (!isRead || answer.status !== 200) return answer
  const own = answer.headers['etag']
  if (own === undefined && schema?.etag !== true) return answer
  const etag = own ?? contentTag(answer.body)
  // To be asked about each time, which is what a tag is for.
  const headers: Readonly<Record<string, string>> = {
    ...answer.headers,
    etag,
    'cache-control': 'private, no-cache',
  }
  if (!namesTag(request.headers['if-none-match'], etag)) return { ...answer, headers }
  const { 'content-type': _, ...kept } = headers
  return { status: 304, headers: kept, body: new Uint8Array(0) }
}
