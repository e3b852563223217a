/**
 * Domains: the names that are steered, from the file and from the API, and their servers.
 */
import { ok, type Result } from '../../../core/base/result.ts'
import { zoneAround } from '../../../core/config/names.ts'
import { readDnsName } from '../../../core/config/kinds/network.ts'
import { parseServerId } from '../../../core/config/overlay/server-id.ts'
import { parseAddress, parseEndpoint, serverKey } from '../../../core/net/address.ts'
import type { ObjectView } from '../../../core/config/overlay/views.ts'
import type { BackendView } from '../../../messages/views.ts'
import { type Context, joinBackends, nowText, pageOf } from '../context.ts'
import type { JsonObject } from '../body.ts'
import { type BodySpec, bodyOf, edit, keptOf, listObjects, notFound, only } from '../edits.ts'
import { locationOf, readEdit, remove, tagOf } from '../edits.ts'
import { type HttpAnswer, json, NEVER, refuse, timestampOf } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import * as shapes from '../schemas/objects.ts'
import { createServer } from './servers.ts'

const LIST = '/api/v1/domains'
const ONE = '/api/v1/domains/{name}'
const BACKENDS = `${ONE}/backends`
const tag = 'domains'

/** Whether answers of a name are signed: all of its zone are, or none. */
function isSigned({ config }: Context, name: string): boolean {
  const zones = config().settings?.signedZones ?? []
  return zoneAround(name.replace(/^\*\./, ''), new Set(zones)) !== undefined
}

const SECTIONS = {
  sticky: ['by', 'ipv4_prefix', 'ipv6_prefix', 'balance'],
  capacity: ['by', 'band', 'step', 'least'],
} as const
const sectionKeys = Object.entries(SECTIONS).flatMap(([section, keys]) =>
  keys.map((key) => `${section}.${key}`),
)

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Sections key by key, a policy as one text. A policy and a flat algorithm take the place of each
 * other; `composed`, as a list calls a policy, says nothing beside one.
 */
function flattened(body: JsonObject): JsonObject {
  const flat: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    const keys = Object.hasOwn(SECTIONS, name) ? SECTIONS[name as keyof typeof SECTIONS] : undefined
    if (name === 'policy' && value !== null) flat[name] = JSON.stringify(value)
    else if (keys === undefined || (value !== null && !isObject(value))) flat[name] = value
    else
      for (const key of value === null ? keys : Object.keys(value))
        flat[`${name}.${key}`] = value === null ? null : value[key]
  }
  const { policy, routing_policy: algorithm } = flat
  if (typeof policy === 'string' && (algorithm ?? 'composed') === 'composed')
    return { ...flat, routing_policy: null, geofence: flat['geofence'] ?? null }
  if (typeof algorithm === 'string' && policy === undefined) return { ...flat, policy: null }
  return flat
}

const bodySpec = (context: Context, name: string): BodySpec => ({
  fields: {
    ...{ ttl: 'ttl', routing_policy: 'routing_algorithm', regions: 'regions' },
    ...{ answers: 'answers', when_all_down: 'when_all_down', enabled: 'enabled' },
    ...{ fallback_addresses: 'fallback_addresses', hold_down: 'hold_down' },
    ...{ bleed_floor: 'bleed_floor', geofence: 'geofence', policy: 'policy' },
    ...Object.fromEntries(sectionKeys.map((key) => [key, key])),
  },
  notes: ['description', 'tags'],
  fixed: {
    dnssec_enabled: only(
      isSigned(context, name),
      'signing is set for whole zones, in overwatch.dnssec',
    ),
  },
})

export function domainRoutes(context: Context): Route[] {
  const { domain, domainPost, domainPatch, conditional, guarded } = shapes
  const one = shapes.oneOf('domain', domain)
  const changed = { tag, headers: conditional, query: guarded, answers: { 200: one } }
  const patch = (method: 'PUT' | 'PATCH') =>
    route(method, ONE, 'Change a domain', (call) => change(context, call), {
      schema: { ...changed, body: domainPatch },
    })
  return [
    route('GET', LIST, 'Every domain', (call) => list(context, call), {
      schema: { tag, query: shapes.paging, answers: { 200: shapes.listOf('domains', domain) } },
    }),
    route('POST', LIST, 'Make a domain', (call) => create(context, call), {
      schema: { tag, body: domainPost, answers: { 201: one } },
    }),
    route('GET', ONE, 'One domain', (call) => show(context, call), {
      schema: { tag, answers: { 200: one } },
    }),
    patch('PUT'),
    patch('PATCH'),
    route(
      'DELETE',
      ONE,
      'Take a domain away, with the servers that the API made for it',
      (call) => remove(context, call, 'domain', nameOf(call)),
      { schema: { tag, headers: conditional, query: guarded, answers: { 204: 'none' } } },
    ),
    ...backendRoutes(context),
  ]
}

