/**
 * What if: another configuration, or the loss of servers, against the questions that were recorded.
 */
import { z } from 'zod'
import { limits } from '../../../core/base/limits.ts'
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { textFiles } from '../../../core/config/files.ts'
import { formatProblem, type Loaded, loadConfig } from '../../../core/config/load.ts'
import { outcomes } from '../../../core/dns/outcomes.ts'
import { SEND } from '../../../core/dns/response-rate.ts'
import type { GeoParts } from '../../../core/geo/parts.ts'
import { parseAddress, parseEndpoint } from '../../../core/net/address.ts'
import { underEdits } from '../../../core/replay/edited.ts'
import { Execution } from '../../../core/replay/execute.ts'
import {
  declaredPools,
  type Next,
  nextServing,
  geoPlanned,
  partsOf,
  wordsByKey,
} from '../../../core/replay/next.ts'
import { type Plan, planOver, type Side } from '../../../core/replay/plan.ts'
import { type Demand, type Rehearsal, rehearse } from '../../../core/replay/rehearse.ts'
import { readsPlace } from '../../../core/steer/pool-layout.ts'
import type { Topology } from '../../../core/steer/topology.ts'
import { Fields, type JsonObject, parseObject } from '../body.ts'
import { type Context, nowText } from '../context.ts'
import type { Kept } from '../decisions.ts'
import { type HttpAnswer, json, refuse } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { planShapes } from './plan-shapes.ts'
import { capsuleRoute, editsOf } from './capsule.ts'
import { settingsOf } from './why.ts'

export function planRoutes(context: Context): Route[] {
  return [
    route(
      'POST',
      '/api/v1/plan',
      'What another configuration would change for the clients there were',
      (call) => plan(context, call),
      { changes: false, schema: planShapes.plan },
    ),
    route(
      'POST',
      '/api/v1/rehearse',
      'What the loss of regions or backends would do',
      (call) => rehearseLoss(context, call),
      { changes: false, schema: planShapes.rehearse },
    ),
    capsuleRoute(context),
  ]
}

const decoder = new TextDecoder('utf-8')

/** The configuration of a body: YAML as it is, or JSON `{config, files, capacities}`. */
function readPlan({ request }: Call): Result<PlanAsked, string> {
  const isJson = (request.headers['content-type'] ?? '').includes('json')
  if (!isJson) return ok({ text: decoder.decode(request.body), files: {}, capacities: {} })
  const object = parseObject(request.body)
  if (!object.ok) return object
  const text = object.value['config']
  if (typeof text !== 'string') return fail('config must be the text of a configuration')
  const fields = new Fields(object.value)
  const files = valuesOf(fields.object('files'), z.string())
  const capacities = valuesOf(fields.object('capacities'), z.number().positive())
  if (fields.fault !== undefined) return fail(fields.fault)
  if (files === undefined) return fail('files must hold texts')
  if (capacities === undefined) return fail('capacities must hold queries a second')
  return ok({ text, files, capacities })
}

interface PlanAsked {
  readonly text: string
  readonly files: Readonly<Record<string, string>>
  /** Queries a second that a server can take, by its key. */
  readonly capacities: Readonly<Record<string, number>>
}

function valuesOf<T>(
  object: JsonObject | undefined,
  of: z.ZodType<T>,
): Record<string, T> | undefined {
  const read = z.record(z.string(), of).safeParse(object ?? {})
  return read.success ? read.data : undefined
}

