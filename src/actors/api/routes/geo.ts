/**
 * Where clients are: networks that are mapped to regions by hand, and the region an address is
 * taken to be in, told from the very map that answers.
 */
import { limits } from '../../../core/base/limits.ts'
import type { ObjectView } from '../../../core/config/overlay/views.ts'
import type { GeoLabel, GeoNames, GeoParts } from '../../../core/geo/parts.ts'
import { readGeoNames } from '../../../core/geo/parts.ts'
import { parseAddress, parsePrefix } from '../../../core/net/address.ts'
import { ClientMap } from '../../../core/net/client-map.ts'
import { type Context, listAnswer } from '../context.ts'
import { type BodySpec, bodyOf, edit, listObjects, readEdit } from '../edits.ts'
import { type HttpAnswer, json, noContent, refuse } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { geoSchemas as schemas } from '../schemas/geo.ts'

const LIST = '/api/v1/geo/mappings'
const ONE = '/api/v1/geo/mappings/{cidr}'

const BODY: BodySpec = { fields: { region: 'region', comment: 'comment' }, notes: [], fixed: {} }

export function geoRoutes(context: Context): Route[] {
  const put = (method: 'POST' | 'PUT', summary: string) =>
    route(method, LIST, summary, (call) => map(context, call, method), { schema: schemas.put })
  return [
    route('GET', LIST, 'Networks whose region is known', (call) => list(context, call), {
      schema: schemas.mappings,
    }),
    put('POST', 'Map a network to a region'),
    put('PUT', 'Map a network to a region, or to another one'),
    route('DELETE', ONE, 'End the mapping of a network', (call) => unmap(context, call), {
      schema: schemas.unmap,
    }),
    route(
      'GET',
      '/api/v1/geo/test',
      'The region an address is taken to be in, and why',
      ({ query }) => test(context, query.get('ip')),
      { schema: schemas.test },
    ),
  ]
}

async function list(context: Context, { query }: Call): Promise<HttpAnswer> {
  const views = await listObjects(context, 'mapping')
  return views.ok ? listAnswer(context, query, 'mappings', views.value, mappingOf) : views.error
}

function mappingOf({ id, values, origin, edited }: ObjectView) {
  const source = origin === 'api' || edited ? 'api' : 'config'
  return { cidr: id, region: values['region'], comment: values['comment'], source }
}

/** The one spelling of a network; undefined for what is none. */
function networkOf(text: string): string | undefined {
  const prefix = text.includes('/') ? parsePrefix(text) : undefined
  return prefix?.ok ? `${prefix.value.address.text}/${prefix.value.length}` : undefined
}

async function map(context: Context, call: Call, method: 'POST' | 'PUT'): Promise<HttpAnswer> {
  const body = bodyOf(call)
  if (!body.ok) return body.error
  const { cidr, ...rest } = body.value
  if (typeof cidr !== 'string' || cidr === '') return refuse(400, 'cidr is required')
  const id = networkOf(cidr)
  if (id === undefined) {
    const shown = cidr.slice(0, limits.apiTextChars.default)
    return refuse(400, `invalid CIDR: ${shown} is not a network such as 10.50.0.0/16`)
  }
  if (typeof rest['region'] !== 'string' || rest['region'] === '')
    return refuse(400, 'region is required')
  const read = readEdit(rest, BODY)
  if (!read.ok) return read.error
  const known = await listObjects(context, 'mapping', id)
  if (!known.ok) return known.error
  if (method === 'POST' && known.value.length > 0) return refuse(409, `${id} is mapped already`)
  const action = known.value.length === 0 ? 'create' : 'patch'
  const done = await edit(context, call, { kind: 'mapping', id, action, ...read.value }, BODY)
  if (!done.ok) return done.error
  const { object } = done.value
  // What the file says already is no edit of it.
  const told = object ?? known.value[0]
  return told === undefined ? refuse(500, 'the mapping is gone') : json(201, mappingOf(told))
}

async function unmap(context: Context, call: Call): Promise<HttpAnswer> {
  const id = networkOf(call.params['cidr']!)
  if (id === undefined) return refuse(404, 'mapping not found')
  const done = await edit(context, call, { kind: 'mapping', id, action: 'delete' }, BODY)
  if (done.ok) return noContent
  return done.error.status === 404 ? refuse(404, `mapping not found: ${id}`) : done.error
}

/** The region of an address, as the map of now has it. */
export interface Located {
  readonly label: GeoLabel
  readonly names: GeoNames
  /** All regions, nearest first. */
  readonly ranking: readonly string[]
  /** Bits of the widest prefix around the address that is in the same class. */
  readonly scope: number
}

export function locate(parts: GeoParts, client: Uint8Array): Located {
  const map = new ClientMap(parts.map)
  const names = readGeoNames(parts.labels)
  const place = map.classOf(client.length === 16 ? 6 : 4, client)
  const { stride } = parts
  const ranking = [...parts.rankings.subarray(place * stride, (place + 1) * stride)]
    .filter((region) => region >= 0)
    .map((region) => names.regions[region]!)
  return { label: names.labels[parts.labelOf[place]!]!, names, ranking, scope: map.scope }
}

function test(context: Context, ip: string | null): HttpAnswer {
  if (ip === null || ip === '') return refuse(400, 'ip query parameter is required')
  const address = parseAddress(ip)
  if (!address.ok)
    return refuse(400, `invalid IP address: ${ip.slice(0, limits.apiTextChars.default)}`)
  const parts = context.epochs.newest?.geo
  if (parts === undefined)
    return refuse(503, 'nothing is known of where clients are: configure overwatch.geolocation')
  const { label, ranking, scope } = locate(parts, address.value.bytes)
  const { match, country, continent, cidr, comment } = label
  return json(200, {
    ip,
    region: ranking[0] ?? '',
    match_type: match,
    matched_cidr: cidr,
    comment: comment || undefined,
    country: country || undefined,
    continent: continent || undefined,
    ranking,
    scope,
  })
}
