/**
 * Servers: those of the file, of agents and of the API, each with its state and its check.
 *
 * An id is `service:address:port`; an IPv6 address may stand in brackets or without.
 */
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { serverIdOf } from '../../../core/config/overlay/server-id.ts'
import { canonicalId } from '../../../core/config/overlay/edit.ts'
import type { ObjectView } from '../../../core/config/overlay/views.ts'
import type { CheckSpec } from '../../../core/steer/topology.ts'
import { type Context, type Joined, joinBackends, nowText, pageOf } from '../context.ts'
import { type BodySpec, bodyOf, edit, keptOf, listObjects, only } from '../edits.ts'
import { locationOf, readEdit, remove, tagOf } from '../edits.ts'
import { CHECK_FIELDS, checkOf, readCheck } from '../health-checks.ts'
import { type HttpAnswer, json, microsecond, NEVER, refuse, timestampOf } from '../http.ts'
import { timestamp } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import * as shapes from '../schemas/objects.ts'
import type { JsonObject } from '../body.ts'

const LIST = '/api/v1/servers'
const ONE = '/api/v1/servers/{id}'
const CHECK = `${ONE}/health-check`
const tag = 'servers'

const PROTOCOLS = ['tcp', 'http', 'https', 'udp']

const BODY: BodySpec = {
  fields: {
    ...{ weight: 'weight', region: 'region', host: 'host', enabled: 'enabled' },
    ...CHECK_FIELDS,
  },
  notes: ['description', 'tags', 'protocol'],
  fixed: {
    priority: only(0, 'the order of servers is that of the regions of their domain'),
  },
}

export function serverRoutes(context: Context): Route[] {
  const { server, serverPost, serverPatch, conditional, guarded, paging } = shapes
  const filters = ['service', 'region', 'enabled', 'healthy']
  const query = {
    ...paging,
    ...Object.fromEntries(filters.map((one) => [one, shapes.label.optional()])),
  }
  const one = shapes.oneOf('server', server)
  const patch = (method: 'PUT' | 'PATCH') =>
    route(method, ONE, 'Change a server', (call) => change(context, call), {
      schema: {
        ...{ tag, headers: conditional, query: guarded },
        ...{ body: serverPatch, answers: { 200: one } },
      },
    })
  return [
    route(
      'GET',
      LIST,
      'Every server; filters service, region, enabled, healthy',
      (call) => list(context, call),
      {
        schema: { tag, query, answers: { 200: shapes.listOf('servers', server) } },
      },
    ),
    route('POST', LIST, 'Make a server', (call) => create(context, call), {
      schema: { tag, body: serverPost, answers: { 201: one } },
    }),
    route('GET', ONE, 'One server', (call) => show(context, call), {
      schema: { tag, answers: { 200: one } },
    }),
    patch('PUT'),
    patch('PATCH'),
    route(
      'DELETE',
      ONE,
      'Take a server away',
      (call) => remove(context, call, 'server', call.params['id'] ?? ''),
      {
        schema: { tag, headers: conditional, query: guarded, answers: { 204: 'none' } },
      },
    ),
    ...checkRoutes(context),
  ]
}

function checkRoutes(context: Context): Route[] {
  const { healthCheckPatch, conditional } = shapes
  const answers = { 200: shapes.checked }
  return [
    route('GET', CHECK, 'How a server is checked', (call) => showCheck(context, call), {
      schema: { tag, answers: { 200: shapes.checked } },
    }),
    route('PUT', CHECK, 'Change how a server is checked', (call) => setCheck(context, call), {
      schema: { tag, headers: conditional, body: healthCheckPatch, answers },
    }),
  ]
}

interface Gathered {
  readonly views: readonly ObjectView[]
  readonly joined: ReadonlyMap<string, Joined>
}

async function gather(context: Context, id?: string): Promise<Result<Gathered, HttpAnswer>> {
  const [views, joint] = await Promise.all([
    listObjects(context, 'server', id),
    joinBackends(context, id === undefined ? {} : { service: id.slice(0, id.indexOf(':')) }),
  ])
  if (!views.ok) return views
  if (!joint.ok) return joint
  const joined = new Map(joint.value.joined.map((one) => [one.backend.key, one]))
  return ok({ views: views.value, joined })
}

