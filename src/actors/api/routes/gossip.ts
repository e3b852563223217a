/**
 * Gossip: its members, how it is set up, and a new key for it.
 *
 * The settings are those of the configuration file and of nothing else: all nodes must agree on the
 * key, and the intervals are read when the process starts. So a change is refused with the key to
 * edit, and never said to have been made.
 */
import type { MemberView } from '../../../messages/agent-views.ts'
import { parseObject } from '../body.ts'
import { type Context, listAnswer } from '../context.ts'
import { type HttpAnswer, json, refuse, seenOf } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { clusterSchemas as schemas } from '../schemas/cluster.ts'

const NODES = '/api/v1/gossip/nodes'
const CONFIG = '/api/v1/gossip/config'
const KEY_OCTETS = 32

export function gossipRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      NODES,
      'Every member of the gossip cluster',
      ({ query }) => {
        const { list } = context.members
        const healthy = list.filter(({ state }) => state === 'alive').length
        const told = (member: MemberView) => gossipNodeOf(context, member)
        return listAnswer(context, query, 'nodes', list, told, { healthy })
      },
      { schema: schemas.gossipNodes },
    ),
    route(
      'GET',
      `${NODES}/{id}`,
      'One member',
      ({ params }) => {
        const member = context.members.find(params['id']!)
        if (member === undefined) return refuse(404, 'gossip node not found: not found')
        return json(200, { node: gossipNodeOf(context, member) })
      },
      { schema: schemas.gossipNode },
    ),
    route(
      'GET',
      CONFIG,
      'How gossip is set up',
      () => json(200, { config: context.config().gossip ?? { enabled: false } }),
      { schema: schemas.gossipConfig },
    ),
    route('PUT', CONFIG, 'Refused with the key of the file to edit', (call) => change(call), {
      schema: schemas.changeGossip,
    }),
    route(
      'POST',
      '/api/v1/gossip/generate-key',
      'A new random key, which is put into use nowhere',
      () => {
        const key = base64(context.ports.randomBytes(KEY_OCTETS))
        return json(200, { key, algorithm: 'AES-256-GCM', bits: KEY_OCTETS * 8 })
      },
      { changes: false, schema: schemas.generateKey },
    ),
  ]
}

const base64 = (octets: Uint8Array): string => btoa(String.fromCharCode(...octets))

function gossipNodeOf({ ctx, config }: Context, member: MemberView) {
  const { name, role, region, address, port, state, boot, sinceMs, self } = member
  const isAlive = state === 'alive'
  return {
    id: name,
    ...{ name, address, port, role, region, self },
    status: state,
    state,
    // Members do not tell theirs.
    version: self ? config().version : '',
    rtt_ms: null,
    last_seen: seenOf(isAlive ? Math.floor(ctx.clock.nowMs()) : sinceMs),
    joined_at: seenOf(boot ?? 0),
  }
}

/** Where each field of the original lies in the file. */
const KEYS: Readonly<Record<string, string>> = {
  bind_address: 'bind_address',
  bind_port: 'bind_address',
  advertise_address: 'advertise_address',
  advertise_port: 'advertise_address',
  encryption_enabled: 'encryption_key',
  encryption_key: 'encryption_key',
  gossip_interval: 'gossip_interval',
  gossip_interval_ms: 'gossip_interval',
  probe_interval: 'probe_interval',
  probe_interval_ms: 'probe_interval',
  probe_timeout: 'probe_timeout',
  probe_timeout_ms: 'probe_timeout',
}

function change({ request }: Call): HttpAnswer {
  const object = parseObject(request.body)
  if (!object.ok) return refuse(400, object.error)
  const fields = Object.keys(object.value)
  const unknown = fields.filter((field) => !Object.hasOwn(KEYS, field))
  const known = [...new Set(fields.flatMap((field) => KEYS[field] ?? []))]
  if (known.length === 0)
    return refuse(400, `none of these fields is known: ${unknown.slice(0, 8).join(', ')}`)
  const keys = known.map((key) => `overwatch.gossip.${key}`).join(', ')
  return refuse(409, `nothing was changed: edit ${keys} in the configuration file and restart`)
}
