/**
 * Figures for people: what is asked and answered, how fast, with what load, now and over time.
 *
 * They come from the counters that Prometheus scrapes too, so the two never tell different stories.
 * A region is what its servers were given; a node is this one, or an agent as it reports itself.
 */
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { ask, type Context, type Joined, joinBackends, listAnswer, nowText } from '../context.ts'
import { type HttpAnswer, json, refuse, timestamp } from '../http.ts'
import { answersByBackend, answersByRegion, failedOver } from '../rates.ts'
import { type Call, type Route, route } from '../router.ts'
import { memoryPercent, type Sampling } from '../sampling.ts'
import { metricsSchemas as schemas } from '../schemas/metrics.ts'
import { knownAgents } from '../known-agents.ts'
import { spanOf } from '../span.ts'

const BASE = '/api/v1/metrics'

export function metricsRoutes(context: Context): Route[] {
  const overview = (path: string) =>
    route('GET', path, 'Figures of this node', () => overviewOf(context), {
      schema: schemas.overview,
    })
  return [
    overview(BASE),
    overview(`${BASE}/overview`),
    route('GET', `${BASE}/history`, 'Figures over time', (call) => historyOf(context, call), {
      schema: schemas.history,
    }),
    route('GET', `${BASE}/nodes/{id}`, 'Figures of a node', (call) => nodeOf(context, call), {
      schema: schemas.node,
    }),
    route('GET', `${BASE}/regions/{id}`, 'Figures of a region', (call) => regionOf(context, call), {
      schema: schemas.region,
    }),
    route('GET', `${BASE}/routing`, 'How answers were chosen', () => routingOf(context), {
      schema: schemas.routing,
    }),
  ]
}

function machineOf(sampling: Sampling) {
  const { machine, cpu } = sampling.machine()
  return {
    memory: {
      used_bytes: machine.rssBytes,
      available_bytes: machine.availableBytes,
      total_bytes: machine.totalBytes,
      percent: memoryPercent(machine),
    },
    cpu: {
      used_percent: cpu.used,
      system_percent: cpu.system,
      user_percent: cpu.user,
      idle_percent: 100 - cpu.used,
      process_percent: cpu.process,
      cores: machine.cores,
    },
  }
}

const uptimeSeconds = ({ ctx, config }: Context) =>
  Math.max(0, Math.floor((ctx.clock.nowMs() - config().startedAtMs) / 1_000))

async function overviewOf(context: Context): Promise<HttpAnswer> {
  const { config, members, rates, sampling, serving } = context
  const reply = await ask(context, 'api.list-backends', {})
  if (!reply.ok) return reply.error
  const { backends, regions } = reply.value
  const healthy = backends.filter(({ status }) => status === 'healthy').length
  const alive = members.list.filter(({ state }) => state === 'alive')
  const overwatches = alive.filter(({ role, self }) => role === 'overwatch' && !self).length
  if (sampling.checks === undefined) await sampling.countChecks()
  const { checks } = sampling
  const overview = {
    timestamp: nowText(context),
    uptime_seconds: uptimeSeconds(context),
    queries_total: rates.latest?.totals.queries ?? 0,
    queries_per_sec: rates.queriesPerSecond(),
    health_checks_total: checks === undefined ? 0 : checks.passed + checks.failed,
    health_checks_per_sec: sampling.checksPerSecond,
    active_domains: serving.poolCount,
    active_servers: backends.length,
    healthy_servers: healthy,
    unhealthy_servers: backends.length - healthy,
    active_regions: new Set([...regions, ...backends.map(({ region }) => region)]).size,
    overwatch_nodes: overwatches + (config().mode === 'agent' ? 0 : 1),
    agent_nodes: alive.filter(({ role }) => role === 'agent').length,
    dnssec_enabled: config().settings?.dnssec ?? false,
    gossip_enabled: config().gossip?.['enabled'] === true,
    response_times: rates.responseTimes(),
    error_rate: rates.errorPercent(),
    // There is no cache to hit: every answer is decided anew.
    cache_hit_rate: 0,
    ...machineOf(sampling),
  }
  return json(200, { overview })
}

function historyOf(context: Context, { query }: Call): HttpAnswer {
  const nowMs = context.ctx.clock.nowMs()
  const span = spanOf(query, nowMs)
  if (!span.ok) return refuse(400, span.error)
  const { fromMs, toMs, resolutionMs } = span.value
  const nodeId = query.get('node_id')
  if (nodeId !== null && nodeId !== '' && nodeId !== context.config().nodeId)
    return refuse(404, `node not found: the history of ${nodeId} is that node's to tell`)
  const wanted = (query.get('metrics') ?? '').split(',').filter((name) => name !== '')
  const region = query.get('region_id') ?? ''
  const points = context.history.read(fromMs, toMs, resolutionMs, nowMs)
  const shown = points.map(({ atMs, values, regions }) => {
    const own = region === '' ? values : { answers_per_sec: regions[region] ?? 0 }
    const names = Object.entries(own).filter(
      ([name]) => wanted.length === 0 || wanted.includes(name),
    )
    return { timestamp: timestamp(atMs), values: Object.fromEntries(names) }
  })
  return listAnswer(context, query, 'data_points', shown)
}

