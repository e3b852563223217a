/**
 * From a request to its handler: a table of routes, and the answers for what is in none of them.
 *
 * A path is cut at its slashes before it is decoded, so an encoded slash stays inside its segment;
 * nothing a client sends can make this throw.
 */
import type { Role } from '../../core/access/roles.ts'
import { type Decision, type Gate, refusalByService, type Rights } from './access.ts'
import type { Caller, Refusal } from './caller.ts'
import { type HttpAnswer, type HttpRequest, refuse } from './http.ts'
import { roleFor } from './roles.ts'
import type { Idempotency } from './idempotency.ts'
import type { RouteSchema } from './schema.ts'
import { invalid } from './validate.ts'

/** What a handler gets. */
export interface Call {
  readonly request: HttpRequest
  /** Decoded `{name}` segments. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly caller: Caller
  /** Adds to what the audit log keeps of this request; of a field said twice the last counts. */
  audited(note: AuditNote): void
  /** Tells, in a header of the answer, what a change lacks that is in force. */
  lacks(note: string | undefined): void
  /** Of `x-request-id`: the caller's, or one made for it. */
  readonly requestId: string
}

/** What a handler knows better than the request shows. */
export interface AuditNote {
  readonly resourceId?: string
  readonly before?: unknown
  readonly after?: unknown
  readonly details?: unknown
}

/** The services a request names, for callers that may change some only; undefined for none. */
export type NamesServices = (
  call: Call,
) => readonly string[] | undefined | Promise<readonly string[] | undefined>

export type Handle = (call: Call) => HttpAnswer | Promise<HttpAnswer>

export interface Route extends Rights {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/api/v1/overrides/{service}/{address}`. */
  readonly pattern: string
  readonly doc: string
  /** Absent where a route says nothing of its shapes yet. */
  readonly schema?: RouteSchema
  readonly services: NamesServices
  readonly handle: Handle
}

interface Options {
  readonly open?: boolean
  readonly changes?: boolean
  /** Absent: as roles.ts says. */
  readonly role?: Role
  /** Absent: the `{service}` of the path. */
  readonly services?: NamesServices
  readonly schema?: RouteSchema
}

/** A route; guarded unless `open`, and changing something unless it is a GET or says otherwise. */
export const route = (
  method: Route['method'],
  pattern: string,
  doc: string,
  handle: Handle,
  options: Options = {},
): Route => {
  const changes = options.changes ?? method !== 'GET'
  return {
    method,
    pattern,
    doc,
    handle,
    guarded: options.open !== true,
    changes,
    role: options.role ?? roleFor(pattern, changes),
    services: options.services ?? serviceOfPath,
    ...(options.schema === undefined ? {} : { schema: options.schema }),
  }
}

const serviceOfPath: NamesServices = ({ params }) =>
  params['service'] === undefined ? undefined : [params['service']]

interface Compiled {
  readonly route: Route
  readonly segments: readonly string[]
}

export interface Routed {
  readonly answer: HttpAnswer
  /** The pattern that matched, for metrics; never the raw path. */
  readonly pattern: string
  /** Absent where no route was found. */
  readonly route?: Route
  readonly params?: Readonly<Record<string, string>>
  /** Who asks, where that is known. */
  readonly caller?: Caller
  /** Why the caller was turned away, and the client's address. */
  readonly refused?: { readonly cause: Refusal; readonly address: string }
  readonly note?: AuditNote
}

export class Router {
  readonly #routes: readonly Compiled[]
  readonly #idempotency: Idempotency

  constructor(routes: readonly Route[], idempotency: Idempotency) {
    this.#routes = routes.map((one) => ({ route: one, segments: one.pattern.split('/') }))
    this.#idempotency = idempotency
  }

  async dispatch(request: HttpRequest, gate: Gate, requestId: string): Promise<Routed> {
    const segments = segmentsOf(request.path)
    if (segments === undefined)
      return { answer: refuse(400, 'the path is not valid percent-encoding'), pattern: 'invalid' }
    const matches = this.#routes.filter((one) => matchesPath(one.segments, segments))
    const first = matches[0]
    if (first === undefined) return { answer: refuse(404, 'not found'), pattern: 'unknown' }
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const found = matches.find((one) => one.route.method === method)
    const pattern = first.route.pattern
    const rights: Rights = found?.route ?? { ...first.route, changes: true, role: 'read' }
    const decision = gate.decide(request, rights)
    if (!decision.ok) return refusedBy(decision, pattern, found?.route)
    if (found === undefined) {
      const allow = methodsOf(matches.map((one) => one.route)).join(', ')
      return { answer: refuse(405, 'method not allowed', { allow }), pattern }
    }
    const { route } = found
    const { caller } = decision
    const params = paramsOf(found.segments, segments)
    const query = new URLSearchParams(request.query)
    let note: AuditNote = {}
    const audited = (more: AuditNote) => {
      note = { ...note, ...more }
    }
    let lacking: string | undefined
    const lacks = (more: string | undefined) => {
      lacking = more
    }
    const call: Call = { request, params, query, caller, audited, lacks, requestId }
    if (caller.services !== undefined && route.changes) {
      const refusal = refusalByService(caller, rights, await route.services(call))
      if (refusal !== undefined) return { ...refusedBy(refusal, pattern, route), params }
    }
    const made = await this.#handle(route, call)
    const answer = lacking === undefined ? made : withNote(made, lacking)
    return { answer, pattern, route, params, caller, note }
  }

  async #handle({ schema, handle }: Route, call: Call): Promise<HttpAnswer> {
    return (
      invalid(schema, call) ??
      (await this.#idempotency.run(call.request, async () => await handle(call)))
    )
  }
}

const NOTE_HEADER = 'x-opengslb-note'

/** A reason may hold anything; a header holds ASCII (RFC 9110 section 5.5). */
const withNote = (answer: HttpAnswer, note: string): HttpAnswer => ({
  ...answer,
  headers: { ...answer.headers, [NOTE_HEADER]: note.replace(/[^\x20-\x7e]/g, '?').slice(0, 512) },
})

function refusedBy(
  { answer, cause, address, caller }: Extract<Decision, { ok: false }>,
  pattern: string,
  route: Route | undefined,
): Routed {
  return {
    answer,
    pattern,
    refused: { cause, address },
    ...(route === undefined ? {} : { route }),
    ...(caller === undefined ? {} : { caller }),
  }
}

function segmentsOf(path: string): string[] | undefined {
  try {
    const segments = path.split('/').map(decodeURIComponent)
    // One slash at the end changes nothing.
    if (segments.length > 2 && segments[segments.length - 1] === '') segments.pop()
    return segments
  } catch {
    return undefined
  }
}

const isParam = (segment: string) => segment.startsWith('{')

const matchesPath = (pattern: readonly string[], path: readonly string[]): boolean =>
  pattern.length === path.length &&
  pattern.every((segment, at) => (isParam(segment) ? path[at] !== '' : segment === path[at]))

const paramsOf = (pattern: readonly string[], path: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    pattern.flatMap((segment, at) => (isParam(segment) ? [[segment.slice(1, -1), path[at]!]] : [])),
  )

/** HEAD goes wherever GET does (RFC 9110 section 9.1). */
const methodsOf = (routes: readonly Route[]): string[] =>
  routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
