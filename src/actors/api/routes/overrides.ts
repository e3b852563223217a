/**
 * Overrides: an operator says what a server's state is, whatever its checks say.
 *
 * Two paths, one mechanism: that of the backend's own resource, and the flat list that external
 * tools use. Both change what DNS answers, survive a restart, and may end by themselves.
 */
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { durationMs } from '../../../core/config/kinds/numbers.ts'
import { parseAddress, parseEndpoint } from '../../../core/net/address.ts'
import type { BackendView, OverrideBefore } from '../../../messages/views.ts'
import { Fields, type JsonObject, parseObject, unknownIn } from '../body.ts'
import { ask, callerOf, type Context, pageOf } from '../context.ts'
import { type HttpAnswer, json, noContent, refuse, timestamp, timestampOf } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { done, override, overridePut, overrides, paging } from '../schemas/objects.ts'

const BACKEND = '/api/v1/overwatch/backends/{service}/{address}/{port}/override'
const LIST = '/api/v1/overrides'
const ONE = '/api/v1/overrides/{service}/{address}'

const tag = 'overrides'
const ordered = { tag, body: overridePut } as const

export function overrideRoutes(context: Context): Route[] {
  return [
    route(
      'POST',
      BACKEND,
      'Force a backend healthy or unhealthy',
      async (call) => {
        const target = targetOf(call)
        if (!target.ok) return target.error
        const body = readBody(context, call)
        if (!body.ok) return body.error
        const by = body.value.owner ?? callerOf(call)
        const order = { ...target.value, ...body.value.order, by }
        const refusal = await set(context, call, order)
        const state = order.healthy ? 'healthy' : 'unhealthy'
        const message = `Override set: backend marked as ${state}`
        return refusal ?? json(200, { success: true, message })
      },
      { schema: { ...ordered, answers: { 200: done } } },
    ),
    route('GET', BACKEND, 'The override of a backend', (call) => show(context, call), {
      schema: { tag, answers: { 200: override } },
    }),
    route(
      'DELETE',
      BACKEND,
      'End the override of a backend',
      async (call) => {
        const target = targetOf(call)
        if (!target.ok) return target.error
        const refusal = await clear(context, call, target.value)
        return refusal ?? json(200, { success: true, message: 'Override cleared' })
      },
      { schema: { tag, answers: { 200: done } } },
    ),
    ...flatRoutes(context),
  ]
}

/** The family of external tools. */
function flatRoutes(context: Context): Route[] {
  return [
    ...[LIST, '/api/v1/overwatch/overrides'].map((path) =>
      route('GET', path, 'Every override', (call) => list(context, call), {
        schema: { tag, query: paging, answers: { 200: overrides } },
      }),
    ),
    route(
      'PUT',
      ONE,
      'Set an override',
      async (call) => {
        const target = targetOf(call)
        if (!target.ok) return target.error
        const body = readBody(context, call)
        if (!body.ok) return body.error
        const { source, order, owner } = body.value
        if (source === undefined) return refuse(400, 'source is required')
        const isUnnamed =
          call.caller.kind === 'network' && call.request.headers['x-user'] === undefined
        const by = owner ?? (isUnnamed ? source : callerOf(call))
        const refusal = await set(context, call, { ...target.value, ...order, by, source })
        if (refusal !== undefined) return refusal
        const atMs = context.ctx.clock.nowMs()
        return json(200, shapeOf(target.value, { ...order, by, source }, atMs))
      },
      { schema: { ...ordered, answers: { 200: override } } },
    ),
    route('GET', ONE, 'One override', (call) => show(context, call), {
      schema: { tag, answers: { 200: override } },
    }),
    route(
      'DELETE',
      ONE,
      'End an override',
      async (call) => {
        const target = targetOf(call)
        if (!target.ok) return target.error
        return (await clear(context, call, target.value)) ?? noContent
      },
      { schema: { tag, answers: { 204: 'none' } } },
    ),
  ]
}