async function plan(context: Context, call: Call): Promise<HttpAnswer> {
  const wanted = readPlan(call)
  if (!wanted.ok) return refuse(400, wanted.error)
  const { text, files, capacities } = wanted.value
  const own = context.config().plain
  const now = sideOfNow(context)
  if (now === undefined) return refuse(503, 'nothing is served yet', { 'retry-after': '1' })
  if (own === undefined || own.text === '')
    return refuse(409, 'the configuration in force is too large to be compared with')
  const path = 'plan.yaml'
  const load = (body: string) =>
    loadConfig(path, { files: textFiles({ ...own.files, ...files, [path]: body }), env: {} })
  const before = load(own.text)
  const after = load(text)
  if (!after.ok) {
    const problems = after.error.map(formatProblem)
    return json(422, { error: 'the configuration is not valid', code: 422, problems })
  }
  if (!before.ok) return refuse(409, 'the configuration in force needs files that are not here')
  const edits = await editsOf(context)
  if (!edits.ok) return edits.error
  const { givenWay, setAside, ...edited } = underEdits(after.value, edits.value)
  const { topology } = edited
  const was = underEdits(before.value, edits.value)
  const words = context.serving.pools.map((pool) => pool.words)
  const known = wordsByKey(now.pools, words)
  const declared = declaredPools(was.topology)
  const next = nextServing(now.pools, known, declared, declaredPools(topology))
  const questions = usable(context).map(({ sample }) => sample)
  const { geo, unseen } = geoPlanned(was, edited, context.epochs.newest?.geo)
  const found = planOver(now, sideOf(context, edited, next, geo), questions)
  return json(200, {
    ...shownPlan(found),
    vanished: vanished(now, next, was.topology, topology),
    assumed_healthy: next.assumedWell,
    ...overCapacity(found, capacities, secondsOf(usable(context))),
    edits: { given_way: givenWay, set_aside: setAside },
    warnings: [...after.value.warnings.map(formatProblem), ...unseen],
    generated_at: nowText(context),
  })
}

function sideOfNow({ serving, decisions, ...context }: Context): Side | undefined {
  const execution = decisions.now(settingsOf({ serving, decisions, ...context }))
  // The other side has no signatures, whose size must make no difference.
  execution?.signWith(undefined)
  const pools = serving.pools.map(({ spec }) => spec)
  return execution && { execution, pools }
}

function sideOf(
  context: Context,
  { topology }: Pick<Loaded, 'topology'>,
  { pools, words }: Next,
  geo: GeoParts,
): Side {
  const parts = partsOf(topology.zones, pools, 1, geo)
  const execution = new Execution(settingsOf(context), 0, parts)
  for (const [pool, row] of words.entries()) execution.setWords(pool, row)
  const { newest } = context.learned
  if (newest !== undefined) execution.setRoutes(newest)
  return { execution, pools }
}

/** Samples that say where a client went: answered, and of a name that is known now. */
const usable = ({ decisions }: Context): readonly Kept[] =>
  decisions.all
    .filter(({ sample }) => sample.fate === SEND && sample.answerBytes > 0)
    .filter(({ sample }) => outcomes[sample.outcome] !== 'chaos')
    .slice(-limits.planSamples.default)

function secondsOf(kept: readonly Kept[]): number {
  const [first, last] = [kept[0], kept.at(-1)]
  if (first === undefined || last === undefined) return 1
  return Math.max(1, (last.sample.atMs - first.sample.atMs) / 1_000)
}

/** Steered names and zones that are served now and would not be. */
function vanished(now: Side, next: Next, before: Topology, after: Topology) {
  const names = new Set(next.pools.map(({ name }) => name))
  const apexes = new Set(after.zones.map(({ apex }) => apex))
  return {
    names: now.pools.map(({ name }) => name).filter((name) => !names.has(name)),
    zones: before.zones.map(({ apex }) => apex).filter((apex) => !apexes.has(apex)),
  }
}

function shownPlan({ samples, queries, movedShare, services, flows, load }: Plan) {
  return {
    samples,
    queries,
    moved_share: movedShare,
    services: services.map(({ movedShare: share, clientsMoved, ...one }) => ({
      ...one,
      moved_share: share,
      clients_moved: clientsMoved,
    })),
    flows,
    load,
  }
}

function overCapacity(
  { load }: Plan,
  capacities: Readonly<Record<string, number>>,
  seconds: number,
) {
  if (Object.keys(capacities).length === 0) return {}
  const over = load.flatMap(({ server, after }) => {
    const capacity = Object.hasOwn(capacities, server) ? capacities[server] : undefined
    const queries = after / seconds
    return capacity === undefined || queries <= capacity
      ? []
      : [{ server, capacity, queries_per_second: queries }]
  })
  return { over_capacity: over }
}

