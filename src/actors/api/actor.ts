/**
 * The api actor answers the HTTP API: it routes, checks rights, and asks those who know.
 *
 * It owns no truth and no socket. Servers and overrides are the registry's, checks the prober's,
 * and requests come as messages from the shell; all it keeps is a copy of the serving state, to
 * explain answers with, and the newest events, for those who resume.
 */
import { defineActor } from '../define.ts'
import { Gate } from './access.ts'
import { Auditor, requestIdOf } from './auditor.ts'
import type { Context } from './context.ts'
import type { ApiConfig, ApiPorts } from './contract.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import { FEED_PATH } from './feed/admission.ts'
import { Feed } from './feed/feed.ts'
import { openFeed, readFeed } from './feed/serve.ts'
import { apiMetrics } from './metrics.ts'
import { Members } from './members.ts'
import { Router } from './router.ts'
import { agentRoutes } from './routes/agents.ts'
import { auditRoutes } from './routes/audit.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { domainRoutes } from './routes/domains.ts'
import { drainRoutes } from './routes/drains.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { overrideRoutes } from './routes/overrides.ts'
import { overwatchRoutes } from './routes/overwatch.ts'
import { regionRoutes } from './routes/regions.ts'
import { routingRoutes } from './routes/routing.ts'
import { serverRoutes } from './routes/servers.ts'
import { settingRoutes } from './routes/settings.ts'
import { indexRoutes, systemRoutes } from './routes/system.ts'
import { Serving } from './serving.ts'

export const api = defineActor('api', (ctx, ports: ApiPorts, first: ApiConfig) => {
  let config = first
  const { clock } = ctx
  const gateWorld = {
    sha256: ports.sha256,
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
  }
  let gate = gateOf(first)
  const serving = new Serving()
  const members = new Members()
  const feed = new Feed(ctx)
  const metrics = apiMetrics(ctx.metrics, first)
  const context: Context = { ctx, ports, config: () => config, serving, members }
  const routes = [
    ...systemRoutes(context),
    ...healthRoutes(context),
    ...overwatchRoutes(context),
    ...overrideRoutes(context),
    ...agentRoutes(context),
    ...drainRoutes(context),
    ...clusterRoutes(context),
    ...routingRoutes(context),
    ...auditRoutes(context),
    ...eventRoutes(feed, () => config),
    ...domainRoutes(context),
    ...serverRoutes(context),
    ...regionRoutes(context),
    ...settingRoutes(context),
  ]
  const router = new Router([...routes, ...indexRoutes(context, routes)])

  const auditor = ports.audit && new Auditor(ctx, ports.audit)
  auditor?.system(ctx.incarnation === 1 ? 'start' : 'restart', 'api', {
    version: first.version,
    node: first.nodeId,
    started_at: new Date(first.startedAtMs).toISOString(),
  })
  ports.audit?.onChecked(({ chain, faults, faultCount }) => {
    metrics.auditChain(chain)
    const [fault] = faults
    if (fault === undefined) ctx.log.debug('audit log checked', { chain })
    else ctx.log.error('the audit log is damaged or was changed', { ...fault, faultCount })
  })

  function gateOf(of: ApiConfig, before?: Gate): Gate {
    const made = new Gate(of, gateWorld, before)
    for (const network of made.malformedNetworks)
      ctx.log.error('not a network, it allows nobody', { key: 'api.allowed_networks', network })
    return made
  }

  async function handle(request: HttpRequest): Promise<HttpAnswer> {
    const startMs = clock.monotonicMs()
    const routed = await router.dispatch(request, gate)
    const { answer, pattern, refused, route } = routed
    metrics.counted(pattern, request.method, answer.status)
    if (refused !== undefined) metrics.refused(refused.cause)
    if (auditor === undefined) return answer
    const id = requestIdOf(request, ctx.random)
    await auditor.heard(request, routed, clock.monotonicMs() - startMs, id)
    metrics.audited(ports.audit!.state())
    if (route?.changes !== true) return answer
    return { ...answer, headers: { ...answer.headers, 'x-request-id': id } }
  }

  return {
    receive: {
      'registry.snapshot-set': (snapshot) => serving.setSnapshot(snapshot),
      'registry.word-changed': (change) => serving.setWord(change),
      'registry.events-recorded': (message) => feed.recorded(message),
      'gossip.members-set': (message) => members.set(message, clock.nowMs()),
      'gossip.member-changed': (message) => members.change(message, clock.nowMs()),
      'shell.handle-request': handle,
      'shell.open-feed': async (order) => {
        const reply = await openFeed(feed, order, gate, config)
        metrics.counted(FEED_PATH, order.method, reply.status)
        return reply
      },
      'shell.read-feed': (order) => readFeed(feed, order),
    },
    onReconfigured: (next) => {
      config = next
      gate = gateOf(next, gate)
      auditor?.system('reload', 'configuration', { tokens: next.tokens.map(({ name }) => name) })
    },
    onStop: () => auditor?.flush(),
  }
})
