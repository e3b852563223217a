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
import { Members } from './members.ts'
import { Exchange } from './exchange.ts'
import { History } from './history.ts'
import { Idempotency } from './idempotency.ts'
import { Rates } from './rates.ts'
import { Router } from './router.ts'
import { Sampling } from './sampling.ts'
import { Serving } from './serving.ts'
import { apiRoutes } from './table.ts'

export const api = defineActor('api', (ctx, ports: ApiPorts, first: ApiConfig) => {
  let config = first
  let gate = gateOf(first)
  const serving = new Serving()
  const members = new Members()
  const rates = new Rates()
  const metrics = apiMetrics(ctx.metrics, first)
  const parts = { serving, members, rates, history: new History() }
  const context: Context = {
    ...{ ctx, ports, config: () => config, ...parts },
    get sampling() {
      return sampling
    },
  }
  const sampling = new Sampling(context)
  const router = new Router(apiRoutes(context), new Idempotency(ctx.clock))
  const exchange = new Exchange(router, ctx.random)
  const stopSampling = sampling.start()

  function gateOf(of: ApiConfig): Gate {
    const made = new Gate(of)
    for (const network of made.malformedNetworks)
      ctx.log.error('not a network, it allows nobody', { key: 'api.allowed_networks', network })
    return made
  }

  return {
    receive: {
      'registry.snapshot-set': (snapshot) => serving.setSnapshot(snapshot),
      'registry.word-changed': (change) => serving.setWord(change),
      'gossip.members-set': (message) => members.set(message, ctx.clock.nowMs()),
      'shell.counters-read': (counts) => rates.take(counts),
      'shell.handle-request': async (request) => {
        const { answer, pattern } = await exchange.serve(request, gate)
        metrics.counted(pattern, request.method, answer.status)
        return answer
      },
    },
    onReconfigured: (next) => {
      config = next
      gate = gateOf(next)
    },
    onStop: stopSampling,
  }
})
