/**
 * How the cluster is doing: what those ask who are about to deploy something.
 */
import { type Context, nowText } from '../context.ts'
import { json, refuse, seenOf } from '../http.ts'
import { type Known, type KnownAgent, knownAgents } from '../known-agents.ts'
import { type Route, route } from '../router.ts'
import { clusterFacts, clusterOf } from './membership.ts'
import { clusterSchemas as schemas } from '../schemas/cluster.ts'

const EXPECTED_MAX = 1_000_000

export function clusterRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      '/api/v1/cluster/status',
      'How the cluster is doing',
      async ({ query }) => {
        const expected = expectedOf(query.get('expected_agents'))
        if (expected === 'malformed')
          return refuse(400, `expected_agents must be a number from 0 to ${EXPECTED_MAX}`)
        const known = await knownAgents(context)
        if (!known.ok) return known.error
        const facts = clusterFacts(await clusterOf(context))
        return json(200, { ...facts, ...statusOf(context, known.value, expected) })
      },
      { schema: schemas.status },
    ),
  ]
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
