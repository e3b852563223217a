/**
 * The api actor answers the HTTP API: it routes, checks rights, and asks those who know.
 *
 * It owns no truth and no socket. Servers and overrides are the registry's, checks the prober's,
 * and requests come as messages from the shell; all it keeps is a copy of the serving state, to
 * explain answers with.
 */
import { defineActor } from '../define.ts'
import { Gate } from './access.ts'
import type { Context } from './context.ts'
import type { ApiConfig, ApiPorts } from './contract.ts'
import { apiMetrics } from './metrics.ts'
import { Decisions } from './decisions.ts'
import { Epochs } from './epochs.ts'
import { Members } from './members.ts'
import { Router } from './router.ts'
import { agentRoutes } from './routes/agents.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { decisionRoutes, tellDecisions } from './routes/decisions.ts'
import { drainRoutes } from './routes/drains.ts'
import { healthRoutes } from './routes/health.ts'
import { overrideRoutes } from './routes/overrides.ts'
import { overwatchRoutes } from './routes/overwatch.ts'
import { planRoutes } from './routes/plan.ts'
import { routingRoutes } from './routes/routing.ts'
import { indexRoutes, systemRoutes } from './routes/system.ts'
import { whyRoutes } from './routes/why.ts'
import { Serving } from './serving.ts'

export const api = defineActor('api', (ctx, ports: ApiPorts, first: ApiConfig) => {
  let config = first
  let gate = gateOf(first)
  const serving = new Serving()
  const members = new Members()
  const epochs = new Epochs()
  const decisions = new Decisions(epochs, serving)
  const metrics = apiMetrics(ctx.metrics, first)
  const context: Context = { ctx, ports, config: () => config, serving, members, epochs, decisions }
  const routes = [
    ...systemRoutes(context),
    ...healthRoutes(context),
    ...overwatchRoutes(context),
    ...overrideRoutes(context),
    ...agentRoutes(context),
    ...drainRoutes(context),
    ...clusterRoutes(context),
    ...routingRoutes(context),
    ...decisionRoutes(context),
    ...whyRoutes(context),
    ...planRoutes(context),
  ]
  const router = new Router([...routes, ...indexRoutes(context, routes)])

  function gateOf(of: ApiConfig): Gate {
    const made = new Gate(of)
    for (const network of made.malformedNetworks)
      ctx.log.error('not a network, it allows nobody', { key: 'api.allowed_networks', network })
    return made
  }

  return {
    receive: {
      'registry.snapshot-set': (snapshot) => {
        serving.setSnapshot(snapshot)
        epochs.named(snapshot)
      },
      'registry.serving-set': (message) => epochs.compiled(message),
      'dns.decisions-sampled': (message) => tellDecisions(context, decisions.add(message)),
      'registry.word-changed': (change) => serving.setWord(change),
      'gossip.members-set': (message) => members.set(message, ctx.clock.nowMs()),
      'shell.handle-request': async (request) => {
        const { answer, pattern } = await router.dispatch(request, gate)
        metrics.counted(pattern, request.method, answer.status)
        return answer
      },
    },
    onReconfigured: (next) => {
      config = next
      gate = gateOf(next)
    },
  }
})