function rehearseLoss(context: Context, { request }: Call): HttpAnswer {
  const object = parseObject(request.body)
  if (!object.ok) return refuse(400, object.error)
  const fields = new Fields(object.value)
  const regions = textsOf(object.value['regions'])
  const backends = textsOf(object.value['backends'])
  const detectionMs = fields.number('detection_ms', 0, 86_400_000) ?? 0
  if (fields.fault !== undefined) return refuse(400, fields.fault)
  if (regions === undefined || backends === undefined)
    return refuse(400, 'regions and backends must be lists of names')
  if (regions.size + backends.size === 0)
    return refuse(400, 'give regions or backends that are to be lost')
  const { pools } = context.serving
  const found = rehearse({
    pools: pools.map(({ spec }) => spec),
    words: pools.map(({ words }) => [...words]),
    isKilled: (member) =>
      regions.has(member.region) || namesOf(member).some((name) => backends.has(name)),
    demand: demandOf(context),
    detectionMs,
    geo: context.epochs.newest?.geo,
  })
  if (found.killed.length === 0) return refuse(404, 'no backend is of these regions and names')
  return json(200, { ...shownRehearsal(found), generated_at: nowText(context) })
}

/** What an operator may call a server. */
function namesOf({ key, address, port }: { key: string; address: string; port: number }) {
  const host = address.includes(':') ? `[${address}]` : address
  return [key, address, `${host}:${port}`]
}

function textsOf(value: unknown): ReadonlySet<string> | undefined {
  const read = z
    .array(z.string())
    .max(limits.apiListItems.default)
    .safeParse(value ?? [])
  if (!read.success) return undefined
  return new Set(read.data.map(canonical))
}

/** An address as it is shown everywhere, other names as they are. */
function canonical(name: string): string {
  const address = parseAddress(name)
  if (address.ok) return address.value.text
  return parseEndpoint(name).ok ? name.toLowerCase() : name
}

interface Counted {
  4: number
  6: number
}

/** Queries a second by pool and family, as samples tell them; and from where, where it matters. */
function demandOf(context: Context): Demand {
  const all = usable(context)
  const seconds = secondsOf(all)
  const demand = new Map<string, Counted & { clients?: (Counted & { client: Uint8Array })[] }>()
  for (const kept of all) {
    const { sample, type } = kept
    const pool = context.epochs.of(sample.epoch)?.pools[sample.pool]
    if (pool === undefined || !sample.steered) continue
    const held = demand.get(pool.name) ?? { 4: 0, 6: 0 }
    const family = type === 'AAAA' ? 6 : 4
    const perSecond = sample.standsFor / seconds
    held[family] += perSecond
    demand.set(pool.name, held)
    if (!readsPlace(pool)) continue
    // Of a client behind a resolver, the network that it asked for (RFC 7871).
    const client = context.decisions.remake(kept)?.client ?? sample.client
    const from = { 4: 0, 6: 0, client }
    from[family] = perSecond
    held.clients ??= []
    held.clients.push(from)
  }
  return demand
}

const shownRehearsal = (found: Rehearsal) => ({
  killed: found.killed,
  moved_share: found.movedShare,
  converged_ms: found.convergedMs,
  timeline: found.timeline.map(({ atMs, stillSent }) => ({ at_ms: atMs, still_sent: stillSent })),
  services: found.services.map((one) => ({
    service: one.service,
    ttl_seconds: one.ttlSeconds,
    moved_share: one.movedShare,
    half_ms: one.halfMs,
    converged_ms: one.convergedMs,
    after: one.after,
  })),
  load: found.load.map(({ queriesBefore, queriesAfter, ...one }) => ({
    ...one,
    queries_per_second_before: queriesBefore,
    queries_per_second_after: queriesAfter,
  })),
})
