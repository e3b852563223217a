/**
 * What the loss of servers would do: the pools decided again with those servers dead.
 *
 * Turns are counted through for each name and family, so shares are those of the policy and not of
 * chance; recorded queries only say how much is asked of each, and from where for names whose
 * answer depends on the client. Resolvers cache an answer for its
 * TTL, and what is cached runs out evenly over it: once the servers are out of the answers, the
 * part of clients still sent to them falls in a straight line to nothing.
 */
import type { GeoParts } from '../geo/parts.ts'
import type { Family } from '../net/address.ts'
import { ClientMap } from '../net/client-map.ts'
import { decide } from '../steer/decide.ts'
import type { ServingPool } from '../steer/snapshot.ts'
import { isServing } from '../steer/view.ts'
import { limits } from '../base/limits.ts'
import { poolsOf } from '../steer/pools.ts'
import { DEAD, DEAD_LAST } from './next.ts'

/** Turns counted through; a share is told to a part in so many. */
const TURNS = 1_000
/** Where a name is asked from many places: turns for each place, and the places that count. */
const TURNS_OF_PLACE = 100
const PLACES_MAX = 256

/** Queries a second by family of the addresses asked for. */
export interface Asked {
  readonly 4: number
  readonly 6: number
}

export interface AskedFrom extends Asked {
  /** Of a client, 4 or 16 bytes. */
  readonly client: Uint8Array
}

export interface PoolDemand extends Asked {
  /** From where; wanted of names whose answer depends on that. */
  readonly clients?: readonly AskedFrom[]
}

/** How much is asked, by pool name. */
export type Demand = ReadonlyMap<string, PoolDemand>

export interface Rehearsal {
  readonly killed: readonly string[]
  readonly services: readonly ServiceLoss[]
  readonly load: readonly ServerLoad[]
  /** Share of all queries that led to a killed server. */
  readonly movedShare: number
  /** Milliseconds until no cache leads to a killed server any more. */
  readonly convergedMs: number
  /** Share of all clients still sent to a killed server, by time. */
  readonly timeline: readonly { readonly atMs: number; readonly stillSent: number }[]
}

export interface ServiceLoss {
  readonly service: string
  readonly ttlSeconds: number
  /** Share of its answers that led to a killed server. */
  readonly movedShare: number
  readonly halfMs: number
  readonly convergedMs: number
  /** What it answers afterwards. */
  readonly after: 'answer' | 'no-data' | 'all-down'
}

export interface ServerLoad {
  readonly server: string
  readonly region: string
  readonly killed: boolean
  /** Share of the first places in the answers of its name, 0-1. */
  readonly before: number
  readonly after: number
  /** Queries a second that lead to it, where samples tell how many there are. */
  readonly queriesBefore?: number
  readonly queriesAfter?: number
}

interface Shares {
  readonly by: Float64Array
  readonly outcome: 'answer' | 'no-data' | 'all-down'
}

/** Someone of a place, and the share of the questions that comes from there. */
interface Place {
  readonly client: Uint8Array
  readonly share: number
}

/** Clients of one class get one answer, so one of each class is asked for. */
function placesOf(
  clients: readonly AskedFrom[] | undefined,
  family: Family,
  geo: GeoParts | undefined,
): readonly Place[] {
  const anywhere = [{ client: new Uint8Array(family === 6 ? 16 : 4), share: 1 }]
  if (geo === undefined || clients === undefined) return anywhere
  const map = new ClientMap(geo.map)
  const places = new Map<number, { client: Uint8Array; share: number }>()
  for (const one of clients) {
    const place = map.classOf(one.client.length === 16 ? 6 : 4, one.client)
    const held = places.get(place) ?? { client: one.client, share: 0 }
    held.share += one[family]
    places.set(place, held)
  }
  const largest = [...places.values()]
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, PLACES_MAX)
  const total = largest.reduce((sum, { share }) => sum + share, 0)
  if (total === 0) return anywhere
  return largest.map(({ client, share }) => ({ client, share: share / total }))
}

const outcomeOf = (count: number): Shares['outcome'] =>
  count > 0 ? 'answer' : count === 0 ? 'no-data' : 'all-down'

/** The share of first places of each candidate over so many turns, from each place. */
function sharesOf(
  spec: ServingPool,
  words: readonly number[],
  family: Family,
  places: readonly Place[],
  geo: GeoParts | undefined,
): Shares {
  // By weight, clients that keep to a server fall to it as often as turns do.
  const { sticky: _, ...turning } = spec
  const pools = poolsOf([turning], [words], geo)
  const by = new Float64Array(spec.members.length + spec.fallback.length)
  const out = new Int32Array(limits.answersMax.max)
  const turns = places.length === 1 ? TURNS : TURNS_OF_PLACE
  let outcome: Shares['outcome'] = 'answer'
  for (const { client, share } of places) {
    const question = { family, turn: 0, client }
    let count = 0
    for (let turn = 0; turn < turns; turn++) {
      question.turn = turn
      count = decide(pools, 0, question, out)
      if (count <= 0) break
      by[out[0]!]! += share / turns
    }
    // Whoever gets nothing any more is told of, also where others still get an answer.
    if (count <= 0) outcome = outcomeOf(count)
  }
  return { by, outcome }
}

/** How the two families of a pool weigh: as they were asked, or by which it has. */
function familiesOf(spec: ServingPool, asked: { 4: number; 6: number } | undefined) {
  const total = (asked?.[4] ?? 0) + (asked?.[6] ?? 0)
  if (asked !== undefined && total > 0)
    return [[4, asked[4] / total] as const, [6, asked[6] / total] as const]
  const has6 = spec.members.some(({ address }) => address.includes(':'))
  const has4 = spec.members.some(({ address }) => !address.includes(':'))
  const families = [...(has4 ? [4 as const] : []), ...(has6 ? [6 as const] : [])]
  return families.map((family) => [family, 1 / families.length] as const)
}