function backendRoutes(context: Context): Route[] {
  const { domainBackend, serverPost, guarded } = shapes
  return [
    route('GET', BACKENDS, 'The servers of a domain', (call) => listBackends(context, call), {
      schema: {
        tag,
        query: shapes.paging,
        answers: { 200: shapes.listOf('backends', domainBackend) },
      },
    }),
    route('POST', BACKENDS, 'Make a server of a domain', (call) => addBackend(context, call), {
      schema: { tag, body: serverPost, answers: { 201: shapes.oneOf('backend', domainBackend) } },
    }),
    route(
      'DELETE',
      `${BACKENDS}/{id}`,
      'Take a server of a domain away',
      (call) => {
        const id = backendId(call)
        return id === undefined ? notFound('server') : remove(context, call, 'server', id)
      },
      { schema: { tag, query: guarded, answers: { 204: 'none' } } },
    ),
  ]
}

const nameOf = ({ params }: Call) => (params['name'] ?? '').toLowerCase().replace(/\.$/, '')

const NAME_CHARS_MAX = 255

/** Its servers alone. No name is longer than that; what a client sent may be. */
const ofDomain = (name: string) => ({ service: name.slice(0, NAME_CHARS_MAX) })

interface Served {
  readonly views: readonly ObjectView[]
  readonly backends: ReadonlyMap<string, readonly BackendView[]>
}

async function gather(context: Context, id?: string): Promise<Result<Served, HttpAnswer>> {
  const [views, joint] = await Promise.all([
    listObjects(context, 'domain', id),
    joinBackends(context, id === undefined ? {} : ofDomain(id)),
  ])
  if (!views.ok) return views
  if (!joint.ok) return joint
  const backends = new Map<string, BackendView[]>()
  for (const { backend } of joint.value.joined) {
    const own = backends.get(backend.service)
    if (own === undefined) backends.set(backend.service, [backend])
    else own.push(backend)
  }
  return ok({ views: views.value, backends })
}

async function list(context: Context, { query }: Call): Promise<HttpAnswer> {
  const served = await gather(context)
  if (!served.ok) return served.error
  const { views, backends } = served.value
  const known = new Set(views.map(({ id }) => id))
  // Services that agents bring are names like any other, though nobody declares them.
  const services = context.serving.pools
    .map(({ spec }) => spec)
    .filter(({ name }) => !known.has(name))
  const all = [
    ...views.map((view) => domainOf(context, view, backends.get(view.id))),
    ...services.map((pool) => serviceOf(context, pool, backends.get(pool.name))),
  ]
  const page = pageOf(all, query)
  if (!page.ok) return page.error
  return json(200, { domains: page.value, total: all.length, generated_at: nowText(context) })
}

async function show(context: Context, call: Call): Promise<HttpAnswer> {
  const id = nameOf(call)
  const served = await gather(context, id)
  if (!served.ok) return served.error
  const { views, backends } = served.value
  const [view] = views
  if (view !== undefined)
    return json(200, { domain: domainOf(context, view, backends.get(id)) }, tagOf(view))
  const pool = context.serving.pools.find(({ spec }) => spec.name === id)?.spec
  return pool === undefined
    ? notFound('domain')
    : json(200, { domain: serviceOf(context, pool, backends.get(id)) })
}

async function create(context: Context, call: Call): Promise<HttpAnswer> {
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const { name, ...rest } = body.value
  if (typeof name !== 'string' || name === '') return refuse(400, 'name is required')
  const id = readDnsName(name)
  if (!id.ok) return refuse(400, `name: ${id.error}; got ${JSON.stringify(name.slice(0, 80))}`)
  const spec = bodySpec(context, id.value)
  const read = readEdit(flattened(rest), spec)
  if (!read.ok) return read.error
  const order = { kind: 'domain', id: id.value, action: 'create', ...read.value } as const
  const done = await edit(context, call, order, spec)
  if (!done.ok) return done.error
  const { object } = done.value
  return await answered(context, 201, object, locationOf(LIST, id.value))
}

