/**
 * Errors as RFC 9457 tells them, beside the `{"error", "code"}` that clients of the original read.
 *
 * Every member is added to the one object, so that neither reader needs to know of the other.
 */
import { reasonPhrase } from '../../core/net/http-status.ts'
import { limits } from '../../core/base/limits.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'

/** One fault of a request, for programs. */
export interface Fault {
  readonly in: 'path' | 'query' | 'header' | 'body'
  /** Name of the parameter, or the path of the field: `health_check.port`. */
  readonly field: string
  /** What is allowed, in words. */
  readonly allowed: string
  /** What was given, cut; absent where nothing was. */
  readonly value?: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const PROBLEM = 'application/problem+json'

/** RFC 9110 section 12.5.1; a quality of nought means "anything but this". */
const acceptsProblem = (accept: string | undefined): boolean =>
  (accept ?? '')
    .split(',')
    .some((part) => /^\s*application\/problem\+json\s*(?:;(?!.*q=0(?:\.0*)?\s*$).*)?$/i.test(part))

/** Adds the members of a problem to an error answer; any other answer stays as it is. */
export function asProblem(answer: HttpAnswer, request: HttpRequest, requestId: string): HttpAnswer {
  const { status, headers, body } = answer
  if (status < 400 || headers['content-type'] !== 'application/json') return answer
  const held = JSON.parse(decoder.decode(body)) as Record<string, unknown>
  if (typeof held['error'] !== 'string' || typeof held['code'] !== 'number') return answer
  const problem = {
    // RFC 9457 section 4.2.1: a problem without a type of its own has the title of its status.
    type: 'about:blank',
    title: reasonPhrase[status] ?? 'Error',
    status,
    detail: held['error'],
    instance: request.path.slice(0, limits.apiTextChars.default),
    request_id: requestId,
  }
  const type = acceptsProblem(request.headers['accept']) ? PROBLEM : 'application/json'
  return {
    status,
    headers: { ...headers, 'content-type': type },
    body: encoder.encode(JSON.stringify({ ...held, ...problem })),
  }
}
