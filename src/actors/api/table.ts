/**
 * Every route there is, in one list: the router, the index pages and the OpenAPI document are made
 * of it.
 */
import type { Context } from './context.ts'
import { openApi } from './openapi.ts'
import { json } from './http.ts'
import { type Route, route } from './router.ts'
import { agentRoutes } from './routes/agents.ts'
import { auditRoutes } from './routes/audit.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { configRoutes } from './routes/config.ts'
import { decisionRoutes } from './routes/decisions.ts'
import { domainRoutes } from './routes/domains.ts'
import { dnssecRoutes } from './routes/dnssec.ts'
import { drainRoutes } from './routes/drains.ts'
import { eventRoutes } from './routes/events.ts'
import { geoRoutes } from './routes/geo.ts'
import { gossipRoutes } from './routes/gossip.ts'
import { healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { latencyRoutes } from './routes/latency.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { overrideRoutes } from './routes/overrides.ts'
import { overwatchRoutes } from './routes/overwatch.ts'
import { planRoutes } from './routes/plan.ts'
import { preferenceRoutes } from './routes/preferences.ts'
import { regionRoutes } from './routes/regions.ts'
import { routingRoutes } from './routes/routing.ts'
import { serverRoutes } from './routes/servers.ts'
import { settingRoutes } from './routes/settings.ts'
import { indexRoutes, systemRoutes } from './routes/system.ts'
import { whyRoutes } from './routes/why.ts'
import { systemSchemas } from './schemas/system.ts'

export function apiRoutes(context: Context): readonly Route[] {
  const own = [
    ...systemRoutes(context),
    ...healthRoutes(context),
    ...overwatchRoutes(context),
    ...latencyRoutes(context),
    ...overrideRoutes(context),
    ...agentRoutes(context),
    ...drainRoutes(context),
    ...clusterRoutes(context),
    ...nodeRoutes(context),
    ...gossipRoutes(context),
    ...dnssecRoutes(context),
    ...routingRoutes(context),
    ...geoRoutes(context),
    ...decisionRoutes(context),
    ...whyRoutes(context),
    ...planRoutes(context),
    ...metricsRoutes(context),
    ...preferenceRoutes(context),
    ...configRoutes(context),
    ...domainRoutes(context),
    ...serverRoutes(context),
    ...regionRoutes(context),
    ...settingRoutes(context),
    ...auditRoutes(context),
    ...eventRoutes(context.feed, context.config),
  ]
  const indexed = [...own, ...indexRoutes(context, own)]
  const all: Route[] = [...indexed]
  let document: unknown
  all.push(
    route(
      'GET',
      '/api/v1/openapi.json',
      'This API as an OpenAPI 3.1 document',
      () => {
        document ??= openApi(all, context.config().version)
        return json(200, document)
      },
      { open: true, schema: systemSchemas.document },
    ),
  )
  return all
}

/** The document of a version, from routes that nobody calls. */
export const apiDocument = (version: string): Readonly<Record<string, unknown>> =>
  openApi(apiRoutes({ config: () => ({ version }) } as unknown as Context), version)
