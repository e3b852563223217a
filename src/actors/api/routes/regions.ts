/**
 * Regions: groups of servers, from the file and from the API, and where their clients are.
 */
import { ok, type Result } from '../../../core/base/result.ts'
import type { FieldValue } from '../../../core/config/overlay/entry.ts'
import type { ObjectView } from '../../../core/config/overlay/views.ts'
import type { BackendView } from '../../../messages/views.ts'
import type { JsonObject } from '../body.ts'
import { type Context, joinBackends, nowText, pageOf } from '../context.ts'
import { type BodySpec, bodyOf, edit, keptOf, listObjects, notFound, only } from '../edits.ts'
import { locationOf, type ReadBody, readEdit, remove, tagOf } from '../edits.ts'
import { type HttpAnswer, json, NEVER, refuse } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import * as shapes from '../schemas/objects.ts'

const LIST = '/api/v1/regions'
const ONE = '/api/v1/regions/{id}'
const tag = 'regions'

const BODY: BodySpec = {
  fields: {
    ...{ countries: 'countries', continents: 'continents', enabled: 'enabled' },
    ...{ subdivisions: 'subdivisions', asns: 'asns' },
    ...{ latitude: 'latitude', longitude: 'longitude' },
  },
  notes: ['code', 'description'],
  fixed: { priority: only(0, 'the order of regions is the one in which a domain lists them') },
}

export function regionRoutes(context: Context): Route[] {
  const { region, regionPost, regionPatch, conditional, guarded, paging, label } = shapes
  const query = { ...paging, enabled: label.optional(), continent: label.optional() }
  const one = shapes.oneOf('region', region)
  const patch = (method: 'PUT' | 'PATCH') =>
    route(method, ONE, 'Change a region', (call) => change(context, call), {
      schema: {
        ...{ tag, headers: conditional, query: guarded },
        ...{ body: regionPatch, answers: { 200: one } },
      },
    })
  return [
    route('GET', LIST, 'Every region; filters enabled, continent', (call) => list(context, call), {
      schema: { tag, query, answers: { 200: shapes.listOf('regions', region) } },
    }),
    route('POST', LIST, 'Make a region', (call) => create(context, call), {
      schema: { tag, body: regionPost, answers: { 201: one } },
    }),
    route('GET', ONE, 'One region', (call) => show(context, call.params['id']!), {
      schema: { tag, answers: { 200: one } },
    }),
    patch('PUT'),
    patch('PATCH'),
    route(
      'DELETE',
      ONE,
      'Take a region away that no server stands in and no domain lists',
      (call) => remove(context, call, 'region', call.params['id']!),
      { schema: { tag, headers: conditional, answers: { 204: 'none' } } },
    ),
  ]
}

type Counts = ReadonlyMap<string, readonly BackendView[]>

async function countsOf(context: Context): Promise<Result<Counts, HttpAnswer>> {
  const joint = await joinBackends(context)
  if (!joint.ok) return joint
  const counts = new Map<string, BackendView[]>()
  for (const { backend } of joint.value.joined) {
    const own = counts.get(backend.region)
    if (own === undefined) counts.set(backend.region, [backend])
    else own.push(backend)
  }
  return ok(counts)
}

async function list(context: Context, { query }: Call): Promise<HttpAnswer> {
  const [views, counts] = await Promise.all([listObjects(context, 'region'), countsOf(context)])
  if (!views.ok) return views.error
  if (!counts.ok) return counts.error
  const known = new Set(views.value.map(({ id }) => id))
  const others = [...counts.value.keys()].filter((name) => name !== '' && !known.has(name))
  const [enabled, continent] = [query.get('enabled'), query.get('continent')]
  const all = [
    ...views.value.map((view) => regionOf(view, counts.value)),
    ...others.map((name) => filledRegion(name, counts.value)),
  ].filter(
    (one) =>
      (enabled === null || String(one.enabled) === enabled) &&
      (continent === null || one.continents.includes(continent.toUpperCase())),
  )
  const page = pageOf(all, query)
  if (!page.ok) return page.error
  return json(200, { regions: page.value, total: all.length, generated_at: nowText(context) })
}

async function show(context: Context, id: string, status: 200 | 201 = 200): Promise<HttpAnswer> {
  const [views, counts] = await Promise.all([listObjects(context, 'region', id), countsOf(context)])
  if (!views.ok) return views.error
  if (!counts.ok) return counts.error
  const [view] = views.value
  const location = status === 201 ? locationOf(LIST, id) : {}
  if (view !== undefined)
    return json(status, { region: regionOf(view, counts.value) }, { ...tagOf(view), ...location })
  return counts.value.has(id)
    ? json(200, { region: filledRegion(id, counts.value) })
    : notFound('region')
}

/** `continent` is the first of `continents`; whoever gives both means the list. */
function readRegion(object: JsonObject): Result<ReadBody, HttpAnswer> {
  const { continent, ...rest } = object
  const read = readEdit(rest, BODY)
  if (!read.ok || typeof continent !== 'string' || 'continents' in rest) return read
  const continents: FieldValue = continent === '' ? [] : [continent]
  return ok({ ...read.value, fields: { ...read.value.fields, continents } })
}

async function create(context: Context, call: Call): Promise<HttpAnswer> {
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const { name, ...rest } = body.value
  const id = typeof name === 'string' && name !== '' ? name : rest['code']
  if (typeof id !== 'string' || id === '') return refuse(400, 'name is required')
  const read = readRegion(rest)
  if (!read.ok) return read.error
  const order = { kind: 'region', id, action: 'create', ...read.value } as const
  const done = await edit(context, call, order, BODY)
  return done.ok ? await show(context, id, 201) : done.error
}

async function change(context: Context, call: Call): Promise<HttpAnswer> {
  const id = call.params['id']!
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const { name, id: _, ...rest } = body.value
  if (typeof name === 'string' && name !== id)
    return refuse(409, 'name: a region keeps its name; make another one')
  const read = readRegion(rest)
  if (!read.ok) return read.error
  const order = { kind: 'region', id, action: 'patch', ...read.value } as const
  const done = await edit(context, call, order, BODY)
  return done.ok ? await show(context, id) : done.error
}

const figuresOf = (name: string, counts: Counts) => {
  const own = counts.get(name) ?? []
  const healthy = own.filter(({ status }) => status === 'healthy').length
  return { server_count: own.length, healthy_servers: healthy }
}

function regionOf(view: ObjectView, counts: Counts) {
  const { countries, continents } = view.values as Record<string, readonly string[]>
  const { subdivisions, asns, latitude, longitude } = view.values
  const { code = view.id, ...notes } = view.notes
  return {
    ...{ id: view.id, name: view.id, code, continent: continents?.[0] },
    continents: continents ?? [],
    countries: countries ?? [],
    ...{ subdivisions, asns, latitude, longitude },
    enabled: view.enabled,
    priority: 0,
    ...notes,
    source: view.origin === 'file' ? 'config' : 'api',
    ...keptOf(view),
    ...figuresOf(view.id, counts),
  }
}

/** A region that agents alone named. */
const filledRegion = (name: string, counts: Counts) => ({
  ...{ id: name, name, code: name, continent: undefined, continents: [] as readonly string[] },
  ...{ countries: [], enabled: true, priority: 0, source: 'agent' },
  ...{ created_at: NEVER, updated_at: NEVER },
  ...figuresOf(name, counts),
})