/** The words once the killed are found dead; where nobody is left, they were the last to serve. */
function wordsAfter(
  spec: ServingPool,
  words: readonly number[],
  isKilled: (member: ServingPool['members'][number]) => boolean,
): readonly number[] {
  const groupOf = ({ address, region }: ServingPool['members'][number]) =>
    `${address.includes(':') ? 6 : 4} ${spec.geofence === 'strict' ? region : ''}`
  const serves = ({ weight }: { weight: number }, at: number) => isServing(words[at]!) && weight > 0
  const left = new Set(
    spec.members.filter((one, at) => serves(one, at) && !isKilled(one)).map(groupOf),
  )
  return spec.members.map((one, at) => {
    if (!isKilled(one)) return words[at]!
    return serves(one, at) && !left.has(groupOf(one)) ? DEAD_LAST : DEAD
  })
}

interface PoolLoss {
  readonly loss: ServiceLoss
  readonly load: readonly ServerLoad[]
  readonly queries: number
}

function poolLoss(
  spec: ServingPool,
  words: readonly number[],
  isKilled: (member: ServingPool['members'][number]) => boolean,
  { demand, detectionMs, geo }: Pick<RehearsalAsked, 'demand' | 'detectionMs' | 'geo'>,
): PoolLoss {
  const asked = demand.get(spec.name)
  const dead = wordsAfter(spec, words, isKilled)
  const before = new Float64Array(spec.members.length + spec.fallback.length)
  const after = before.slice()
  let outcome: ServiceLoss['after'] = 'answer'
  for (const [family, weight] of familiesOf(spec, asked)) {
    const places = placesOf(asked?.clients, family, geo)
    const was = sharesOf(spec, words, family, places, geo)
    const is = sharesOf(spec, dead, family, places, geo)
    for (let at = 0; at < before.length; at++) {
      before[at]! += was.by[at]! * weight
      after[at]! += is.by[at]! * weight
    }
    if (weight > 0 && is.outcome !== 'answer' && was.outcome === 'answer') outcome = is.outcome
  }
  const queries = (asked?.[4] ?? 0) + (asked?.[6] ?? 0)
  const load = spec.members.map((member, at) => ({
    server: member.key,
    region: member.region,
    killed: isKilled(member),
    before: before[at]!,
    after: after[at]!,
    ...(queries === 0
      ? {}
      : { queriesBefore: queries * before[at]!, queriesAfter: queries * after[at]! }),
  }))
  const movedShare = load.reduce((sum, one) => sum + (one.killed ? one.before : 0), 0)
  const ttlMs = movedShare === 0 ? 0 : spec.ttlSeconds * 1_000
  const fromMs = movedShare === 0 ? 0 : detectionMs
  return {
    queries,
    load,
    loss: {
      service: spec.name,
      ttlSeconds: spec.ttlSeconds,
      movedShare,
      halfMs: fromMs + ttlMs / 2,
      convergedMs: fromMs + ttlMs,
      after: outcome,
    },
  }
}

/** Part of a service's clients still sent to killed servers at a time after their loss. */
function stillSent({ movedShare, ttlSeconds }: ServiceLoss, detectionMs: number, atMs: number) {
  if (atMs <= detectionMs) return movedShare
  const gone = ttlSeconds === 0 ? 1 : (atMs - detectionMs) / (ttlSeconds * 1_000)
  return movedShare * Math.max(0, 1 - gone)
}

export interface RehearsalAsked {
  readonly pools: readonly ServingPool[]
  readonly words: readonly (readonly number[])[]
  readonly isKilled: (member: ServingPool['members'][number]) => boolean
  readonly demand: Demand
  /** How long until the servers are out of the answers. */
  readonly detectionMs: number
  /** Where clients are; without it nobody is anywhere. */
  readonly geo?: GeoParts | undefined
}

export function rehearse(asked: RehearsalAsked): Rehearsal {
  const { pools, words, isKilled, detectionMs } = asked
  const all = pools
    .map((spec, at) => ({ spec, words: words[at]! }))
    .filter(({ spec }) => spec.members.some(isKilled))
    .map((one) => poolLoss(one.spec, one.words, isKilled, asked))
  // Where nothing was recorded, every name counts alike.
  const known = all.some(({ queries }) => queries > 0)
  const weightOf = ({ queries }: PoolLoss) => (known ? queries : 1)
  const total = all.reduce((sum, one) => sum + weightOf(one), 0)
  const mean = (of: (loss: ServiceLoss) => number) =>
    total === 0 ? 0 : all.reduce((sum, one) => sum + of(one.loss) * weightOf(one), 0) / total
  const convergedMs = Math.max(0, ...all.map(({ loss }) => loss.convergedMs))
  const steps = convergedMs === 0 ? [0] : [0, 0.125, 0.25, 0.5, 0.75, 1]
  return {
    killed: [...new Set(pools.flatMap((spec) => spec.members.filter(isKilled)).map((m) => m.key))],
    services: all.map(({ loss }) => loss),
    load: all.flatMap(({ load }) => load),
    movedShare: mean((loss) => loss.movedShare),
    convergedMs,
    timeline: steps.map((step) => {
      const atMs = Math.round(step * convergedMs)
      return { atMs, stillSent: mean((loss) => stillSent(loss, detectionMs, atMs)) }
    }),
  }
}