async function change(context: Context, call: Call): Promise<HttpAnswer> {
  const id = nameOf(call)
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const { name, id: _, ...rest } = body.value
  if (typeof name === 'string' && name.toLowerCase().replace(/\.$/, '') !== id)
    return refuse(409, 'name: a domain keeps its name; make another one')
  const spec = bodySpec(context, id)
  const read = readEdit(flattened(rest), spec)
  if (!read.ok) return read.error
  const order = { kind: 'domain', id, action: 'patch', ...read.value } as const
  const done = await edit(context, call, order, spec)
  if (!done.ok) return done.error
  const { object } = done.value
  // Nothing of it is edited any more, and the file declares it.
  if (object === undefined) return await show(context, call)
  return await answered(context, 200, object)
}

/** The object as it is now, with its servers counted. */
async function answered(
  context: Context,
  status: 200 | 201,
  view: ObjectView | undefined,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  if (view === undefined) return notFound('domain')
  const joint = await joinBackends(context, ofDomain(view.id))
  const all = joint.ok ? joint.value.joined.map(({ backend }) => backend) : []
  const own = all.filter(({ service }) => service === view.id)
  return json(status, { domain: domainOf(context, view, own) }, { ...tagOf(view), ...headers })
}

const countsOf = (backends: readonly BackendView[] = []) => ({
  backend_count: backends.length,
  healthy_backends: backends.filter(({ status }) => status === 'healthy').length,
})

function domainOf(
  context: Context,
  view: ObjectView,
  backends: readonly BackendView[] | undefined,
) {
  const { routing_algorithm, ...values } = view.values
  return {
    ...{ id: view.id, name: view.id, routing_policy: routing_algorithm, ...values },
    dnssec_enabled: isSigned(context, view.id),
    enabled: view.enabled,
    ...view.notes,
    source: view.origin === 'file' ? 'config' : 'api',
    ...keptOf(view),
    ...countsOf(backends),
  }
}

interface ServicePool {
  readonly name: string
  readonly ttlSeconds: number
  readonly policy: string
  readonly answers: number
  readonly whenAllDown: string
}

/** A service of agents under a zone, served as `dns.default_...` has it. */
const serviceOf = (
  context: Context,
  pool: ServicePool,
  backends: readonly BackendView[] | undefined,
) => ({
  ...{ id: pool.name, name: pool.name, ttl: pool.ttlSeconds, routing_policy: pool.policy },
  ...{ dnssec_enabled: isSigned(context, pool.name), enabled: true, regions: [] },
  answers: pool.answers,
  ...{ when_all_down: pool.whenAllDown, fallback_addresses: [], source: 'service' },
  ...{ created_at: NEVER, updated_at: NEVER },
  ...countsOf(backends),
})

async function listBackends(context: Context, call: Call): Promise<HttpAnswer> {
  const id = nameOf(call)
  const [views, joint] = await Promise.all([
    listObjects(context, 'domain', id),
    joinBackends(context, ofDomain(id)),
  ])
  if (!views.ok) return views.error
  if (!joint.ok) return joint.error
  const own = joint.value.joined.filter(({ backend }) => backend.service === id)
  if (views.value.length === 0 && own.length === 0) return notFound('domain')
  const page = pageOf(own, call.query)
  if (!page.ok) return page.error
  const backends = page.value.map(({ backend, check }) =>
    backendOf(backend, timestampOf(check?.lastCheckMs ?? backend.verdictAtMs)),
  )
  return json(200, { backends, total: own.length, generated_at: nowText(context) })
}

const backendOf = (
  { key, address, port, weight, region, status }: BackendView,
  lastCheck: string | undefined,
) => ({
  ...{ id: key, address, port, weight, priority: 0, region },
  healthy: status === 'healthy',
  enabled: true,
  last_check: lastCheck ?? NEVER,
})

/** `service:address:port`, or the last two alone; undefined for a server of another domain. */
function backendId(call: Call): string | undefined {
  const text = call.params['id'] ?? ''
  const endpoint = parseEndpoint(text)
  const host = endpoint.ok ? parseAddress(endpoint.value.host) : endpoint
  if (endpoint.ok && host.ok) return serverKey(nameOf(call), host.value.text, endpoint.value.port)
  const whole = parseServerId(text)
  return whole.ok && whole.value.service === nameOf(call) ? whole.value.id : undefined
}

async function addBackend(context: Context, call: Call): Promise<HttpAnswer> {
  const service = nameOf(call)
  const views = await listObjects(context, 'domain', service)
  if (!views.ok) return views.error
  if (views.value.length === 0) return notFound('domain')
  const made = await createServer(context, call, service)
  if (!made.ok) return made.error
  const { id, values, enabled } = made.value
  const { address, port, weight, region } = values
  const backend = { id, address, port, weight, priority: 0, region, healthy: false, enabled }
  return json(201, { backend: { ...backend, last_check: NEVER } }, tagOf(made.value))
}
