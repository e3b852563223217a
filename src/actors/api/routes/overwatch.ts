/**
 * Backends with everything that speaks on their health, and the figures over all of them.
 */
import { type Status, statuses } from '../../../core/steer/words.ts'
import type { BackendView, HoldView } from '../../../messages/views.ts'
import { authorityOf } from './overrides.ts'
import { ask, type Context, type Joined, joinBackends, listAnswer, nowText } from '../context.ts'
import { json, microsecond, NEVER, refuse, timestampOf } from '../http.ts'
import { type Route, route } from '../router.ts'
import { overwatchSchemas as schemas } from '../schemas/health.ts'

export function overwatchRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      '/api/v1/overwatch/backends',
      'Every backend; filters service, region, status; layers=false leaves those out',
      async ({ query }) => {
        const status = query.get('status')
        if (status !== null && !statuses.includes(status as Status))
          return refuse(400, `status must be one of ${statuses.join(', ')}`)
        const joint = await joinBackends(context, { layers: query.get('layers') !== 'false' })
        if (!joint.ok) return joint.error
        const kept = joint.value.joined.filter(({ backend }) => passes(backend, query))
        return listAnswer(context, query, 'backends', kept, backendOf)
      },
      { schema: schemas.backends },
    ),
    route(
      'GET',
      '/api/v1/overwatch/stats',
      'Figures over all backends',
      async () => {
        const reply = await ask(context, 'api.list-backends', {})
        if (!reply.ok) return reply.error
        const stats = statsOf(reply.value.backends, context.config().validates ?? true)
        return json(200, { ...stats, generated_at: nowText(context) })
      },
      { schema: schemas.stats },
    ),
    route(
      'POST',
      '/api/v1/overwatch/validate',
      'Check backends now; filters service, address, port',
      ({ query }) => validate(context, query),
      {
        schema: schemas.validate,
        services: ({ query }) => {
          const service = query.get('service')
          return service ? [service] : undefined
        },
      },
    ),
    route(
      'GET',
      '/api/v1/overwatch/guard-rail',
      'What the guard-rail keeps, and why',
      async ({ query }) => {
        const reply = await ask(context, 'api.list-backends', {})
        return reply.ok
          ? listAnswer(context, query, 'held', reply.value.holds, heldOf)
          : reply.error
      },
      { schema: schemas.guardRail },
    ),
  ]
}

const heldOf = ({ domain, family, reason, keys, sinceMs }: HoldView) => ({
  ...{ domain, family: `IPv${family}`, reason, servers: keys },
  since: timestampOf(sinceMs),
})

async function validate(context: Context, query: URLSearchParams) {
  const [service, address, port] = ['service', 'address', 'port'].map((name) => query.get(name))
  if (port && !/^[0-9]{1,5}$/.test(port))
    return refuse(400, 'invalid port: must be a number 1-65535')
  const reply = await ask(context, 'api.validate-now', {
    ...(service ? { service } : {}),
    ...(address ? { address } : {}),
    ...(port ? { port: Number(port) } : {}),
  })
  if (!reply.ok) return reply.error
  const { count, message } = reply.value
  if (count === 0 && context.config().validates === false)
    return refuse(503, 'backends of agents are not checked (overwatch.validation.enabled)')
  if (count === 0 && (service || address || port)) return refuse(404, 'backend not found')
  return json(200, { success: true, message, count })
}

function passes(backend: BackendView, query: URLSearchParams): boolean {
  const is = (name: string, value: string) => (query.get(name) ?? value) === value
  return (
    is('service', backend.service) && is('region', backend.region) && is('status', backend.status)
  )
}

/** Fields of the original record; those that nobody says are left out. */
function backendOf({ backend, check }: Joined) {
  const known = backend.verdict !== 'unknown'
  const { override, hearing } = backend
  const agent = hearing?.agent
  return {
    service: backend.service,
    address: backend.address,
    port: backend.port,
    weight: backend.weight,
    agent_id: agent?.agentId ?? '',
    region: backend.region,
    source: backend.source,
    effective_status: backend.status,
    cause: backend.cause,
    serving: backend.serving,
    since: timestampOf(backend.sinceMs),
    restored: backend.restored ? true : undefined,
    agent_healthy: agent?.healthy ?? false,
    agent_last_seen: agent === undefined ? NEVER : timestampOf(agent.lastSeenMs),
    agent_silent: agent?.silent,
    agent_reason: agent?.reason || undefined,
    validation_healthy: known ? backend.verdict === 'up' : undefined,
    validation_last_check: timestampOf(check?.lastCheckMs ?? backend.verdictAtMs),
    validation_error: check?.lastError ?? (backend.verdictReason || undefined),
    latency_ms: microsecond(check?.latencyMs),
    override_status: override?.healthy,
    override_reason: override?.reason,
    override_by: override?.by,
    override_source: override && (override.source ?? override.by),
    override_authority: override && authorityOf(override.source),
    override_at: timestampOf(override?.atMs),
    override_expires_at: timestampOf(override?.expiresAtMs),
    ...heardOf(backend),
  }
}

function heardOf({ status, hearing }: BackendView) {
  if (hearing === undefined) return {}
  const { agent, drain, peers, doubted, share, layers } = hearing
  const decided = layers?.findIndex((layer) => layer.status !== undefined)
  return {
    draining: status === 'draining',
    drain_id: drain?.id,
    draining_reason: drain?.reason ?? (status === 'draining' ? agent?.vitals?.reason : undefined),
    draining_at: timestampOf(
      drain?.sinceMs ?? (status === 'draining' ? agent?.vitals?.sinceMs : undefined),
    ),
    drain_expires_at: timestampOf(drain?.untilMs),
    cpu_percent: agent?.vitals?.cpuPercent,
    mem_percent: agent?.vitals?.memoryPercent,
    error_rate: agent?.vitals?.errorPercent,
    predictive_signal: agent?.vitals?.signal,
    share: share / 1000,
    doubted: doubted || undefined,
    peers_up: peers.up,
    peers_down: peers.down,
    layers: layers?.map(({ layer, status: says, because }, index) => ({
      ...{ layer, says, because },
      decided: index === decided,
    })),
  }
}

/** Its agent and the last verdict say different things of it. */
function disagrees({ verdict, hearing }: BackendView): boolean {
  const healthy = hearing?.agent?.healthy
  return healthy !== undefined && verdict !== 'unknown' && healthy !== (verdict === 'up')
}

function statsOf(backends: readonly BackendView[], validates: boolean) {
  const count = (test: (backend: BackendView) => boolean) => backends.filter(test).length
  const byStatus = (status: Status) => count((backend) => backend.status === status)
  const agents = backends.flatMap(({ hearing }) =>
    hearing?.agent === undefined || hearing.agent.silent ? [] : [hearing.agent.agentId],
  )
  const byService = tally(backends.map((backend) => backend.service))
  return {
    total_backends: backends.length,
    healthy_backends: byStatus('healthy'),
    unhealthy_backends: byStatus('unhealthy'),
    stale_backends: byStatus('stale'),
    draining_backends: byStatus('draining'),
    unknown_backends: byStatus('unknown'),
    serving_backends: count((backend) => backend.serving),
    active_overrides: count((backend) => backend.override !== undefined),
    validation_enabled: validates,
    validated_backends: count((backend) => backend.verdict !== 'unknown'),
    disagreement_count: count(disagrees),
    active_agents: new Set(agents).size,
    unique_services: Object.keys(byService).length,
    backends_by_service: byService,
    backends_by_region: tally(backends.map((backend) => backend.region)),
  }
}

function tally(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([one], [two]) => (one < two ? -1 : 1)))
}
