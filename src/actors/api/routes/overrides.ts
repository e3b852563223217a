/**
 * Overrides: an operator says what a server's state is, whatever its checks say.
 *
 * Two paths, one mechanism: that of the backend's own resource, and the flat list that external
 * tools use. Both change what DNS answers, survive a restart, and may end by themselves.
 */
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { parseAddress, parseEndpoint } from '../../../core/net/address.ts'
import type { BackendView } from '../../../messages/views.ts'
import { Fields, parseObject } from '../body.ts'
import { ask, callerOf, type Context } from '../context.ts'
import { type HttpAnswer, json, noContent, refuse, timestamp, timestampOf } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'

const BACKEND = '/api/v1/overwatch/backends/{service}/{address}/{port}/override'
const LIST = '/api/v1/overrides'
const ONE = '/api/v1/overrides/{service}/{address}'

export function overrideRoutes(context: Context): Route[] {
  return [
    route('POST', BACKEND, 'Force a backend healthy or unhealthy', async (call) => {
      const target = targetOf(call)
      if (!target.ok) return target.error
      const body = readBody(context, call)
      if (!body.ok) return body.error
      const order = { ...target.value, ...body.value.order, by: callerOf(call) }
      const refusal = await set(context, order)
      const state = order.healthy ? 'healthy' : 'unhealthy'
      const message = `Override set: backend marked as ${state}`
      return refusal ?? json(200, { success: true, message })
    }),
    route('DELETE', BACKEND, 'End the override of a backend', async (call) => {
      const target = targetOf(call)
      if (!target.ok) return target.error
      const refusal = await clear(context, target.value, callerOf(call))
      return refusal ?? json(200, { success: true, message: 'Override cleared' })
    }),
    route('GET', LIST, 'Every override', async () => {
      const overridden = await listOverridden(context)
      if (!overridden.ok) return overridden.error
      return json(200, { overrides: overridden.value.map(overrideOf) })
    }),
    route('PUT', ONE, 'Set an override', async (call) => {
      const target = targetOf(call)
      if (!target.ok) return target.error
      const body = readBody(context, call)
      if (!body.ok) return body.error
      const { source, order } = body.value
      if (source === undefined) return refuse(400, 'source is required')
      const refusal = await set(context, { ...target.value, ...order, by: source })
      if (refusal !== undefined) return refusal
      return json(200, shapeOf(target.value, order, source, context.ctx.clock.nowMs()))
    }),
    route('GET', ONE, 'One override', async (call) => {
      const target = targetOf(call)
      if (!target.ok) return target.error
      const overridden = await listOverridden(context)
      if (!overridden.ok) return overridden.error
      const found = overridden.value.find((backend) => isTarget(backend, target.value))
      return found === undefined ? refuse(404, 'override not found') : json(200, overrideOf(found))
    }),
    route('DELETE', ONE, 'End an override', async (call) => {
      const target = targetOf(call)
      if (!target.ok) return target.error
      return (await clear(context, target.value, callerOf(call))) ?? noContent
    }),
  ]
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

function readBody(
  { ctx }: Context,
  { request }: Call,
): Result<{ order: Order; source: string | undefined }, HttpAnswer> {
  const object = parseObject(request.body)
  if (!object.ok) return fail(refuse(400, object.error))
  const fields = new Fields(object.value)
  const healthy = fields.requiredBoolean('healthy')
  const reason = fields.text('reason') ?? ''
  const force = fields.boolean('force') ?? false
  const source = fields.text('source') || undefined
  const seconds = fields.number('expires_in_seconds', 1, YEAR_SECONDS)
  if (fields.fault !== undefined) return fail(refuse(400, fields.fault))
  const ends = seconds === undefined ? {} : { expiresAtMs: ctx.clock.nowMs() + seconds * 1_000 }
  return ok({ order: { healthy, reason, force, ...ends }, source })
}

/** Undefined when done. */
async function set(
  context: Context,
  order: Target & Order & { readonly by: string },
): Promise<HttpAnswer | undefined> {
  const reply = await ask(context, 'api.set-override', order)
  if (!reply.ok) return reply.error
  return outcomeAnswer(reply.value, 'backend not found')
}

async function clear(
  context: Context,
  target: Target,
  by: string,
): Promise<HttpAnswer | undefined> {
  const reply = await ask(context, 'api.clear-override', { ...target, by })
  if (!reply.ok) return reply.error
  return outcomeAnswer(reply.value, 'override not found')
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

function overrideOf(backend: BackendView) {
  const { healthy, reason, by, atMs, expiresAtMs } = backend.override!
  const ends = expiresAtMs === undefined ? {} : { expiresAtMs }
  return shapeOf(backend, { healthy, reason, ...ends }, by, atMs)
}

const shapeOf = (
  { service, address, port }: Target,
  order: Omit<Order, 'force'>,
  source: string,
  atMs: number,
) => ({
  service,
  address,
  port,
  healthy: order.healthy,
  reason: order.reason,
  source,
  created_at: timestamp(atMs),
  expires_at: timestampOf(order.expiresAtMs),
  authority: 'external_tool',
})
