/**
 * Drains: take servers out of service gently, and learn when they may be stopped.
 *
 * On an overwatch a drain is declared for servers of the whole deployment; on an agent for its own
 * backends.
 */
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { canonicalService } from '../../../core/health/keys.ts'
import { parseAddress } from '../../../core/net/address.ts'
import type { ConnectionsSeen, Drain } from '../../../core/health/report.ts'
import type { DrainView } from '../../../messages/agent-views.ts'
import type { LocalDrainView } from '../../../messages/views.ts'
import { Fields, type JsonObject, parseObject, unknownIn } from '../body.ts'
import { ask, callerOf, type Context, listAnswer } from '../context.ts'
import { type HttpAnswer, json, noContent, refuse, timestamp, timestampOf } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { drainSchemas as schemas } from '../schemas/drains.ts'

const LIST = '/api/v1/drains'
const ONE = '/api/v1/drains/{id}'
const YEAR_SECONDS = 31_536_000
const FIELDS = new Set(Object.keys(schemas.set.body.shape))

export function drainRoutes(context: Context): Route[] {
  const isAgent = () => context.config().mode === 'agent'
  return [
    route(
      'POST',
      LIST,
      'Take servers out of service',
      (call) => (isAgent() ? setLocal(context, call) : set(context, call)),
      { schema: schemas.set, services: (call) => servicesNamed(call, isAgent()) },
    ),
    route(
      'GET',
      LIST,
      'Every drain, and whether its server may be stopped',
      async ({ query }) => {
        const drains = isAgent() ? await listLocal(context) : await list(context)
        return drains.ok ? listAnswer(context, query, 'drains', drains.value) : drains.error
      },
      { schema: schemas.list },
    ),
    route(
      'GET',
      ONE,
      'One drain',
      async ({ params }) => {
        const drains = isAgent() ? await listLocal(context) : await list(context)
        if (!drains.ok) return drains.error
        const found = drains.value.find(({ id }) => id === params['id'])
        return found === undefined ? refuse(404, 'drain not found') : json(200, { drain: found })
      },
      { schema: schemas.one },
    ),
    route(
      'DELETE',
      ONE,
      'End a drain',
      (call) => (isAgent() ? liftLocal(context, call) : lift(context, call)),
      {
        schema: schemas.lift,
        services: (call) => (isAgent() ? undefined : servicesOfDrain(context, call)),
      },
    ),
  ]
}

/**
 * Of a drain to be: its service, or those of the backends that are listed to an agent. Without both
 * it may reach servers of any.
 */
function servicesNamed({ request }: Call, isAgent: boolean): readonly string[] | undefined {
  const object = parseObject(request.body)
  if (!object.ok) return undefined
  const { service } = object.value
  if (typeof service === 'string' && service !== '') return [service]
  const listed = isAgent ? backendsOf(object.value) : ok(undefined)
  return listed.ok ? listed.value?.map((key) => readKey(key).service) : undefined
}

/** `service:address:port`, where the address may be a host name. */
function readKey(key: string) {
  const [first, last] = [key.indexOf(':'), key.lastIndexOf(':')]
  const address = key.slice(first + 1, last).replace(/^\[(.*)\]$/, '$1')
  return { service: key.slice(0, first), address, port: Number(key.slice(last + 1)) }
}

const addressText = (text: string): string => {
  const parsed = parseAddress(text)
  return parsed.ok ? parsed.value.text : text
}

/** Whether a backend of an agent is one of those that are named. */
function isNamed(key: string, { service, address, port }: Named): boolean {
  const own = readKey(key)
  return (
    (service === undefined || canonicalService(own.service) === canonicalService(service)) &&
    (address === undefined || addressText(own.address) === addressText(address)) &&
    (port === undefined || own.port === port)
  )
}

async function servicesOfDrain(context: Context, { params }: Call) {
  const drains = await list(context)
  if (!drains.ok) return undefined
  return drains.value.filter(({ id }) => id === params['id']).map(({ service }) => service)
}

