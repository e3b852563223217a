/**
 * The nodes: overwatches and agents, and whose certificates are believed.
 *
 * A node joins by gossip and by nothing else, so what is changed here is trust: a certificate can
 * be pinned before its agent is first heard, replaced, refused for good, or forgotten.
 */
import type { MemberView } from '../../../messages/agent-views.ts'
import { Fields, parseObject } from '../body.ts'
import { ask, callerOf, type Context, listAnswer, nowText } from '../context.ts'
import { type HttpAnswer, json, refuse, seenOf, timestampOf } from '../http.ts'
import { type KnownAgent, knownAgents } from '../known-agents.ts'
import { type Call, type Route, route } from '../router.ts'
import { clusterSchemas as schemas } from '../schemas/cluster.ts'
import { forget, list } from './agents.ts'

const OVERWATCHES = '/api/v1/nodes/overwatch'
const AGENTS = '/api/v1/nodes/agent'
const AGENT = `${AGENTS}/{id}`
const CERTIFICATE = `${AGENT}/certificate`

export function nodeRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      OVERWATCHES,
      'Every overwatch; filters status, region',
      ({ query }) => {
        const nodes = overwatches(context).filter((node) => passes(node, query))
        return listAnswer(context, query, 'nodes', nodes)
      },
      { schema: schemas.overwatches },
    ),
    route(
      'GET',
      `${OVERWATCHES}/{id}`,
      'One overwatch',
      ({ params }) => {
        const node = overwatches(context).find(({ id }) => id === params['id'])
        return node === undefined
          ? refuse(404, 'overwatch node not found: not found')
          : json(200, { node })
      },
      { schema: schemas.overwatch },
    ),
    route(
      'GET',
      AGENTS,
      'Every agent; filters status, region',
      async ({ query }) => {
        const known = await knownAgents(context)
        if (!known.ok) return known.error
        const nodes = known.value.agents.map((agent) => agentNodeOf(context, agent))
        const kept = nodes.filter((node) => passes(node, query))
        return listAnswer(context, query, 'nodes', kept)
      },
      { schema: schemas.agents },
    ),
    route('POST', AGENTS, 'Pin the certificate of an agent to come', (c) => pinNew(context, c), {
      schema: schemas.pinAgent,
    }),
    route('GET', AGENT, 'One agent', (call) => showAgent(context, call), { schema: schemas.agent }),
    route('DELETE', AGENT, 'Forget an agent and its key', (call) => forget(context, call), {
      schema: schemas.forgetAgent,
    }),
    route('GET', CERTIFICATE, 'What is pinned of it', (call) => showPin(context, call), {
      schema: schemas.certificate,
    }),
    route('POST', CERTIFICATE, 'Pin another certificate', (call) => pinAnother(context, call), {
      schema: schemas.pinCertificate,
    }),
    route('DELETE', CERTIFICATE, 'Refuse it from now on', (call) => revoke(context, call), {
      schema: schemas.revokeCertificate,
    }),
  ]
}

interface Filtered {
  readonly status: string
  readonly region: string
}

function passes({ status, region }: Filtered, query: URLSearchParams): boolean {
  return (query.get('status') ?? status) === status && (query.get('region') ?? region) === region
}

/** This node, then those that gossip knows; without gossip it is the only one. */
function overwatches(context: Context) {
  const { config, members, rates } = context
  const { nodeId, region, version, apiPort, settings } = config()
  const own = members.list.find(({ self }) => self)
  const others = members.list.filter(({ role, self }) => role === 'overwatch' && !self)
  const self = {
    ...{ id: nodeId, name: nodeId, address: own?.address ?? '', port: own?.port ?? 0 },
    api_port: apiPort ?? null,
    ...{ region, status: 'active', version },
    uptime_seconds: uptimeOf(context, config().startedAtMs),
    last_seen: nowText(context),
    queries_total: rates.latest?.totals.queries ?? 0,
    queries_per_sec: rates.queriesPerSecond(),
    dnssec_enabled: settings?.dnssec ?? false,
    self: true,
  }
  if (config().mode === 'agent') return others.map((member) => peerOf(context, member))
  return [self, ...others.map((member) => peerOf(context, member))]
}

const uptimeOf = ({ ctx }: Context, startedMs: number): number =>
  startedMs === 0 ? 0 : Math.max(0, Math.floor((ctx.clock.nowMs() - startedMs) / 1_000))

const STATUS = { alive: 'active', suspect: 'suspect', dead: 'dead', left: 'left' } as const

