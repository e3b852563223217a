/**
 * Why a client gets an answer, now or at a past moment: every server of the name with the reason
 * for or against it, and the answer itself, made by the code that answers queries.
 *
 * Where the question was sampled, that very answer is explained and its bytes are compared with
 * those that were sent; `verified` says whether they are the same.
 */
import { z } from 'zod'
import { fail, ok, type Result } from '../../../core/base/result.ts'
import { textFiles } from '../../../core/config/files.ts'
import { loadConfig } from '../../../core/config/load.ts'
import { typeNumber } from '../../../core/dns/types.ts'
import { formatAddress, parsePrefix } from '../../../core/net/address.ts'
import { hexOf, messageLines } from '../../../core/replay/decode.ts'
import { type AnswerSettings, asked, Execution, isRemade } from '../../../core/replay/execute.ts'
import type { PastServing } from '../../../core/replay/history.ts'
import { geoUnder, partsOf } from '../../../core/replay/next.ts'
import { type Candidate, type Explanation, explain } from '../../../core/steer/explain.ts'
import { Pool } from '../../../core/steer/pool.ts'
import type { LearnedSteps } from '../../../core/steer/route-steps.ts'
import { ask, type Context, nowText } from '../context.ts'
import { type Kept, plainName } from '../decisions.ts'
import { type HttpAnswer, json, refuse, timestamp, timestampOf } from '../http.ts'
import { encodeQuestion } from '../question.ts'
import { type Call, type Route, route } from '../router.ts'
import { geographySchema, learnedSchema, policyStepSchema } from '../schemas/geo.ts'
import { poolNamed } from '../serving.ts'

const text = z.string()
const candidateSchema = z.object({
  id: text,
  address: text,
  port: z.number(),
  region: text,
  weight: z.number(),
  family: z.union([z.literal(4), z.literal(6)]),
  chosen: z.boolean(),
  rank: z.number().optional(),
  reason: text,
  status: text,
  cause: text,
  serving: z.boolean(),
  share: z.number(),
  held_down: z.boolean().optional(),
  guarded: z.boolean().optional(),
})

const explanationSchema = z.object({
  name: text,
  type: text,
  client: text,
  at: text,
  source: z.enum(['recorded', 'asked', 'past']),
  epoch: z.number(),
  version: z.number(),
  turn: z.number(),
  steered: z.boolean(),
  outcome: text,
  policy: text.optional(),
  ttl: z.number().optional(),
  when_all_down: text.optional(),
  answers: z.array(text),
  policy_steps: z.array(policyStepSchema).optional(),
  geography: geographySchema.optional(),
  learned: learnedSchema.optional(),
  candidates: z.array(candidateSchema),
  wire: z.object({ hex: text, text: z.array(text) }).optional(),
  verified: z.boolean().optional(),
  unknown: text.optional(),
  generated_at: text,
})

export function whyRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      '/api/v1/explain',
      'Why a client gets an answer, now or at a past moment',
      (call) => explainAnswer(context, call),
      {
        schema: {
          tag: 'explain',
          query: {
            name: text,
            client: text.optional(),
            type: text.optional(),
            turn: text.optional(),
            at: text.optional(),
          },
          answers: { 200: explanationSchema },
        },
      },
    ),
  ]
}

interface Wanted {
  readonly name: string
  readonly type: string
  readonly typeNumber: number
  readonly client: Uint8Array | undefined
  readonly turn: number | undefined
  readonly atMs: number | undefined
  readonly query: Uint8Array
}

const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const TURN_MAX = 0xffff_ffff

function readWanted(query: URLSearchParams): Result<Wanted, string> {
  const name = plainName(query.get('name') ?? '')
  const type = (query.get('type') || 'A').toUpperCase()
  const number = typeNumber(type)
  if (number === undefined) return fail(`type: "${type}" is not a type`)
  const bytes = encodeQuestion(0, name, number)
  if (!query.has('name') || bytes === undefined) return fail('name: give a domain name')
  const network = query.get('client')
  const client = network ? parsePrefix(network) : undefined
  if (client?.ok === false) return fail(`client: ${client.error}`)
  const turnText = query.get('turn')
  const turn = turnText ? Number(turnText) : undefined
  if (turn !== undefined && !(Number.isInteger(turn) && turn >= 0 && turn <= TURN_MAX))
    return fail('turn must be a whole number of 32 bits')
  const at = query.get('at')
  const atMs = at ? momentOf(at) : undefined
  if (at && atMs === undefined)
    return fail('at: give a time as 2026-01-31T12:00:00Z or Unix milliseconds')
  const address = client?.value.address.bytes
  return ok({ name, type, typeNumber: number, client: address, turn, atMs, query: bytes })
}

