/**
 * The nodes of the deployment: overwatches and agents as gossip knows them, and what these vouch
 * for.
 *
 * What agents say of their backends is the registry's to tell, so that these pages answer, with
 * less in them, while the gossip actor does not.
 */
import { ok, type Result } from '../../../core/base/result.ts'
import type { AgentSay, AgentView, MemberView } from '../../../messages/agent-views.ts'
import type { BackendView } from '../../../messages/views.ts'
import { ask, type Context, nowText } from '../context.ts'
import { type HttpAnswer, json, NEVER, refuse, timestamp } from '../http.ts'
import { type Route, route } from '../router.ts'
import { list } from './agents.ts'

const EXPECTED_MAX = 1_000_000

export function clusterRoutes(context: Context): Route[] {
  return [
    route('GET', '/api/v1/cluster/status', 'How the cluster is doing', async ({ query }) => {
      const expected = expectedOf(query.get('expected_agents'))
      if (expected === 'malformed')
        return refuse(400, `expected_agents must be a number from 0 to ${EXPECTED_MAX}`)
      const known = await knownAgents(context)
      return known.ok ? json(200, statusOf(context, known.value, expected)) : known.error
    }),
    route('GET', '/api/v1/nodes/agent', 'Every agent', async () => {
      const known = await knownAgents(context)
      if (!known.ok) return known.error
      const nodes = known.value.agents.map((agent) => nodeOf(context, agent))
      return json(200, { nodes, total: nodes.length, generated_at: nowText(context) })
    }),
    route('GET', '/api/v1/nodes/agent/{id}', 'One agent', async ({ params }) => {
      const known = await knownAgents(context)
      if (!known.ok) return known.error
      const agent = known.value.agents.find(({ agentId }) => agentId === params['id'])
      if (agent === undefined) return refuse(404, 'agent node not found')
      return json(200, { node: nodeOf(context, agent) })
    }),
    route('GET', '/api/v1/gossip/nodes', 'Every member of the gossip cluster', () => {
      const { members } = context
      const nodes = members.list.map((member) => gossipNodeOf(context, member))
      const healthy = members.list.filter(({ state }) => state === 'alive').length
      return json(200, { nodes, total: nodes.length, healthy, generated_at: nowText(context) })
    }),
    route('GET', '/api/v1/gossip/nodes/{id}', 'One member', ({ params }) => {
      const member = context.members.find(params['id']!)
      if (member === undefined) return refuse(404, 'gossip node not found: not found')
      return json(200, { node: gossipNodeOf(context, member) })
    }),
    route('GET', '/api/v1/gossip/config', 'How gossip is set up', () =>
      json(200, { config: context.config().gossip ?? { enabled: false } }),
    ),
  ]
}

interface KnownAgent {
  readonly agentId: string
  readonly region: string
  readonly lastSeenMs: number
  readonly silent: boolean
  readonly backends: readonly BackendView[]
  readonly view: AgentView | undefined
}

interface Known {
  readonly agents: readonly KnownAgent[]
  readonly backends: readonly BackendView[]
}

async function knownAgents(context: Context): Promise<Result<Known, HttpAnswer>> {
  const [backends, views] = await Promise.all([
    ask(context, 'api.list-backends', {}),
    list(context),
  ])
  if (!backends.ok) return backends
  const byAgent = new Map<string, { say: AgentSay; backends: BackendView[] }>()
  for (const backend of backends.value.backends) {
    const say = backend.hearing?.agent
    if (say === undefined) continue
    const known = byAgent.get(say.agentId)
    if (known === undefined) byAgent.set(say.agentId, { say, backends: [backend] })
    else known.backends.push(backend)
  }
  const pinned = new Map((views.ok ? views.value : []).map((view) => [view.agentId, view]))
  const agents = [...new Set([...byAgent.keys(), ...pinned.keys()])].sort().map((agentId) => {
    const known = byAgent.get(agentId)
    const view = pinned.get(agentId)
    return {
      agentId,
      region: view?.region ?? known?.backends[0]?.region ?? '',
      lastSeenMs: Math.max(known?.say.lastSeenMs ?? 0, view?.lastSeenMs ?? 0),
      silent: known?.say.silent ?? view?.connected !== true,
      backends: known?.backends ?? [],
      view,
    }
  })
  return ok({ agents, backends: backends.value.backends })
}

