/**
 * Round-trip times that agents learned of their clients, and a row by the word of an operator.
 *
 * Each entry has the fields of the original and those of its documents. Setting a row is for those
 * who may change everything: it moves traffic.
 */
import { limits } from '../../../core/base/limits.ts'
import type { LearnedEntry } from '../../../core/latency/table.ts'
import { parsePrefix } from '../../../core/net/address.ts'
import { Fields, parseObject } from '../body.ts'
import { ask, callerOf, type Context, nowText } from '../context.ts'
import { type HttpAnswer, json, microsecond, refuse, timestampOf } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { latencySchemas as schemas } from '../schemas/latency.ts'

const PATH = '/api/v1/overwatch/latency'

export function latencyRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      PATH,
      'Learned round-trip times; filters backend, region, subnet',
      (call) => list(context, call),
      { schema: schemas.list },
    ),
    route('POST', PATH, 'Set a round-trip time by hand', (call) => add(context, call), {
      role: 'admin',
      schema: schemas.put,
      services: ({ request }) => {
        const object = parseObject(request.body)
        const service = object.ok ? (object.value['backend'] ?? object.value['domain']) : undefined
        return typeof service === 'string' ? [service] : undefined
      },
    }),
  ]
}

async function list(context: Context, { query }: Call): Promise<HttpAnswer> {
  const most = limits.apiListItems.default
  const numberOf = (name: string, fallback: number): number | undefined => {
    const given = query.get(name)
    if (given === null) return fallback
    return /^[0-9]{1,9}$/.test(given) && Number(given) <= most ? Number(given) : undefined
  }
  const count = numberOf('limit', most)
  const offset = numberOf('offset', 0)
  if (count === undefined || offset === undefined)
    return refuse(400, `limit and offset must be numbers from 0 to ${most}`)
  const subnet = query.get('subnet')
  const network = subnet === null ? undefined : parsePrefix(subnet)
  if (network?.ok === false) return refuse(400, network.error)
  const service = query.get('backend') ?? query.get('domain')
  const region = query.get('region')
  const reply = await ask(context, 'api.list-latency', {
    ...(service === null ? {} : { service: plain(service) }),
    ...(region === null ? {} : { region }),
    ...(network === undefined
      ? {}
      : { subnet: `${network.value.address.text}/${network.value.length}` }),
    offset,
    count,
  })
  if (!reply.ok) return reply.error
  const { entries, total, subnets } = reply.value
  return json(200, {
    entries: entries.map(entryOf),
    count: entries.length,
    total,
    subnet_count: subnets,
    generated_at: nowText(context),
  })
}

const entryOf = (entry: LearnedEntry) => ({
  subnet: entry.subnet,
  backend: entry.service,
  domain: entry.service,
  region: entry.region,
  ewma_ms: microsecond(entry.rttMs),
  rtt_ms: microsecond(entry.rttMs),
  deviation_ms: microsecond(entry.deviationMs),
  min_ms: microsecond(entry.minMs),
  sample_count: entry.samples,
  samples: entry.samples,
  weight: Math.round(entry.weight * 100) / 100,
  last_updated: timestampOf(entry.observedMs),
  source: entry.sources[0] ?? '',
  sources: entry.sources,
})

async function add(context: Context, call: Call): Promise<HttpAnswer> {
  const object = parseObject(call.request.body)
  if (!object.ok) return refuse(400, object.error)
  const fields = new Fields(object.value)
  const subnet = fields.text('subnet')
  const service = fields.text('backend') ?? fields.text('domain')
  const region = fields.text('region') ?? ''
  const most = limits.latencyRttMsMax.default
  const rttMs = fields.number('latency_ms', 0, most) ?? fields.number('rtt_ms', 0, most)
  const samples = fields.number('samples', 1, limits.latencySamplesTrusted.default) ?? 1
  if (fields.fault !== undefined) return refuse(400, fields.fault)
  if (!subnet || !service) return refuse(400, 'subnet and backend are required')
  if (rttMs === undefined) return refuse(400, 'latency_ms is required')
  const reply = await ask(context, 'api.add-latency', {
    ...{ subnet, service: plain(service), region, rttMs, samples: Math.floor(samples) },
    by: callerOf(call),
  })
  if (!reply.ok) return reply.error
  const { outcome, message } = reply.value
  return outcome === 'done' ? json(201, { success: true, message }) : refuse(400, message)
}

/** Names compare without regard to case or a final dot (RFC 4343 section 3). */
const plain = (service: string): string => service.toLowerCase().replace(/\.$/, '')