async function list(context: Context, { query }: Call): Promise<HttpAnswer> {
  const overridden = await listOverridden(context)
  if (!overridden.ok) return overridden.error
  const page = pageOf(overridden.value, query)
  if (!page.ok) return page.error
  const total = overridden.value.length
  return json(200, { overrides: page.value.map(overrideOf), total })
}

async function show(context: Context, call: Call): Promise<HttpAnswer> {
  const target = targetOf(call)
  if (!target.ok) return target.error
  const overridden = await listOverridden(context)
  if (!overridden.ok) return overridden.error
  const found = overridden.value.find((backend) => isTarget(backend, target.value))
  return found === undefined ? refuse(404, 'override not found') : json(200, overrideOf(found))
}

interface Target {
  readonly service: string
  readonly address: string
  readonly port?: number
}

interface Order {
  readonly healthy: boolean
  readonly reason: string
  readonly force: boolean
  readonly expiresAtMs?: number
}

interface ReadOrder {
  readonly order: Order
  readonly source: string | undefined
  readonly owner: string | undefined
}

/** RFC 1035 section 2.3.4: a name of 255 octets has at most 253 characters. */
const NAME_CHARS_MAX = 253

/** From the path: `{address}` alone, with `{port}` beside it, or with its own `:port`. */
function targetOf({ params }: Call): Result<Target, HttpAnswer> {
  // Names of services are stored as DNS compares them: without regard to case or a final dot.
  const service = (params['service'] ?? '').toLowerCase().replace(/\.$/, '')
  if (service.length > NAME_CHARS_MAX) return fail(refuse(404, 'backend not found'))
  const text = params['address'] ?? ''
  const address = parseAddress(text)
  if (params['port'] !== undefined) {
    const port = portOf(params['port'])
    if (!address.ok) return fail(refuse(400, `invalid address: ${address.error}`))
    if (port === undefined) return fail(refuse(400, 'invalid port: must be a number 1-65535'))
    return ok({ service, address: address.value.text, port })
  }
  if (address.ok) return ok({ service, address: address.value.text })
  const endpoint = parseEndpoint(text)
  const host = endpoint.ok ? parseAddress(endpoint.value.host) : address
  const port = endpoint.ok ? portOf(String(endpoint.value.port)) : undefined
  if (!host.ok || port === undefined) return fail(refuse(400, `invalid address: ${address.error}`))
  return ok({ service, address: host.value.text, port })
}

function portOf(text: string): number | undefined {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}

const YEAR_SECONDS = 31_536_000

/**
 * What is told of an override and set by nobody: passed over, so that a client may send back what
 * it was shown. Any other field is refused: who asks for an end by a name that is not known here
 * would get an override that never ends.
 */
const TOLD = ['service', 'address', 'port', 'authority', 'created_at']
const FIELDS = new Set([...Object.keys(overridePut.shape), ...TOLD])

function readBody({ ctx }: Context, { request }: Call): Result<ReadOrder, HttpAnswer> {
  const object = parseObject(request.body)
  if (!object.ok) return fail(refuse(400, object.error))
  const unknown = unknownIn(object.value, FIELDS)
  if (unknown !== undefined) return fail(refuse(400, unknown))
  const fields = new Fields(object.value)
  const healthy = fields.requiredBoolean('healthy')
  const reason = fields.text('reason') ?? ''
  const force = fields.boolean('force') ?? false
  const source = fields.text('source') || undefined
  const owner = fields.text('owner') || undefined
  if (fields.fault !== undefined) return fail(refuse(400, fields.fault))
  const ends = endOf(object.value, fields, ctx.clock.nowMs())
  if (!ends.ok) return fail(refuse(400, ends.error))
  const until = ends.value === undefined ? {} : { expiresAtMs: ends.value }
  return ok({ order: { healthy, reason, force, ...until }, source, owner })
}