async function nodeOf(context: Context, { params }: Call): Promise<HttpAnswer> {
  const { config, rates, sampling } = context
  if (params['id'] === config().nodeId) {
    const metrics = {
      node_id: config().nodeId,
      node_type: config().mode === 'agent' ? 'agent' : 'overwatch',
      timestamp: nowText(context),
      status: 'active',
      uptime_seconds: uptimeSeconds(context),
      queries_total: rates.latest?.totals.queries ?? 0,
      queries_per_sec: rates.queriesPerSecond(),
      response_times: rates.responseTimes(),
      error_rate: rates.errorPercent(),
      ...machineOf(sampling),
      connections_active: null,
    }
    return json(200, { metrics })
  }
  return await agentMetrics(context, params['id']!)
}

async function agentMetrics(context: Context, id: string): Promise<HttpAnswer> {
  if (context.members.find(id)?.role === 'overwatch')
    return refuse(404, `node not found: the figures of ${id} are that node's to tell`)
  const known = await knownAgents(context)
  if (!known.ok) return known.error
  const agent = known.value.agents.find(({ agentId }) => agentId === id)
  if (agent === undefined) return refuse(404, 'node not found: not found')
  const vitals = agent.backends.find(({ hearing }) => hearing?.agent?.vitals)?.hearing?.agent
    ?.vitals
  const boot = context.members.find(id)?.boot ?? agent.view?.boot ?? 0
  const nowMs = context.ctx.clock.nowMs()
  const metrics = {
    node_id: id,
    node_type: 'agent',
    timestamp: nowText(context),
    status: agent.silent ? 'disconnected' : 'active',
    uptime_seconds: boot === 0 ? 0 : Math.max(0, Math.floor((nowMs - boot) / 1_000)),
    response_times: checkTimes(
      await joinedOf(context, ({ backend }) => {
        return backend.hearing?.agent?.agentId === id
      }),
    ),
    error_rate: vitals?.errorPercent ?? null,
    memory: {
      ...{ used_bytes: null, available_bytes: null, total_bytes: null },
      percent: vitals?.memoryPercent ?? null,
    },
    cpu: {
      used_percent: vitals?.cpuPercent ?? null,
      ...{ system_percent: null, user_percent: null, process_percent: null, cores: null },
      idle_percent: vitals?.cpuPercent === undefined ? null : 100 - vitals.cpuPercent,
    },
    connections_active: null,
  }
  return json(200, { metrics })
}

async function joinedOf(
  context: Context,
  wanted: (one: Joined) => boolean,
): Promise<readonly Joined[]> {
  const joint = await joinBackends(context)
  return joint.ok ? joint.value.joined.filter(wanted) : []
}

/** Of the latest check of each server. */
function checkTimes(joined: readonly Joined[]) {
  const times = joined
    .flatMap(({ check }) => (check?.latencyMs === undefined ? [] : [check.latencyMs]))
    .sort((one, two) => one - two)
  const at = (share: number) => times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? 0
  const sum = times.reduce((all, time) => all + time, 0)
  return {
    avg_ms: times.length === 0 ? 0 : sum / times.length,
    ...{ p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), max_ms: at(1) },
  }
}

async function regionOf(context: Context, { params }: Call): Promise<HttpAnswer> {
  const id = params['id']!
  const joint = await joinBackends(context)
  if (!joint.ok) return joint.error
  const own = joint.value.joined.filter(({ backend }) => backend.region === id)
  if (own.length === 0 && !joint.value.regions.includes(id))
    return refuse(404, 'region not found: not found')
  const { rates, serving, history, ctx } = context
  const answers = answersByRegion(serving.pools, rates.servers)
  const all = [...answers.values()].reduce((sum, count) => sum + count, 0)
  const total = answers.get(id) ?? 0
  const nowMs = ctx.clock.nowMs()
  const last = history.read(nowMs - 60_000, nowMs, 0, nowMs).at(-1)
  const healthy = own.filter(({ backend }) => backend.status === 'healthy').length
  const failing = own.filter(({ check }) => (check?.consecutiveFailures ?? 0) > 0).length
  const metrics = {
    region_id: id,
    timestamp: nowText(context),
    total_servers: own.length,
    healthy_servers: healthy,
    queries_total: total,
    queries_per_sec: last?.regions[id] ?? 0,
    response_times: checkTimes(own),
    error_rate: own.length === 0 ? 0 : (failing / own.length) * 100,
    traffic_percent: all === 0 ? 0 : (total / all) * 100,
  }
  return json(200, { metrics })
}

async function routingOf(context: Context): Promise<HttpAnswer> {
  const { rates, serving } = context
  const totals = rates.latest?.totals
  const regions = await configuredRegions(context)
  if (!regions.ok) return regions.error
  const answers = answersByRegion(serving.pools, rates.servers)
  const byRegion = Object.fromEntries([
    ...regions.value.map((region) => [region, 0] as const),
    ...answers,
  ])
  const stats = {
    timestamp: nowText(context),
    total_decisions: totals?.decisions ?? 0,
    by_algorithm: totals?.byAlgorithm ?? {},
    by_region: byRegion,
    by_backend: Object.fromEntries(answersByBackend(serving.pools, rates.servers)),
    by_outcome: totals?.byOutcome ?? {},
    geo_routing_hits: totals?.byAlgorithm['geolocation'] ?? 0,
    failover_events: failedOver(serving.pools, rates.servers),
    avg_decision_time_us: rates.responseTimes().avg_ms * 1_000,
  }
  return json(200, { stats })
}

async function configuredRegions(context: Context): Promise<Result<readonly string[], HttpAnswer>> {
  const reply = await ask(context, 'api.list-backends', {})
  return reply.ok ? ok(reply.value.regions) : fail(reply.error)
}