/** Unix milliseconds of such a text; undefined when it is no time. */
export function momentOf(text: string): number | undefined {
  const atMs = /^[0-9]{1,15}$/.test(text) ? Number(text) : Date.parse(text)
  return Number.isFinite(atMs) && atMs >= 0 ? atMs : undefined
}

async function explainAnswer(context: Context, { query }: Call): Promise<HttpAnswer> {
  const wanted = readWanted(query)
  if (!wanted.ok) return refuse(400, wanted.error)
  const { atMs, turn, name, type, client } = wanted.value
  if (atMs !== undefined) return explainPast(context, wanted.value, atMs)
  const kept = turn === undefined ? context.decisions.find(name, type, client) : undefined
  const told = kept === undefined ? undefined : explainKept(context, kept)
  return told ?? (await explainNow(context, wanted.value))
}

interface Told {
  readonly pool: Pool | undefined
  readonly why: Explanation | undefined
  readonly wire: Uint8Array | undefined
}

/** The fields that every explanation has. */
function told({ pool, why, wire }: Told) {
  return {
    steered: why !== undefined,
    outcome: why?.outcome ?? 'not-steered',
    policy: why?.policy,
    ttl: pool?.spec.ttlSeconds,
    when_all_down: why?.fallback,
    answers: why?.chosen ?? [],
    learned: why?.learned,
    policy_steps: why?.policySteps,
    geography: why?.geography,
    candidates: why?.candidates.map(candidateOf) ?? [],
    wire: wire === undefined ? undefined : { hex: hexOf(wire), text: messageLines(wire) },
  }
}

function candidateOf({ key, word, family, chosen, rank, reason, ...candidate }: Candidate) {
  const { address, port, region, weight } = candidate
  return {
    ...{ id: key, address, port, region, weight, family, chosen, rank, reason },
    status: word.status,
    cause: word.cause,
    serving: word.serving,
    share: word.share / 1_000,
    held_down: word.heldDown || undefined,
    guarded: word.guarded || undefined,
  }
}

const familyOf = (type: string): 4 | 6 | undefined =>
  type === 'A' ? 4 : type === 'AAAA' ? 6 : undefined

/** The very answer that was sent. */
function explainKept(context: Context, kept: Kept): HttpAnswer | undefined {
  const remade = context.decisions.remake(kept)
  if (remade === undefined || !isRemade(remade.rerun)) return undefined
  const { sample, name, type } = kept
  const family = familyOf(type)
  // A pool too large to carry its words was made again with those of now, which are the same.
  const words = sample.words ?? context.serving.pools[sample.pool]?.words
  const pool =
    remade.pool !== undefined && words !== undefined
      ? new Pool(
          remade.pool,
          [...words],
          context.epochs.geoOf(sample.epoch),
          context.learned.of(sample.routes),
        )
      : undefined
  const { turn } = sample
  // What the query said of its client, where that was believed.
  const { client } = remade
  const why =
    pool === undefined || family === undefined ? undefined : explain(pool, { family, turn, client })
  return json(200, {
    ...{ name, type, client: formatAddress(client), at: timestamp(sample.atMs) },
    source: 'recorded',
    ...{ epoch: sample.epoch, version: sample.version, turn },
    ...told({ pool, why, wire: remade.rerun.answer }),
    verified: remade.rerun.code === 'same',
    generated_at: nowText(context),
  })
}

/** Settings of those who answer, as the newest sample tells them. */
export const settingsOf = ({ decisions }: Context): AnswerSettings =>
  decisions.all.at(-1)?.settings ?? {
    udpPayloadSize: 1_232,
    nsid: '',
    versionString: '',
    tcpIdleTimeoutMs: 0,
    cookies: 'off',
  }

/** What would be answered now. */
async function explainNow(context: Context, wanted: Wanted): Promise<HttpAnswer> {
  const { serving, decisions } = context
  const { name, type, client = LOOPBACK, turn = 0, query } = wanted
  const execution = decisions.now(settingsOf(context))
  if (execution === undefined) return refuse(503, 'nothing is served yet', { 'retry-after': '1' })
  const pool = serving.poolFor(name)
  const body = decided(execution, pool, { type, client, turn, query })
  return json(200, {
    ...{ name, type, client: formatAddress(client), at: nowText(context), source: 'asked' },
    ...{ epoch: serving.epoch, version: serving.version, turn },
    ...body,
    learned: await withData(context, pool, client, body.learned),
    generated_at: nowText(context),
  })
}