function expectedOf(text: string | null): number | undefined | 'malformed' {
  if (text === null) return undefined
  return /^[0-9]{1,7}$/.test(text) && Number(text) <= EXPECTED_MAX ? Number(text) : 'malformed'
}

const stateOf = ({ silent, backends }: KnownAgent) =>
  silent ? 'stale' : backends.every(({ status }) => status === 'healthy') ? 'healthy' : 'unhealthy'

function statusOf(context: Context, { agents, backends }: Known, expected: number | undefined) {
  const { config, ctx, members } = context
  const { nodeId, startedAtMs } = config()
  const count = (status: string) => backends.filter((one) => one.status === status).length
  const healthyAgents = agents.filter((agent) => stateOf(agent) === 'healthy').length
  const isWhole = agents.every(({ silent }) => !silent)
  const isExpected = expected === undefined || healthyAgents >= expected
  const isServing = backends.length === 0 || backends.some(({ serving }) => serving)
  return {
    cluster_healthy: isWhole && isExpected && isServing,
    overwatch: {
      node_id: nodeId,
      status: 'healthy',
      uptime_seconds: Math.floor((ctx.clock.nowMs() - startedAtMs) / 1_000),
    },
    overwatches: members.liveOverwatches,
    agents: agents.map((agent) => ({
      agent_id: agent.agentId,
      region: agent.region,
      status: stateOf(agent),
      last_seen: seenOf(agent.lastSeenMs),
      backend_count: agent.backends.length,
    })),
    expected_agents: expected,
    healthy_agents: healthyAgents,
    gossip_members: members.list.filter(({ state }) => state === 'alive').length,
    backend_summary: {
      total: backends.length,
      healthy: count('healthy'),
      unhealthy: count('unhealthy'),
      stale: count('stale'),
      draining: count('draining'),
      unknown: count('unknown'),
    },
    generated_at: nowText(context),
  }
}

const seenOf = (atMs: number) => (atMs === 0 ? NEVER : timestamp(atMs))

function nodeOf({ ctx, members }: Context, agent: KnownAgent) {
  const { agentId, region, view, backends, silent } = agent
  const member = members.find(agentId)
  const boot = member?.boot ?? view?.boot ?? 0
  return {
    id: agentId,
    name: agentId,
    address: member?.address ?? view?.address ?? '',
    port: member?.port ?? 0,
    region,
    status: view?.revoked === true ? 'revoked' : silent ? 'disconnected' : 'connected',
    version: '',
    uptime_seconds: boot === 0 ? 0 : Math.max(0, Math.floor((ctx.clock.nowMs() - boot) / 1_000)),
    last_seen: seenOf(agent.lastSeenMs),
    target_count: backends.length,
    certificate_expiry:
      view === undefined || view.notAfterMs === 0 ? undefined : timestamp(view.notAfterMs),
    registered_at: seenOf(view?.firstSeenMs ?? 0),
  }
}

function gossipNodeOf({ ctx }: Context, member: MemberView) {
  const { name, role, region, address, port, state, boot, sinceMs, self } = member
  const isAlive = state === 'alive'
  return {
    id: name,
    ...{ name, address, port, role, region, self },
    status: isAlive ? 'alive' : state,
    state,
    version: '',
    last_seen: seenOf(isAlive ? Math.floor(ctx.clock.nowMs()) : sinceMs),
    joined_at: seenOf(boot ?? 0),
  }
}