function peerOf(context: Context, member: MemberView) {
  const { name, address, port, region, state, boot, sinceMs } = member
  const nowMs = Math.floor(context.ctx.clock.nowMs())
  return {
    ...{ id: name, name, address, port, api_port: null, region, status: STATUS[state] },
    // Gossip does not tell the version, and counts are each node's own.
    version: '',
    uptime_seconds: state === 'alive' ? uptimeOf(context, boot ?? 0) : 0,
    last_seen: seenOf(state === 'alive' ? nowMs : sinceMs),
    ...{ queries_total: null, queries_per_sec: null, dnssec_enabled: null, self: false },
  }
}

async function showAgent(context: Context, { params }: Call): Promise<HttpAnswer> {
  const known = await knownAgents(context)
  if (!known.ok) return known.error
  const agent = known.value.agents.find(({ agentId }) => agentId === params['id'])
  if (agent === undefined) return refuse(404, 'agent node not found')
  return json(200, { node: agentNodeOf(context, agent) })
}

function agentNodeOf(context: Context, agent: KnownAgent) {
  const { agentId, region, view, backends, silent } = agent
  const member = context.members.find(agentId)
  return {
    id: agentId,
    name: agentId,
    address: member?.address ?? view?.address ?? '',
    port: member?.port ?? 0,
    region,
    status: view?.revoked === true ? 'revoked' : silent ? 'disconnected' : 'connected',
    version: '',
    uptime_seconds: uptimeOf(context, member?.boot ?? view?.boot ?? 0),
    last_seen: seenOf(agent.lastSeenMs),
    checks_total: null,
    checks_per_sec: null,
    active_checks: backends.length,
    target_count: backends.length,
    certificate_expiry: timestampOf(view?.notAfterMs || undefined),
    registered_at: seenOf(view?.firstSeenMs ?? 0),
  }
}

async function showPin(context: Context, { params }: Call): Promise<HttpAnswer> {
  const agents = await list(context)
  if (!agents.ok) return agents.error
  const found = agents.value.find(({ agentId }) => agentId === params['id'])
  if (found === undefined || found.fingerprint === '')
    return refuse(404, 'certificate not found: none is pinned for this agent')
  return json(200, {
    certificate: {
      agent_id: found.agentId,
      fingerprint: found.fingerprint,
      algorithm: found.alg || 'none',
      not_after: timestampOf(found.notAfterMs || undefined),
      first_seen: seenOf(found.firstSeenMs),
      revoked: found.revoked,
      revoked_at: found.revoked ? seenOf(found.revokedAtMs) : undefined,
      revoked_reason: found.revoked ? found.revokedReason : undefined,
      services: found.services,
    },
  })
}

interface Pinning {
  readonly agentId: string
  readonly region: string
  readonly certificatePem: string
}

async function pin(context: Context, call: Call, pinning: Pinning, status: 200 | 201) {
  const by = callerOf(call)
  const reply = await ask(context, 'api.pin-agent', { ...pinning, by })
  if (!reply.ok) return reply.error
  const { outcome, message } = reply.value
  if (outcome === 'malformed') return refuse(400, message)
  if (outcome === 'refused') return refuse(409, message)
  return json(status, { success: true, message })
}

async function pinNew(context: Context, call: Call): Promise<HttpAnswer> {
  const object = parseObject(call.request.body)
  if (!object.ok) return refuse(400, object.error)
  const fields = new Fields(object.value)
  const agentId = fields.requiredText('id')
  const region = fields.requiredText('region')
  if (fields.fault !== undefined) return refuse(400, fields.fault)
  const certificate = object.value['certificate']
  if (typeof certificate !== 'string')
    return refuse(409, 'an agent joins by gossip; give its `certificate` to pin it beforehand')
  return await pin(context, call, { agentId, region, certificatePem: certificate }, 201)
}

async function pinAnother(context: Context, call: Call): Promise<HttpAnswer> {
  const object = parseObject(call.request.body)
  if (!object.ok) return refuse(400, object.error)
  const certificate = object.value['certificate']
  if (typeof certificate !== 'string') return refuse(400, 'certificate is required')
  const agents = await list(context)
  if (!agents.ok) return agents.error
  const found = agents.value.find(({ agentId }) => agentId === call.params['id'])
  if (found === undefined) return refuse(404, 'agent node not found')
  const { agentId, region } = found
  return await pin(context, call, { agentId, region, certificatePem: certificate }, 200)
}

async function revoke(context: Context, call: Call): Promise<HttpAnswer> {
  const order = { agentId: call.params['id']!, reason: 'its certificate was deleted by the API' }
  const reply = await ask(context, 'api.revoke-agent', { ...order, by: callerOf(call) })
  if (!reply.ok) return reply.error
  const { outcome, message } = reply.value
  return outcome === 'not-found'
    ? refuse(404, 'certificate not found')
    : json(200, { success: true, message })
}
