/**
 * Health of servers and regions, as DNS uses it: static servers and those of agents and the API.
 */
import { type Context, type Joined, joinBackends, listAnswer } from '../context.ts'
import { microsecond, timestampOf } from '../http.ts'
import { type Route, route } from '../router.ts'
import { healthSchemas as schemas } from '../schemas/health.ts'

export function healthRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      '/api/v1/health/servers',
      'Health of every server',
      async ({ query }) => {
        const joint = await joinBackends(context)
        return joint.ok
          ? listAnswer(context, query, 'servers', joint.value.joined, serverOf)
          : joint.error
      },
      { schema: schemas.servers },
    ),
    route(
      'GET',
      '/api/v1/health/regions',
      'Health of every region',
      async ({ query }) => {
        const joint = await joinBackends(context)
        if (!joint.ok) return joint.error
        const { joined, regions } = joint.value
        return listAnswer(context, query, 'regions', regionsOf(joined, regions))
      },
      { schema: schemas.regions },
    ),
  ]
}

function serverOf({ backend, check }: Joined) {
  return {
    address: backend.address,
    port: backend.port,
    region: backend.region,
    service: backend.service,
    source: backend.source,
    healthy: backend.status === 'healthy',
    status: backend.status,
    serving: backend.serving,
    since: timestampOf(backend.sinceMs),
    restored: backend.restored ? true : undefined,
    guarded: backend.cause === 'guard-rail' ? true : undefined,
    last_check: timestampOf(check?.lastCheckMs ?? backend.verdictAtMs),
    last_healthy: timestampOf(check?.lastHealthyMs),
    consecutive_failures: check?.consecutiveFailures ?? 0,
    consecutive_successes: check?.consecutiveSuccesses ?? 0,
    last_error: check?.lastError,
    latency_ms: microsecond(check?.latencyMs),
    certificate_expires: timestampOf(check?.certificateExpiresMs),
  }
}

/** Configured regions in file order, then those that only agents or the API named. */
function regionsOf(joined: readonly Joined[], configured: readonly string[]) {
  const counts = new Map(configured.map((name) => [name, { total: 0, healthy: 0 }]))
  for (const { backend } of joined) {
    const count = counts.get(backend.region) ?? { total: 0, healthy: 0 }
    count.total++
    if (backend.status === 'healthy') count.healthy++
    counts.set(backend.region, count)
  }
  return [...counts].map(([name, { total, healthy }]) => ({
    name,
    total_servers: total,
    healthy_count: healthy,
    unhealthy_count: total - healthy,
    health_percent: total === 0 ? 0 : (healthy / total) * 100,
  }))
}
