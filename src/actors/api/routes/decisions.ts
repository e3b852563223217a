/**
 * What was answered: sampled decisions, newest first, and where the traffic goes.
 */
import { isRemade } from '../../../core/replay/execute.ts'
import { z } from 'zod'
import { limits } from '../../../core/base/limits.ts'
import { outcomes } from '../../../core/dns/outcomes.ts'
import { formatAddress } from '../../../core/net/address.ts'
import { type Context, nowText, pageOf } from '../context.ts'
import type { Kept, Remade } from '../decisions.ts'
import { type HttpAnswer, json, timestamp } from '../http.ts'
import { regionOfClient, UNKNOWN_REGION } from '../origins.ts'
import { type Call, type Route, route } from '../router.ts'

const decisionSchema = z.object({
  id: z.string(),
  timestamp: z.string(),
  domain: z.string(),
  client_ip: z.string(),
  client_region: z.string(),
  algorithm: z.string(),
  selected_server: z.string(),
  selected_region: z.string(),
  decision_time_us: z.number(),
  outcome: z.string(),
  query_type: z.string(),
  transport: z.enum(['udp', 'tcp']),
  turn: z.number().optional(),
  epoch: z.number(),
  version: z.number(),
  stands_for: z.number(),
  verified: z.boolean().optional(),
})

const flowSchema = z.object({
  source_region: z.string(),
  destination_region: z.string(),
  request_count: z.number(),
  bytes_transferred: z.number(),
  avg_latency_ms: z.number(),
  error_rate: z.number(),
  timestamp: z.string(),
})

const page = { limit: z.string().optional(), offset: z.string().optional() }

export function decisionRoutes(context: Context): Route[] {
  return [
    route(
      'GET',
      '/api/v1/routing/decisions',
      'Sampled answers, newest first, each made again and checked',
      (call) => listDecisions(context, call),
      {
        schema: {
          tag: 'routing',
          query: {
            ...page,
            domain: z.string().optional(),
            client_ip: z.string().optional(),
            outcome: z.string().optional(),
          },
          answers: {
            200: z.object({
              decisions: z.array(decisionSchema),
              total: z.number(),
              limit: z.number(),
              offset: z.number(),
              generated_at: z.string(),
            }),
          },
        },
      },
    ),
    route(
      'GET',
      '/api/v1/routing/flows',
      'Where sampled traffic goes, by region',
      (call) => listFlows(context, call),
      {
        schema: {
          tag: 'routing',
          query: {
            source_region: z.string().optional(),
            dest_region: z.string().optional(),
          },
          answers: {
            200: z.object({
              flows: z.array(flowSchema),
              total: z.number(),
              generated_at: z.string(),
            }),
          },
        },
      },
    ),
  ]
}

const PAGE_DEFAULT = '100'

function listDecisions(context: Context, { query }: Call): HttpAnswer {
  const [domain, client, outcome] = [
    query.get('domain')?.toLowerCase(),
    query.get('client_ip'),
    query.get('outcome'),
  ]
  const found = context.decisions.all
    .filter(
      ({ name, sample }) =>
        (!domain || name === domain) &&
        (!client || formatAddress(sample.client) === client) &&
        (!outcome || outcomes[sample.outcome] === outcome),
    )
    .reverse()
  const asked = new URLSearchParams(query)
  if (!asked.has('limit')) asked.set('limit', PAGE_DEFAULT)
  const shown = pageOf(found, asked)
  if (!shown.ok) return shown.error
  return json(200, {
    decisions: shown.value.map((kept) => {
      const remade = context.decisions.remake(kept)
      return decisionOf(kept, remade, clientRegion(context, kept, remade))
    }),
    total: found.length,
    limit: Number(asked.get('limit')),
    offset: Number(asked.get('offset') ?? 0),
    generated_at: nowText(context),
  })
}

/** Where the client was that the answer was for, by the map it was chosen with. */
const clientRegion = ({ epochs }: Context, { sample }: Kept, remade: Remade | undefined) =>
  regionOfClient(epochs.geoOf(sample.epoch), remade?.client ?? sample.client)

function decisionOf(
  { id, sample, name, type }: Kept,
  remade: Remade | undefined,
  region = UNKNOWN_REGION,
) {
  const again = remade?.rerun
  return {
    id: String(id),
    timestamp: timestamp(sample.atMs),
    domain: name,
    client_ip: formatAddress(sample.client),
    client_region: region,
    algorithm: remade?.pool?.policy ?? '',
    selected_server: remade?.chosen?.key ?? '',
    selected_region: remade?.chosen?.region ?? '',
    decision_time_us: Math.round(sample.tookNs / 1_000),
    outcome: outcomes[sample.outcome] ?? 'unknown',
    query_type: type,
    transport: sample.transport,
    turn: sample.steered ? sample.turn : undefined,
    epoch: sample.epoch,
    version: sample.version,
    stands_for: sample.standsFor,
    verified: again === undefined || !isRemade(again) ? undefined : again.code === 'same',
  }
}

interface FlowSum {
  readonly source: string
  readonly destination: string
  count: number
  bytes: number
  tookNs: number
  samples: number
  errors: number
}

const FAILED = new Set(['not-ready', 'all-down', 'does-not-fit', 'not-signed'])

function listFlows(context: Context, { query }: Call): HttpAnswer {
  const sums = new Map<string, FlowSum>()
  for (const kept of context.decisions.all.slice(-limits.planSamples.default)) {
    const remade = context.decisions.remake(kept)
    const { sample } = kept
    if (remade?.pool === undefined || outcomes[sample.outcome] === 'chaos') continue
    const source = clientRegion(context, kept, remade)
    const destination = remade.chosen?.region ?? 'none'
    const key = JSON.stringify([source, destination])
    const none = { count: 0, bytes: 0, tookNs: 0, samples: 0, errors: 0 }
    const sum = sums.get(key) ?? { source, destination, ...none }
    sums.set(key, sum)
    sum.count += sample.standsFor
    sum.bytes += sample.answerBytes * sample.standsFor
    sum.tookNs += sample.tookNs
    sum.samples++
    if (FAILED.has(outcomes[sample.outcome] ?? '')) sum.errors += sample.standsFor
  }
  const [source, wanted] = [query.get('source_region'), query.get('dest_region')]
  const flows = [...sums.values()]
    .filter((sum) => !wanted || sum.destination === wanted)
    .filter((sum) => !source || sum.source === source)
    .map((sum) => ({
      source_region: sum.source,
      destination_region: sum.destination,
      request_count: sum.count,
      bytes_transferred: sum.bytes,
      avg_latency_ms: sum.tookNs / sum.samples / 1e6,
      error_rate: sum.errors / sum.count,
      timestamp: nowText(context),
    }))
  return json(200, { flows, total: flows.length, generated_at: nowText(context) })
}

/** Tells the live feed of new samples. */
export function tellDecisions({ feed, decisions }: Context, added: readonly Kept[]): void {
  for (const kept of added) {
    const {
      timestamp: _,
      client_region: __,
      turn,
      verified,
      ...decision
    } = decisionOf(kept, decisions.remake(kept))
    const data = {
      ...decision,
      ...(turn === undefined ? {} : { turn }),
      ...(verified === undefined ? {} : { verified }),
    }
    const labels = { service: decision.domain, region: decision.selected_region }
    feed.volatile('decision', 'sampled', data, labels)
  }
}
