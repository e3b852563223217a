/**
 * The api actor answers the HTTP API: it routes, checks rights, and asks those who know.
 *
 * It owns no truth and no socket. Servers and overrides are the registry's, checks the prober's,
 * and requests come as messages from the shell; all it keeps is a copy of the serving state, to
 * explain answers with, and the newest events, for those who resume.
 */
import type { VolatileTopic } from '../../core/events/event.ts'
import { defineActor } from '../define.ts'
import { Gate } from './access.ts'
import { Auditor } from './auditor.ts'
import type { Context } from './context.ts'
import type { ApiConfig, ApiPorts } from './contract.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import { FEED_PATH } from './feed/admission.ts'
import { Feed } from './feed/feed.ts'
import { FeedRights } from './feed/rights.ts'
import { openFeed, readFeed } from './feed/serve.ts'
import { apiMetrics } from './metrics.ts'
import { Decisions } from './decisions.ts'
import { Epochs } from './epochs.ts'
import { Members } from './members.ts'
import { Exchange } from './exchange.ts'
import { History } from './history.ts'
import { Idempotency } from './idempotency.ts'
import { LearnedVersions } from './learned.ts'
import { Rates } from './rates.ts'
import { Router } from './router.ts'
import { Sampling } from './sampling.ts'
import { tellDecisions } from './routes/decisions.ts'
import { Serving } from './serving.ts'
import { apiRoutes } from './table.ts'

export const api = defineActor('api', (ctx, ports: ApiPorts, first: ApiConfig) => {
  let config = first
  const { clock } = ctx
  const gateWorld = {
    sha256: ports.sha256,
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
  }
  let gate = gateOf(first)
  /** Topics that readers of the feed name now, as the shell told. */
  let heard: readonly VolatileTopic[] = []
  const epochs = new Epochs()
  const serving = new Serving((epoch) => epochs.geoOf(epoch))
  const members = new Members()
  const feed = new Feed(ctx)
  const rates = new Rates()
  const metrics = apiMetrics(ctx.metrics, first)
  const learned = new LearnedVersions(clock.nowMs())
  const decisions = new Decisions(epochs, serving, learned)
  const figures = { rates, history: new History() }
  const parts = { serving, members, feed, epochs, learned, decisions, ...figures }
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
  const rights = new FeedRights(ctx, first)

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
    const { answer, routed, requestId } = await exchange.serve(request, gate)
    metrics.counted(routed.pattern, request.method, answer.status)
    if (routed.refused !== undefined) metrics.refused(routed.refused.cause)
    if (auditor === undefined) return answer
    await auditor.heard(request, routed, clock.monotonicMs() - startMs, requestId)
    metrics.audited(ports.audit!.state())
    return answer
  }

  return {
    receive: {
      'registry.snapshot-set': (snapshot) => {
        serving.setSnapshot(snapshot)
        epochs.named(snapshot)
      },
      'registry.serving-set': (message) => epochs.compiled(message),
      'registry.routes-set': ({ parts }) => {
        learned.take(parts, clock.nowMs())
        serving.setRoutes(parts)
      },
      'registry.signatures-set': (message) => epochs.signed(message),
      'dns.decisions-sampled': (message) => {
        const added = decisions.add(message)
        // To make an answer again costs as much as fifty answers, so it is done for readers only.
        if (heard.includes('decision')) tellDecisions(context, added)
      },
      'shell.topics-heard': ({ topics }) => {
        heard = topics
      },
      'registry.word-changed': (change) => serving.setWord(change),
      'registry.events-recorded': (message) => feed.recorded(message),
      'gossip.members-set': (message) => members.set(message, clock.nowMs()),
      'gossip.member-changed': (message) => members.change(message, clock.nowMs()),
      'shell.counters-read': (counts) => {
        rates.take(counts)
        const step = rates.lastStep()
        if (step !== undefined && heard.includes('rate'))
          feed.volatile('rate', 'second', { ...step })
      },
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
      rights.configure(next)
      auditor?.system('reload', 'configuration', { tokens: next.tokens.map(({ name }) => name) })
    },
    onStop: () => {
      stopSampling()
      rights.stop()
      auditor?.flush()
    },
  }
})