/** When it ends by itself: `expires_in_seconds`, `expires_in` (`30m`, or seconds), `expires_at`. */
function endOf(
  object: JsonObject,
  fields: Fields,
  nowMs: number,
): Result<number | undefined, string> {
  const { expires_in: within, expires_at: at } = object
  const given = [within, at, object['expires_in_seconds']].filter((one) => one != null)
  if (given.length > 1)
    return fail('one of expires_in, expires_in_seconds and expires_at is enough')
  const seconds = fields.number('expires_in_seconds', 1, YEAR_SECONDS)
  if (fields.fault !== undefined) return fail(fields.fault)
  if (seconds !== undefined) return ok(nowMs + seconds * 1_000)
  if (within != null) {
    const ms = typeof within === 'number' ? within * 1_000 : (durationMs(String(within)) ?? -1)
    const fits = ms >= 1_000 && ms <= YEAR_SECONDS * 1_000
    return fits ? ok(nowMs + ms) : fail('expires_in must be from 1s to 365d, such as 90s or 2h')
  }
  if (at == null) return ok(undefined)
  const endMs = typeof at === 'string' && RFC3339.test(at) ? Date.parse(at) : Number.NaN
  const fits = endMs > nowMs && endMs <= nowMs + YEAR_SECONDS * 1_000
  return fits ? ok(endMs) : fail('expires_at must be a time of RFC 3339 within the next 365 days')
}

/** RFC 3339 section 5.6. */
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i

/** Undefined when done. */
async function set(
  context: Context,
  call: Call,
  order: Target & Order & { readonly by: string; readonly source?: string },
): Promise<HttpAnswer | undefined> {
  const reply = await ask(context, 'api.set-override', order)
  if (!reply.ok) return reply.error
  noteBefore(call, reply.value.before)
  if (reply.value.outcome === 'done') call.lacks(reply.value.note)
  return outcomeAnswer(reply.value, 'backend not found')
}

async function clear(
  context: Context,
  call: Call,
  target: Target,
): Promise<HttpAnswer | undefined> {
  const reply = await ask(context, 'api.clear-override', { ...target, by: callerOf(call) })
  if (!reply.ok) return reply.error
  noteBefore(call, reply.value.before)
  if (reply.value.outcome === 'done') call.lacks(reply.value.note)
  return outcomeAnswer(reply.value, 'override not found')
}

/** The audit log gets what held until then: of one server, or of every port of an address. */
function noteBefore(call: Call, before: readonly OverrideBefore[] = []): void {
  const told = before.map(({ key, atMs, expiresAtMs, ...held }) => ({
    ...{ backend: key, ...held, created_at: timestamp(atMs) },
    expires_at: timestampOf(expiresAtMs),
  }))
  if (told.length > 0) call.audited({ before: told.length === 1 ? told[0] : told })
}

function outcomeAnswer(
  { outcome, message }: { outcome: string; message: string },
  missing: string,
): HttpAnswer | undefined {
  switch (outcome) {
    case 'done':
      return undefined
    case 'held-by-guard-rail':
      return refuse(409, message)
    case 'not-stored':
      return refuse(503, message)
    default:
      return refuse(404, missing)
  }
}

async function listOverridden(context: Context): Promise<Result<BackendView[], HttpAnswer>> {
  const reply = await ask(context, 'api.list-backends', {})
  if (!reply.ok) return reply
  return ok(reply.value.backends.filter((backend) => backend.override !== undefined))
}

const isTarget = (backend: BackendView, { service, address, port }: Target): boolean =>
  backend.service === service &&
  backend.address === address &&
  (port === undefined || backend.port === port)

/** Whose word it is: a tool's that is named, else an operator's. */
export const authorityOf = (source: string | undefined): string =>
  source === undefined ? 'operator' : 'external_tool'

interface Held extends Omit<Order, 'force'> {
  readonly by: string
  readonly source?: string
}

const overrideOf = (backend: BackendView) =>
  shapeOf(backend, backend.override!, backend.override!.atMs)

const shapeOf = ({ service, address, port }: Target, held: Held, atMs: number) => ({
  service,
  address,
  port,
  healthy: held.healthy,
  reason: held.reason,
  source: held.source ?? held.by,
  owner: held.by,
  created_at: timestamp(atMs),
  expires_at: timestampOf(held.expiresAtMs),
  authority: authorityOf(held.source),
})