async function list(context: Context, { query }: Call): Promise<HttpAnswer> {
  const gathered = await gather(context)
  if (!gathered.ok) return gathered.error
  const { views, joined } = gathered.value
  const known = new Map(views.map((view) => [view.id, view]))
  const all = [
    ...[...joined].map(([id, one]) => serverOf(context, id, one, known.get(id))),
    ...views
      .filter(({ id }) => !joined.has(id))
      .map((one) => serverOf(context, one.id, undefined, one)),
  ]
  const is = (name: string, value: unknown) => (query.get(name) ?? String(value)) === String(value)
  const kept = all.filter(
    ({ name, region, enabled, healthy }) =>
      is('service', name) &&
      is('region', region) &&
      is('enabled', enabled) &&
      is('healthy', healthy),
  )
  const page = pageOf(kept, query)
  if (!page.ok) return page.error
  return json(200, { servers: page.value, total: kept.length, generated_at: nowText(context) })
}

const missing = refuse(404, 'server not found: server not found')

async function show(context: Context, call: Call, status: 200 | 201 = 200): Promise<HttpAnswer> {
  const id = canonicalId('server', call.params['id'] ?? '')
  if (!id.ok) return missing
  return await shown(context, id.value, status)
}

async function shown(context: Context, id: string, status: 200 | 201): Promise<HttpAnswer> {
  const gathered = await gather(context, id)
  if (!gathered.ok) return gathered.error
  const [view] = gathered.value.views
  const joined = gathered.value.joined.get(id)
  if (view === undefined && joined === undefined) return missing
  const location = status === 201 ? locationOf(LIST, id) : {}
  const server = serverOf(context, id, joined, view)
  return json(status, { server }, { ...tagOf(view), ...location })
}

