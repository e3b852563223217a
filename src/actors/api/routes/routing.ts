/**
 * How answers are chosen: the algorithms, and for one client and name the answer with the reasons
 * for and against each candidate, from the very function that answers queries.
 */
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { parseAddress, parsePrefix } from '../../../core/net/address.ts'
import { type Candidate, type Explanation, explain } from '../../../core/steer/explain.ts'
import type { Pool } from '../../../core/steer/pool.ts'
import { Fields, parseObject } from '../body.ts'
import { type Context, listAnswer, nowText } from '../context.ts'
import { type HttpAnswer, json, refuse } from '../http.ts'
import { type Call, type Route, route } from '../router.ts'
import { routingSchemas as schemas } from '../schemas/routing.ts'

/** `enabled` is false for what falls back to turns: nothing is known of the client yet. */
const ALGORITHMS = [
  ['round-robin', 'Round Robin', 'Each healthy backend in turn', true],
  ['weighted', 'Weighted', 'Turns in proportion to the weights; weight 0 takes none', true],
  ['failover', 'Failover', 'The first healthy backend in the order of the configuration', true],
  ['geolocation', 'Geolocation', "Backends of the region of the client's address", true],
  ['latency', 'Latency', 'The backend that answers health checks fastest', false],
  ['learned_latency', 'Learned Latency', "The backend fastest for the client's network", false],
] as const

const algorithms = ALGORITHMS.map(([id, name, description, enabled]) => ({
  id,
  name,
  description,
  type: id,
  enabled,
  default: id === 'round-robin',
}))

export function routingRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      '/api/v1/routing/algorithms',
      'Every routing algorithm',
      ({ query }) => listAnswer(context, query, 'algorithms', algorithms),
      { schema: schemas.algorithms },
    ),
    route(
      'GET',
      '/api/v1/routing/algorithms/{id}',
      'One routing algorithm',
      ({ params }) => {
        const algorithm = algorithms.find(({ id }) => id === params['id'])
        return algorithm === undefined
          ? refuse(404, 'algorithm not found')
          : json(200, { algorithm })
      },
      { schema: schemas.algorithm },
    ),
    route(
      'POST',
      '/api/v1/routing/test',
      'What a client would be answered, and why',
      (call) => testRouting(context, call),
      { changes: false, schema: schemas.test },
    ),
  ]
}

interface TestQuestion {
  readonly domain: string
  readonly clientIp: string
  readonly client: Uint8Array
  readonly family: 4 | 6
  readonly queryType: string
  readonly turn: number
}

function testRouting(context: Context, { request }: Call): HttpAnswer {
  const question = readQuestion(request.body)
  if (!question.ok) return refuse(400, question.error)
  const { domain, family, client, turn } = question.value
  const pool = context.serving.poolFor(domain)
  if (pool === undefined) return refuse(404, `domain not found: "${domain}" is not steered here`)
  const startMs = context.ctx.clock.monotonicMs()
  const why = explain(pool, { family, turn, client })
  const tookUs = Math.round((context.ctx.clock.monotonicMs() - startMs) * 1_000)
  return json(200, {
    result: {
      ...resultOf(question.value, pool, why),
      decision_time_us: tookUs,
      timestamp: nowText(context),
    },
  })
}

const FAMILY_OF: Readonly<Record<string, 4 | 6>> = { A: 4, AAAA: 6 }

/** A count of turns is 32 bits wide. */
const TURN_MAX = 0xffff_ffff

function readQuestion(body: Uint8Array): Result<TestQuestion, string> {
  const object = parseObject(body)
  if (!object.ok) return object
  const fields = new Fields(object.value)
  const domain = fields.requiredText('domain').toLowerCase().replace(/\.$/, '')
  const clientText = fields.text('client_ip')
  const queryType = (fields.text('query_type') || 'A').toUpperCase()
  const turn = fields.number('turn', 0, TURN_MAX) ?? 0
  const edns = new Fields(fields.object('edns') ?? {})
  const subnet = edns.text('client_subnet')
  const fault = fields.fault ?? edns.fault
  if (fault !== undefined) return fail(fault)
  const family = FAMILY_OF[queryType]
  if (family === undefined) return fail('query_type must be A or AAAA')
  if (!Number.isInteger(turn)) return fail('turn must be a whole number')
  // What a resolver passes on of its client speaks for the client (RFC 7871 section 7.2.1).
  const given = subnet || clientText || '127.0.0.1'
  const network = parsePrefix(given)
  if (!network.ok) return fail(`${subnet ? 'edns.client_subnet' : 'client_ip'}: ${network.error}`)
  if (!subnet && clientText && !parseAddress(clientText).ok)
    return fail(`client_ip: "${clientText}" is not an IP address`)
  const client = network.value.address.bytes
  return ok({ domain, clientIp: given, client, family, queryType, turn })
}

function resultOf(question: TestQuestion, pool: Pool, why: Explanation) {
  const ranked = why.candidates
    .filter((candidate) => candidate.chosen)
    .sort((one, two) => one.rank! - two.rank!)
  const [first, ...rest] = ranked
  // Backends that could have been chosen at another turn, after those that were.
  const waiting = why.candidates.filter(({ chosen, word }) => !chosen && word.serving)
  return {
    domain: question.domain,
    client_ip: question.clientIp,
    query_type: question.queryType,
    algorithm: why.policy,
    selected_backend: first === undefined ? undefined : backendOf(first),
    alternatives: [...rest, ...waiting].map(backendOf),
    factors: [{ name: 'turn', type: why.policy, value: String(why.turn), weight: 1, impact: 1 }],
    decision: decisionOf(why),
    answers: why.chosen,
    policy_steps: why.policySteps,
    geography: why.geography,
    when_all_down: why.fallback,
    turn: why.turn,
    ttl: pool.spec.ttlSeconds,
    candidates: why.candidates.map(candidateOf),
  }
}

/** `selected`, or why nothing healthy was. */
function decisionOf({ outcome, fallback }: Explanation): string {
  if (outcome === 'nodata' && fallback === undefined) return 'no_address_of_this_family'
  return fallback === undefined && outcome === 'answer' ? 'selected' : 'no_healthy_backend'
}

function backendOf(candidate: Candidate) {
  const { address, port, region, weight, word, rank } = candidate
  return {
    address,
    port,
    region,
    weight,
    priority: rank ?? 0,
    healthy: word.status === 'healthy',
    score: word.share / 1_000,
  }
}

function candidateOf(candidate: Candidate) {
  const { word, family, key, chosen, rank, reason } = candidate
  return {
    id: key,
    ...backendOf(candidate),
    family,
    chosen,
    rank,
    reason,
    status: word.status,
    cause: word.cause,
    serving: word.serving,
    held_down: word.heldDown || undefined,
    guarded: word.guarded || undefined,
  }
}