interface Named {
  readonly service?: string
  readonly address?: string
  readonly port?: number
  readonly agentId?: string
}

interface Order {
  readonly named: Named
  readonly backends: readonly string[] | undefined
  readonly reason: string
  readonly force: boolean
  readonly untilMs?: number
}

function read({ ctx }: Context, { request }: Call): Result<Order, HttpAnswer> {
  const object = parseObject(request.body)
  if (!object.ok) return fail(refuse(400, object.error))
  const unknown = unknownIn(object.value, FIELDS)
  if (unknown !== undefined) return fail(refuse(400, unknown))
  const fields = new Fields(object.value)
  const reason = fields.requiredText('reason')
  const force = fields.boolean('force') ?? false
  const seconds = fields.number('expires_in_seconds', 1, YEAR_SECONDS)
  const named = namedOf(fields)
  if (fields.fault !== undefined) return fail(refuse(400, fields.fault))
  if (named.address !== undefined && !parseAddress(named.address).ok)
    return fail(refuse(400, `address: "${named.address}" is not an IP address`))
  const backends = backendsOf(object.value)
  if (!backends.ok) return fail(refuse(400, backends.error))
  const end = seconds === undefined ? {} : { untilMs: ctx.clock.nowMs() + seconds * 1_000 }
  return ok({ named, backends: backends.value, reason, force, ...end })
}

function namedOf(fields: Fields): Named {
  const service = fields.text('service')
  const address = fields.text('address')
  const port = fields.number('port', 1, 65_535)
  const agentId = fields.text('agent_id')
  return {
    ...(service ? { service } : {}),
    ...(address ? { address } : {}),
    ...(port === undefined ? {} : { port }),
    ...(agentId ? { agentId } : {}),
  }
}

/** On an agent: keys of its backends; absent or `"all"` means all. */
function backendsOf({ backends }: JsonObject): Result<readonly string[] | undefined, string> {
  if (backends === undefined || backends === null || backends === 'all') return ok(undefined)
  const isList = Array.isArray(backends) && backends.every((one) => typeof one === 'string')
  return isList ? ok(backends as string[]) : fail('backends must be "all" or a list of keys')
}

async function set(context: Context, call: Call): Promise<HttpAnswer> {
  const order = read(context, call)
  if (!order.ok) return order.error
  const { named, reason, force, untilMs } = order.value
  if (order.value.backends !== undefined)
    return refuse(400, 'backends are named to their agent; name a service or an address here')
  if (named.service === undefined && named.address === undefined && named.agentId === undefined)
    return refuse(400, 'one of service, address and agent_id is required')
  const by = callerOf(call)
  const end = untilMs === undefined ? {} : { untilMs }
  const reply = await ask(context, 'api.set-drain', { ...named, reason, by, force, ...end })
  if (!reply.ok) return reply.error
  const { outcome, message, ids } = reply.value
  if (outcome === 'held-by-guard-rail') return refuse(409, message)
  if (outcome === 'not-stored') return refuse(503, message)
  if (outcome === 'not-found') return refuse(404, 'backend not found')
  return json(201, { success: true, message, ids })
}

async function lift(context: Context, call: Call): Promise<HttpAnswer> {
  const id = call.params['id']!
  // A drain never changes while it lasts, so what is read here is what is ended.
  const drains = await list(context)
  const before = drains.ok ? drains.value.find((one) => one.id === id) : undefined
  if (before !== undefined) call.audited({ before })
  const reply = await ask(context, 'api.lift-drain', { id, by: callerOf(call) })
  if (!reply.ok) return reply.error
  const { outcome, message, note } = reply.value
  if (outcome === 'not-stored') return refuse(503, message)
  call.lacks(note)
  return outcome === 'done' ? noContent : refuse(404, message)
}

async function list(context: Context) {
  const reply = await ask(context, 'api.list-drains', {})
  return reply.ok ? ok(reply.value.drains.map(drainOf)) : reply
}