/** The steps, with what was measured and expected as of now. */
async function withData(
  context: Context,
  pool: Pool | undefined,
  client: Uint8Array,
  steps: LearnedSteps | undefined,
) {
  if (pool === undefined || steps === undefined) return undefined
  const order = { service: steps.rows ?? pool.spec.name, client: formatAddress(client) }
  const reply = await ask(context, 'api.explain-latency', order)
  const view = reply.ok ? reply.value.view : undefined
  if (view === undefined) return steps
  const rounded = (ms: number) => Math.round(ms * 100) / 100
  const data = view.regions.map(({ region, expectedMs, deviationMs, measuredMs }) => ({
    region,
    expected_ms: rounded(expectedMs),
    deviation_ms: rounded(deviationMs),
    ...(measuredMs === undefined ? {} : { measured_ms: rounded(measuredMs) }),
  }))
  const behind = view.networksBehind
  return {
    ...{ ...steps, source: view.source, network: view.network, data },
    ...(behind === undefined ? {} : { networks_behind: rounded(behind) }),
  }
}

type Question = Pick<Wanted, 'type' | 'query'> & { readonly client: Uint8Array; turn: number }

/** The answer and the reasons, and whether the two agree. */
function decided(execution: Execution | undefined, pool: Pool | undefined, question: Question) {
  const { type, client, turn, query } = question
  const family = familyOf(type)
  const why =
    pool === undefined || family === undefined ? undefined : explain(pool, { family, turn, client })
  const wire = execution?.answer(asked(query, client, turn))
  const body = told({ pool, why, wire })
  if (execution === undefined || why === undefined) return body
  const { chosen, choice } = execution.last
  const answered = [...choice.subarray(0, chosen)].map((at) => formatAddress(pool!.addresses[at]!))
  return { ...body, verified: answered.join(' ') === why.chosen.join(' ') }
}

/** What would have been answered at a past moment. */
async function explainPast(context: Context, wanted: Wanted, atMs: number): Promise<HttpAnswer> {
  const reply = await ask(context, 'api.read-history', { atMs })
  if (!reply.ok) return reply.error
  const { outcome, heldFromMs, past } = reply.value
  if (outcome === 'failed') return refuse(500, 'the history could not be read')
  if (past === undefined) {
    const from = timestampOf(heldFromMs)
    return refuse(404, from ? `nothing is held before ${from}` : 'nothing is held yet')
  }
  const { name, type, client = LOOPBACK, turn = 0, query } = wanted
  const execution = executionOf(context, past)
  const geo = execution?.serving.parts.geo
  const at = poolNamed(name, (pool) => past.pools.findIndex((one) => one.name === pool))
  const routes = context.learned.at(atMs)
  const parts = routes.isKnown ? routes.parts : undefined
  if (parts !== undefined) execution?.setRoutes(parts)
  const pool = at === undefined ? undefined : new Pool(past.pools[at]!, past.words[at]!, geo, parts)
  const body = decided(execution, pool, { type, client, turn, query })
  const isUnknown = pool?.spec.policy === 'learned_latency' && !routes.isKnown
  return json(200, {
    ...{ name, type, client: formatAddress(client), at: timestamp(atMs), source: 'past' },
    ...{ epoch: past.epoch, version: past.version, turn },
    ...body,
    // The two agree, and both may differ from what was answered.
    ...(isUnknown ? { verified: undefined, unknown: ROWS_UNKNOWN } : {}),
    generated_at: nowText(context),
  })
}

const ROWS_UNKNOWN =
  'the learned latency of that moment is not held any more; this is the answer without it'

/** Tables of then: those still held, or made again from the configuration kept beside. */
function executionOf(context: Context, past: PastServing): Execution | undefined {
  const held = context.epochs.of(past.epoch)
  const same = held !== undefined && JSON.stringify(held.pools) === JSON.stringify(past.pools)
  const parts = same ? held.parts : partsOfPast(context, past)
  if (parts === undefined) return undefined
  const execution = new Execution(settingsOf(context), past.epoch, parts)
  for (const [pool, words] of past.words.entries()) execution.setWords(pool, words)
  return execution
}

function partsOfPast({ config, epochs }: Context, { configuration, pools }: PastServing) {
  if (configuration === undefined) return undefined
  const files = textFiles({ ...config().plain?.files, 'past.yaml': configuration })
  const loaded = loadConfig('past.yaml', { files, env: {} })
  if (!loaded.ok) return undefined
  const { topology, config: own } = loaded.value
  return partsOf(topology.zones, pools, 1, geoUnder(own, topology.regions, epochs.newest?.geo))
}