/** Fields of a body, the check in it among them. */
function readServer(object: JsonObject) {
  const { health_check: check, ...rest } = object
  const { protocol } = rest
  if (protocol !== undefined && !PROTOCOLS.includes(String(protocol)))
    return fail(refuse(400, `protocol: must be one of ${PROTOCOLS.join(', ')}`))
  const read = readEdit(rest, BODY)
  if (!read.ok || check === undefined || check === null) return read
  const fields = readCheck(check)
  if (!fields.ok) return fail(refuse(400, fields.error))
  return ok({ ...read.value, fields: { ...read.value.fields, ...fields.value } })
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

/** The service of a body: `service`, `metadata.service` or `name`, in this order. */
function serviceOf({ service, metadata, name }: JsonObject): string {
  const inner = (Object(metadata) as JsonObject)['service']
  return textOf(service) || textOf(inner) || textOf(name)
}

/** Makes the server that the body of a request describes. */
export async function createServer(
  context: Context,
  call: Call,
  ownService?: string,
): Promise<Result<ObjectView, HttpAnswer>> {
  const body = bodyOf(call)
  if (!body.ok) return body
  const { name: _, service: __, metadata: ___, address, port, ...rest } = body.value
  const service = ownService ?? serviceOf(body.value)
  if (service === '') return fail(refuse(400, 'service is required (set by name or service)'))
  if (typeof address !== 'string') return fail(refuse(400, 'address is required'))
  if (typeof port !== 'number') return fail(refuse(400, 'port is required'))
  const id = serverIdOf(service, address, port)
  if (!id.ok) return fail(refuse(400, id.error))
  const read = readServer(rest)
  if (!read.ok) return read
  const order = { kind: 'server', id: id.value.id, action: 'create', ...read.value } as const
  const done = await edit(context, call, order, BODY)
  if (!done.ok) return done
  const { object } = done.value
  return object === undefined ? fail(missing) : ok(object)
}

async function create(context: Context, call: Call): Promise<HttpAnswer> {
  const made = await createServer(context, call)
  return made.ok ? await shown(context, made.value.id, 201) : made.error
}

async function change(context: Context, call: Call): Promise<HttpAnswer> {
  const id = canonicalId('server', call.params['id'] ?? '')
  if (!id.ok) return missing
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const { id: _, name, service, metadata, address, port, ...rest } = body.value
  const [ownService] = id.value.split(':')
  const named = serverIdOf(
    serviceOf({ name, service, metadata }) || ownService!,
    typeof address === 'string' ? address : addressOf(id.value),
    typeof port === 'number' ? port : Number(id.value.slice(id.value.lastIndexOf(':') + 1)),
  )
  if (!named.ok || named.value.id !== id.value)
    return refuse(409, 'a server keeps its service, address and port; make another one')
  const read = readServer(rest)
  if (!read.ok) return read.error
  const order = { kind: 'server', id: id.value, action: 'patch', ...read.value } as const
  const done = await edit(context, call, order, BODY)
  return done.ok ? await show(context, call) : done.error
}

const addressOf = (id: string) => id.slice(id.indexOf(':') + 1, id.lastIndexOf(':'))

async function showCheck(context: Context, call: Call): Promise<HttpAnswer> {
  const id = canonicalId('server', call.params['id'] ?? '')
  if (!id.ok) return missing
  const views = await listObjects(context, 'server', id.value)
  if (!views.ok) return views.error
  const [view] = views.value
  if (view === undefined) return missing
  const check = checkOf(view.values['check'] as CheckSpec)
  return json(200, { server_id: id.value, health_check: check }, tagOf(view))
}

async function setCheck(context: Context, call: Call): Promise<HttpAnswer> {
  const id = canonicalId('server', call.params['id'] ?? '')
  if (!id.ok) return missing
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const fields = readCheck(body.value)
  if (!fields.ok) return refuse(400, fields.error)
  const order = { kind: 'server', id: id.value, action: 'patch', fields: fields.value } as const
  const done = await edit(context, call, order, BODY)
  return done.ok ? await showCheck(context, call) : done.error
}

function serverOf(
  context: Context,
  id: string,
  joined: Joined | undefined,
  view: ObjectView | undefined,
) {
  const { backend, check } = joined ?? {}
  const values = view?.values ?? {}
  const startedAt = timestamp(context.config().startedAtMs)
  const { description, tags, protocol = 'tcp' } = view?.notes ?? {}
  const name = backend?.service ?? String(values['service'])
  const known = view?.values['check'] as CheckSpec | undefined
  return {
    id,
    name,
    address: backend?.address ?? values['address'],
    port: backend?.port ?? values['port'],
    protocol,
    weight: backend?.weight ?? values['weight'],
    priority: 0,
    region: backend?.region ?? values['region'],
    enabled: view?.enabled ?? true,
    healthy: backend?.status === 'healthy',
    description,
    tags,
    metadata: metadataOf(name, joined),
    ...(view === undefined ? {} : keptOf(view)),
    // What the file declares was made when it was read.
    created_at: view?.createdAtMs ? timestamp(view.createdAtMs) : startedAt,
    updated_at: view?.updatedAtMs ? timestamp(view.updatedAtMs) : startedAt,
    source: backend?.source ?? (view?.origin === 'api' ? 'api' : 'static'),
    health_check: known === undefined ? undefined : checkOf(known),
    status: backend && {
      healthy: backend.status === 'healthy',
      last_check: timestampOf(check?.lastCheckMs ?? backend.verdictAtMs),
      last_healthy: timestampOf(check?.lastHealthyMs),
      consecutive_failures: check?.consecutiveFailures ?? 0,
      consecutive_successes: check?.consecutiveSuccesses ?? 0,
      last_error: check?.lastError,
      response_time_ms: microsecond(check?.latencyMs),
    },
  }
}

function metadataOf(service: string, joined: Joined | undefined): Record<string, string> {
  if (joined === undefined) return { service, effective_status: 'disabled' }
  const { backend, check } = joined
  const agent = backend.hearing?.agent
  return {
    agent_healthy: agent?.healthy === true ? 'healthy' : 'unhealthy',
    agent_last_seen: timestampOf(agent?.lastSeenMs) ?? NEVER,
    effective_status: backend.status,
    service,
    smoothed_latency: `${microsecond(check?.latencyMs) ?? 0}ms`,
    source: backend.source,
    validation_check: timestampOf(check?.lastCheckMs ?? backend.verdictAtMs) ?? NEVER,
  }
}