const SAFE = { yes: true, no: false, unknown: 'unknown' } as const

function drainOf(view: DrainView) {
  const { drain, safe, connections } = view
  return {
    ...drainFields(drain),
    declared_by: view.author,
    backend: view.backend,
    service: view.service,
    address: view.address,
    port: view.port,
    agent_id: view.agentId,
    safe: SAFE[safe.safe],
    why: safe.why,
    waiting_for: safe.waitingFor.map(({ what, detail, untilMs }) => ({
      ...{ what, detail },
      until: timestampOf(untilMs),
    })),
    safe_by_time: timestampOf(safe.byTimeMs),
    connections: connections && connectionsOf(connections),
  }
}

const drainFields = ({ id, reason, by, sinceMs, untilMs }: Drain) => ({
  ...{ id, reason, by },
  since: timestamp(sinceMs),
  expires_at: timestampOf(untilMs),
})

const connectionsOf = (seen: ConnectionsSeen) => ({
  at: timestamp(seen.atMs),
  remaining: seen.remaining,
  arrived: seen.arrived,
  quiet_since: timestamp(seen.quietSinceMs),
  networks: seen.networks,
})

async function listLocal(context: Context) {
  const reply = await ask(context, 'api.list-local-drains', {})
  return reply.ok ? ok(reply.value.drains.flatMap(localOf)) : reply
}

function localOf({ backend, drain, connections }: LocalDrainView) {
  if (drain === undefined) return []
  const shown = connections && connectionsOf(connections)
  return [{ ...drainFields(drain), backend, connections: shown }]
}

/** The keys of the backends to drain; undefined for all. */
async function chosenOf(
  context: Context,
  { named, backends }: Order,
): Promise<Result<readonly string[] | undefined, HttpAnswer>> {
  const own = context.config().nodeId
  if (named.agentId !== undefined && named.agentId !== own)
    return fail(refuse(400, `agent_id: this is the agent ${own}`))
  if (named.service === undefined && named.address === undefined && named.port === undefined)
    return ok(backends)
  const reply = await ask(context, 'api.list-local-drains', {})
  if (!reply.ok) return reply
  const keys = reply.value.drains
    .map(({ backend }) => backend)
    .filter((key) => isNamed(key, named) && (backends?.includes(key) ?? true))
  return keys.length === 0 ? fail(refuse(404, 'backend not found')) : ok(keys)
}

async function setLocal(context: Context, call: Call): Promise<HttpAnswer> {
  const order = read(context, call)
  if (!order.ok) return order.error
  const { reason, untilMs } = order.value
  const chosen = await chosenOf(context, order.value)
  if (!chosen.ok) return chosen.error
  const backends = chosen.value
  const reply = await ask(context, 'api.set-local-drain', {
    reason,
    ...(backends === undefined ? {} : { backends }),
    ...(untilMs === undefined ? {} : { untilMs }),
  })
  if (!reply.ok) return reply.error
  const { outcome, drains } = reply.value
  if (outcome === 'unknown-backend') return refuse(404, 'backend not found')
  if (outcome !== 'done') return refuse(409, `the drain was not declared: ${outcome}`)
  const ids = drains.flatMap(({ backend, drain }) =>
    drain !== undefined && (backends?.includes(backend) ?? true) ? [drain.id] : [],
  )
  return json(201, { success: true, message: `${ids.length} backends drained`, ids })
}

async function liftLocal(context: Context, { params }: Call): Promise<HttpAnswer> {
  const drains = await listLocal(context)
  if (!drains.ok) return drains.error
  const backends = drains.value.filter(({ id }) => id === params['id']).map((one) => one.backend)
  if (backends.length === 0) return refuse(404, 'drain not found')
  const reply = await ask(context, 'api.lift-local-drain', { backends })
  if (!reply.ok) return reply.error
  return reply.value.lifted > 0
    ? noContent
    : refuse(404, 'the API did not declare this drain: lift it where it was declared')
}
